"""A snapshot is made or gone when the files say so, whatever the command said."""

import os
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import esx
import pytest
from effects_kit import (
    RUN,
    make_driver,
    record_disks_of,
    snapshot_tree,
    wait_for,
    write_program,
)

from hlb_hooks.base.speech import RehearsalSpeaker
from hlb_hooks.effects.claims import Claim, claim_path, read_claim, saved_vmx_path, take_claim
from hlb_hooks.effects.rehearsed_snapshots import RehearsedSnapshots
from hlb_hooks.effects.snapshot_work import (
    MakeResult,
    Removal,
    RemoveResult,
    SnapshotOrder,
    look,
)
from hlb_hooks.effects.snapshots import HostSnapshots
from hlb_hooks.effects.vm_files import read_vm
from hlb_hooks.effects.vmware_answers import RefusalKind
from hlb_hooks.effects.vmware_cmd import VmwareCmd
from hlb_hooks.vmfiles.sighting import Fate

NAME = "HLB-gold-20261122T010000Z-0123abcd"
FAULT = "VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : (No.)"
TIMEOUT = "VMControl error -7: Timeout"


@pytest.fixture(params=["console", "vcli"])
def host(tmp_path: Path, request: pytest.FixtureRequest) -> esx.Host:
    return esx.Host.create(tmp_path / "esx", dialect=request.param)


@pytest.fixture
def console(tmp_path: Path) -> esx.Host:
    return esx.Host.create(tmp_path / "console")


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seconds: float) -> None:
        pytest.fail(f"waited {seconds} s where there is nothing to wait for")

    monkeypatch.setattr("hlb_hooks.base.clock.sleep_seconds", refuse)


def snapshots_of(host: esx.Host, *, settle: float = 0.3, remove: float = 30) -> HostSnapshots:
    return HostSnapshots(make_driver(host.vmware_cmd), settle, remove)


def order_for(vmx: str, *, quiesce: bool = True, stale: Claim | None = None) -> SnapshotOrder:
    facts = read_vm(vmx)
    return SnapshotOrder(
        vmx=vmx,
        name=NAME,
        description="made by a test",
        disks=record_disks_of(vmx),
        quiesce=quiesce,
        memory=False,
        claim=Claim("esx1", "boot", RUN, NAME),
        vmx_data=facts.vmx_data,
        stale_claim=stale,
    )


def make(host: esx.Host, vmx: str, **limits: float) -> tuple[SnapshotOrder, MakeResult]:
    order = order_for(vmx)
    return order, snapshots_of(host, **limits).make(order)


def remove(
    host: esx.Host, order: SnapshotOrder, asked: Callable[[], None] = lambda: None, **limits: float
) -> RemoveResult:
    removal = Removal(order.vmx, (order.name,), order.disks)
    return snapshots_of(host, **limits).remove(removal, asked)


def calls_of(host: esx.Host, command: str) -> int:
    return sum(command in call for call in host.calls())


def never() -> None:
    pytest.fail("the host was to be asked")


def fail(host: esx.Host, exit_code: int, text: str, **options: Any) -> None:
    host.configure(fail=[esx.Failure(exit_code, text, **options)._asdict()])


def test_a_snapshot_is_made_and_removed(host: esx.Host) -> None:
    vmx = host.add_vm("sql server (2)", disks=[b"x" * 1024, b"y" * 512])
    before = host.disk_bytes(vmx)
    order, made = make(host, vmx)
    assert made == MakeResult(is_made=True, is_certain=True)
    assert host.snapshots(vmx) == [NAME]
    assert read_claim(vmx) is not None
    assert Path(saved_vmx_path(vmx)).read_bytes() == order.vmx_data
    host.write_guest(vmx, "scsi0:0", 3, b"new")
    assert Path(vmx).with_name("sql server (2)-flat.vmdk").read_bytes() == before
    asked: list[bool] = []
    removed = remove(host, order, lambda: asked.append(True))
    assert removed.sighting is not None
    assert (removed.sighting.fate, removed.was_asked, removed.message) == (Fate.ABSENT, True, "")
    assert asked == [True]
    assert host.snapshots(vmx) == []
    assert host.disk_bytes(vmx)[3:6] == b"new"
    assert len(host.disk_chain(vmx)) == 1
    snapshots_of(host).drop_claim(vmx, RUN)
    assert read_claim(vmx) is None


