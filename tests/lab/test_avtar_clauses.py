"""A hook's time limit, which comes as a clause; flag files, where such options are kept."""

from pathlib import Path

import pytest
from avtar_kit import HOOKS, VMS, WAITING_HOOK, is_running, read_pid, start_avtar
from lab_kit import make_lab, make_python_hooks, run_avtar, wait_for

from hlb_hooks.lab.client.options import HookOptions, parse_options
from hlb_hooks.lab.client.store import Store
from hlb_hooks.lab.layout import Lab

# Whoever closes its standard output early is no less at work.
SILENT_HOOK = ("os.close(1)", *(line for line in WAITING_HOOK if not line.startswith("print")))
SAID_AT_TIMEOUT = "run-at-start did not end within 0.3 seconds (timeout-seconds)"


def make_waiting_lab(folder: Path, hook: tuple[str, ...] = WAITING_HOOK) -> Lab:
    hooks = make_python_hooks({"initial_backup": hook})
    return make_lab(folder / "lab", VMS, render_hook=hooks)


def read_start_hook(lab: Lab, *words: str) -> HookOptions:
    return parse_options(lab, ["--create", *words, "/x"]).start_hook


@pytest.mark.parametrize(
    "flag",
    [
        "--run-at-start-clauses",
        "--run-at-start-clause",
        "--run_at_start_clauses",
        "--run_at_start_clause",
    ],
)
def test_both_spellings_of_the_clause_give_a_limit(tmp_path: Path, flag: str) -> None:
    hook = read_start_hook(Lab(tmp_path), f"{flag}=timeout-seconds=72000")
    assert hook.timeout_seconds == 72000


@pytest.mark.parametrize(
    ("clauses", "seconds"),
    [
        ("", None),
        ("skip-on-error", None),
        ("skip-on-error,timeout-seconds=5", 5),
        ("timeout-seconds=1.5; skip-on-error", 1.5),
        ("no-timeout-seconds=5", None),
        ("timeout-seconds=5x", None),
    ],
)
def test_a_limit_is_found_among_other_clauses(
    tmp_path: Path, clauses: str, seconds: float | None
) -> None:
    hook = read_start_hook(Lab(tmp_path), f"--run-at-start-clauses={clauses}")
    assert hook.timeout_seconds == seconds


@pytest.mark.parametrize("hook", [WAITING_HOOK, SILENT_HOOK])
@pytest.mark.parametrize("decides", ["true", "false"])
def test_a_hook_beyond_its_time_is_killed(
    tmp_path: Path, hook: tuple[str, ...], decides: str
) -> None:
    lab = make_waiting_lab(tmp_path, hook)
    words = (
        "--create",
        "--run-at-start-clause=timeout-seconds=0.3",
        f"--run-at-start-exit={decides}",
        *HOOKS,
        lab.volumes,
    )
    with start_avtar(lab, tmp_path / "run", *words) as avtar:
        outcome = avtar.finish()
    assert f"{SAID_AT_TIMEOUT}: it is killed\n" in outcome.stdout
    assert "Back from run-at-start, exit code 137\n" in outcome.stdout
    assert ("the command is aborted" in outcome.stdout) == (decides == "true")
    assert bool(Store(lab.store).list_backups()) == (decides == "false")


def test_a_hook_beyond_its_time_is_left_alone_if_an_option_says_so(tmp_path: Path) -> None:
    lab = make_waiting_lab(tmp_path)
    run = tmp_path / "run"
    words = (
        "--create",
        "--run-at-start-clause=timeout-seconds=0.3",
        "--run-at-start-exit=true",
        "--lab-hook-timeout=go-on",
        *HOOKS,
        lab.volumes,
    )
    with start_avtar(lab, run, *words) as avtar:
        outcome = avtar.finish()
        pid = read_pid(run / "initial_backup")
        assert is_running(pid)
        (run / "go").touch()
        wait_for(lambda: not is_running(pid), "the hook's own end")
    assert f"{SAID_AT_TIMEOUT}: avtar goes on without it\n" in outcome.stdout
    assert "Back from run-at-start, exit code 0\n" in outcome.stdout
    assert Store(lab.store).find_backup(1).files


def test_a_hook_within_its_time_is_not_touched(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", VMS)
    outcome = run_avtar(
        lab, "--create", "--run-at-end-clauses=timeout-seconds=60", *HOOKS, lab.volumes
    )
    assert outcome.exit_code == 0
    assert "timeout-seconds)" not in outcome.stdout


def test_flag_files_come_before_the_command_line(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", VMS)
    (lab.vardir / "avtar.cmd").write_text(
        "# for all commands of this client\n\n--label=client\n--exclude=*.log\n"
        "  --run-at-start-clause=timeout-seconds=72000  \n--lab-retries=1\n"
    )
    more = tmp_path / "more"
    more.write_text("--label=file\n--exclude=*.vswp\n")
    options = parse_options(lab, ["--create", f"--flagfile={more}", "--exclude=*.nvram", "/x"])
    assert options.label == "file"
    assert options.excludes == ("*.log", "*.vswp", "*.nvram")
    assert options.start_hook.timeout_seconds == 72000
    assert options.behaviour.retries == 1
    assert parse_options(lab, ["--create", "--label=own", "/x"]).label == "own"


def test_the_log_shows_the_command_line_without_the_files_flags(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", VMS)
    (lab.vardir / "avtar.cmd").write_text("--password=hunter2\n")
    outcome = run_avtar(lab, "--create", lab.volumes)
    assert outcome.exit_code == 0
    assert f"Command Line: {lab.programs}/avtar --create {lab.volumes}\n" in outcome.stdout
    assert "hunter2" not in outcome.stdout


def test_patterns_come_from_files_too(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", VMS)
    out, back = tmp_path / "out", tmp_path / "back"
    out.write_text("*.vmdk\n# not this\n")
    back.write_text("off-flat.vmdk\n")
    run_avtar(lab, "--create", "-X", out, f"--include-from={back}", lab.volumes)
    names = {Path(file.path).name for file in Store(lab.store).find_backup(1).files}
    assert {name for name in names if name.endswith(".vmdk")} == {"off-flat.vmdk"}


@pytest.mark.parametrize("flag", ["--flagfile", "--exclude-from"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, flag: str) -> None:
    lab = make_lab(tmp_path / "lab", VMS)
    outcome = run_avtar(lab, "--create", f"{flag}={tmp_path / 'gone'}", lab.volumes)
    assert outcome.exit_code == 157
    assert f"{tmp_path / 'gone'} cannot be read: No such file" in outcome.stderr


@pytest.mark.parametrize("seconds", ["-1", "soon", "inf", "nan", ""])
def test_a_time_that_is_none_is_refused(tmp_path: Path, seconds: str) -> None:
    with pytest.raises(SystemExit):
        parse_options(Lab(tmp_path), ["--create", f"--lab-watchdog={seconds}", "/x"])
