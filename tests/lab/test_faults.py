"""Each kind of fault, through the lab's executables where it matters, in both dialects."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import Outcome, find_vm, make_lab, run_vmware_cmd, wait_for

from hlb_hooks.base.errors import UsageError
from hlb_hooks.lab.evidence import list_lost_disks, list_open_snapshots
from hlb_hooks.lab.files import is_locked
from hlb_hooks.lab.host.disks import read_vmx
from hlb_hooks.lab.host.faults import (
    ACTIONS,
    KINDS,
    Fault,
    add_fault,
    clear_faults,
    list_faults,
    take_faults,
)
from hlb_hooks.lab.host.guests import Guests
from hlb_hooks.lab.host.operate import answer_question
from hlb_hooks.lab.host.ordeal import GARBAGE
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

SMALL = SampleDisk(65536)
CREATE = ("createsnapshot", "HLB-a", "text", "1", "0")
REMOVE = ("removesnapshots",)
DONE = {
    "createsnapshot": "createsnapshot(HLB-a text 1 0) = 1\n",
    "removesnapshots": "removesnapshots() = 1\n",
}
UNMANAGED = {
    "console": Outcome(
        14,
        "",
        "/usr/bin/vmware-cmd: Could not connect to vmware-authd\n"
        "  (VMControl error -14: Unexpected response from vmware-authd: "
        "511 Error connecting to /usr/sbin/vmware-serverd process.)\n",
    ),
    "vcli": Outcome(
        1,
        "",
        "Error connecting to server at 'https://127.0.0.1/sdk/webService': Bad hostname\n",
    ),
}
TIMED_OUT = {
    "console": Outcome(7, "", "VMControl error -7: Timeout\n"),
    "vcli": Outcome(1, "", "Operation timed out.\n"),
}


@pytest.fixture(params=["console", "vcli"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    lab = make_lab(
        tmp_path / "lab",
        [SampleVm("vm", disks=(SMALL, SMALL)), SampleVm("other", disks=(SMALL,), power="off")],
        dialect=request.param,
    )
    yield lab
    vm = find_vm(lab, "vm")
    if vm.power == "stuck":
        answer_question(lab, vm.config)
    wait_until_free(lab, vm)
    assert list_lost_disks(lab, vm) == []


@pytest.fixture
def vm(lab: Lab) -> RegisteredVm:
    return find_vm(lab, "vm")


def dialect(lab: Lab) -> str:
    return lab.read_settings().dialect


def refusal(lab: Lab, text: str) -> Outcome:
    if dialect(lab) == "vcli":
        return Outcome(1, "", f"{text}\n")
    soap = f"SoapError: ServerFaultCode(0) : ({text})"
    return Outcome(231, "", f"VMControl error -999: Unknown error: {soap}\n")


def wait_until_free(lab: Lab, vm: RegisteredVm) -> None:
    lock = lab.hostd / "tasks" / f"{vm.key}.lock"
    wait_for(lambda: not is_locked(lock), "the task to end")


def open_names(lab: Lab, vm: RegisteredVm) -> tuple[str, ...]:
    return list_open_snapshots(lab).get(vm.config, ())


def write_since(lab: Lab, vm: RegisteredVm) -> None:
    guests = Guests(lab, 1)
    for _ in range(20):
        guests.write_once(vm)


def take(lab: Lab, vm: RegisteredVm) -> None:
    assert run_vmware_cmd(lab, vm.config, *CREATE).exit_code == 0
    write_since(lab, vm)


def test_without_a_fault_nothing_is_different(lab: Lab, vm: RegisteredVm) -> None:
    clear_faults(lab)
    assert run_vmware_cmd(lab, vm.config, *CREATE) == Outcome(0, DONE["createsnapshot"], "")
    assert run_vmware_cmd(lab, vm.config, *REMOVE) == Outcome(0, DONE["removesnapshots"], "")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "nonsense"}, "no fault 'nonsense'"),
        ({"kind": "lie", "action": "getstate"}, "never hits the action 'getstate'"),
        ({"kind": "done_early", "action": "create*"}, "never hits"),
        ({"kind": "delay", "times": 0}, "at least 1 command"),
        ({"kind": "delay", "seconds": -1.0}, "0 seconds or more"),
        ({"kind": "delay", "seconds": float("nan")}, "0 seconds or more"),
        ({"kind": "delay", "seconds": float("inf")}, "0 seconds or more"),
    ],
)
def test_an_impossible_fault_is_refused(fault: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Fault(**fault)  # type: ignore[arg-type]  # a table of wrong arguments


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_hits_the_actions_of_its_kind_and_no_others(kind: str) -> None:
    hit = {action for action in ACTIONS if Fault(kind).hits(action, "/v/vm/vm.vmx", quiesce=True)}
    assert hit == set(KINDS[kind])


@pytest.mark.parametrize(
    ("pattern", "hits"),
    [
        ("*", True),
        ("vm", True),
        ("v?", True),
        ("/d/vm/vm.vmx", True),
        ("/d/*", True),
        ("vm.vmx", False),
        ("V*", False),
        ("other", False),
    ],
)
def test_a_vm_is_named_by_its_folder_or_its_path(pattern: str, *, hits: bool) -> None:
    assert Fault("delay", vm=pattern).hits("getstate", "/d/vm/vm.vmx") == hits


def test_a_list_is_of_no_vm(lab: Lab) -> None:
    add_fault(lab, Fault("delay", vm="v*"))
    assert take_faults(lab, "-l", "") == []


def test_faults_count_down_and_those_without_a_number_stay(lab: Lab, vm: RegisteredVm) -> None:
    twice, always = Fault("delay", action="getstate", times=2), Fault("slow_task", seconds=0.5)
    add_fault(lab, twice)
    add_fault(lab, always)
    path = str(vm.config)
    assert take_faults(lab, "getstate", path) == [twice]
    assert list_faults(lab) == [Fault("delay", action="getstate", times=1), always]
    assert len(take_faults(lab, "getstate", path)) == 1
    assert take_faults(lab, "getstate", path) == []
    assert take_faults(lab, "createsnapshot", path) == [always]
    assert list_faults(lab) == [always]
    clear_faults(lab)
    assert list_faults(lab) == []


@pytest.mark.parametrize("action", [("-l",), ("VM", "getstate"), ("VM", *CREATE)])
def test_management_that_is_down_answers_nothing(
    lab: Lab, vm: RegisteredVm, action: tuple[str, ...]
) -> None:
    add_fault(lab, Fault("management_down", times=1))
    words = [str(vm.config) if word == "VM" else word for word in action]
    assert run_vmware_cmd(lab, *words) == UNMANAGED[dialect(lab)]
    assert run_vmware_cmd(lab, *words).exit_code == 0


def test_a_delay_comes_before_anything_else(lab: Lab, vm: RegisteredVm) -> None:
    add_fault(lab, Fault("delay", seconds=0.3))
    add_fault(lab, Fault("refuse", text="no"))
    started = time.monotonic()
    assert run_vmware_cmd(lab, vm.config, *CREATE) == refusal(lab, "no")
    assert time.monotonic() - started >= 0.3


def test_a_client_that_hangs_does_nothing_until_it_is_killed(lab: Lab, vm: RegisteredVm) -> None:
    add_fault(lab, Fault("hang", times=1))
    client = subprocess.Popen([lab.programs / "vmware-cmd", vm.config, *CREATE])
    wait_for(lambda: list_faults(lab) == [], "the client to meet the fault")
    with pytest.raises(subprocess.TimeoutExpired):
        client.wait(0.3)
    client.kill()
    client.wait()
    assert open_names(lab, vm) == ()


def test_a_slow_task_is_waited_for_and_seen_at_work(lab: Lab, vm: RegisteredVm) -> None:
    take(lab, vm)
    add_fault(lab, Fault("slow_task", seconds=0.5))
    client = subprocess.Popen(
        [lab.programs / "vmware-cmd", vm.config, *REMOVE], stdout=subprocess.PIPE
    )
    wait_for(lambda: open_names(lab, vm) == ("?",), "the entry to go")
    assert run_vmware_cmd(lab, vm.config, *CREATE) == refusal(
        lab, "Operation failed since another task is in progress."
    )
    assert client.communicate()[0] == DONE["removesnapshots"].encode()
    assert open_names(lab, vm) == ()


@pytest.mark.parametrize("text", ["", "SOAP request error - possibly a protocol issue"])
def test_a_client_times_out_while_the_task_goes_on(lab: Lab, vm: RegisteredVm, text: str) -> None:
    add_fault(lab, Fault("timeout", action="createsnapshot", seconds=0.5, text=text))
    said = run_vmware_cmd(lab, vm.config, *CREATE)
    assert said == (refusal(lab, text) if text else TIMED_OUT[dialect(lab)])
    assert open_names(lab, vm) == ()
    assert is_locked(lab.hostd / "tasks" / f"{vm.key}.lock")
    wait_for(lambda: open_names(lab, vm) == ("HLB-a",), "the snapshot to be made all the same")


def test_a_removal_times_out_when_its_entry_is_gone(lab: Lab, vm: RegisteredVm) -> None:
    take(lab, vm)
    add_fault(lab, Fault("timeout", seconds=0.5))
    assert run_vmware_cmd(lab, vm.config, *REMOVE) == TIMED_OUT[dialect(lab)]
    wait_for(lambda: open_names(lab, vm) == (), "the merge to end")


def test_a_late_task_is_not_to_be_seen_until_it_begins(lab: Lab, vm: RegisteredVm) -> None:
    add_fault(lab, Fault("timeout_late", seconds=0.6, times=1))
    assert run_vmware_cmd(lab, vm.config, *CREATE) == TIMED_OUT[dialect(lab)]
    # The host is free for another task meanwhile.
    assert run_vmware_cmd(lab, vm.config, *REMOVE).exit_code == 0
    assert open_names(lab, vm) == ()
    wait_for(lambda: open_names(lab, vm) == ("HLB-a",), "the late snapshot")


def test_a_time_out_may_be_all_there_is(lab: Lab, vm: RegisteredVm) -> None:
    add_fault(lab, Fault("timeout_nothing"))
    for words in (("getstate",), CREATE, REMOVE):
        assert run_vmware_cmd(lab, vm.config, *words) == TIMED_OUT[dialect(lab)]
    assert open_names(lab, vm) == ()
    assert read_vmx(vm).get("scsi0:0.fileName") == "vm.vmdk"


def test_a_lie_is_told_in_the_words_of_success(lab: Lab, vm: RegisteredVm) -> None:
    add_fault(lab, Fault("lie"))
    assert run_vmware_cmd(lab, vm.config, *CREATE) == Outcome(0, DONE["createsnapshot"], "")
    assert open_names(lab, vm) == ()
    clear_faults(lab)
    take(lab, vm)
    add_fault(lab, Fault("lie"))
    assert run_vmware_cmd(lab, vm.config, *REMOVE) == Outcome(0, DONE["removesnapshots"], "")
    assert open_names(lab, vm) == ("HLB-a",)


def test_an_error_may_come_with_its_effect(lab: Lab, vm: RegisteredVm) -> None:
    add_fault(lab, Fault("error_with_effect", text="disk is tired"))
    assert run_vmware_cmd(lab, vm.config, *CREATE) == refusal(lab, "disk is tired")
    assert open_names(lab, vm) == ("HLB-a",)
    assert run_vmware_cmd(lab, vm.config, *REMOVE) == refusal(lab, "disk is tired")
    assert open_names(lab, vm) == ()


def test_a_refusal_may_be_any_error_of_vmcontrols(lab: Lab, vm: RegisteredVm) -> None:
    text = "VMControl error -8: Invalid operation for virtual machine's current state"
    add_fault(lab, Fault("refuse", action="getstate", text=text))
    exit_code = 8 if dialect(lab) == "console" else 1
    assert run_vmware_cmd(lab, vm.config, "getstate") == Outcome(exit_code, "", f"{text}\n")


@pytest.mark.parametrize("kind", ["refuse", "no_space", "quiesce_fails"])
def test_a_refused_snapshot_leaves_the_vm_alone(lab: Lab, vm: RegisteredVm, kind: str) -> None:
    add_fault(lab, Fault(kind))
    before = sorted(path.name for path in vm.folder.iterdir())
    outcome = run_vmware_cmd(lab, vm.config, *CREATE)
    assert outcome.exit_code == (231 if dialect(lab) == "console" else 1)
    assert sorted(path.name for path in vm.folder.iterdir()) == before


def test_only_a_quiesced_snapshot_fails_for_quiescing(lab: Lab, vm: RegisteredVm) -> None:
    add_fault(lab, Fault("quiesce_fails", times=1))
    assert run_vmware_cmd(lab, vm.config, "createsnapshot", "a", "b", "0", "0").exit_code == 0
    run_vmware_cmd(lab, vm.config, *REMOVE)
    assert "Cannot create a quiesced snapshot" in run_vmware_cmd(lab, vm.config, *CREATE).stderr


def test_a_removal_may_be_said_to_be_done_early(lab: Lab, vm: RegisteredVm) -> None:
    take(lab, vm)
    add_fault(lab, Fault("done_early", seconds=0.5))
    assert run_vmware_cmd(lab, vm.config, *REMOVE) == Outcome(0, DONE["removesnapshots"], "")
    assert open_names(lab, vm) == ("?",)
    wait_for(lambda: open_names(lab, vm) == (), "the merge to end")


@pytest.mark.parametrize(
    ("kind", "expected", "names"),
    [
        ("garbage", f"{GARBAGE}\n", ("HLB-a",)),
        ("garbage_nothing", f"{GARBAGE}\n", ()),
        ("silence", "", ("HLB-a",)),
        ("silence_nothing", "", ()),
    ],
)
def test_an_answer_may_say_nothing_that_can_be_read(
    lab: Lab, vm: RegisteredVm, kind: str, expected: str, names: tuple[str, ...]
) -> None:
    add_fault(lab, Fault(kind))
    assert run_vmware_cmd(lab, "-l") == Outcome(0, expected, "")
    assert run_vmware_cmd(lab, vm.config, "getstate") == Outcome(0, expected, "")
    assert run_vmware_cmd(lab, vm.config, *CREATE) == Outcome(0, expected, "")
    assert open_names(lab, vm) == names


def test_garbage_may_be_chosen(lab: Lab, vm: RegisteredVm) -> None:
    add_fault(lab, Fault("garbage", action="hassnapshot", text="hassnapshot() = maybe"))
    assert run_vmware_cmd(lab, vm.config, "hassnapshot").stdout == "hassnapshot() = maybe\n"


@pytest.mark.parametrize(
    ("kind", "names"), [("helper_left", "Consolidate Helper"), ("helper_hidden", "?")]
)
def test_a_helper_may_be_left_behind_and_the_next_removal_merges_it(
    lab: Lab, vm: RegisteredVm, kind: str, names: str
) -> None:
    take(lab, vm)
    add_fault(lab, Fault(kind, times=1))
    assert run_vmware_cmd(lab, vm.config, *REMOVE) == Outcome(0, DONE["removesnapshots"], "")
    assert open_names(lab, vm) == (names,)
    assert read_vmx(vm).get("scsi0:0.fileName") == "vm-000002.vmdk"
    write_since(lab, vm)
    assert list_lost_disks(lab, vm) == []
    if kind == "helper_hidden":
        # As VMware advises for deltas that no entry accounts for.
        run_vmware_cmd(lab, vm.config, *CREATE)
    assert run_vmware_cmd(lab, vm.config, *REMOVE).exit_code == 0
    assert open_names(lab, vm) == ()
    assert not list(vm.folder.glob("*-0*"))
    assert not list(vm.folder.glob("*.vmsn"))


def test_a_vm_that_is_off_needs_no_helper(lab: Lab) -> None:
    off = find_vm(lab, "other")
    run_vmware_cmd(lab, off.config, *CREATE)
    add_fault(lab, Fault("helper_left"))
    run_vmware_cmd(lab, off.config, *REMOVE)
    assert list_open_snapshots(lab) == {}


def test_a_question_keeps_the_task_waiting_for_its_answer(lab: Lab, vm: RegisteredVm) -> None:
    add_fault(lab, Fault("question", times=1))
    client = subprocess.Popen(
        [lab.programs / "vmware-cmd", vm.config, *CREATE], stdout=subprocess.PIPE
    )
    wait_for(lambda: find_vm(lab, "vm").power == "stuck", "the question")
    assert run_vmware_cmd(lab, vm.config, "getstate").stdout == "getstate() = stuck\n"
    assert open_names(lab, vm) == ()
    answer_question(lab, vm.config)
    assert client.communicate()[0] == DONE["createsnapshot"].encode()
    assert open_names(lab, vm) == ("HLB-a",)


def test_a_question_that_nobody_answers_may_end_the_task(lab: Lab, vm: RegisteredVm) -> None:
    add_fault(lab, Fault("question", seconds=0.1))
    outcome = run_vmware_cmd(lab, vm.config, *CREATE)
    assert outcome.exit_code == (16 if dialect(lab) == "console" else 1)
    assert outcome.stderr.endswith("Virtual machine requires user input to continue\n")
    assert find_vm(lab, "vm").power == "stuck"
    assert open_names(lab, vm) == ()
