"""A VM that was put back asks whether it was moved or copied, in every way that hosts may."""

import itertools
from pathlib import Path

import pytest
from lab_kit import find_vm, make_lab, run
from power_kit import copy_vm, read_key
from question_kit import change_settings

from hlb_hooks.entry.hook_scripts import render
from hlb_hooks.lab.host import operate
from hlb_hooks.lab.host.faults import Fault, add_fault, clear_faults
from hlb_hooks.lab.layout import Lab
from hlb_hooks.lab.sample_vms import SampleDisk, SampleVm

VMS = [SampleVm("vm", disks=(SampleDisk(65536),), power="off")]
WORDINGS = ("altered", "might", "moved")
# Each way of asking with both answers, and with another wording, numbering and order each time.
WAYS = [
    (*way, WORDINGS[number % 3], number)
    for number, way in enumerate(
        itertools.product(
            ("create", "keep"), ("console", "vcli"), ("waits", "fails", "times out", "returns")
        )
    )
]


def make_asking_lab(folder: Path, dialect: str, **settings: str | int | bool) -> tuple[Lab, Path]:
    """Make a host that asks at every start, and put a VM's copy on it."""
    lab = make_lab(folder, VMS, dialect=dialect, render_hook=render)
    change_settings(lab, **settings)
    add_fault(lab, Fault("question", action="start"))
    return lab, copy_vm(find_vm(lab, "vm").config, "put back")


def restore(lab: Lab, copy: Path, uuid: str) -> tuple[int, str]:
    done = run(
        *(lab.programs / "hlb", "restore", str(copy.parent), "--uuid", uuid),
        *("--name", "put back", "--register", "--power-on"),
    )
    return done.exit_code, done.stdout


@pytest.mark.parametrize(("uuid", "dialect", "start", "wording", "number"), WAYS)
def test_it_is_answered_by_what_the_choices_say(
    tmp_path: Path, uuid: str, dialect: str, start: str, wording: str, number: int
) -> None:
    lab, copy = make_asking_lab(
        tmp_path / "lab",
        dialect,
        start_while_asking=start,
        uuid_question=wording,
        first_choice=number % 2,
        reverses_choices=bool(number // 2 % 2),
    )
    if uuid == "keep":
        operate.unregister(lab, find_vm(lab, "vm").config)
    before = read_key(copy, "uuid.bios")
    exit_code, said = restore(lab, copy, uuid)
    assert exit_code == 0, said
    assert "answered: " in said
    assert find_vm(lab, "put back").power == "on"
    assert (read_key(copy, "uuid.bios") == before) == (uuid == "keep")
    assert read_key(copy, "uuid.action") is None


def test_a_refused_start_is_told_and_done_by_the_same_command_later(
    tmp_path: Path,
) -> None:
    lab = make_lab(tmp_path / "lab", VMS, render_hook=render)
    copy = copy_vm(find_vm(lab, "vm").config, "put back")
    add_fault(lab, Fault("no_space", action="start"))
    exit_code, said = restore(lab, copy, "create")
    assert exit_code == 1
    assert "does not run: " in said
    assert find_vm(lab, "put back").power == "off"
    clear_faults(lab)
    exit_code, said = restore(lab, copy, "create")
    assert exit_code == 0, said
    assert find_vm(lab, "put back").power == "on"


def test_a_vm_that_still_asks_is_answered_by_the_same_command(tmp_path: Path) -> None:
    lab, copy = make_asking_lab(tmp_path / "lab", "console", start_while_asking="returns")
    words = ("restore", str(copy.parent), "--uuid", "create", "--name", "put back", "--register")
    done = run(lab.programs / "hlb", *words)
    assert done.exit_code == 0, done.stdout
    run(lab.programs / "vmware-cmd", copy, "start")
    assert find_vm(lab, "put back").power == "stuck"
    waiting = run(lab.programs / "hlb", *words)
    assert waiting.exit_code == 1
    assert "waits for an answer" in waiting.stdout
    exit_code, said = restore(lab, copy, "create")
    assert exit_code == 0, said
    assert "answered: " in said
    assert find_vm(lab, "put back").power == "on"
    assert read_key(copy, "uuid.action") is None