def test_what_is_asked_of_the_host_is_one_command_each(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    order, _ = make(host, vmx)
    remove(host, order)
    assert host.calls() == [
        [vmx, "createsnapshot", NAME, "made by a test", "1", "0"],
        [vmx, "removesnapshots"],
    ]


@pytest.mark.parametrize(
    ("exit_code", "text", "kind", "may_be_quiescing"),
    [
        (231, FAULT, RefusalKind.FAULT, True),
        (8, "VMControl error -8: Invalid operation", RefusalKind.WRONG_STATE, True),
        (11, "VMControl error -11: No such virtual machine", RefusalKind.NOT_REGISTERED, False),
        (16, "VMControl error -16: Virtual machine requires", RefusalKind.WAITS_FOR_ANSWER, False),
        (1, "No virtual machine found.", RefusalKind.NOT_REGISTERED, False),
        (1, "words of another kind", RefusalKind.OTHER, True),
    ],
)
def test_a_refused_snapshot_is_certainly_none(
    console: esx.Host, exit_code: int, text: str, kind: RefusalKind, *, may_be_quiescing: bool
) -> None:
    fail(console, exit_code, text, command="createsnapshot")
    _, made = make(console, console.add_vm("a"), settle=60)
    assert (made.is_made, made.is_certain, made.kind) == (False, True, kind)
    assert made.may_be_quiescing is may_be_quiescing
    assert text.split("\n")[0] in made.message


@pytest.mark.parametrize("text", [TIMEOUT, "VMControl error -14: Unexpected response"])
def test_a_time_out_without_effect_is_not_certain(console: esx.Host, text: str) -> None:
    fail(console, int(text.split("-")[1].split(":")[0]), text, command="createsnapshot")
    _, made = make(console, console.add_vm("a"))
    assert (made.is_made, made.is_certain, made.kind) == (False, False, None)
    assert not made.may_be_quiescing
    assert text in made.message


@pytest.mark.parametrize("effect", ["done", "later"])
@pytest.mark.parametrize("answer", [(7, TIMEOUT), (14, "VMControl error -14: x"), (0, "")])
def test_a_snapshot_that_came_in_spite_of_a_time_out_is_made(
    console: esx.Host, effect: str, answer: tuple[int, str]
) -> None:
    fail(console, *answer, command="createsnapshot", effect=effect, later_seconds=0.3)
    vmx = console.add_vm("a")
    _, made = make(console, vmx, settle=30)
    assert made.is_made
    assert console.snapshots(vmx) == [NAME]


def test_a_snapshot_that_came_in_spite_of_an_error_is_made(console: esx.Host) -> None:
    fail(console, 231, FAULT, command="createsnapshot", effect="done")
    _, made = make(console, console.add_vm("a"))
    assert (made.is_made, made.is_certain) == (True, True)
    assert "(No.)" in made.message


def test_a_command_killed_at_its_limit_may_have_made_a_snapshot(console: esx.Host) -> None:
    console.configure(latency_seconds={"createsnapshot": 0.6})
    vmx = console.add_vm("a")
    driver = make_driver(console.vmware_cmd)
    slow = VmwareCmd(driver.program, driver.runner, 30, 0.3, 30)
    made = HostSnapshots(slow, 30, 30).make(order_for(vmx))
    assert made.is_made
    assert "[snapshot] create_timeout_seconds" in made.message


def test_a_success_without_effect_is_not_believed(console: esx.Host) -> None:
    said = b64encode(b"createsnapshot(x y 1 0) = 1\n").decode()
    console.configure(garble={"createsnapshot": {"text": said, "effect": False}})
    _, made = make(console, console.add_vm("a"))
    assert (made.is_made, made.is_certain) == (False, False)
    assert "the host said it was done" in made.message
    assert "[snapshot] settle_timeout_seconds" in made.message
    assert made.message.endswith("the VM's files say: absent; hassnapshot: none")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"hassnapshot() = 1\n", "hassnapshot: 1"),
        (b"", "hassnapshot: vmware-cmd hassnapshot cannot be understood"),
    ],
)
def test_a_success_without_effect_tells_what_the_host_says_of_it_now(
    console: esx.Host, answer: bytes, told: str
) -> None:
    said = {"createsnapshot": b"createsnapshot(x y 1 0) = 1\n", "hassnapshot": answer}
    garble = {key: {"text": b64encode(said[key]).decode(), "effect": False} for key in said}
    console.configure(garble=garble)
    _, made = make(console, console.add_vm("a"))
    assert (made.is_made, made.is_certain) == (False, False)
    assert f"the VM's files say: absent; {told}" in made.message


