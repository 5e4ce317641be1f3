"""Claims that others take over, and the refreshing that keeps them from it."""

import os
import stat
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from effects_kit import RUN, read_line, running, snapshot_tree, tell

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.effects.claims import (
    Claim,
    ClaimTakenError,
    adopt_claim,
    claim_path,
    read_claim,
    refresh_claim,
    remove_claim,
    saved_vmx_path,
    take_claim,
)

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=2)
OTHER = "silver-20261122T010000Z-89abcdef"
STALE = Claim("esx\udcff=1", "boot-1", OTHER, "HLB-" + OTHER, LONG_AGO)
OURS = Claim("esx2", "boot-2", RUN, "HLB-" + OTHER, NOW)
ROUNDS, RACERS = 60, 4
KILLED = 9


@pytest.fixture
def vmx(tmp_path: Path) -> str:
    folder = tmp_path / "sql server (2)"
    folder.mkdir()
    path = folder / "sql server (2).vmx"
    path.write_bytes(b"x")
    return str(path)


def lay(vmx: str, claim: Claim) -> Path:
    take_claim(vmx, claim, b"saved", None)
    return Path(claim_path(vmx))


def names_beside(vmx: str) -> set[str]:
    return set(os.listdir(os.path.dirname(vmx)))


# ---- refreshing


@pytest.mark.parametrize("is_released", [False, True])
def test_refreshing_writes_the_time_in_place(vmx: str, *, is_released: bool) -> None:
    path = lay(vmx, STALE)
    inode, size = path.stat().st_ino, path.stat().st_size
    refresh_claim(vmx, OTHER, is_released=is_released)
    claim = read_claim(vmx)
    assert claim is not None
    assert claim.refreshed is not None
    assert timedelta() <= datetime.now(UTC) - claim.refreshed < timedelta(minutes=5)
    assert claim == replace(STALE, refreshed=claim.refreshed, is_released=is_released)
    # What another host has put there meanwhile would be another file.
    assert path.stat().st_ino == inode
    assert path.stat().st_size == size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names_beside(vmx) == {
        "sql server (2).vmx",
        "sql server (2).vmx.hlb",
        "sql server (2).hlb-claim",
    }


@pytest.mark.parametrize("is_released", [False, True])
@pytest.mark.parametrize(
    ("claim", "run"),
    [
        (STALE, RUN),
        (STALE, OTHER[:-1]),
        (STALE, ""),
        # Whoever has the VM may be taking it over this very moment.
        (replace(STALE, is_released=True), OTHER),
    ],
)
def test_another_s_claim_and_one_that_was_released_are_left_as_they_are(
    vmx: str, claim: Claim, run: str, *, is_released: bool
) -> None:
    lay(vmx, claim)
    before = snapshot_tree(Path(vmx).parent)
    refresh_claim(vmx, run, is_released=is_released)
    assert snapshot_tree(Path(vmx).parent) == before
    assert read_claim(vmx) == claim


@pytest.mark.parametrize("content", [b"", b"host=esx1\nboot_id=b", b"\xff" * 20, b"a\n"])
def test_a_claim_that_is_just_being_written_is_left_as_it_is(vmx: str, content: bytes) -> None:
    Path(claim_path(vmx)).write_bytes(content)
    refresh_claim(vmx, OTHER, is_released=False)
    assert Path(claim_path(vmx)).read_bytes() == content


def test_no_claim_is_made_by_refreshing(vmx: str) -> None:
    refresh_claim(vmx, OTHER, is_released=False)
    assert names_beside(vmx) == {"sql server (2).vmx"}


def test_a_claim_that_is_no_file_is_an_error_naming_it(vmx: str) -> None:
    os.mkfifo(claim_path(vmx))
    with pytest.raises(VmFileError) as caught:
        refresh_claim(vmx, OTHER, is_released=False)
    assert claim_path(vmx) in caught.value.message


def test_a_claim_of_before_there_was_a_release_is_none_that_was_released(vmx: str) -> None:
    path = lay(vmx, STALE)
    path.write_bytes(path.read_bytes().replace(b"released=0\n", b""))
    assert read_claim(vmx) == STALE
    refresh_claim(vmx, OTHER, is_released=True)
    claim = read_claim(vmx)
    assert claim is not None
    assert claim.is_released


# ---- adopting


@pytest.mark.parametrize("is_released", [False, True])
def test_a_claim_is_adopted_and_the_saved_vmx_stays(vmx: str, *, is_released: bool) -> None:
    stale = replace(STALE, is_released=is_released)
    lay(vmx, stale)
    adopt_claim(vmx, OURS, stale)
    assert read_claim(vmx) == OURS
    assert Path(saved_vmx_path(vmx)).read_bytes() == b"saved"
    assert len(names_beside(vmx)) == 3


def test_whose_claim_was_adopted_cannot_refresh_or_remove_it_any_more(vmx: str) -> None:
    lay(vmx, STALE)
    adopt_claim(vmx, OURS, STALE)
    before = snapshot_tree(Path(vmx).parent)
    refresh_claim(vmx, OTHER, is_released=False)
    refresh_claim(vmx, OTHER, is_released=True)
    remove_claim(vmx, OTHER)
    assert snapshot_tree(Path(vmx).parent) == before
    remove_claim(vmx, RUN)
    assert names_beside(vmx) == {"sql server (2).vmx"}


