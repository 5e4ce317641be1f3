"""Whatever avtar's surroundings are, both hooks do the same."""

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hook_kit import PROGRAMS, Site
from hook_story import Outcome, escaped
from hook_watching import PATIENCE_SECONDS, find_guards, wait_until

DONE = {"chosen": 2, "ready": 2, "failed": 0, "open": 0}


def add_two(site: Site) -> list[str]:
    return [site.host.add_vm("sql server (2)"), site.host.add_vm(os.fsdecode(b"caf\xe9"))]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="directly"),
        pytest.param(("--through-shell=stays",), id="a shell that stays"),
        pytest.param(("--through-shell=background",), id="hook & wait"),
    ],
)
def test_the_guard_watches_avtar_and_not_what_stands_between(
    site: Site, options: tuple[str, ...]
) -> None:
    add_two(site)
    with site.avtar(*options) as avtar:
        avtar.wait_started()
        (owner,) = [record for record in site.records() if record.flag == "OWNER"]
        assert (owner.details["name"], owner.details["pid"]) == ("avtar", str(avtar.pid))
        assert len(site.guards()) == 1
        assert "OK_umount" not in site.state_file.read_text()
        story = avtar.finish()
    assert story.ended.counts == DONE
    assert story.kept_open == []
    site.wait_settled()


def test_the_end_of_the_pipes_comes_with_the_hooks_end_though_the_guard_lives(site: Site) -> None:
    add_two(site)
    # Of stdout, stderr and a descriptor that avtar leaked.
    with site.avtar("--eof-seconds=20") as avtar:
        avtar.wait_started()
        assert site.guards()
        assert avtar.finish().kept_open == []


HOSTILE = {
    "python variables": {
        "PYTHONPATH": "{poison}",
        "PYTHONHOME": "/nonexistent",
        "PYTHONSTARTUP": "{poison}/argparse.py",
        "PYTHONIOENCODING": "ascii:strict",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONWARNINGS": "error",
        "PYTHONOPTIMIZE": "2",
        "PYTHONINSPECT": "1",
    },
    "a locale that is not there": {"LANG": "pl_PL.ISO-8859-2", "LC_ALL": "xx_YY.nowhere"},
    "the C locale": {"LANG": "C", "LC_ALL": "C"},
    "an empty PATH": {"PATH": ""},
    "a foreign PATH": {"PATH": "{poison}", "IFS": "/", "BASH_ENV": "{poison}/argparse.py"},
    "odd folders": {"HOME": "/nonexistent", "TMPDIR": "/nonexistent", "TZ": "Nowhere/Else"},
}


