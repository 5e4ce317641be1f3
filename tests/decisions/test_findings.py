"""The worst of the findings, and the one line that a monitoring server reads."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from night_kit import READ, look, make_records

import hlb_hooks
from hlb_hooks.base.errors import UsageError
from hlb_hooks.decisions.findings import (
    Area,
    Finding,
    Severity,
    find_worst,
    from_error,
    make_numbers,
    render_monitoring,
    sort_worst_first,
)
from hlb_hooks.decisions.phrase import phrase
from hlb_hooks.effects.records import Flag

OK, WARNING, CRITICAL, UNKNOWN = Severity


def finding(severity: Severity) -> Finding:
    return Finding(Area.HOST, severity, phrase("x"))


@pytest.mark.parametrize(
    ("severities", "worst"),
    [
        ([], OK),
        ([OK, WARNING], WARNING),
        ([WARNING, UNKNOWN], UNKNOWN),
        ([UNKNOWN, CRITICAL, WARNING], CRITICAL),
    ],
)
def test_not_to_know_is_worse_than_a_warning(severities: list[Severity], worst: Severity) -> None:
    findings = [finding(severity) for severity in severities]
    assert find_worst(findings) is worst
    assert [each.severity for each in sort_worst_first(findings)][:1] in ([], [worst])


def test_the_severities_are_the_codes_of_plug_ins() -> None:
    assert [(each.name, int(each)) for each in Severity] == [
        ("OK", 0),
        ("WARNING", 1),
        ("CRITICAL", 2),
        ("UNKNOWN", 3),
    ]


def test_an_error_keeps_its_words_and_its_remedy() -> None:
    found = from_error(Area.HOST, UsageError("a {brace}", next_step="mend it"))
    assert found.what.words == {"message": "a {brace}"}
    assert found.next_step is not None
    assert found.next_step.words == {"message": "mend it"}


def test_an_error_that_does_not_say_what_to_do_is_given_a_remedy() -> None:
    bare = UsageError("a")
    assert from_error(Area.HOST, bare).next_step == phrase("look_at_it")
    assert from_error(Area.HOST, bare, remedy=phrase("x")).next_step == phrase("x")


def test_the_line_has_the_word_first_and_the_numbers_last() -> None:
    line = render_monitoring(CRITICAL, "two\nlines | and a pipe", {"open": 2, "age_seconds": 60.0})
    assert line == "HLB CRITICAL - two\\nlines / and a pipe | open=2;;;0 age=60s;;;0"


def test_a_line_is_never_too_long_for_an_old_agent() -> None:
    line = render_monitoring(OK, "x" * 5000, {"open": 10**6})
    assert len(line) < 1024
    assert line.endswith("... | open=1000000;;;0")


def test_without_numbers_there_is_no_pipe() -> None:
    assert render_monitoring(UNKNOWN, "why", {}) == "HLB UNKNOWN - why"


def test_the_numbers_count_what_is_open_late_and_failed() -> None:
    vms = [("web", READ), ("db", (Flag.LEFT_OUT,)), ("app", (Flag.OK_SNAP,))]
    numbers = make_numbers(look(make_records(30, vms, is_ended=False), damaged=1), None)
    assert numbers == {
        "open": 1,
        "oldest_open_seconds": 30 * 3600,
        "wanted": 3,
        "late": 3,
        "failed": 1,
        "damaged": 1,
        "oldest_success_seconds": 30 * 3600,
    }


PACKAGE = Path(hlb_hooks.__file__).parent


def list_findings_made() -> Iterator[tuple[str, ast.Call]]:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding":
                yield f"{path.name}:{node.lineno}", node


def test_whatever_is_not_well_is_found_with_its_remedy() -> None:
    found = dict(list_findings_made())
    assert len(found) > 15
    without = {
        place
        for place, call in found.items()
        if len(call.args) + len(call.keywords) < 4 and "Severity.OK" not in ast.unparse(call)
    }
    assert without == set()
