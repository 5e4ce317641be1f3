"""``hlb lab`` as its users call it, with hooks of a few lines in place of the package's."""

import argparse
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lab_kit import make_lab, wait_for

from hlb_hooks.base.errors import HostError, UsageError
from hlb_hooks.lab.command.dispatch import add_lab_parser, run
from hlb_hooks.lab.demo.show import run_demo
from hlb_hooks.lab.host.guests import are_guests_running
from hlb_hooks.lab.host.registry import read_registry
from hlb_hooks.lab.layout import Lab, open_lab

CHOSEN = "/(wro215ts|sql server .2.|it's|two lines|branch-files|branch-archive)/"
GOOD_START = f"""\
"$LAB/bin/vmware-cmd" -l | grep -E "{CHOSEN}" | while read -r vmx; do
  "$LAB/bin/vmware-cmd" "$vmx" createsnapshot HLB-a text 1 0 || exit 1
done"""
GOOD_END = GOOD_START.replace("createsnapshot HLB-a text 1 0", "removesnapshots")


def make_shell_hooks(start: str = GOOD_START, end: str = GOOD_END) -> Callable[[str, str], str]:
    bodies = {"initial_backup": start, "initial_umount": end}

    def render(name: str, _interpreter: str) -> str:
        return f'#!/bin/sh\nLAB="${{0%/avamar/*}}"\n{bodies.get(name, "exit 0")}\n'

    return render


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_lab_parser(parser.add_subparsers(dest="command"))
    return parser.parse_args(["lab", *words])


def play(
    capsys: pytest.CaptureFixture[str], folder: Path, render: Callable[[str, str], str]
) -> tuple[int, str]:
    exit_code = run_demo(folder, render, keeps_folder=False)
    return exit_code, capsys.readouterr().out


def test_a_lab_is_made_as_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "lab"
    assert run(parse("create", str(folder), "--vms", "3", "--dialect", "vcli", "--seed", "5")) == 0
    lab = open_lab(str(folder))
    assert (lab.read_settings().dialect, lab.read_settings().seed) == ("vcli", 5)
    assert len(read_registry(lab)) == 3
    assert capsys.readouterr().out.startswith(f"{folder}: 3 VMs")


@pytest.mark.parametrize("count", ["-1", "many", "10001", "1.5", ""])
def test_a_number_of_vms_that_is_none_is_refused(
    count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse("create", "/x", f"--vms={count}")
    assert "is not a number of VMs" in capsys.readouterr().err


def test_guests_are_started_asked_for_and_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(make_lab(tmp_path / "lab", 1).folder)
    said = []
    try:
        for action in ("status", "start", "status", "stop", "status"):
            assert run(parse("guests", folder, action)) == 0
            said.append(capsys.readouterr().out.rpartition(": ")[2].strip())
        assert said == ["stopped", "writing", "writing", "stopped", "stopped"]
    finally:
        run(parse("guests", folder, "stop"))


def test_guests_of_what_is_no_lab_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no lab"):
        run(parse("guests", str(tmp_path), "start"))


def test_the_demo_proves_all_it_says_and_stops_the_guests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, said = play(capsys, tmp_path / "lab", make_shell_hooks())
    assert exit_code == 0, said
    assert "FAILED" not in said
    found = re.search(r"(\d+) of (\d+) claims proved", said)
    assert found is not None
    assert found[1] == found[2]
    assert int(found[1]) >= 20
    assert 'wro215ts-flat.vmdk" (code 16: Device or resource busy).' in said
    assert "[proved] branch-archive: 1 disk as then" in said
    assert "\033[" not in said, "colour is for terminals"
    assert said.rstrip().endswith(f"The lab is in {tmp_path / 'lab'}")
    assert not are_guests_running(Lab(tmp_path / "lab"))


@pytest.mark.parametrize(
    ("start", "end", "claim"),
    [
        ("exit 1", "exit 0", "run-at-start gave 0"),
        ("exit 0", "exit 0", "a snapshot was made of 0 VMs"),
        (GOOD_START, "exit 0", "wro215ts: every block"),
        (GOOD_START, f"{GOOD_END}\nexit 4", "run-at-end gave 0"),
        (f"{GOOD_START}\n{GOOD_END}", "exit 0", "wro215ts: 2 disks as then"),
        (GOOD_START.replace("/(", "/(patchday|"), GOOD_END.replace("/(", "/(patchday|"), "admin"),
    ],
)
def test_the_demo_names_the_claim_that_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], start: str, end: str, claim: str
) -> None:
    exit_code, said = play(capsys, tmp_path / "lab", make_shell_hooks(start, end))
    assert exit_code == 1
    assert re.search(f"^  FAILED: .*{claim}", said, re.MULTILINE), said
    assert not are_guests_running(Lab(tmp_path / "lab"))


def test_a_passing_folder_is_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run_demo(None, make_shell_hooks(), keeps_folder=False) == 0
    assert list(tmp_path.iterdir()) == []
    assert "The lab is in" not in capsys.readouterr().out


def test_a_passing_folder_stays_if_it_is_to_be_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run_demo(None, make_shell_hooks(), keeps_folder=True) == 0
    (folder,) = tmp_path.iterdir()
    assert f"The lab is in {folder}" in capsys.readouterr().out


def test_a_folder_in_use_is_refused_and_not_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    with pytest.raises(UsageError, match="already"):
        run_demo(tmp_path, make_shell_hooks(), keeps_folder=False)
    assert (tmp_path / "precious").read_text() == "data"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_interrupted_demo_stops_its_guests(tmp_path: Path, number: signal.Signals) -> None:
    script = tmp_path / "play.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from hlb_hooks.lab.demo.show import run_demo\n"
        "def render(name, interpreter):\n"
        "    return '#!/bin/sh\\nwhile kill -0 $PPID; do sleep 0.1; done\\n'\n"
        f"run_demo(Path({str(tmp_path / 'lab')!r}), render, keeps_folder=False)\n"
    )
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    lab = Lab(tmp_path / "lab")
    log_file = lab.vardir / "clientlogs/hlb.log"
    wait_for(lambda: log_file.exists() and b"Executing" in log_file.read_bytes(), "the start hook")
    assert are_guests_running(lab)
    os.kill(process.pid, number)
    process.communicate(timeout=30)
    assert process.returncode in {128 + number, -number}
    assert not are_guests_running(lab)


def test_a_host_error_has_a_next_step(tmp_path: Path) -> None:
    lab = make_lab(tmp_path / "lab", 1)
    folder = str(lab.folder)
    run(parse("guests", folder, "start"))
    try:
        with pytest.raises(HostError) as caught:
            run(parse("guests", folder, "start"))
        assert caught.value.next_step == f"stop them with: hlb lab guests {folder} stop"
    finally:
        run(parse("guests", folder, "stop"))