@pytest.mark.parametrize("said", [b"\xff\xfe", b"createsnapshot(x y 1 0) = 0\n", b""])
def test_a_garbled_answer_leaves_it_to_the_files(console: esx.Host, said: bytes) -> None:
    vmx = console.add_vm("a")
    console.configure(garble={"createsnapshot": {"text": b64encode(said).decode()}})
    assert make(console, vmx)[1].is_made


def test_a_vm_whose_files_cannot_be_read_afterwards_is_uncertain(
    console: esx.Host, tmp_path: Path
) -> None:
    vmx = console.add_vm("a")
    lost = Path(vmx).with_name("a.vmdk")
    host = write_program(
        tmp_path / "losing", f"#!/bin/sh\nrm '{lost}'\necho 'createsnapshot(x y 1 0) = 1'\n"
    )
    made = HostSnapshots(make_driver(host), 0.3, 30).make(order_for(vmx))
    assert not lost.exists()
    assert (made.is_made, made.is_certain) == (False, False)
    assert "a.vmdk" in made.message


def leave_delta(host: esx.Host, vmx: str) -> None:
    host.take_admin_snapshot(vmx, "x")
    Path(vmx).with_suffix(".vmsd").write_bytes(b"")


def list_helper(host: esx.Host, vmx: str) -> None:
    host.configure(helper="left")
    host.take_admin_snapshot(vmx, "x")
    host.remove_admin_snapshots(vmx)


def take_disk_out(_host: esx.Host, vmx: str) -> None:
    config = esx.Vmx(Path(vmx))
    config.set("scsi0:0.present", "FALSE")
    config.save()


def lose_disk(_host: esx.Host, vmx: str) -> None:
    Path(vmx).with_name("a.vmdk").unlink()


def damage_list(_host: esx.Host, vmx: str) -> None:
    Path(vmx).with_suffix(".vmsd").write_bytes(b'snapshot.numSnapshots = "1"\n')


CHANGED = "its disks or snapshots changed while it was being looked at"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda host, vmx: host.take_admin_snapshot(vmx, "in between"), CHANGED),
        (lambda host, vmx: host.take_admin_snapshot(vmx, NAME), CHANGED),
        (leave_delta, CHANGED),
        (list_helper, CHANGED),
        (take_disk_out, CHANGED),
        (lose_disk, "a.vmdk"),
        (damage_list, "a.vmsd"),
    ],
)
@pytest.mark.usefixtures("no_waiting")
def test_what_changed_before_the_claim_was_ours_is_seen_and_nothing_is_made(
    console: esx.Host, change: Callable[[esx.Host, str], None], told: str
) -> None:
    vmx = console.add_vm("a")
    order = order_for(vmx)
    change(console, vmx)
    before = Path(vmx).read_bytes()
    made = snapshots_of(console, settle=3600).make(order)
    assert (made.is_made, made.is_certain, made.kind) == (False, True, None)
    assert not made.may_be_quiescing
    assert told in made.message
    assert console.calls() == []
    assert Path(vmx).read_bytes() == before
    claim = read_claim(vmx)
    assert claim is not None
    assert claim.run == RUN


def test_a_vm_that_another_run_has_claimed_is_not_touched(console: esx.Host) -> None:
    vmx = console.add_vm("a")
    order = order_for(vmx)
    take_claim(vmx, Claim("esx2", "b", "silver", "s"), b"x", None)
    made = snapshots_of(console).make(order)
    assert (made.is_made, made.is_certain) == (False, True)
    assert "another run has just claimed this VM" in made.message
    assert console.calls() == []
    claim = read_claim(vmx)
    assert claim is not None
    assert claim.run == "silver"


