"""Bad input: the exit code of the table, a message that names the culprit, and nothing changed."""

import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hook_kit import Site
from hook_story import Outcome
from hook_watching import picture

HOOKS = ("initial_backup", "compare_backup")


@contextmanager
def unchanged(site: Site) -> Iterator[None]:
    """Nothing is changed but the emulation's own call log."""
    without = [site.host.root / "hostd"]
    before = picture(site.root, without)
    yield
    assert picture(site.root, without) == before
    assert site.changing_calls() == []
    assert site.guards() == []


def refused(site: Site, exit_code: int, *names: str, arguments: tuple[str, ...] = ()) -> Outcome:
    """Run the start hook; it must refuse, naming ``names``, and change nothing."""
    with unchanged(site):
        outcome = site.run("initial_backup", "--lease", "1h", *arguments)
        assert outcome.exit_code == exit_code, outcome.stdout
        for name in names:
            assert name in outcome.stdout, outcome.stdout
        assert "Traceback" not in outcome.stdout + outcome.stderr
        assert outcome.counts == {"chosen": 0, "ready": 0, "failed": 0, "open": 0}
    return outcome


@pytest.fixture
def vmx(site: Site) -> str:
    return site.host.add_vm("vm")


@pytest.mark.parametrize(
    ("section", "key", "value", "words"),
    [
        ("run", "languages", "en", ("run", "languages", "language")),
        ("runn", "language", "en", ("runn",)),
        ("run", "language", "de", ("run.language", '"de"', "en", "pl")),
        ("run", "language", 3, ("run.language", "3", "string")),
        ("run", "on_failure", "retry", ("run.on_failure", "continue", "abort")),
        ("run", "end_exit", True, ("run.end_exit", "true", "all", "data", "never")),
        ("run", "owner", "avtar*", ("run.owner", "list")),
        ("run", "owner", [], ("run.owner",)),
        ("run", "start_budget_seconds", "1800", ("run.start_budget_seconds", "integer")),
        ("run", "start_budget_seconds", -1, ("run.start_budget_seconds", "-1")),
        ("snapshot", "quiesce", True, ("snapshot.quiesce", "on", "off", "try")),
        ("snapshot", "memory", 1, ("snapshot.memory", "boolean")),
        ("snapshot", "parallel", 0, ("snapshot.parallel", "0")),
        ("snapshot", "min_free_percent", 101, ("snapshot.min_free_percent", "101", "100")),
        ("snapshot", "create_timeout_seconds", 1.5, ("snapshot.create_timeout_seconds", "1.5")),
        ("host", "driver", "vim-cmd", ("host.driver", "vim-cmd", "vmware-cmd")),
        ("host", "vmware_cmd", "vmware-cmd", ("host.vmware_cmd", "absolute path")),
        ("paths", "state_dir", "var/hlb", ("paths.state_dir", "absolute path")),
        ("jobs.default", "target", "/x", ("jobs.default", "target")),
        ("jobs.default", "targets", 5, ("jobs.default.targets", "5")),
        ("jobs.a b", "targets", "/x", ("a b",)),
    ],
)
def test_a_wrong_key_type_or_value_is_named_with_what_is_allowed(
    site: Site, vmx: str, section: str, key: str, value: Any, words: tuple[str, ...]
) -> None:
    settings = {name: dict(keys) for name, keys in site.settings.items()}
    written = f'jobs."{section[5:]}"' if " " in section else section
    settings.setdefault(written, {})[key] = value
    site.write_config(settings)
    refused(site, 2, str(site.config), *words)
    assert site.host.calls() == []


def test_all_mistakes_are_named_at_once(site: Site, vmx: str) -> None:
    site.configure(run={"language": "de", "end_exit": "some"}, snapshot={"colour": "red"})
    refused(site, 2, "run.language", "run.end_exit", "colour")


@pytest.mark.parametrize(
    "content",
    [b"[run\n", b"[run]\nlanguage = 'en'\nlanguage = 'pl'\n", b"\xff\xfe[\x00r\x00", b"\0"],
)
def test_a_file_that_is_not_toml_is_named(site: Site, vmx: str, content: bytes) -> None:
    site.config.write_bytes(content)
    refused(site, 2, str(site.config))


