"""``hlb restore`` where two are at work, the disk is full or read-only, or a signal comes."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hook_watching import PATIENCE_SECONDS, wait_until
from restore_kit import KEPT, RestoreSite, differing, list_names, read_keys, run_program


@pytest.fixture
def site(tmp_path: Path) -> RestoreSite:
    return RestoreSite(tmp_path / "site")


@pytest.fixture
def folder(site: RestoreSite) -> Path:
    return site.back_up(site.host.add_vm("web")).put_back()


def test_of_two_at_once_one_is_told_to_wait(site: RestoreSite, folder: Path) -> None:
    site.host.configure(latency_seconds={"-l": 3})
    first = subprocess.Popen(site.command(folder), stdout=subprocess.PIPE, cwd="/")
    try:
        wait_until(lambda: ["-l"] in site.host.calls(), "the first one's question to the host")
        site.host.configure(latency_seconds={})
        before = site.look()
        for option in ("--register", "--dry-run"):
            second = site.run(folder, option)
            assert second.exit_code == 75, second.stdout
            assert "another hlb restore is at work on it" in second.stdout
        assert differing(before, site.look()) == set()
        first.communicate(timeout=PATIENCE_SECONDS)
    finally:
        first.kill()
    assert first.returncode == 0
    assert site.run(folder).exit_code == 0


def run_on(site: RestoreSite, mount: str, folder: Path) -> Any:
    """Run it where ``folder`` is mounted anew; only for root."""
    script = f'{mount} && shift && exec "$@"'
    way = ["unshare", "--mount", "sh", "-c", script, "sh", str(folder)]
    if subprocess.run([*way, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs root, and unshare of the Debian package util-linux")
    return run_program([*way, *site.command(folder)])


def test_a_folder_that_is_read_only_is_said(site: RestoreSite, folder: Path) -> None:
    before = site.look()
    outcome = run_on(site, 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"', folder)
    assert outcome.exit_code == 1
    assert "Read-only file system" in outcome.stdout
    assert "run the same command again" in outcome.stdout
    assert differing(before, site.look()) == set()


@pytest.mark.parametrize("free_kib", [0, 4, 8])
def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(
    site: RestoreSite, folder: Path, tmp_path: Path, free_kib: int
) -> None:
    (folder / "web.vmx.hlb").write_bytes((folder / "web.vmx.hlb").read_bytes() + b"\n" * 5000)
    held = {path.name: path.read_bytes() for path in folder.iterdir()}
    after = tmp_path / "after"
    after.mkdir()
    fill = (
        f'cp -a "$1" {tmp_path}/all && mount -t tmpfs -o size=400k none "$1" && '
        f'cp -a {tmp_path}/all/. "$1"/ && '
        f'{{ dd if=/dev/zero of="$1/filler" bs=4k 2>/dev/null || true; }} && '
        f'truncate -s -{free_kib}k "$1/filler"'
    )
    command = " ".join(f"'{word}'" for word in site.command(folder))
    script = (
        f'{fill}; {command}; code=$?; cp -a "$1"/. {after}/; rm "$1/filler"; '
        f"{command} > {tmp_path}/second || exit 99; rm -r {tmp_path}/all; "
        f'cp -a "$1" {tmp_path}/all; exit $code'
    )
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    outcome = run_program(["unshare", "--mount", "sh", "-c", script, "sh", str(folder)])
    assert outcome.exit_code == 1, outcome.stdout
    assert "No space left on device" in outcome.stdout
    there = [path.read_bytes() for path in after.rglob("*") if path.is_file()]
    assert all(data in there for data in held.values())
    assert not list(after.rglob("*.hlb-new"))
    in_the_end = list_names(tmp_path / "all")
    assert "web.vmx.hlb" not in in_the_end
    kept = [path.read_bytes() for path in (tmp_path / "all" / KEPT).iterdir()]
    assert held["web.vmx"] in kept


# -- a signal while the host is at work


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)]
)
def test_a_signal_while_the_vm_starts_ends_it_at_once_and_says_how_to_go_on(
    site: RestoreSite, folder: Path, number: signal.Signals, exit_code: int
) -> None:
    vmx = str(folder / "web.vmx")
    with site.host.holding("task"):
        process = subprocess.Popen(
            site.command(folder, "--register", "--power-on"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            text=True,
        )
        try:
            wait_until(lambda: [vmx, "start"] in site.host.calls(), "the start")
            process.send_signal(number)
            said, _nothing = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            process.kill()
        assert site.host.power(vmx) == "off"
    assert process.returncode == exit_code, said
    assert "run the same command again" in said
    assert "Traceback" not in said
    wait_until(lambda: site.host.power(vmx) == "on", "the start that the host goes on with")
    assert site.run(folder, "--register", "--power-on").exit_code == 0
    assert "uuid.action" not in read_keys(folder / "web.vmx")


def test_a_signal_before_anything_was_done_leaves_everything_as_it_was(
    site: RestoreSite, folder: Path
) -> None:
    site.host.configure(latency_seconds={"-l": 20})
    process = subprocess.Popen(
        site.command(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", text=True
    )
    try:
        wait_until(lambda: ["-l"] in site.host.calls(), "the question to the host")
        before = site.look()
        process.terminate()
        said, _nothing = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 143
    assert "interrupted by SIGTERM: nothing was begun" in said
    assert differing(before, site.look()) == set()


ANSWERED_BY_ANOTHER = """\
#!/bin/sh
cd '{memory}' || exit 99
case "$1 $2" in
  "-l "*) cat listed ;;
  "-s register") echo "$3" > listed; echo "register($3) = 1" ;;
  *" getstate")
    [ -e started ] || {{ echo "getstate() = off"; exit 0; }}
    if [ -e answered ]; then echo "getstate() = on"; else echo "getstate() = stuck"; fi ;;
  *" start") touch started; echo "VMControl error -16: requires user input"; exit 16 ;;
  *" answer") touch answered; echo "VMControl error -8: Invalid operation"; exit 8 ;;
esac
"""


def test_a_question_that_somebody_else_has_just_answered_is_no_failure(
    site: RestoreSite, folder: Path, tmp_path: Path
) -> None:
    program = tmp_path / "vmware-cmd"
    program.write_text(ANSWERED_BY_ANOTHER.format(memory=tmp_path))
    program.chmod(0o755)
    (tmp_path / "listed").touch()
    site.configure(vmware_cmd=str(program))
    outcome = site.run(folder, "--register", "--power-on")
    assert outcome.exit_code == 0, outcome.stdout
    assert "the VM runs" in outcome.stdout


def test_a_question_that_the_host_takes_no_answer_to_is_said_in_its_words(
    site: RestoreSite, folder: Path, tmp_path: Path
) -> None:
    program = tmp_path / "vmware-cmd"
    refusing = ANSWERED_BY_ANOTHER.replace("touch answered;", "")
    program.write_text(refusing.format(memory=tmp_path))
    program.chmod(0o755)
    (tmp_path / "listed").touch()
    site.configure(vmware_cmd=str(program))
    outcome = site.run(folder, "--register", "--power-on")
    assert outcome.exit_code == 1
    assert "VMControl error -8: Invalid operation" in outcome.stdout