@pytest.mark.parametrize("environment", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_environment_changes_nothing(site: Site, environment: Mapping[str, str]) -> None:
    poison = site.root / "poison"
    poison.mkdir()
    for module in ("argparse", "os", "json", "hlb_hooks", "sitecustomize", "usercustomize"):
        (poison / f"{module}.py").write_text("raise SystemExit('poisoned')\n")
    first, _ = add_two(site)
    options = [f"--env={key}={value.format(poison=poison)}" for key, value in environment.items()]
    story = site.back_up(*options)
    assert story.start.exit_code == 0, story.start
    assert story.ended.counts == DONE
    assert story.start.flags(first) == ["OK_snap"]
    assert any(line.endswith(r"/caf\xe9/caf\xe9.vmx OK_snap") for line in story.start.lines)
    site.wait_settled()


def test_a_locale_that_is_not_utf_8_changes_nothing(site: Site, tmp_path: Path) -> None:
    locales = tmp_path / "locales"
    locales.mkdir()
    made = subprocess.run(
        ["/usr/bin/localedef", "-i", "pl_PL", "-f", "ISO-8859-2", locales / "pl_PL.ISO-8859-2"],
        capture_output=True,
        check=False,
    )
    if not (locales / "pl_PL.ISO-8859-2").exists():
        pytest.skip(f"Debian package locales: {made.stderr!r}")
    vmx = site.host.add_vm("zażółć")
    other = site.host.add_vm(os.fsdecode(b"za\xbf"))
    options = (f"--env=LOCPATH={locales}", "--env=LC_ALL=pl_PL.ISO-8859-2")
    story = site.back_up(*options)
    assert story.ended.counts == DONE
    assert story.ended.flags(vmx) == ["OK_snap", "OK_umount"]
    assert [vmx, "createsnapshot"] in site.changing_calls()
    assert [other, "createsnapshot"] in site.changing_calls()
    site.wait_settled()


def test_what_the_host_is_run_with_is_ours_alone(site: Site) -> None:
    add_two(site)
    site.back_up("--env=SECRET=x", "--env=PERL5LIB=/evil", "--env=PYTHONPATH=/evil")
    for record in site.host.call_records():
        environment = record["environment"]
        for name in ("SECRET", "PERL5LIB", "PYTHONPATH", "LD_LIBRARY_PATH"):
            assert name not in environment
        assert environment["LC_ALL"] == "C"
        assert record["cwd"] == "/"
        assert record["stdin"] == "/dev/null"
        assert record["session"] == record["pid"]


def run_through(site: Site, program: str, *words: str, script: str = "initial_backup") -> Outcome:
    """Run a hook by a small program of sh that puts it into odd surroundings."""
    done = subprocess.run(
        ["/bin/sh", "-c", program, "sh", str(site.scripts / script), *words],
        env={"HLB_CONFIG": str(site.config)},
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "program",
    [
        pytest.param('"$@" <&-', id="stdin closed"),
        pytest.param('"$@" >&-', id="stdout closed"),
        pytest.param('"$@" 2>&-', id="stderr closed"),
        pytest.param('"$@" <&- >&- 2>&-', id="all closed"),
        pytest.param('"$@" >/dev/full', id="stdout on a full disk"),
        pytest.param('umask 0; "$@"', id="umask 0"),
        pytest.param('umask 777; "$@"', id="umask 777"),
        pytest.param('ulimit -n 64; "$@"', id="few descriptors"),
        pytest.param(
            'mkdir "$HLB_CONFIG.d" && cd "$HLB_CONFIG.d" && rmdir "$PWD"; "$@"', id="gone"
        ),
        pytest.param('trap "" HUP INT TERM PIPE CHLD; "$@"', id="signals ignored"),
        pytest.param('exec 7</dev/null 8>/dev/null 9</; "$@"', id="leaked descriptors"),
    ],
)
def test_odd_surroundings_by_hand_change_nothing(site: Site, program: str) -> None:
    vmxs = add_two(site)
    made = run_through(site, program, "--lease", "1h")
    assert made.exit_code == 0, made
    assert [len(site.host.snapshots(vmx)) for vmx in vmxs] == [1, 1]
    for file in site.state_dir.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600, file
    assert site.state_dir.stat().st_mode & 0o777 == 0o700
    (guard,) = site.guards()
    assert_detached(guard)
    ended = run_through(site, program, "--run", site.run_name, script="initial_umount")
    assert ended.exit_code == 0, ended
    assert site.leftovers() == []
    site.wait_settled()


def assert_detached(pid: int) -> None:
    """The guard holds nothing of its caller's: its session, folder and descriptors are its own."""
    proc = Path(f"/proc/{pid}")
    assert os.getsid(pid) != os.getsid(0)
    assert (proc / "cwd").readlink() == Path("/")
    held = {}
    for entry in (proc / "fd").iterdir():
        # What it has just closed it does not hold.
        with suppress(FileNotFoundError):
            held[entry.name] = str(entry.readlink())
    assert {held[number] for number in ("0", "1", "2")} == {"/dev/null"}
    others = [target for number, target in held.items() if int(number) > 2]
    pipes = [target for target in others if target.startswith("pipe:")]
    # Both ends of the one a signal wakes it by; of a caller's it would hold one end.
    assert len(pipes) == 2, held
    assert len(set(pipes)) == 1, held
    files = [target for target in others if target not in pipes]
    assert all(target.endswith((".state", "hlb.log")) for target in files), held


def test_a_reader_that_goes_away_does_not_stop_the_work(site: Site) -> None:
    vmxs = site.add_vms(3)
    with site.host.holding("task"):
        hook = site.start_hook("initial_backup", "--lease", "1h")
        site.wait_for_call("createsnapshot")
        assert hook.stdout is not None
        hook.stdout.close()
    assert hook.wait(PATIENCE_SECONDS) == 0
    assert [len(site.host.snapshots(vmx)) for vmx in vmxs] == [1, 1, 1]
    assert [site.flags(vmx)[-1] for vmx in vmxs] == ["OK_snap"] * 3
    assert site.run("initial_umount", "--run", site.run_name).exit_code == 0


def test_a_console_script_does_what_the_script_of_the_scripts_folder_does(site: Site) -> None:
    site.add_vms(1)
    done = subprocess.run(
        [PROGRAMS / "initial_backup", "--config", site.config, "--lease", "1h"],
        env={},
        capture_output=True,
        check=False,
        text=True,
    )
    made = Outcome(done.returncode, done.stdout, done.stderr)
    assert made.counts["ready"] == 1
    assert site.run("initial_umount", "--run", site.run_name).exit_code == 0


@pytest.mark.parametrize(
    "hook", ["initial_backup", "compare_backup", "snap_request", "snap_remove", "initial_umount"]
)
def test_help_is_given_without_any_configuration(site: Site, hook: str) -> None:
    site.config.unlink()
    outcome = site.run(hook, "--help")
    assert outcome.exit_code == 0
    for option in ("--config", "--job", "--dry-run"):
        assert option in outcome.stdout


def test_a_relative_config_counts_from_where_the_operator_is(site: Site) -> None:
    site.add_vms(1)
    program = 'cd "$(dirname "$HLB_CONFIG")" && HLB_CONFIG= "$@"'
    outcome = run_through(site, program, "--config", "hlb.toml", script="compare_backup")
    assert "**found vm1" in outcome.stdout
    assert outcome.exit_code == 0


def test_the_guard_lives_on_when_the_whole_session_of_avtar_is_killed(site: Site) -> None:
    add_two(site)
    command = site.avtar_command("--barrier", str(site.root))
    avtar = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        wait_until((site.root / "started").exists, "the start hook's end")
        assert list(find_guards(site.root))
    finally:
        os.killpg(avtar.pid, 9)
        avtar.wait()
    site.wait_settled()
    assert site.leftovers() == []
    assert escaped(site.host.registered()[0]) in site.state_file.read_text()
