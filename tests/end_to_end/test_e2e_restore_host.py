"""``hlb restore`` and a host that refuses, hangs or lies."""

from pathlib import Path
from typing import Any

import pytest
from restore_kit import RestoreSite, read_keys


@pytest.fixture
def site(tmp_path: Path) -> RestoreSite:
    return RestoreSite(tmp_path / "site")


@pytest.fixture
def folder(site: RestoreSite) -> Path:
    return site.back_up(site.host.add_vm("web")).put_back()


@pytest.fixture
def vmx(folder: Path) -> str:
    return str(folder / "web.vmx")


def fail(site: RestoreSite, command: str, text: str, exit_code: int = 231, **more: Any) -> None:
    entry = {"command": command, "text": text, "exit_code": exit_code, **more}
    site.host.configure(fail=[entry])


BUSY = "VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : (x)"
TIMEOUT = "VMControl error -7: Timeout"


@pytest.mark.parametrize("option", [("--register",), ("--register", "--power-on"), ("--power-on",)])
@pytest.mark.parametrize("kind", ["refuses", "half a path", "prints nonsense", "is not there"])
def test_what_wants_the_host_is_refused_before_anything_is_changed(
    site: RestoreSite, folder: Path, option: tuple[str, ...], kind: str
) -> None:
    if kind == "refuses":
        fail(site, "-l", "VMControl error -14: Unexpected response from vmware-authd", 14)
    if kind == "half a path":
        # In base64.
        site.host.configure(garble={"-l": {"text": "L3ZtZnMvdm9sdW1lcy93ZWIvd2U="}})
    if kind == "prints nonsense":
        site.host.configure(garble={"-l": {"text": "c2VnZmF1bHQK"}})
    if kind == "is not there":
        site.configure(vmware_cmd="/nonexistent/vmware-cmd")
    expected = 2 if kind == "is not there" else 1
    site.refuse(folder, *option, "--uuid", "keep", exit_code=expected)


def test_a_host_that_hangs_is_waited_for_no_longer_than_told(
    site: RestoreSite, folder: Path
) -> None:
    site.configure(command_timeout_seconds=1)
    site.host.configure(latency_seconds={"-l": 30})
    words = site.refuse(folder, "--register")
    assert "gave no answer within 1 s" in words
    site.restore(folder, "--uuid", "keep")


def test_without_the_host_the_files_are_restored_all_the_same(
    site: RestoreSite, folder: Path
) -> None:
    site.configure(vmware_cmd="/nonexistent/vmware-cmd")
    outcome = site.restore(folder, "--uuid", "keep")
    assert "the host cannot be asked which VMs it has" in outcome.stdout
    assert "/nonexistent/vmware-cmd" in outcome.stdout


def test_starting_what_is_not_registered_is_refused_before_anything_is_changed(
    site: RestoreSite, folder: Path
) -> None:
    assert "say --register too" in site.refuse(folder, "--power-on", exit_code=2)


@pytest.mark.parametrize(
    ("text", "effect"), [(BUSY, "done"), (TIMEOUT, "done"), ("register() = 0", "done")]
)
def test_a_registration_is_believed_for_what_the_host_lists(
    site: RestoreSite, folder: Path, vmx: str, text: str, effect: str
) -> None:
    fail(site, "register", text, 231, effect=effect)
    outcome = site.run(folder, "--register")
    assert outcome.exit_code == 0, outcome.stdout
    assert "registered: " in outcome.stdout
    assert site.host.registered() == [vmx]


@pytest.mark.parametrize(("text", "exit_code"), [(BUSY, 231), (TIMEOUT, 7), ("register(x) = 1", 0)])
def test_a_registration_that_the_host_does_not_list_has_failed(
    site: RestoreSite, folder: Path, vmx: str, text: str, exit_code: int
) -> None:
    if exit_code:
        fail(site, "register", text, exit_code)
    else:
        done = "cmVnaXN0ZXIoeCkgPSAxCg=="
        site.host.configure(garble={"register": {"text": done, "effect": False}})
    outcome = site.run(folder, "--register", "--power-on")
    assert outcome.exit_code == 1
    assert f"{vmx} is not registered: " in outcome.stdout
    assert read_keys(folder / "web.vmx")["scsi0:0.filename"] == "web.vmdk"
    assert ["start"] not in [call[1:] for call in site.host.calls()]
    site.host.configure(fail=[], garble={})
    assert site.run(folder, "--register", "--power-on").exit_code == 0
    assert site.host.power(vmx) == "on"