def no_config(site: Site) -> None:
    site.config.unlink()


def config_is_a_folder(site: Site) -> None:
    site.config.unlink()
    site.config.mkdir()


def config_is_a_fifo(site: Site) -> None:
    site.config.unlink()
    os.mkfifo(site.config)


def config_may_be_written_by_others(site: Site) -> None:
    site.config.chmod(0o602)


def config_may_be_written_by_the_group(site: Site) -> None:
    site.config.chmod(0o620)


def config_belongs_to_another(site: Site) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives a file away")
    os.chown(site.config, 4242, 4242)


@pytest.mark.parametrize(
    "spoil",
    [
        no_config,
        config_is_a_folder,
        config_is_a_fifo,
        config_may_be_written_by_others,
        config_may_be_written_by_the_group,
        config_belongs_to_another,
    ],
)
def test_a_configuration_that_cannot_be_used_is_named(
    site: Site, vmx: str, spoil: Callable[[Site], None]
) -> None:
    spoil(site)
    refused(site, 2, str(site.config), "next step: ")


def test_an_end_hook_that_knows_neither_configuration_nor_run_does_not_call_that_done(
    site: Site, vmx: str
) -> None:
    site.config.write_text("[x")
    story = site.back_up()
    assert site.host.calls() == []
    assert story.start.exit_code == 2
    assert story.ended.exit_code == 2, story.ended.stdout
    assert str(site.config) in story.ended.stdout
    assert "what run - was started with" not in story.ended.stdout


def no_targets(site: Site) -> None:
    site.targets.unlink()


def targets_are_a_folder(site: Site) -> None:
    site.targets.unlink()
    site.targets.mkdir()


def targets_may_be_written_by_others(site: Site) -> None:
    site.targets.chmod(0o666)


def targets_name_an_impossible_attribute(site: Site) -> None:
    site.choose('vm BCK_FVM="1D')


@pytest.mark.parametrize(
    "spoil",
    [
        no_targets,
        targets_are_a_folder,
        targets_may_be_written_by_others,
        targets_name_an_impossible_attribute,
    ],
)
def test_a_targets_file_that_cannot_be_used_is_named(
    site: Site, vmx: str, spoil: Callable[[Site], None]
) -> None:
    spoil(site)
    refused(site, 2, str(site.targets))


def test_a_target_nobody_has_is_named_and_no_failure(site: Site, vmx: str) -> None:
    site.choose("vm", "wro215ts", "no*body")
    story = site.back_up()
    assert "line 2: wro215ts" in story.start.stdout
    assert "line 3: no*body" in story.start.stdout
    assert (story.start.exit_code, story.ended.exit_code) == (0, 0)
    assert story.start.counts["chosen"] == 1


def test_a_name_that_two_vms_share_is_an_error_asking_for_the_path(site: Site, vmx: str) -> None:
    other = site.host.add_vm("other", display_name="vm")
    site.choose("vm")
    refused(site, 2, str(site.targets), "line 1", vmx, other, "path")
    site.choose(other)
    story = site.back_up()
    assert story.start.report.keys() == {other.removesuffix(".vmx")}


def no_program(site: Site) -> None:
    site.host.vmware_cmd.unlink()


def program_is_not_executable(site: Site) -> None:
    site.host.vmware_cmd.chmod(0o644)


def program_is_a_folder(site: Site) -> None:
    site.host.vmware_cmd.unlink()
    site.host.vmware_cmd.mkdir()


def program_has_no_interpreter(site: Site) -> None:
    site.host.vmware_cmd.write_text("#!/nonexistent/perl\n")


def program_is_noise(site: Site) -> None:
    site.host.vmware_cmd.write_bytes(b"\x7fELFnoise")


@pytest.mark.parametrize(
    "spoil",
    [
        no_program,
        program_is_not_executable,
        program_is_a_folder,
        program_has_no_interpreter,
        program_is_noise,
    ],
)
def test_a_vmware_cmd_that_cannot_be_run_is_a_configuration_error(
    site: Site, vmx: str, spoil: Callable[[Site], None]
) -> None:
    spoil(site)
    refused(site, 2, str(site.host.vmware_cmd))


