"""The lab's avtar, run as the executable it is; its log as real ones of 2009 and 2019 were."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from lab_kit import (
    Outcome,
    find_vm,
    make_lab,
    make_python_hooks,
    read_json_line,
    run_avtar,
    run_vmware_cmd,
    wait_for,
)

from hlb_hooks.lab.client.log import format_size
from hlb_hooks.lab.client.store import Store, hash_file
from hlb_hooks.lab.evidence import list_instants
from hlb_hooks.lab.host.disks import read_vm_disks
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

SMALL = SampleDisk(65536)
VMS = [
    SampleVm("wro215ts", disks=(SMALL, SMALL)),
    SampleVm("sql server (2)", disks=(SMALL,), datastore=1),
    SampleVm("off", disks=(SMALL,), power="off"),
]
HOOKS = ("--run-at-start=initial_backup", "--run-at-end=initial_umount")
NUMBERED = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d avtar (?:Info|Warning|Error) <(\d{4,5})>: (.*)"
)
SPEAKING = make_python_hooks(
    {
        "initial_backup": ["print('--initial_backup--')"],
        "initial_umount": ["print('last, without a line end', end='')"],
    }
)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return make_lab(tmp_path / "lab", VMS, render_hook=SPEAKING)


def make_lab_of_codes(folder: Path, start: int, end: int) -> Lab:
    bodies = {
        "initial_backup": [f"print('start'); sys.exit({start})"],
        "initial_umount": [f"print('end'); sys.exit({end})"],
    }
    return make_lab(folder / "lab", VMS, render_hook=make_python_hooks(bodies))


def list_numbers(log: str) -> list[str]:
    return [match[1] for line in log.splitlines() if (match := NUMBERED.fullmatch(line))]


def back_up(lab: Lab, *more: str) -> Outcome:
    return run_avtar(lab, "--create", "--label=gold", *more, lab.volumes)


def list_busy(log: str) -> list[str]:
    found = re.findall(r'"([^"]+)" \(code 16: Device or resource busy\)\.$', log, re.MULTILINE)
    names = sorted(Path(path).name for path in found)
    return [name for name in names if not name.endswith(".vswp")]


def test_the_logs_lines_come_in_the_known_order(lab: Lab) -> None:
    log = back_up(lab, *HOOKS).stdout
    lines = log.splitlines()
    assert re.fullmatch(r"-----  START avtar log .* \[7\.5\.101-101 Linux-x86_64\]", lines[0])
    assert re.fullmatch(
        r"----- END avtar log .*  \(\d+ warnings, 0 errors, 0 fatal errors\)", lines[-1]
    )
    numbers = [number for number in list_numbers(log) if number != "0000"]
    assert numbers == [
        *("5551", "7977", "5916", "6031", "6032", "5917"),
        *("5946", "5588", "5731", "5582", "7563", "5586", "5163", "5156", "6083", "5587"),
        *("5916", "6031", "6032", "5917"),
        *("7883", "8468", "5314"),
    ]


def test_a_hooks_output_stands_raw_between_its_two_lines(lab: Lab) -> None:
    lines = back_up(lab, *HOOKS).stdout.splitlines()
    begin = next(i for i, line in enumerate(lines) if "Begin STDOUT from run-at-start:" in line)
    assert f"Executing run-at-start '{lab.sysdir}/scripts/initial_backup'" in lines[begin - 1]
    assert lines[begin + 1] == "--initial_backup--"
    assert lines[begin + 2].endswith("avtar Info <6032>: End of STDOUT")
    assert lines[begin + 3].endswith("avtar Info <5917>: Back from run-at-start, exit code 0")
    end = next(i for i, line in enumerate(lines) if "Begin STDOUT from run-at-end:" in line)
    assert lines[end + 1] == "last, without a line end"


def test_the_start_hook_is_over_before_the_lock_and_the_login(lab: Lab) -> None:
    log = back_up(lab, *HOOKS).stdout
    places = [
        log.index(text)
        for text in (
            "Command Line:",
            "Back from run-at-start",
            "Creating process lock file",
            "Starting back up at",
            "login successful",
            "(code 16",
            "Backup #1",
            "Backed-up",
            "Executing run-at-end",
            "Back from run-at-end",
            "Command completed",
        )
    ]
    assert places == sorted(places)


def test_the_log_file_holds_what_was_printed(lab: Lab) -> None:
    log_file = lab.vardir / "clientlogs/gold.log"
    outcome = back_up(lab, f"--logfile={log_file}", *HOOKS)
    assert log_file.read_text() == outcome.stdout
    assert f"avtar Info <5008>: Logging to {log_file}\n" in outcome.stdout
    assert f"--logfile={log_file}" in outcome.stdout


def test_the_log_does_not_tell_a_password(lab: Lab) -> None:
    outcome = back_up(lab, "--id=backup", "--ap=hunter2", "--password=hunter2")
    assert outcome.exit_code == 0
    assert "hunter2" not in outcome.stdout


def test_locked_disks_are_refused_and_the_backup_goes_on(lab: Lab) -> None:
    outcome = back_up(lab)
    assert list_busy(outcome.stdout) == [
        "sql server (2)-flat.vmdk",
        "wro215ts-flat.vmdk",
        "wro215ts_1-flat.vmdk",
    ]
    assert outcome.exit_code == 0
    assert re.search(
        r"<5314>: Command completed \(5 warnings, exit code 0: success\)", outcome.stdout
    )
    stored = {Path(file.path).name for file in Store(lab.store).find_backup(1).files}
    assert {"off-flat.vmdk", "wro215ts.vmx", "wro215ts.vmdk"} <= stored
    assert not stored & set(list_busy(outcome.stdout))


def test_behind_a_snapshot_the_bases_are_read_and_the_deltas_refused(lab: Lab) -> None:
    vm = find_vm(lab, "wro215ts")
    run_vmware_cmd(lab, vm.config, "createsnapshot", "HLB-a", "text", "1", "0")
    outcome = back_up(lab)
    assert list_busy(outcome.stdout) == [
        "sql server (2)-flat.vmdk",
        "wro215ts-000001-delta.vmdk",
        "wro215ts_1-000001-delta.vmdk",
    ]
    stored = {file.path: file.sha256 for file in Store(lab.store).find_backup(1).files}
    for disk in list_instants(lab, vm)[0].disks:
        assert stored[str(disk.data_files[0])] == disk.sha256


def test_excludes_and_includes_thin_the_dataset_out(lab: Lab) -> None:
    outcome = back_up(lab, "--exclude=*.vswp", "--exclude=wro215ts", "--include=wro215ts.vmx")
    assert outcome.stdout.count("code 16") == 1
    assert "Not using include/exclude list" not in outcome.stdout
    stored = [Path(file.path).name for file in Store(lab.store).find_backup(1).files]
    assert [name for name in stored if name.startswith("wro215ts")] == ["wro215ts.vmx"]


def test_a_source_that_is_not_there_fails_the_command(lab: Lab) -> None:
    outcome = run_avtar(lab, "--create", lab.volumes / "gone", find_vm(lab, "off").folder)
    assert outcome.exit_code == 157
    assert "<6149>: Error summary: 1 error: 0\n" in outcome.stdout
    assert "Command failed (1 error, exit code 10007: miscellaneous error)" in outcome.stdout
    assert Store(lab.store).find_backup(1).files


def test_a_hook_gets_a_hostile_environment_and_nothing_to_read(tmp_path: Path) -> None:
    report = {
        "arguments": "sys.argv[1:]",
        "folder": "os.getcwd()",
        "home": "os.environ.get('HOME')",
        "library_path": "os.environ['LD_LIBRARY_PATH']",
        "python": "sorted(name for name in os.environ if name.startswith('PYTHON'))",
        "kept": "os.environ.get('LAB_TEST_MARK')",
        "configuration": "os.environ.get('HLB_CONFIG')",
        "input": "sys.stdin.read()",
        "input_file": "os.readlink('/proc/self/fd/0')",
        "output_is_terminal": "os.isatty(1)",
        "output_kind": "os.readlink('/proc/self/fd/1')[:5]",
        "parent": "open(f'/proc/{os.getppid()}/comm').read()",
    }
    body = ", ".join(f"{name!r}: {expression}" for name, expression in report.items())
    hook = [f"print('SAW' + json.dumps({{{body}}}))", "print('lost', file=sys.stderr)"]
    lab = make_lab(tmp_path / "lab", VMS, render_hook=make_python_hooks({"initial_backup": hook}))
    environment = {name: os.environ[name] for name in os.environ if name != "HLB_CONFIG"}
    done = subprocess.run(
        [lab.programs / "avtar", "--create", HOOKS[0], lab.volumes],
        capture_output=True,
        text=True,
        env={**environment, "LAB_TEST_MARK": "kept", "HOME": "/root"},
        check=False,
    )
    seen = read_json_line(done.stdout, "SAW")
    assert "/nonexistent" in str(seen.pop("library_path"))
    assert set(json.loads(json.dumps(seen.pop("python")))) >= {"PYTHONHOME", "PYTHONPATH"}
    assert seen == {
        "arguments": [],
        "folder": "/",
        "home": None,
        "kept": "kept",
        "configuration": str(lab.sysdir / "hlb/hlb.toml"),
        "input": "",
        "input_file": "/dev/null",
        "output_is_terminal": False,
        "output_kind": "pipe:",
        "parent": "avtar\n",
    }
    assert "lost" not in done.stdout + done.stderr
    assert (lab.vardir / "hooks-stderr.log").read_text() == "lost\n"


def test_avtar_reads_a_hooks_output_up_to_the_end_of_the_pipe(tmp_path: Path) -> None:
    hook = [
        "print('from the hook', flush=True)",
        "import time",
        "if os.fork() == 0: time.sleep(0.3); print('from what it left behind')",
    ]
    lab = make_lab(tmp_path / "lab", VMS, render_hook=make_python_hooks({"initial_backup": hook}))
    log = back_up(lab, HOOKS[0]).stdout
    between = log[log.index("Begin STDOUT") : log.index("End of STDOUT")]
    assert "from the hook\nfrom what it left behind\n" in between


@pytest.mark.parametrize("flag", ["--run-at-start-exit", "--run_at_start_exit"])
def test_a_failed_start_hook_aborts_the_backup_if_its_flag_says_so(
    tmp_path: Path, flag: str
) -> None:
    lab = make_lab_of_codes(tmp_path, 1, 0)
    outcome = back_up(lab, *HOOKS, f"{flag}=true")
    assert "Back from run-at-start, exit code 1" in outcome.stdout
    assert "Starting back up" not in outcome.stdout
    assert "Command failed (1 error, exit code 10007: miscellaneous error)" in outcome.stdout
    assert "Back from run-at-end, exit code 0" in outcome.stdout
    assert outcome.exit_code == 157
    assert Store(lab.store).list_backups() == []


def test_without_the_flag_a_failed_start_hook_changes_nothing(tmp_path: Path) -> None:
    lab = make_lab_of_codes(tmp_path, 1, 0)
    for flags in ((), ("--run-at-start-exit=false",)):
        outcome = back_up(lab, *HOOKS, *flags)
        assert outcome.exit_code == 0
        assert "Command completed" in outcome.stdout


def test_whether_the_end_hook_runs_after_a_failed_start_can_be_chosen(tmp_path: Path) -> None:
    lab = make_lab_of_codes(tmp_path, 1, 0)
    outcome = back_up(lab, *HOOKS, "--run-at-start-exit=true", "--lab-end-after-failure=no")
    assert outcome.exit_code == 157
    assert "run-at-end'" not in outcome.stdout


@pytest.mark.parametrize(("flag", "exit_code"), [("true", 4), ("false", 0)])
def test_the_end_hooks_code_is_avtars_if_its_flag_says_so(
    tmp_path: Path, flag: str, exit_code: int
) -> None:
    lab = make_lab_of_codes(tmp_path, 0, 4)
    outcome = back_up(lab, *HOOKS, f"--run-at-end-exit={flag}")
    assert outcome.exit_code == exit_code
    assert ("exit code 4: miscellaneous error)" in outcome.stdout) == (exit_code == 4)
    assert Store(lab.store).find_backup(1).files


def test_a_hook_that_is_not_there_is_an_error_with_its_path(lab: Lab) -> None:
    outcome = back_up(lab, "--run-at-start=gone", "--run-at-start-exit=true")
    assert f'"{lab.sysdir}/scripts/gone": No such file' in outcome.stdout
    assert outcome.exit_code == 157


def test_a_backup_is_listed_and_comes_back_byte_for_byte(lab: Lab, tmp_path: Path) -> None:
    folder = find_vm(lab, "off").folder
    assert back_up(lab).exit_code == 0
    listed = run_avtar(lab, "--backups").stdout.splitlines()
    assert len(listed) == 2
    assert listed[1].endswith("  gold")
    assert f" {folder}/off-flat.vmdk\n" in run_avtar(lab, "-t", "--labelnumber=1").stdout
    outcome = run_avtar(lab, "-x", "--labelnum=1", f"--target={tmp_path / 'back'}", folder)
    assert outcome.exit_code == 0
    assert re.search(r"<6090>: Restored .+ in \S+ minutes", outcome.stdout)
    for path in folder.iterdir():
        assert hash_file(tmp_path / "back/off" / path.name) == hash_file(path)


def test_a_restore_keeps_whole_paths_if_told_so(lab: Lab, tmp_path: Path) -> None:
    back_up(lab)
    disk = read_vm_disks(find_vm(lab, "off"))[0].data_files[0]
    run_avtar(lab, "--extract", "--preservepaths", f"--target={tmp_path / 'back'}", disk)
    restored = tmp_path / "back" / str(disk).lstrip("/")
    assert hash_file(restored) == hash_file(disk)
    assert restored.stat().st_mtime_ns == disk.stat().st_mtime_ns


def test_a_restore_to_where_it_was_overwrites_nothing(lab: Lab) -> None:
    back_up(lab)
    vm = find_vm(lab, "off")
    vm.config.write_text("changed since")
    (vm.folder / "off.nvram").unlink()
    outcome = run_avtar(lab, "-x", vm.folder)
    assert outcome.exit_code == 0
    assert vm.config.read_text() == "changed since"
    assert (vm.folder / "off.nvram").stat().st_size == 8684
    assert f'"{vm.config}" (code 17: File exists).' in outcome.stdout


def test_links_come_back_as_links(lab: Lab, tmp_path: Path) -> None:
    back_up(lab)
    run_avtar(lab, "-x", f"--target={tmp_path / 'back'}", lab.volumes)
    label = tmp_path / "back/volumes/storage1"
    assert label.is_symlink()
    assert (label / "off/off.vmx").exists()


def test_a_restore_runs_the_hooks_too_if_it_is_told_to(lab: Lab, tmp_path: Path) -> None:
    back_up(lab)
    outcome = run_avtar(lab, "-x", f"--target={tmp_path / 'back'}", *HOOKS)
    assert outcome.stdout.count("exit code 0\n") == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--list",), "no backup #None"),
        (("--list", "--labelnumber=9"), "no backup #9"),
        (("-x", "--labelnumber=9"), "no backup #9"),
    ],
)
def test_a_backup_that_is_not_there_is_an_error(
    lab: Lab, words: tuple[str, ...], text: str
) -> None:
    outcome = run_avtar(lab, *words)
    assert outcome.exit_code == 157
    assert text in outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    "words",
    [(), ("--create",), ("--create", "--extract", "/x"), ("--create", "--unknown", "/x")],
)
def test_a_wrong_command_line_is_refused(lab: Lab, words: tuple[str, ...]) -> None:
    outcome = run_avtar(lab, *words)
    assert outcome.exit_code in {1, 2}
    assert outcome.stderr
    assert Store(lab.store).list_backups() == []


def test_a_slow_reader_waits_before_each_file_and_bears_avtars_name(lab: Lab) -> None:
    client = subprocess.Popen(
        [lab.programs / "avtar", "--create", "--lab-read-delay=60", lab.volumes],
        stdout=subprocess.PIPE,
    )
    lock_file = lab.vardir / "avtar.lck"
    wait_for(lock_file.exists, "avtar to take its lock")
    assert Path(f"/proc/{client.pid}/comm").read_text() == "avtar\n"
    assert lock_file.read_text() == f"{client.pid}\n"
    client.send_signal(signal.SIGTERM)
    client.communicate()
    assert Store(lab.store).list_backups() == []


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (5744, "5.609 KB"),
        (60 * 1024**3, "60.00 GB"),
        (5 * 1024**5, "5120.0 TB"),
    ],
)
def test_sizes_are_written_as_avtar_writes_them(size_bytes: int, text: str) -> None:
    assert format_size(size_bytes) == text