@pytest.mark.parametrize(
    "found",
    [
        replace(STALE, refreshed=NOW),
        replace(STALE, refreshed=LONG_AGO + timedelta(seconds=1)),
        replace(STALE, run=RUN[:-1] + "0"),
        replace(STALE, is_released=True),
    ],
)
def test_a_claim_that_is_another_than_was_seen_is_put_back_as_it_was(
    vmx: str, found: Claim
) -> None:
    path = lay(vmx, found)
    inode, content = path.stat().st_ino, path.read_bytes()
    with pytest.raises(ClaimTakenError, match="another run has just claimed this VM"):
        adopt_claim(vmx, OURS, STALE)
    assert (path.stat().st_ino, path.read_bytes()) == (inode, content)
    assert len(names_beside(vmx)) == 3


def test_a_claim_that_went_meanwhile_is_no_matter(vmx: str) -> None:
    adopt_claim(vmx, OURS, STALE)
    assert read_claim(vmx) == OURS


RACER = """
import sys, time
from datetime import UTC, datetime
from hlb_hooks.effects.claims import Claim, ClaimTakenError, adopt_claim, read_claim
print("ready", flush=True)
for line in sys.stdin:
    vmx, run = line.rstrip("\\n").split("|")
    stale = read_claim(vmx)
    own = Claim("host", "boot", run, stale.snapshot, datetime.now(UTC).replace(microsecond=0))
    print("seen", flush=True)
    start = float(sys.stdin.readline())
    while time.monotonic() < start:
        pass
    try:
        adopt_claim(vmx, own, stale)
    except ClaimTakenError:
        print("taken", flush=True)
    else:
        print("mine", flush=True)
"""


def test_of_several_that_find_a_stale_claim_exactly_one_gets_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        racers = [stack.enter_context(running(RACER)) for _ in range(RACERS)]
        for number in range(ROUNDS):
            folder = tmp_path / str(number)
            folder.mkdir()
            vmx = str(folder / "a.vmx")
            lay(vmx, STALE)
            for index, racer in enumerate(racers):
                tell(racer, f"{vmx}|run-{index}")
            assert {read_line(racer) for racer in racers} == {"seen"}
            start = time.monotonic() + 0.002
            for racer in racers:
                tell(racer, str(start))
            words = [read_line(racer) for racer in racers]
            claim = read_claim(vmx)
            assert claim is not None, (number, words)
            assert words.count("mine") == 1, (number, words, claim)
            assert claim.run == f"run-{words.index('mine')}", (number, words)
            assert names_beside(vmx) == {"a.hlb-claim", "a.vmx.hlb"}, (number, words)


# ---- what a killed one leaves


def test_what_was_put_aside_goes_with_the_claim_and_nothing_else_does(vmx: str) -> None:
    path = lay(vmx, STALE)
    kept = {
        f"{path.name}.0123abc",
        f"{path.name}.0123abcde",
        f"{path.name}.0123ABCD",
        f"{path.name}.0123abcd.x",
        f"x{path.name}.0123abcd",
        "other.hlb-claim.0123abcd",
    }
    for name in {*kept, f"{path.name}.0123abcd", f"{path.name}.89abcdef"}:
        (path.parent / name).write_bytes(b"")
    remove_claim(vmx, RUN)
    assert len(names_beside(vmx)) == 3 + len(kept) + 2
    remove_claim(vmx, OTHER)
    assert names_beside(vmx) == {"sql server (2).vmx"} | kept


CHANGES = ("open", "write", "fsync", "rename", "replace", "unlink")


def adopt_and_die(vmx: str, step: int) -> bool:
    """Adopt in a process that is killed before its ``step``-th change; False: it came through."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED
    left = iter(range(step - 1, -1, -1))

    def die_in_time(real: Callable[..., object]) -> Callable[..., object]:
        return lambda *words, **options: real(*words, **options) if next(left) else os._exit(KILLED)

    for name in CHANGES:
        setattr(os, name, die_in_time(getattr(os, name)))
    try:
        adopt_claim(vmx, OURS, STALE)
    finally:
        os._exit(0)


def test_whoever_is_killed_while_adopting_keeps_nobody_away(tmp_path: Path) -> None:
    is_killed, step = True, 0
    while is_killed:
        step += 1
        folder = tmp_path / str(step)
        folder.mkdir()
        vmx = str(folder / "a.vmx")
        lay(vmx, STALE)
        is_killed = adopt_and_die(vmx, step)
        found = read_claim(vmx)
        assert found is None or found.run in {OTHER, RUN, ""}, step
        for name in names_beside(vmx):
            # Long enough for whoever lives to have finished.
            os.utime(folder / name, (0, 0))
        third = replace(OURS, run=RUN[:-1] + "3")
        # Finding out that another is dead may take the first look.
        with suppress(ClaimTakenError):
            adopt_claim(vmx, third, read_claim(vmx) or STALE)
        if read_claim(vmx) != third:
            adopt_claim(vmx, third, read_claim(vmx) or STALE)
        assert read_claim(vmx) == third, step
        remove_claim(vmx, third.run)
        assert names_beside(vmx) == set(), step
    assert step > 3
