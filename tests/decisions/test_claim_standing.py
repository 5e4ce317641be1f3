"""Whether a claim that lies beside a VM keeps another run away from it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hlb_hooks.base.config import Config
from hlb_hooks.decisions.claim_standing import STALE_AFTER, is_claim_in_force
from hlb_hooks.effects.claims import Claim
from hlb_hooks.effects.owner import LeaseOwner
from hlb_hooks.effects.records import Flag, make_record
from hlb_hooks.effects.run_story import Run

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CLAIM = Claim("esx1", "boot", "gold-1", "HLB-1", NOW)
LONG_AGO = NOW - timedelta(days=30)


def make_run(name: str, *, is_settled: bool) -> Run:
    owner = LeaseOwner(NOW, 0.0, "boot")
    run = Run(name, "gold", "esx1", "boot", NOW, owner, Config("/x"))
    run.apply(make_record(Flag.INTENT_SNAP, "/vm.vmx", snapshot="HLB-1", disks="[]"))
    if is_settled:
        run.apply(make_record(Flag.OK_UMOUNT, "/vm.vmx", snapshot="HLB-1"))
        run.apply(make_record(Flag.ENDED))
    return run


@pytest.mark.parametrize(
    ("age", "is_in_force"),
    [
        (timedelta(), True),
        (STALE_AFTER - timedelta(seconds=1), True),
        (STALE_AFTER, False),
        (timedelta(days=30), False),
        # A host whose clock is ahead.
        (-timedelta(minutes=5), True),
    ],
)
@pytest.mark.parametrize("host", ["esx1", "esx2"])
def test_a_claim_of_a_run_nobody_knows_holds_for_two_hours(
    age: timedelta, host: str, *, is_in_force: bool
) -> None:
    claim = replace(CLAIM, host=host, refreshed=NOW - age)
    others = [make_run("gold-2", is_settled=False)]
    assert is_claim_in_force(claim, host="esx1", runs=others, now=NOW) is is_in_force


@pytest.mark.parametrize("refreshed", [NOW, LONG_AGO, None])
@pytest.mark.parametrize("is_settled", [False, True])
def test_of_a_run_of_this_host_its_state_file_says_it(
    refreshed: datetime | None, *, is_settled: bool
) -> None:
    claim = replace(CLAIM, refreshed=refreshed)
    runs = [make_run("gold-0", is_settled=False), make_run("gold-1", is_settled=is_settled)]
    assert is_claim_in_force(claim, host="esx1", runs=runs, now=NOW) is not is_settled


def test_a_run_that_had_only_begun_when_it_was_read_has_claims_by_now() -> None:
    # What is known of other runs was read when this one began; they have gone on since.
    begun = Run("gold-1", "gold", "esx1", "boot", NOW, LeaseOwner(NOW, 0.0, "b"), Config("/x"))
    assert is_claim_in_force(CLAIM, host="esx1", runs=[begun], now=NOW)


def test_a_run_of_the_same_name_on_another_host_is_another_run() -> None:
    claim = replace(CLAIM, host="esx2")
    runs = [make_run("gold-1", is_settled=True)]
    assert is_claim_in_force(claim, host="esx1", runs=runs, now=NOW)


@pytest.mark.parametrize(
    ("claim", "is_in_force"),
    [
        (Claim(), True),
        (Claim(refreshed=NOW), True),
        (Claim(refreshed=LONG_AGO), False),
    ],
)
def test_a_claim_that_was_cut_short_is_respected_for_its_age(
    claim: Claim, *, is_in_force: bool
) -> None:
    assert is_claim_in_force(claim, host="esx1", runs=[], now=NOW) is is_in_force


@pytest.mark.parametrize(
    ("ahead", "is_in_force"), [(timedelta(minutes=5), True), (timedelta(days=400), False)]
)
def test_a_claim_of_the_future_is_of_a_wrong_clock_and_not_fresh_for_years(
    ahead: timedelta, *, is_in_force: bool
) -> None:
    claim = replace(CLAIM, host="esx2", refreshed=NOW + ahead)
    assert is_claim_in_force(claim, host="esx1", runs=[], now=NOW) is is_in_force


def test_a_released_claim_is_in_force_no_more() -> None:
    claim = replace(CLAIM, host="esx2", is_released=True)
    assert not is_claim_in_force(claim, host="esx1", runs=[], now=NOW)