def test_a_start_that_is_refused_is_said_in_the_hosts_words(
    site: RestoreSite, folder: Path, vmx: str
) -> None:
    fail(site, "start", "VMControl error -999: Unknown error: SoapError: (no licence)")
    outcome = site.run(folder, "--register", "--power-on")
    assert outcome.exit_code == 1
    assert "does not run: " in outcome.stdout
    assert "no licence" in outcome.stdout
    assert "its files are ready" in outcome.stdout
    assert read_keys(folder / "web.vmx")["uuid.action"] == "keep"
    site.host.configure(fail=[])
    assert site.run(folder, "--power-on").exit_code == 0
    assert site.host.power(vmx) == "on"
    assert "uuid.action" not in read_keys(folder / "web.vmx")


@pytest.mark.parametrize(
    ("text", "effect"), [(BUSY, "done"), (TIMEOUT, "done"), (TIMEOUT, "later")]
)
def test_a_start_is_believed_for_the_vms_state(
    site: RestoreSite, folder: Path, text: str, effect: str
) -> None:
    """Also where the host goes on after its command gave up."""
    fail(site, "start", text, 7, effect=effect, later_seconds=2.0)
    outcome = site.run(folder, "--register", "--power-on")
    assert outcome.exit_code == 0, outcome.stdout
    assert "the VM runs" in outcome.stdout
    assert "uuid.action" not in read_keys(folder / "web.vmx")


def test_a_start_said_to_be_done_may_take_a_while(site: RestoreSite, folder: Path) -> None:
    fail(site, "start", "start() = 1", 0, effect="later", later_seconds=2.0)
    outcome = site.run(folder, "--register", "--power-on")
    assert outcome.exit_code == 0, outcome.stdout


def test_a_start_said_to_be_done_that_never_was_is_said_to_be_none(
    site: RestoreSite, folder: Path
) -> None:
    site.configure(power_timeout_seconds=2)
    done = "c3RhcnQoKSA9IDEK"
    site.host.configure(garble={"start": {"text": done, "effect": False}})
    outcome = site.run(folder, "--register", "--power-on")
    assert outcome.exit_code == 1
    assert "does not run" in outcome.stdout


def test_a_start_that_hangs_is_waited_for_no_longer_than_told(
    site: RestoreSite, folder: Path
) -> None:
    site.configure(power_timeout_seconds=2)
    site.host.configure(latency_seconds={"start": 20})
    outcome = site.run(folder, "--register", "--power-on")
    assert outcome.exit_code == 1
    assert "does not run after 2 s" in outcome.stdout or "within 2 s" in outcome.stdout


def test_a_vm_that_runs_under_this_path_is_left_alone(site: RestoreSite, tmp_path: Path) -> None:
    vmx = site.host.add_vm("web")
    words = site.refuse(Path(vmx).parent, "--uuid", "keep")
    assert "is registered and runs: there is nothing to restore" in words


def test_the_same_command_after_the_start_takes_out_what_the_start_needed(
    site: RestoreSite, folder: Path, vmx: str
) -> None:
    assert site.run(folder, "--register").exit_code == 0
    site.host.set_power(vmx, "on")
    rehearsed = site.rehearse(folder, "--register")
    assert '-uuid.action = "keep"' in rehearsed.stdout
    outcome = site.run(folder, "--register")
    assert outcome.exit_code == 0
    assert "uuid.action is taken out again" in outcome.stdout
    assert "uuid.action" not in read_keys(folder / "web.vmx")
    assert site.host.power(vmx) == "on"


def test_another_vms_disk_is_not_taken(site: RestoreSite, tmp_path: Path) -> None:
    vmx = site.host.add_vm("web", disks=[bytes(512), bytes(512)], datastores={1: "store (1)"})
    backup = site.back_up(vmx, has_saved=False)
    folder = backup.put_back()
    thief = site.host.add_vm(
        "thief",
        extra_lines=[
            'scsi0:3.present = "TRUE"',
            f'scsi0:3.fileName = "{site.volumes}/store (1)/web/web_1.vmdk"',
        ],
    )
    words = site.refuse(folder)
    assert f"web_1.vmdk is a disk of {thief}" in words
