"""Names of runs and snapshots: unique, sortable, and harmless to hosts and file systems."""

import re
from datetime import UTC, datetime

import pytest

from hlb_hooks.base.names import (
    JOB_NAME,
    bears_our_prefix,
    is_run_name,
    make_run_name,
    make_snapshot_name,
    moment_of_snapshot,
)

MOMENT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


def test_a_run_is_named_by_job_time_and_chance() -> None:
    name = make_run_name("gold", MOMENT)
    assert re.fullmatch(r"gold-20261122T010203Z-[0-9a-f]{8}", name)
    assert is_run_name(name)


def test_no_two_names_of_one_second_are_alike() -> None:
    assert len({make_run_name("gold", MOMENT) for _ in range(1000)}) == 1000


def test_a_snapshot_bears_our_prefix_and_no_character_that_troubles_a_host() -> None:
    name = make_snapshot_name("a_B-9", MOMENT)
    assert re.fullmatch(r"HLB-[A-Za-z0-9_-]+", name)
    assert bears_our_prefix(name)


def test_the_moment_of_a_snapshot_is_in_its_name() -> None:
    assert moment_of_snapshot(make_snapshot_name("a_B-9", MOMENT)) == MOMENT


@pytest.mark.parametrize(
    "name",
    ["", "HLB-x", make_run_name("gold", MOMENT), "HLB-gold-20261322T010203Z-0123abcd"],
)
def test_another_name_has_no_moment(name: str) -> None:
    assert moment_of_snapshot(name) is None


@pytest.mark.parametrize("name", ["", "hlb-x", "before upgrade", " HLB-x", "Consolidate Helper"])
def test_another_snapshot_does_not_bear_it(name: str) -> None:
    assert not bears_our_prefix(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dry-run",
        "gold",
        "../x-20261122T010203Z-0123abcd",
        "gold-20261122T010203Z-0123ABCD",
        "gold-20261122T010203Z-0123abcd\n",
        "gold-20261122T010203Z-0123abcd.state",
        "gold-\u0662\u0660\u0662\u0666\u0661\u0661\u0662\u0662T010203Z-0123abcd",
    ],
)
def test_what_is_no_run_s_name_is_told(text: str) -> None:
    assert not is_run_name(text)


@pytest.mark.parametrize(
    ("job", "is_one"), [("a", True), ("A-b_9" * 6, True), ("x" * 33, False), ("", False)]
)
def test_the_form_of_a_job_s_name(job: str, *, is_one: bool) -> None:
    assert (JOB_NAME.fullmatch(job) is not None) is is_one