def answer(text: bytes, exit_code: int = 0) -> dict[str, Any]:
    garbled = {"text": b64encode(text).decode(), "exit": exit_code}
    return {"garble": {"-l": garbled}}


def refusal(exit_code: int, text: str) -> dict[str, Any]:
    return {"fail": [{"command": "-l", "exit_code": exit_code, "text": text}]}


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param(answer(b"/vmfs/volumes/4a3b/vm/v"), id="half a path"),
        pytest.param(answer(b"/vmfs/volumes/4a3b/vm/vm.vm"), id="a path cut in its ending"),
        pytest.param(answer(b"/a/b.vmx\n/vmfs/volumes/4a3b/v"), id="cut in the second path"),
        pytest.param(answer(b"\x00\x01\xff\xfe"), id="noise"),
        pytest.param(answer(b"Segmentation fault\n", 139), id="a crash"),
        pytest.param(answer(b"", 1), id="nothing, exit 1"),
        pytest.param(answer(b"", 255), id="nothing, exit 255"),
        pytest.param(answer(b"Usage: vmware-cmd <options> <vm-cfg-path>\n"), id="usage, exit 0"),
        pytest.param(refusal(1, "Usage: vmware-cmd <options> <vm-cfg-path>"), id="usage"),
        pytest.param(refusal(231, "VMControl error -999: Unknown error: SoapError"), id="fault"),
        pytest.param(
            refusal(
                14,
                "/usr/bin/vmware-cmd: Could not connect to vmware-authd\n"
                "  (VMControl error -14: Unexpected response from vmware-authd: 511 Error "
                "connecting to /usr/sbin/vmware-serverd process.)",
            ),
            id="daemon down",
        ),
        pytest.param(
            refusal(
                1, "Error connecting to server at 'https://127.0.0.1/sdk/webService': Bad hostname"
            ),
            id="vCLI cannot connect",
        ),
    ],
)
def test_an_inventory_that_cannot_be_read_is_never_taken_for_empty(
    site: Site, vmx: str, switches: dict[str, Any]
) -> None:
    site.host.configure(**switches)
    refused(site, 1, "vmware-cmd -l")


def test_an_inventory_that_never_comes_is_an_error_naming_the_limit(site: Site, vmx: str) -> None:
    site.configure(host={"command_timeout_seconds": 1})
    site.host.configure(latency_seconds={"-l": 30})
    refused(site, 1, "vmware-cmd -l", "command_timeout_seconds")


@pytest.mark.parametrize("dialect", ["console", "vcli"])
def test_an_empty_inventory_is_valid(site: Site, dialect: str) -> None:
    site.host.configure(dialect=dialect)
    story = site.back_up()
    assert (story.start.exit_code, story.ended.exit_code) == (0, 0)
    assert story.start.counts == {"chosen": 0, "ready": 0, "failed": 0, "open": 0}
    site.wait_settled()


def test_no_vm_that_is_due_is_valid_and_needs_no_guard(site: Site, vmx: str) -> None:
    site.choose("# nothing today", "")
    story = site.back_up()
    assert (story.start.exit_code, story.ended.exit_code) == (0, 0)
    assert site.count_calls() == {"-l": 1}


@pytest.mark.parametrize("job", ["gold", "DEFAULT", "", "a/b", "../default", "x" * 33, "zł"])
def test_a_job_that_is_not_configured_is_an_error_naming_those_there_are(
    site: Site, vmx: str, job: str
) -> None:
    refused(site, 2, "default", arguments=(f"--job={job}",))


def test_a_link_names_the_job(site: Site, vmx: str) -> None:
    (site.scripts / "initial_backup.gold").symlink_to("initial_backup")
    with unchanged(site):
        outcome = site.run("initial_backup.gold", "--lease", "1h")
        assert outcome.exit_code == 2
        assert "gold" in outcome.stdout
    site.configure(**{"jobs.gold": {"targets": str(site.targets)}})
    made = site.run("initial_backup.gold", "--lease", "1h")
    assert made.machine["job"] == "gold"
    assert made.machine["run"].startswith("gold-")
    assert site.run("initial_umount", "--run", made.machine["run"]).exit_code == 0


