"""What must hold after every step, whatever is under way: read from the files alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine_host import MachineHost, Program
from machine_site import MachineSite

from hlb_hooks.effects.claims import read_claim
from hlb_hooks.effects.records import Flag, Record
from hlb_hooks.effects.state_file import read_state_file
from hlb_hooks.lab.host.disks import OpenDisk, read_vm_disks
from hlb_hooks.lab.host.registry import RegisteredVm
from hlb_hooks.vmfiles.vmsd import Vmsd

OUR_PREFIX = "HLB-"
HELPER = "Consolidate Helper"
_DEFECT_EVENTS = {"defect", "guard_failed"}
_LAWFUL_EXITS = {0, 1, 2, 4, 75, 130, 143, -9, -15, -2}


def list_vmx_files(site: MachineSite) -> list[Path]:
    """Give the .vmx of every VM that lies on a datastore, registered or not."""
    return sorted(path for folder in site.list_datastores() for path in folder.glob("*/*.vmx"))


def read_snapshot_names(vmx: Path) -> list[str]:
    """Give the names in a VM's .vmsd, in their order."""
    path = vmx.with_suffix(".vmsd")
    if not path.exists():
        return []
    return [entry.display_name for entry in Vmsd.parse(path.read_bytes(), str(path)).snapshots]


def list_ours(vmx: Path) -> list[str]:
    return [name for name in read_snapshot_names(vmx) if name.startswith(OUR_PREFIX)]


def list_foreign(vmx: Path) -> list[str]:
    """Give the snapshots that people made: neither ours nor the host's own."""
    names = read_snapshot_names(vmx)
    return [name for name in names if not name.startswith((OUR_PREFIX, HELPER))]


def check_recorded(site: MachineSite) -> None:
    """Whatever of ours is on a VM was written down before it came there; and it is one."""
    # The files first: an intent is older than what it speaks of.
    ours = {vmx: list_ours(vmx) for vmx in list_vmx_files(site)}
    claims = {vmx: read_claim(str(vmx)) for vmx in ours}
    runs = [run for _, run in site.list_runs()]
    recorded = {name for run in runs for vm in run.vms.values() for name in vm.attempts}
    names_of_runs = {run.name for run in runs}
    for vmx, names in ours.items():
        assert set(names) <= recorded, f"{vmx}: {names} is in no state file"
        assert len(names) <= 1, f"{vmx}: more than one of ours: {names}"
        claim = claims[vmx]
        # One without a run was cut short by a kill while it was written.
        if claim is not None and claim.run:
            assert claim.run in names_of_runs, f"{vmx}: {claim} is of no run"
            assert claim.snapshot in recorded, f"{vmx}: {claim} is of no intent"


def check_contents(site: MachineSite) -> None:
    """Every disk holds what its guest wrote to it."""
    lab = site.hosts[0].lab
    for vmx in list_vmx_files(site):
        with lab.hold_vm(vmx):
            for disk in read_vm_disks(RegisteredVm(vmx, "off")):
                with OpenDisk(disk) as content:
                    found = content.read_content()
                shadow = lab.shadow_file(disk.link_paths[-1]).read_bytes()
                assert found == shadow, f"{vmx}: {disk.node} is not what its guest wrote"


def check_state_files(site: MachineSite) -> None:
    """The state files can be read, their flags have an order, and what is gone by them is gone."""
    removed: set[str] = set()
    for host, run in site.list_runs():
        path = host.state_dir / f"{run.name}.state"
        removed |= _read_removed(path, read_state_file(str(path)).records)
        if run.is_ended:
            assert not run.unsettled_vms, f"run {run.name} ended with {run.unsettled_vms} unsettled"
    for vmx in list_vmx_files(site):
        back = removed & set(list_ours(vmx))
        assert not back, f"{vmx}: {back} is there, and a state file calls it removed"