def test_a_claim_that_cannot_be_written_is_no_snapshot(console: esx.Host) -> None:
    vmx = console.add_vm("a")
    Path(saved_vmx_path(vmx)).mkdir()
    _, made = make(console, vmx)
    assert (made.is_made, made.is_certain) == (False, True)
    assert "vmx.hlb" in made.message
    assert console.calls() == []


@pytest.mark.usefixtures("no_waiting")
def test_a_removal_of_what_is_gone_asks_nothing(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    order, _ = make(host, vmx)
    host.remove_admin_snapshots(vmx)
    removed = remove(host, order, asked=never, remove=3600)
    assert removed.sighting is not None
    assert (removed.sighting.fate, removed.was_asked) == (Fate.ABSENT, False)
    assert calls_of(host, "removesnapshots") == 0


@pytest.mark.usefixtures("no_waiting")
def test_nothing_is_removed_beside_another_s_snapshot(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    order, _ = make(host, vmx)
    host.take_admin_snapshot(vmx, "before upgrade")
    removed = remove(host, order, asked=never, remove=3600)
    assert removed.sighting is not None
    assert removed.sighting.is_ours_there
    assert removed.sighting.other_snapshots == ("before upgrade",)
    assert not removed.was_asked
    assert calls_of(host, "removesnapshots") == 0
    assert host.snapshots(vmx) == [NAME, "before upgrade"]


def test_a_snapshot_that_appears_between_the_two_looks_is_seen(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    order, _ = make(host, vmx)
    removed = remove(host, order, lambda: host.take_admin_snapshot(vmx, "in between"))
    assert removed.sighting is not None
    assert removed.sighting.other_snapshots == ("in between",)
    assert not removed.was_asked
    assert calls_of(host, "removesnapshots") == 0


def test_a_list_of_snapshots_that_became_unreadable_between_the_looks_is_seen(
    host: esx.Host,
) -> None:
    vmx = host.add_vm("a")
    order, _ = make(host, vmx)
    vmsd = Path(vmx).with_suffix(".vmsd")
    removed = remove(host, order, lambda: os.truncate(vmsd, vmsd.stat().st_size - 30))
    assert removed.sighting is None
    assert not removed.was_asked
    assert "a.vmsd" in removed.message
    assert calls_of(host, "removesnapshots") == 0


def test_another_snapshot_that_only_looks_like_ours_is_not_ours(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    host.take_admin_snapshot(vmx, "HLB-silver-20261122T010000Z-0123abcd")
    order = order_for(vmx)
    removed = remove(host, order, asked=never)
    assert not removed.was_asked
    assert calls_of(host, "removesnapshots") == 0


def test_a_second_snapshot_of_our_name_is_another_s(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    order, _ = make(host, vmx)
    host.take_admin_snapshot(vmx, NAME)
    removed = remove(host, order, asked=never)
    assert removed.sighting is not None
    assert removed.sighting.other_snapshots == (NAME,)
    assert calls_of(host, "removesnapshots") == 0


def test_a_refused_removal_says_so_and_leaves_the_snapshot(console: esx.Host) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    fail(console, 231, FAULT, command="removesnapshots")
    removed = remove(console, order)
    assert removed.sighting is not None
    assert removed.sighting.is_ours_there
    assert (removed.was_asked, removed.kind) == (True, RefusalKind.FAULT)
    assert "(No.)" in removed.message
    console.configure(fail=[])
    again = remove(console, order)
    assert again.sighting is not None
    assert again.sighting.fate is Fate.ABSENT


@pytest.mark.parametrize("effect", ["done", "later"])
def test_a_removal_that_timed_out_is_waited_for(console: esx.Host, effect: str) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    fail(console, 7, TIMEOUT, command="removesnapshots", effect=effect, later_seconds=0.4)
    removed = remove(console, order)
    assert removed.sighting is not None
    assert removed.sighting.fate is Fate.ABSENT
    assert len(console.disk_chain(vmx)) == 1


def test_a_removal_that_timed_out_without_effect_ends_at_its_limit(console: esx.Host) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    fail(console, 7, TIMEOUT, command="removesnapshots")
    removed = remove(console, order, remove=0.4)
    assert removed.sighting is not None
    assert removed.sighting.is_ours_there
    assert removed.kind is RefusalKind.TIMED_OUT
    assert TIMEOUT in removed.message


def test_a_success_without_effect_does_not_make_it_gone(console: esx.Host) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    said = b64encode(b"removesnapshots() = 1\n").decode()
    console.configure(garble={"removesnapshots": {"text": said, "effect": False}})
    removed = remove(console, order, remove=0.4)
    assert removed.sighting is not None
    assert removed.sighting.is_ours_there
    assert removed.was_asked


@contextmanager
def merging(host: esx.Host, vmx: str) -> Iterator[None]:
    """Let the host stop between the entry's going and the merge."""
    removal = threading.Thread(target=host.remove_admin_snapshots, args=(vmx,))
    with host.holding("merge"):
        removal.start()
        wait_for(lambda: not host.snapshots(vmx), "the entry's going")
        yield
    removal.join()


def test_an_entry_that_is_gone_is_not_yet_a_disk_that_is_merged(
    console: esx.Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    with merging(console, vmx), monkeypatch.context() as patch:
        # Whoever comes again waits for the merge; other VMs wait for their turn meanwhile.
        patch.setattr("hlb_hooks.base.clock.sleep_seconds", lambda _: pytest.fail("waited"))
        removed = remove(console, order, asked=never, remove=3600)
        assert removed.sighting is not None
        assert removed.sighting.fate is Fate.MERGING
        assert not removed.was_asked
    removed = remove(console, order)
    assert removed.sighting is not None
    assert removed.sighting.fate is Fate.ABSENT


def test_a_merge_under_way_is_waited_for(console: esx.Host) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    console.configure(merge_seconds=0.5)
    fail(console, 7, TIMEOUT, command="removesnapshots", effect="later", later_seconds=0)
    removed = remove(console, order)
    assert removed.sighting is not None
    assert removed.sighting.fate is Fate.ABSENT


def test_a_helper_that_was_merged_leaves_nothing(console: esx.Host) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    console.configure(helper="merged")
    removed = remove(console, order)
    assert removed.sighting is not None
    assert removed.sighting.fate is Fate.ABSENT


@pytest.mark.parametrize("helper", ["left", "hidden"])
def test_a_helper_that_was_left_behind_is_no_base_disk(console: esx.Host, helper: str) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    console.configure(helper=helper)
    removed = remove(console, order, remove=0.5)
    assert removed.was_asked
    assert removed.sighting is not None
    assert removed.sighting.fate is Fate.MERGING
    assert removed.sighting.other_snapshots == ()
    assert removed.sighting.helpers == (("Consolidate Helper",) if helper == "left" else ())


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Give a clock that only waiting moves: how many seconds were waited."""
    hands = {"seconds": 0.0}

    def sleep(seconds: float) -> None:
        hands["seconds"] = round(hands["seconds"] + seconds, 6)

    monkeypatch.setattr("hlb_hooks.base.clock.sleep_seconds", sleep)
    monkeypatch.setattr(
        "hlb_hooks.base.clock.read_seconds_since_boot", lambda: 5000.0 + hands["seconds"]
    )
    return hands


@pytest.mark.parametrize(
    ("settle", "remove_limit", "expected"), [(10, 3600, 10), (10, 5, 5), (0, 3600, 0)]
)
def test_what_stays_after_a_host_said_it_was_done_is_waited_for_only_a_while(
    console: esx.Host,
    waited: dict[str, float],
    settle: float,
    remove_limit: float,
    expected: float,
) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    console.configure(helper="left")
    removed = remove(console, order, settle=settle, remove=remove_limit)
    assert removed.was_asked
    assert expected <= round(waited["seconds"], 3) < expected + 1


def test_a_host_that_timed_out_may_be_at_work_until_the_limit(
    console: esx.Host, waited: dict[str, float]
) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    fail(console, 7, TIMEOUT, command="removesnapshots")
    remove(console, order, settle=1, remove=20)
    assert 20 <= round(waited["seconds"], 3) < 21


def test_a_host_that_refused_is_not_waited_for(console: esx.Host, waited: dict[str, float]) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    fail(console, 231, FAULT, command="removesnapshots")
    assert remove(console, order, settle=10, remove=3600).kind is RefusalKind.FAULT
    assert waited["seconds"] == 0


@pytest.mark.usefixtures("no_waiting")
def test_nothing_is_removed_beside_a_helper_of_the_host_s(console: esx.Host) -> None:
    vmx = console.add_vm("a")
    order = order_for(vmx)
    for name in (NAME, "Consolidate Helper"):
        console.take_admin_snapshot(vmx, name)
    removed = remove(console, order, asked=never, remove=3600)
    assert removed.sighting is not None
    assert removed.sighting.is_ours_there
    assert removed.sighting.helpers == ("Consolidate Helper",)
    assert not removed.was_asked
    assert console.snapshots(vmx) == [NAME, "Consolidate Helper"]


@pytest.mark.usefixtures("no_waiting")
def test_a_vm_whose_folder_is_gone_is_told_of(console: esx.Host) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    Path(vmx).parent.rename(Path(vmx).parent.with_name("moved"))
    removed = remove(console, order, asked=never, remove=3600)
    assert removed.sighting is None
    assert not removed.was_asked
    assert "a.vmx" in removed.message


def test_of_several_attempts_the_one_that_is_there_is_removed(console: esx.Host) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    removal = Removal(vmx, ("HLB-first", NAME, "HLB-last"), order.disks)
    removed = snapshots_of(console).remove(removal, lambda: None)
    assert removed.sighting is not None
    assert removed.sighting.fate is Fate.ABSENT


def test_looking_changes_nothing(host: esx.Host) -> None:
    vmx = host.add_vm("a")
    order, _ = make(host, vmx)
    before = snapshot_tree(host.root)
    sighting, trouble = look(Removal(vmx, (NAME,), order.disks))
    assert sighting is not None
    assert (sighting.fate, trouble) == (Fate.MADE, "")
    assert snapshot_tree(host.root) == before


def rehearsal(host: esx.Host) -> RehearsedSnapshots:
    return RehearsedSnapshots(str(host.vmware_cmd), RehearsalSpeaker())


def test_a_rehearsal_makes_nothing_and_says_the_command(
    console: esx.Host, capfd: pytest.CaptureFixture[str]
) -> None:
    vmx = console.add_vm("it's a (b)")
    order = order_for(vmx)
    before = snapshot_tree(console.root)
    assert rehearsal(console).make(order).is_made
    rehearsal(console).drop_claim(vmx, RUN)
    assert snapshot_tree(console.root) == before
    said = capfd.readouterr().out
    assert said.startswith(f"WOULD run: {console.vmware_cmd} '")
    assert said.endswith(f"createsnapshot {NAME} 'made by a test' 1 0\n")


def test_a_rehearsal_removes_nothing_and_says_the_command(
    console: esx.Host, capfd: pytest.CaptureFixture[str]
) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    before = snapshot_tree(console.root)
    asked: list[bool] = []
    removal = Removal(vmx, (NAME,), order.disks)
    removed = rehearsal(console).remove(removal, lambda: asked.append(True))
    assert removed.sighting is not None
    assert (removed.sighting.fate, removed.was_asked, asked) == (Fate.ABSENT, True, [True])
    assert snapshot_tree(console.root) == before
    assert capfd.readouterr().out == (
        f"WOULD run: {console.vmware_cmd} {vmx} removesnapshots, if the .vmsd shows {NAME} alone\n"
    )


def test_a_rehearsal_would_remove_nothing_beside_another_s_snapshot(
    console: esx.Host, capfd: pytest.CaptureFixture[str]
) -> None:
    vmx = console.add_vm("a")
    order, _ = make(console, vmx)
    console.take_admin_snapshot(vmx, "before upgrade")
    removal = Removal(vmx, (NAME,), order.disks)
    removed = rehearsal(console).remove(removal, never)
    assert not removed.was_asked
    assert removed.sighting is not None
    assert removed.sighting.other_snapshots == ("before upgrade",)
    assert capfd.readouterr().out == ""


def test_a_rehearsal_takes_back_what_it_would_have_made(console: esx.Host) -> None:
    vmx = console.add_vm("a")
    order = order_for(vmx)
    rehearsed = rehearsal(console)
    rehearsed.make(order)
    removed = rehearsed.remove(Removal(vmx, (NAME,), order.disks), lambda: None)
    assert removed.sighting is not None
    assert (removed.sighting.fate, removed.was_asked) == (Fate.ABSENT, True)
    assert not Path(claim_path(vmx)).exists()
