"""What lies beside a VM while a snapshot of ours is open: exclusive, whole, ours alone to take."""

import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from effects_kit import RUN, read_line, running, snapshot_tree, tell, wait_for

from hlb_hooks.base.errors import VmFileError
from hlb_hooks.effects.claims import (
    Claim,
    ClaimTakenError,
    claim_path,
    read_claim,
    remove_claim,
    saved_vmx_path,
    take_claim,
)

NOW = datetime(2026, 11, 22, 1, 0, 3, tzinfo=UTC)
CLAIM = Claim("esx1", "boot-1", RUN, "HLB-gold-1", NOW)
DATA = b'displayName = "x"\n\xff\x00'


@pytest.fixture
def vmx(tmp_path: Path) -> str:
    folder = tmp_path / "sql server (2)"
    folder.mkdir()
    path = folder / "sql server (2).vmx"
    path.write_bytes(DATA)
    return str(path)


def names_beside(vmx: str) -> set[str]:
    return set(os.listdir(os.path.dirname(vmx)))


def test_a_claim_is_read_back_and_the_vmx_is_kept(vmx: str) -> None:
    take_claim(vmx, CLAIM, DATA, None)
    assert read_claim(vmx) == CLAIM
    assert Path(saved_vmx_path(vmx)).read_bytes() == DATA
    assert names_beside(vmx) == {
        "sql server (2).vmx",
        "sql server (2).vmx.hlb",
        "sql server (2).hlb-claim",
    }
    for path in (claim_path(vmx), saved_vmx_path(vmx)):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.parametrize("host", ["a=b", "a b", "two\nlines", "\udcff", "é", "", "a\u2028b"])
def test_a_host_s_name_may_be_anything(vmx: str, host: str) -> None:
    take_claim(vmx, replace(CLAIM, host=host), DATA, None)
    assert read_claim(vmx) == replace(CLAIM, host=host)


def test_no_claim_is_none(vmx: str) -> None:
    assert read_claim(vmx) is None


def test_a_template_s_claim_has_its_own_name() -> None:
    assert claim_path("/a/t.vmtx") == "/a/t.hlb-claim"
    assert saved_vmx_path("/a/t.vmtx") == "/a/t.vmtx.hlb"


def test_a_claim_cut_anywhere_is_somebody_s_all_the_same(vmx: str) -> None:
    take_claim(vmx, CLAIM, DATA, None)
    whole = Path(claim_path(vmx)).read_bytes()
    for length in range(len(whole) - 1):
        Path(claim_path(vmx)).write_bytes(whole[:length])
        claim = read_claim(vmx)
        assert claim is not None
        assert claim.run == ""
        assert claim.refreshed is not None
        assert abs(datetime.now(UTC) - claim.refreshed) < timedelta(hours=1)
        with pytest.raises(ClaimTakenError):
            take_claim(vmx, CLAIM, DATA, None)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"\0" * 300, b"x" * 100_000, b"a\nb\n", b"="]
)
def test_a_claim_that_cannot_be_understood_is_somebody_s(vmx: str, content: bytes) -> None:
    Path(claim_path(vmx)).write_bytes(content)
    claim = read_claim(vmx)
    assert claim is not None
    assert claim.run == ""


def test_a_claim_that_cannot_be_read_is_an_error_naming_it(vmx: str) -> None:
    os.mkdir(claim_path(vmx))
    with pytest.raises(VmFileError, match="Is a directory") as caught:
        read_claim(vmx)
    assert "hlb-claim" in caught.value.message


def test_a_claim_that_is_a_pipe_keeps_nobody_waiting(vmx: str) -> None:
    os.mkfifo(claim_path(vmx))
    with pytest.raises(VmFileError, match="not a regular file"):
        read_claim(vmx)


def test_another_s_claim_is_never_taken(vmx: str) -> None:
    theirs = replace(CLAIM, run="silver", host="esx2")
    take_claim(vmx, theirs, b"theirs", None)
    with pytest.raises(ClaimTakenError, match="another run has just claimed this VM"):
        take_claim(vmx, CLAIM, DATA, None)
    assert read_claim(vmx) == theirs
    assert Path(saved_vmx_path(vmx)).read_bytes() == b"theirs"


TAKE = (
    "import sys\nfrom hlb_hooks.effects.claims import Claim, ClaimTakenError, take_claim\n"
    "print('ready', flush=True); sys.stdin.readline()\n"
    "try:\n    take_claim(sys.argv[1], Claim('h', 'b', sys.argv[2], 's'), b'x', None)\n"
    "    print('mine', flush=True)\n"
    "except ClaimTakenError:\n    print('taken', flush=True)\n"
    "sys.stdin.readline()\n"
)


def test_of_two_runs_one_gets_the_vm(vmx: str) -> None:
    for number in range(5):
        with running(TAKE, vmx, "a") as first, running(TAKE, vmx, "b") as second:
            tell(first)
            tell(second)
            words = {read_line(first): "a", read_line(second): "b"}
        assert set(words) == {"mine", "taken"}, number
        claim = read_claim(vmx)
        assert claim is not None
        assert claim.run == words["mine"]
        remove_claim(vmx, claim.run)