def _read_removed(path: Path, records: tuple[Record, ...]) -> set[str]:
    """Give the snapshots that a state file calls removed, and check what goes before what."""
    intended: set[str] = set()
    removals: set[str | None] = set()
    removed: set[str] = set()
    for number, record in enumerate(records, start=1):
        where = f"{path}:{number}: {record.flag} {record.vmx}"
        snapshot = record.details.get("snapshot", "")
        if record.flag in {Flag.INTENT_SNAP, Flag.ADOPTED}:
            intended.add(snapshot)
        elif record.flag == Flag.INTENT_UMOUNT:
            removals.add(record.vmx)
        elif record.flag in {Flag.OK_SNAP, Flag.NOT_MADE}:
            assert snapshot in intended, f"{where}: no intent goes before it"
        elif record.flag == Flag.OK_UMOUNT:
            assert record.vmx in removals, f"{where}: nobody meant to remove it"
            removed.add(snapshot)
    return removed


class OutputReader:
    """Reads what the programs said and logged, each part once, and fails on a defect of ours."""

    def __init__(self) -> None:
        self._checked: set[Path] = set()
        self._offsets: dict[Path, int] = {}

    def check(self, site: MachineSite) -> Iterator[tuple[MachineHost, dict[str, Any]]]:
        """Check what is new. Give the story of every avtar that has ended since."""
        for host in site.hosts:
            self._check_log(host.state_dir / "hlb.log")
            for program in host.programs:
                if program.is_over and program.output not in self._checked:
                    self._checked.add(program.output)
                    if story := self._check_program(host, program):
                        yield host, story

    def _check_program(self, host: MachineHost, program: Program) -> dict[str, Any] | None:
        text = program.output.read_text("utf-8", "surrogateescape")
        _check_no_traceback(text)
        story = program.read_story()
        codes = [program.exit_code] if program.exit_code is not None else []
        if story is not None:
            codes += [story[hook]["exit_code"] for hook in ("start", "end")]
            for hook in ("start", "end"):
                _check_no_traceback(story[hook]["stderr"])
                assert not story[hook]["kept_open"], f"{hook}: avtar would wait for ever"
        assert set(codes) <= _LAWFUL_EXITS, f"{program.name} ended in {codes}:\n{text}"
        return story

    def _check_log(self, path: Path) -> None:
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._offsets.get(path, 0))
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offsets[path] = self._offsets.get(path, 0) + len(whole)
        for line in whole.splitlines():
            entry = json.loads(line)
            assert entry["event"] not in _DEFECT_EVENTS, json.dumps(entry, indent=1)


def _check_no_traceback(text: str) -> None:
    # A SIGINT before a hook has even read its own modules is Python's to speak of.
    if not text.endswith("\nKeyboardInterrupt\n"):
        assert "Traceback" not in text.partition('{"pid"')[0], text


def check_backup(host: MachineHost, story: dict[str, Any]) -> int:
    """Compare what an avtar read of each VM that its report calls protected with its snapshot.

    Give the number of disks that were compared.
    """
    count = 0
    lines = str(story["end"]["stdout"]).splitlines()
    for line in lines:
        vmx, mark, flags = line.partition(".vmx ")
        if not (line.startswith("/") and mark) or flags.split() != ["OK_snap", "OK_umount"]:
            continue
        for data_file, digest in _list_disks_at_snapshot(host, Path(vmx + ".vmx"), lines):
            if data_file in story["read"]:
                count += 1
                assert story["read"][data_file] == digest, (
                    f"{data_file}: what was read is not the disk at the snapshot, and the report "
                    f"says: {line}"
                )
    return count


def _list_disks_at_snapshot(
    host: MachineHost, vmx: Path, lines: list[str]
) -> Iterator[tuple[str, str]]:
    """Give the base file and the digest of every disk of the VM at the run's snapshot."""
    name = _read_machine_line(lines[-1])["run"]
    runs = [entry.run for entry in host.find_runs().runs if entry.run.name == name]
    for run in runs:
        snapshots = run.vms[str(vmx)].attempts
        for path in host.lab.instants_folder(vmx).glob("*.json"):
            record = json.loads(path.read_text("ascii"))
            if record["snapshot"] in snapshots:
                for disk in record["disks"]:
                    yield disk["data_files"][-1], disk["sha256"]


def _read_machine_line(line: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in line.split()[1:])