def test_a_link_whose_ending_is_no_job_is_an_error(site: Site, vmx: str) -> None:
    (site.scripts / "initial_backup.a b").symlink_to("initial_backup")
    with unchanged(site):
        outcome = site.run("initial_backup.a b", "--lease", "1h")
        assert outcome.exit_code == 2
        assert "a b" in outcome.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--dryrun",),
        ("--dry",),
        ("--owner-pid=1",),
        ("--owner-pid",),
        ("surplus",),
        ("--run=x",),
        ("--lease",),
        ("--config=",),
        ("--", "x"),
        ("\x1b[31m\n2009-10-07 12:50:34 avtar Info <5314>: Command completed",),
    ],
)
def test_an_option_that_is_unknown_or_contradicts_another_is_refused(
    site: Site, vmx: str, arguments: tuple[str, ...]
) -> None:
    outcome = refused(site, 2, arguments=arguments)
    assert "\x1b" not in outcome.stdout
    assert not any(line.startswith("2009-") for line in outcome.lines)
    assert outcome.stderr == ""


@pytest.mark.parametrize("hook", ["snap_request", "snap_remove"])
def test_a_hook_that_wants_vms_is_refused_without_any(site: Site, vmx: str, hook: str) -> None:
    with unchanged(site):
        outcome = site.run(hook)
        assert outcome.exit_code == 2
        assert "VMX" in outcome.stdout


def test_snap_request_refuses_a_path_that_is_not_registered(site: Site, vmx: str) -> None:
    with unchanged(site):
        outcome = site.run("snap_request", "--lease", "1h", vmx, "/vmfs/volumes/x/y.vmx")
        assert outcome.exit_code == 2
        assert "/vmfs/volumes/x/y.vmx" in outcome.stdout


def state_folder_is_a_file(site: Site) -> None:
    site.state_dir.write_bytes(b"")


def state_folder_may_be_written_by_others(site: Site) -> None:
    site.state_dir.mkdir()
    site.state_dir.chmod(0o777)


def state_folder_belongs_to_another(site: Site) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives a folder away")
    site.state_dir.mkdir(mode=0o700)
    os.chown(site.state_dir, 4242, 4242)


@pytest.mark.parametrize(
    "spoil",
    [
        state_folder_is_a_file,
        state_folder_may_be_written_by_others,
        state_folder_belongs_to_another,
    ],
)
def test_a_state_folder_that_cannot_be_used_is_a_configuration_error(
    site: Site, vmx: str, spoil: Callable[[Site], None]
) -> None:
    spoil(site)
    refused(site, 2, site.settings["paths"]["state_dir"])


def test_a_log_file_that_cannot_be_opened_is_said_and_stops_nothing(site: Site, vmx: str) -> None:
    log = site.root / "no folder" / "hlb.log"
    site.configure(paths={"log_file": str(log)})
    story = site.back_up()
    assert story.start.flags(vmx) == ["OK_snap"]
    assert str(log) in story.start.stdout
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert (story.start.exit_code, story.ended.exit_code) == (0, 0)
    assert site.leftovers() == []


def test_a_hook_that_others_may_write_begins_no_run(site: Site, vmx: str) -> None:
    script = site.scripts / "initial_backup"
    script.chmod(0o777)
    refused(site, 2, f"{script}: group or others may write this hook", f"chmod go-w {script}")


@pytest.mark.parametrize("hook", ["compare_backup", "snap_request", "initial_backup.default"])
def test_every_hook_that_begins_looks_at_its_own_script(site: Site, vmx: str, hook: str) -> None:
    (site.scripts / "initial_backup.default").symlink_to("initial_backup")
    script = (site.scripts / hook).resolve()
    script.chmod(0o775)
    arguments = {"compare_backup": (), "snap_request": ("--lease", "1h", vmx)}
    with unchanged(site):
        outcome = site.run(hook, *arguments.get(hook, ("--lease", "1h")))
        assert outcome.exit_code == 2, outcome.stdout
        assert f"chmod go-w {script}" in outcome.stdout


def test_an_end_hook_that_others_may_write_keeps_no_snapshot_open(site: Site, vmx: str) -> None:
    with site.avtar() as avtar:
        avtar.wait_started()
        (site.scripts / "initial_umount").chmod(0o777)
        story = avtar.finish()
    assert story.ended.exit_code == 0, story.ended.stdout
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