def test_a_stale_claim_is_replaced(vmx: str) -> None:
    stale = replace(CLAIM, run="silver", refreshed=NOW - timedelta(days=2))
    take_claim(vmx, stale, b"old", None)
    take_claim(vmx, CLAIM, DATA, read_claim(vmx))
    assert read_claim(vmx) == CLAIM
    assert Path(saved_vmx_path(vmx)).read_bytes() == DATA


def test_a_claim_refreshed_since_it_looked_stale_is_kept(vmx: str) -> None:
    stale = replace(CLAIM, run="silver", refreshed=NOW - timedelta(days=2))
    fresh = replace(stale, refreshed=NOW)
    take_claim(vmx, fresh, b"theirs", None)
    with pytest.raises(ClaimTakenError):
        take_claim(vmx, CLAIM, DATA, stale)
    assert read_claim(vmx) == fresh


def test_a_stale_claim_that_is_gone_meanwhile_is_no_matter(vmx: str) -> None:
    take_claim(vmx, CLAIM, DATA, replace(CLAIM, run="silver"))
    assert read_claim(vmx) == CLAIM


def test_a_claim_without_a_time_is_refreshed_now(vmx: str) -> None:
    take_claim(vmx, replace(CLAIM, refreshed=None), DATA, None)
    claim = read_claim(vmx)
    assert claim is not None
    assert claim.refreshed is not None
    assert datetime.now(UTC) - claim.refreshed < timedelta(hours=1)


def test_the_run_s_own_claim_goes_with_the_snapshot(vmx: str) -> None:
    take_claim(vmx, CLAIM, DATA, None)
    remove_claim(vmx, RUN)
    assert names_beside(vmx) == {"sql server (2).vmx"}
    remove_claim(vmx, RUN)


def test_another_run_s_claim_stays(vmx: str) -> None:
    take_claim(vmx, CLAIM, DATA, None)
    before = snapshot_tree(Path(vmx).parent)
    for run in ("silver", RUN + "0", RUN[:-1]):
        remove_claim(vmx, run)
    assert snapshot_tree(Path(vmx).parent) == before


def test_a_claim_that_was_cut_short_goes_with_its_run(vmx: str) -> None:
    Path(claim_path(vmx)).write_bytes(b"host=esx1\nboot_id=bo")
    Path(saved_vmx_path(vmx)).write_bytes(b"x")
    remove_claim(vmx, RUN)
    assert names_beside(vmx) == {"sql server (2).vmx"}


def test_a_claim_that_another_run_is_just_writing_is_not_taken_for_ours(vmx: str) -> None:
    # Whoever was too late for a VM takes its own claim away, and must not hit the winner's.
    program = (
        "import sys\nfrom hlb_hooks.effects.claims import remove_claim\n"
        "print('ready', flush=True); sys.stdin.readline(); print('go', flush=True)\n"
        "remove_claim(sys.argv[1], 'loser'); print('removed', flush=True); sys.stdin.readline()\n"
    )
    whole = f"host=h\nboot_id=b\nrun={RUN}\nsnapshot=s\ntime=2026-11-22T01:00:03Z\n"
    with running(program, vmx) as loser:
        Path(claim_path(vmx)).touch()
        tell(loser)
        assert read_line(loser) == "go"
        assert Path(claim_path(vmx)).exists()
        Path(claim_path(vmx)).write_text(whole, "utf-8")
        assert read_line(loser) == "removed"
    assert Path(claim_path(vmx)).read_text("utf-8") == whole


@pytest.fixture
def small_datastore(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "datastore"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k,nr_inodes=8", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting takes root")
    (folder / "a.vmx").write_bytes(DATA)
    yield str(folder / "a.vmx")
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_datastore_is_an_error_of_this_vm(small_datastore: str) -> None:
    with pytest.raises(VmFileError, match="cannot be written: No space left") as caught:
        take_claim(small_datastore, CLAIM, b"x" * 100_000, None)
    assert caught.value.next_step
    remove_claim(small_datastore, RUN)
    assert names_beside(small_datastore) == {"a.vmx"}


def test_a_datastore_that_became_read_only_is_an_error_of_this_vm(small_datastore: str) -> None:
    folder = os.path.dirname(small_datastore)
    stale = replace(CLAIM, run="silver")
    take_claim(small_datastore, stale, DATA, None)
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    with pytest.raises(VmFileError, match="Read-only file system"):
        take_claim(small_datastore, CLAIM, DATA, stale)
    with pytest.raises(VmFileError, match="Read-only file system"):
        remove_claim(small_datastore, "silver")
    assert read_claim(small_datastore) == stale


def test_a_killed_owner_leaves_a_claim_that_others_respect(vmx: str) -> None:
    with running(TAKE, vmx, "a") as first:
        tell(first)
        assert read_line(first) == "mine"
        first.kill()
        wait_for(lambda: first.poll() is not None, "its end")
    with pytest.raises(ClaimTakenError):
        take_claim(vmx, CLAIM, DATA, None)
