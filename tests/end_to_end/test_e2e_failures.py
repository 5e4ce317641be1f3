"""The host refuses, lies, hangs or is slow: everything is tried, and the files are believed."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import SiteMaker
from hook_kit import Site
from hook_watching import wait_until

FAULT = (
    "VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : "
    "(Operation failed since another task is in progress.)"
)
QUIESCE_FAULT = (
    "VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : "
    "(Cannot create a quiesced snapshot because the snapshot operation exceeded the time limit "
    "for holding off I/O in the frozen virtual machine)"
)
TIMEOUT = "VMControl error -7: Timeout"


def failure(command: str, exit_code: int = 231, text: str = FAULT, **more: Any) -> dict[str, Any]:
    return {"command": command, "exit_code": exit_code, "text": text, **more}


def garbled(text: str, *, effect: bool, exit_code: int = 0) -> dict[str, Any]:
    return {"text": b64encode(text.encode()).decode(), "effect": effect, "exit": exit_code}


def created(site: Site, vmx: str) -> list[list[str]]:
    """Give quiesce and memory of every createsnapshot for a VM."""
    return [call[4:] for call in site.host.calls() if call[:2] == [vmx, "createsnapshot"]]


def assert_clean(site: Site) -> None:
    site.wait_settled()
    assert site.leftovers() == []
    assert [site.host.snapshots(vmx) for vmx in site.host.registered()] == [
        [] for _ in site.host.registered()
    ]


# -- making


def test_one_vm_that_is_refused_does_not_stop_the_others(site: Site) -> None:
    # One at a time: some of the others come after it.
    site.configure(snapshot={"parallel": 1, "parallel_per_datastore": 1})
    vmxs = site.add_vms(5)
    site.host.configure(fail=[failure("createsnapshot", vmx=vmxs[2])])
    story = site.back_up()
    assert story.start.exit_code == 0
    assert story.start.counts == {"chosen": 5, "ready": 4, "failed": 1, "open": 4}
    assert story.start.flags(vmxs[2]) == ["FAILED_snap"]
    assert "another task is in progress" in story.start.words(vmxs[2])
    assert "next step: " in story.start.words(vmxs[2])
    assert next(iter(story.start.report)).endswith("/vm3")
    assert "***FAILED***" in story.start.lines
    assert story.ended.exit_code == 1
    assert story.ended.flags(vmxs[2]) == ["FAILED_snap"]
    assert "another task is in progress" in story.ended.words(vmxs[2])
    assert_clean(site)


@pytest.mark.parametrize("dialect", ["console", "vcli"])
def test_when_all_are_refused_the_start_hook_fails(make_site: SiteMaker, dialect: str) -> None:
    site = make_site(dialect)
    site.add_vms(2)
    site.host.configure(fail=[failure("createsnapshot")])
    story = site.back_up()
    assert (story.start.exit_code, story.ended.exit_code) == (1, 1)
    assert_clean(site)


def test_when_quiescing_fails_the_second_try_goes_without_it_and_is_called_so(site: Site) -> None:
    vmx, other = site.add_vms(2)
    site.host.configure(fail=[failure("createsnapshot", text=QUIESCE_FAULT, vmx=vmx, quiesce=True)])
    story = site.back_up()
    assert story.start.flags(vmx) == ["OK_snap"]
    assert created(site, vmx) == [["1", "0"], ["0", "0"]]
    assert created(site, other) == [["1", "0"]]
    assert "crash-consistent" in story.start.words(vmx)
    assert "holding off I/O" in story.start.words(vmx)
    assert "crash-consistent" not in story.start.words(other)
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert "crash-consistent" in story.ended.words(vmx)
    assert story.ended.exit_code == 0
    assert_clean(site)


def test_with_quiesce_on_there_is_no_second_try(site: Site) -> None:
    site.configure(snapshot={"quiesce": "on"})
    (vmx,) = site.add_vms(1)
    site.host.configure(fail=[failure("createsnapshot", text=QUIESCE_FAULT, quiesce=True)])
    story = site.back_up()
    assert story.start.flags(vmx) == ["FAILED_snap"]
    assert created(site, vmx) == [["1", "0"]]
    assert story.start.exit_code == 1


@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        ({"quiesce": "off"}, ["0", "0"]),
        ({"quiesce": "on"}, ["1", "0"]),
        ({"quiesce": "try", "memory": True}, ["1", "1"]),
        ({"quiesce": "off", "memory": True}, ["0", "1"]),
    ],
)
def test_quiesce_and_memory_are_asked_for_in_the_order_of_vmware_cmd(
    site: Site, settings: Mapping[str, Any], flags: list[str]
) -> None:
    site.configure(snapshot=settings)
    (vmx,) = site.add_vms(1)
    assert site.back_up().ended.exit_code == 0
    assert created(site, vmx) == [flags]


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param({"fail": [failure("createsnapshot", effect="done")]}, id="fault"),
        pytest.param({"fail": [failure("createsnapshot", 7, TIMEOUT, effect="done")]}, id="late"),
        pytest.param(
            {"fail": [failure("createsnapshot", 7, TIMEOUT, effect="later")]}, id="timeout"
        ),
        pytest.param({"garble": {"createsnapshot": garbled("", effect=True)}}, id="silence"),
        pytest.param({"garble": {"createsnapshot": garbled("\x00\xff?", effect=True)}}, id="noise"),
        pytest.param(
            {"garble": {"createsnapshot": garbled("createsnapshot(a) = ", effect=True)}}, id="cut"
        ),
        pytest.param(
            {"garble": {"createsnapshot": garbled("", effect=True, exit_code=1)}}, id="exit 1"
        ),
    ],
)
def test_a_snapshot_that_is_there_counts_whatever_the_host_said(
    site: Site, switches: dict[str, Any]
) -> None:
    site.configure(snapshot={"settle_timeout_seconds": 5})
    site.host.configure(**switches)
    (vmx,) = site.add_vms(1)
    story = site.back_up()
    assert story.start.flags(vmx) == ["OK_snap"]
    assert len(created(site, vmx)) == 1
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert_clean(site)


def test_a_command_that_is_killed_at_its_limit_may_still_have_made_the_snapshot(
    site: Site,
) -> None:
    site.configure(snapshot={"create_timeout_seconds": 1, "settle_timeout_seconds": 10})
    site.host.configure(latency_seconds={"createsnapshot": 2})
    (vmx,) = site.add_vms(1)
    story = site.back_up()
    assert story.start.flags(vmx) == ["OK_snap"]
    assert story.ended.exit_code == 0
    assert_clean(site)


def test_a_snapshot_that_comes_after_all_limits_is_removed_all_the_same(site: Site) -> None:
    site.configure(snapshot={"create_timeout_seconds": 30})
    site.host.configure(
        fail=[failure("createsnapshot", 7, TIMEOUT, effect="later", later_seconds=3)]
    )
    (vmx,) = site.add_vms(1)
    story = site.back_up()
    assert story.start.exit_code == 1
    assert story.start.flags(vmx) == ["FAILED_snap"]
    assert story.start.words(vmx)
    assert story.start.counts["open"] == 1
    assert story.ended.exit_code == 1
    wait_until(lambda: site.count_calls().get("removesnapshots"), "the removal")
    assert_clean(site)


def test_success_without_a_snapshot_is_a_failure_and_settled_later(site: Site) -> None:
    site.configure(snapshot={"create_timeout_seconds": 1})
    (vmx,) = site.add_vms(1)
    answer = garbled("createsnapshot(x y 1 0) = 1\n", effect=False)
    site.host.configure(garble={"createsnapshot": answer})
    story = site.back_up()
    assert story.start.flags(vmx) == ["FAILED_snap"]
    assert story.start.words(vmx)
    assert story.start.exit_code == 1
    assert story.ended.words(vmx), story.ended.stdout
    assert_clean(site)
    assert site.count_calls().get("removesnapshots", 0) == 0


def test_a_vm_that_waits_for_an_answer_is_left_out(site: Site) -> None:
    stuck = site.host.add_vm("stuck", power="stuck")
    site.add_vms(1)
    story = site.back_up()
    assert story.start.flags(stuck) == ["LEFT_OUT"]
    assert "waits for an answer" in story.start.words(stuck)
    assert created(site, stuck) == []
    assert (story.start.exit_code, story.ended.exit_code) == (0, 1)


@pytest.mark.parametrize(
    ("exit_code", "text"),
    [(231, FAULT), (11, "VMControl error -11: No such virtual machine"), (0, "garbage")],
)
def test_a_power_state_that_cannot_be_read_fails_that_vm_alone(
    site: Site, exit_code: int, text: str
) -> None:
    vmx, other = site.add_vms(2)
    site.host.configure(fail=[failure("getstate", exit_code, text, vmx=vmx)])
    story = site.back_up()
    assert story.start.flags(vmx) == ["FAILED_snap"]
    assert created(site, vmx) == []
    assert story.start.flags(other) == ["OK_snap"]
    assert story.ended.flags(other) == ["OK_snap", "OK_umount"]


def remove_vmx(vmx: str) -> None:
    Path(vmx).unlink()


def garble_vmx(vmx: str) -> None:
    Path(vmx).write_bytes(b"\x00\xff" * 600)


def garble_vmsd(vmx: str) -> None:
    Path(vmx).with_suffix(".vmsd").write_bytes(b'snapshot.numSnapshots = "1"\nsnapsh')


def loop_chain(vmx: str) -> None:
    path = Path(vmx).with_suffix(".vmdk")
    text = path.read_text().replace("parentCID=ffffffff", "parentCID=12345678")
    hint = f'parentFileNameHint="{path.name}"\n'
    path.write_text(text.replace("\n# Extent", f"{hint}\n# Extent"))


def remove_descriptor(vmx: str) -> None:
    Path(vmx).with_suffix(".vmdk").unlink()


def remove_extent(vmx: str) -> None:
    path = Path(vmx)
    path.with_name(f"{path.stem}-flat.vmdk").unlink()


@pytest.mark.parametrize(
    ("damage", "file"),
    [
        (remove_vmx, "vm1.vmx"),
        (garble_vmx, "vm1.vmx"),
        (garble_vmsd, "vm1.vmsd"),
        (loop_chain, "vm1.vmdk"),
        (remove_descriptor, "vm1.vmdk"),
        (remove_extent, "vm1-flat.vmdk"),
    ],
)
def test_a_vm_whose_files_cannot_be_read_fails_alone_and_names_the_file(
    site: Site, damage: Any, file: str
) -> None:
    vmx, other = site.add_vms(2)
    site.choose("*/vm1/*.vmx", "vm2")
    damage(vmx)
    story = site.back_up()
    assert story.start.flags(vmx) in (["FAILED_snap"], ["LEFT_OUT"])
    assert file in story.start.words(vmx)
    assert created(site, vmx) == []
    assert story.start.flags(other) == ["OK_snap"]
    assert (story.start.exit_code, story.ended.exit_code) == (0, 1)
    site.wait_settled()


def test_a_vm_on_a_shared_bus_is_left_out(site: Site) -> None:
    vmx = site.host.add_vm("node", extra_lines=['scsi1.sharedBus = "physical"'])
    story = site.back_up()
    assert story.start.flags(vmx) == ["LEFT_OUT"]
    assert created(site, vmx) == []


def test_too_little_free_space_leaves_a_vm_out(site: Site) -> None:
    site.configure(snapshot={"min_free_percent": 100})
    (vmx,) = site.add_vms(1)
    story = site.back_up()
    assert story.start.flags(vmx) == ["LEFT_OUT"]
    assert "free" in story.start.words(vmx)
    assert site.changing_calls() == []


def test_what_is_not_ready_within_the_budget_is_left_out_and_named(site: Site) -> None:
    site.configure(run={"start_budget_seconds": 1}, snapshot={"parallel": 1})
    site.host.configure(latency_seconds={"createsnapshot": 0.8})
    vmxs = site.add_vms(5)
    story = site.back_up()
    flags = [story.start.flags(vmx) for vmx in vmxs]
    assert ["LEFT_OUT"] in flags
    for vmx, own in zip(vmxs, flags, strict=True):
        assert own in (["OK_snap"], ["FAILED_snap"], ["LEFT_OUT"])
        if own != ["OK_snap"]:
            assert "start_budget_seconds = 1" in story.start.words(vmx)
        if own == ["LEFT_OUT"]:
            assert created(site, vmx) == []
    assert story.ended.exit_code == 1
    assert_clean(site)


def test_abort_takes_back_what_this_run_has_made(site: Site) -> None:
    site.configure(run={"on_failure": "abort"}, snapshot={"parallel": 1})
    vmxs = site.add_vms(4)
    site.host.configure(fail=[failure("createsnapshot", vmx=vmxs[1])])
    story = site.back_up("--no-end")
    assert story.start.exit_code == 1
    assert story.start.counts == {"chosen": 4, "ready": 0, "failed": 4, "open": 0}
    assert "ready to be read" not in story.start.stdout
    assert story.start.flags(vmxs[1]) == ["FAILED_snap"]
    assert "OK_umount" in story.start.flags(vmxs[0])
    for vmx in vmxs[2:]:
        assert story.start.flags(vmx) == ["LEFT_OUT"]
        assert created(site, vmx) == []
    assert_clean(site)


def test_without_a_failure_abort_changes_nothing(site: Site) -> None:
    site.configure(run={"on_failure": "abort"})
    site.add_vms(2)
    story = site.back_up()
    assert (story.start.exit_code, story.ended.exit_code) == (0, 0)
    assert story.ended.counts["ready"] == 2


# -- removing


def test_a_refused_removal_is_said_and_the_guard_tries_until_it_succeeds(site: Site) -> None:
    vmx, other = site.add_vms(2)
    site.host.configure(fail=[failure("removesnapshots", vmx=vmx)])
    story = site.back_up()
    assert story.ended.exit_code == 4
    assert story.ended.flags(vmx) == ["OK_snap", "FAILED_umount"]
    assert "another task is in progress" in story.ended.words(vmx)
    assert "next step: " in story.ended.words(vmx)
    assert story.ended.flags(other) == ["OK_snap", "OK_umount"]
    assert story.ended.counts == {"chosen": 2, "ready": 2, "failed": 0, "open": 1}
    (guard,) = site.guards()
    assert f"pid {guard}" in story.ended.stdout
    asked = site.count_calls()["removesnapshots"]
    wait_until(lambda: site.count_calls()["removesnapshots"] > asked + 1, "the guard's tries")
    assert len(site.host.snapshots(vmx)) == 1
    site.host.configure(fail=[])
    assert_clean(site)
    assert site.flags(vmx)[-1] == "OK_umount"


def test_after_the_guard_has_done_it_the_end_hook_by_hand_says_it_is_settled(site: Site) -> None:
    site.add_vms(1)
    site.host.configure(fail=[failure("removesnapshots", times=2)])
    site.back_up()
    site.wait_settled()
    outcome = site.run("initial_umount", "--run", site.run_name)
    assert outcome.exit_code == 0
    assert outcome.counts == {"chosen": 1, "ready": 1, "failed": 0, "open": 0}
    assert outcome.flags(site.host.registered()[0]) == ["OK_snap", "OK_umount"]


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param({"fail": [failure("removesnapshots", effect="done")]}, id="fault"),
        pytest.param(
            {"fail": [failure("removesnapshots", 7, TIMEOUT, effect="later")]}, id="timeout"
        ),
        pytest.param({"garble": {"removesnapshots": garbled("", effect=True)}}, id="silence"),
    ],
)
def test_a_snapshot_that_is_gone_counts_whatever_the_host_said(
    site: Site, switches: dict[str, Any]
) -> None:
    site.host.configure(**switches)
    (vmx,) = site.add_vms(1)
    story = site.back_up()
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert story.ended.exit_code == 0
    assert_clean(site)


def test_a_removal_that_is_said_and_not_done_is_no_success(site: Site) -> None:
    site.configure(snapshot={"remove_timeout_seconds": 2})
    (vmx,) = site.add_vms(1)
    answer = garbled("removesnapshots() = 1\n", effect=False)
    site.host.configure(garble={"removesnapshots": answer})
    story = site.back_up()
    assert "OK_umount" not in story.ended.flags(vmx)
    assert story.ended.exit_code == 4
    assert story.ended.words(vmx)
    site.host.configure(garble={})
    assert_clean(site)


def test_the_removal_is_over_only_when_the_disks_are_merged(site: Site) -> None:
    (vmx,) = site.add_vms(1)
    answer = failure("removesnapshots", 7, TIMEOUT, effect="later", later_seconds=0)
    site.host.configure(merge_seconds=1.5, fail=[answer])
    with site.avtar() as avtar:
        avtar.wait_started()
        site.host.write_guest(vmx, "scsi0:0", 0, b"kept")
        story = avtar.finish()
    # At this very moment, with no waiting in the test.
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert len(site.host.disk_chain(vmx)) == 1
    assert site.host.disk_bytes(vmx)[:4] == b"kept"


def test_what_is_not_removed_within_the_budget_is_the_guards(site: Site) -> None:
    site.configure(run={"end_budget_seconds": 1}, snapshot={"remove_parallel": 1})
    site.host.configure(merge_seconds=2)
    vmxs = site.add_vms(3)
    story = site.back_up()
    assert story.ended.exit_code == 4
    for vmx in vmxs:
        assert story.ended.flags(vmx) == ["OK_snap", "MERGING"]
        assert story.ended.words(vmx)
    assert story.ended.counts == {"chosen": 3, "ready": 3, "failed": 0, "open": 3}
    assert_clean(site)
    assert [site.flags(vmx)[-1] for vmx in vmxs] == ["OK_umount"] * 3
    assert site.count_calls()["removesnapshots"] == 3


@pytest.mark.parametrize(
    ("end_exit", "is_open", "is_failed", "exit_code"),
    [
        ("all", True, False, 4),
        ("all", False, True, 1),
        ("all", True, True, 1),
        ("data", True, False, 0),
        ("data", False, True, 1),
        ("data", True, True, 1),
        ("never", True, False, 0),
        ("never", False, True, 0),
        ("never", True, True, 0),
    ],
)
def test_the_end_exit_code_is_what_end_exit_asks_for(
    site: Site, end_exit: str, is_open: bool, is_failed: bool, exit_code: int
) -> None:
    site.configure(run={"end_exit": end_exit})
    first, second, _third = site.add_vms(3)
    wanted = {first: ("removesnapshots", is_open), second: ("createsnapshot", is_failed)}
    site.host.configure(
        fail=[failure(command, vmx=vmx) for vmx, (command, is_on) in wanted.items() if is_on]
    )
    story = site.back_up()
    assert story.ended.exit_code == exit_code
    assert story.ended.counts["open"] == is_open
    assert story.ended.counts["failed"] == is_failed
    site.host.configure(fail=[])
    assert_clean(site)


def test_when_vmware_cmd_is_gone_at_the_end_the_guard_goes_on_trying(site: Site) -> None:
    vmxs = site.add_vms(2)
    program = site.host.vmware_cmd
    with site.avtar() as avtar:
        avtar.wait_started()
        program.rename(f"{program}.away")
        story = avtar.finish()
        assert story.ended.exit_code != 0
        assert str(program) in story.ended.stdout
        # It must not claim that nothing is open.
        assert story.ended.counts["open"] == 2
    assert [len(site.host.snapshots(vmx)) for vmx in vmxs] == [1, 1]
    Path(f"{program}.away").rename(program)
    assert_clean(site)


def test_when_a_vm_is_gone_from_the_datastore_the_others_are_removed(site: Site) -> None:
    vmx, other = site.add_vms(2)
    with site.avtar() as avtar:
        avtar.wait_started()
        folder = Path(vmx).parent
        folder.rename(f"{folder}.away")
        story = avtar.finish()
    assert story.ended.flags(vmx)[:1] == ["OK_snap"]
    assert "FAILED_umount" in story.ended.flags(vmx)
    assert "vm1.vmx" in story.ended.words(vmx)
    assert story.ended.flags(other) == ["OK_snap", "OK_umount"]
    assert story.ended.exit_code in (1, 4)
    Path(f"{folder}.away").rename(folder)
    assert_clean(site)
