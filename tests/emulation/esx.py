"""An ESX host in a folder, for tests: VM files on disk and an executable ``vmware-cmd``.

It shares nothing with the package it helps to test: it was written from the facts known of
``vmware-cmd`` (ESX 3.5 console, vCLI) and of VM files alone, so that a fact which the package
and its own rehearsal host both misread does not pass unseen. One file, standard library only;
``python3 -I esx.py create ROOT`` makes a host by hand, ``Host.create(ROOT)`` from a test.

    ROOT/bin/vmware-cmd       the executable (``Host.vmware_cmd``)
    ROOT/esx.json             switches, read at every call: see ``Switches`` and ``Failure``
    ROOT/vmfs/volumes/UUID/   datastores; ``volumes/LABEL`` is a symlink to one
    ROOT/hostd/               the host's own memory: registered VMs, the calls it was given

What a snapshot does to the files is done for real: the delta holds the guest's writes and its
removal merges them into the base. Only the inside of a ``-delta.vmdk`` is an encoding of our own.
Names are ``str`` that carry bytes which are not UTF-8 as lone surrogates (``os.fsdecode``).
"""

import fcntl
import hashlib
import json
import os
import re
import struct
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn

Power = Literal["on", "off", "suspended", "stuck"]
ODD_NAMES = ("sql server (2)", "web+app", "it's", "store\nroom")
SECTOR_BYTES = 512
# A fresh delta is 24.0k in every listing that was found.
DELTA_HEADER = b"COWD".ljust(24 * 1024, b"\0")
DELTA_RECORD = struct.Struct(">QI")
NO_PARENT = "ffffffff"
USAGE = """\
Usage: vmware-cmd <options> <vm-cfg-path> <vm-action> <arguments>
vmware-cmd -s <options> <server-action> <arguments>
"""
# Options with a value; only the remote program (vCLI) has them.
VCLI_OPTIONS = {
    "-H",
    "-O",
    "-Q",
    "-U",
    "-P",
    "--server",
    "--vihost",
    "--sessionfile",
} | {
    "--credstore",
    "--encoding",
}
# command: how many arguments it takes. `start` and `stop` may go without their mode.
VM_COMMANDS = {
    "getstate": (0,),
    "hassnapshot": (0,),
    "createsnapshot": (4,),
    "removesnapshots": (0,),
    "start": (0, 1),
    "stop": (0, 1),
}
# The host does one of these at a time on a VM, and refuses the next meanwhile.
TASKS = {"createsnapshot", "removesnapshots", "start", "stop"}


class Failure(NamedTuple):
    """One entry of ``fail`` in esx.json: the answer a command gives instead of its own.

    ``effect`` is what the host does meanwhile: ``none``, ``done`` (the work is finished before the
    answer), ``later`` (the host goes on and finishes after ``later_seconds``). Empty ``command``
    or ``vmx`` match everything; ``quiesce`` matches only a createsnapshot that asks for it;
    ``times`` runs out, None never does.
    """

    exit_code: int
    text: str
    command: str = ""
    vmx: str = ""
    effect: Literal["none", "done", "later"] = "none"
    later_seconds: float = 0.5
    quiesce: bool = False
    times: int | None = None


class Switches(NamedTuple):
    """The content of esx.json.

    ``garble`` maps a command to ``{"text": base64, "exit": 0, "effect": true}``: raw bytes
    instead of its stdout, after doing (``effect``) what was asked. ``error_stream`` is where errors
    and the usage text go: no source tells which one it is. ``vmsd_after_removal`` is what the last
    removal leaves: ``counter`` (the usual), ``zero`` (numSnapshots = "0" too), ``empty``,
    ``absent``. ``helper``: the Consolidate Helper delta of a removal on a running VM, ``none``,
    ``merged``, ``left`` behind, or ``hidden`` (left behind, and the .vmsd does not say so).
    ``latency_seconds`` maps a command to the time it takes before its work; ``merge_seconds`` pass
    between the .vmsd entry's going and the merge.
    """

    dialect: str = "console"
    error_stream: str = "stderr"
    latency_seconds: Mapping[str, float] = {}
    merge_seconds: float = 0
    garble: Mapping[str, Mapping[str, Any]] = {}
    fail: Sequence[Mapping[str, Any]] = ()
    vmsd_after_removal: str = "counter"
    helper: str = "none"
    list_templates: bool = True

    @classmethod
    def checked(cls, raw: Mapping[str, Any]) -> "Switches":
        """Make switches of JSON; a wrong key or value is an error, not an unused switch."""
        switches = cls(**raw)
        for value, allowed in (
            (switches.dialect, {"console", "vcli"}),
            (switches.error_stream, {"stdout", "stderr"}),
            (switches.vmsd_after_removal, {"counter", "zero", "empty", "absent"}),
            (switches.helper, {"none", "merged", "left", "hidden"}),
        ):
            if value not in allowed:
                raise ValueError(f"esx.json: {value!r} is none of {sorted(allowed)}")
        for entry in switches.fail:
            Failure(**entry)
        return switches


class Answer(NamedTuple):
    """What vmware-cmd says: exit code, text (without the last line feed), and where."""

    exit_code: int
    text: str
    is_error: bool = False


class Call(NamedTuple):
    """One understood command line."""

    command: str
    vmx: str = ""
    arguments: tuple[str, ...] = ()
    is_quiet: bool = False


class UsageWantedError(Exception):
    """The command line is not one that vmware-cmd knows."""


class RefusedError(Exception):
    """The host says no: a VMControl code with its text, and the vCLI's sentence for the same."""

    def __init__(self, code: int, console: str, vcli: str) -> None:
        super().__init__(console)
        self.code, self.console, self.vcli = code, console, vcli

    def answer(self, dialect: str) -> Answer:
        if dialect == "vcli":
            return Answer(1, self.vcli, is_error=True)
        # Exit statuses 7, 8, 11 and 231 (= 999 mod 256) were seen.
        return Answer(self.code % 256, self.console, is_error=True)


# ---- text files of a VM -------------------------------------------------------------------


def read_text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def write_text(path: Path, text: str, mode: int = 0o600) -> None:
    """Put a whole new file in place at once; nobody ever reads half of it."""
    temporary = path.with_name(path.name + "~")
    temporary.write_bytes(text.encode("utf-8", "surrogateescape"))
    temporary.chmod(mode)
    temporary.replace(path)


def escape(value: str) -> str:
    return value.replace("|", "|7C").replace('"', "|22").replace("\n", "|0A")


def unescape(value: str) -> str:
    return re.sub(r"\|([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), value)


def quoted_line(key: str, value: object) -> str:
    return f'{key} = "{escape(str(value))}"\n'


class Disk(NamedTuple):
    """A hard disk as the .vmx names it."""

    node: str
    file_name: str
    path: Path
    is_independent: bool


class Vmx:
    """The lines of a .vmx; those that are not changed are written back as they came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = re.findall(r"[^\n]*\n|[^\n]+", read_text(path))

    def _find(self, key: str) -> tuple[int, str] | None:
        pattern = re.compile(rf'\s*{re.escape(key)}\s*=\s*"(.*)"\s*$', re.IGNORECASE)
        for index, line in enumerate(self.lines):
            if found := pattern.match(line):
                return index, unescape(found[1])
        return None

    def get(self, key: str) -> str:
        found = self._find(key)
        return found[1] if found else ""

    def set(self, key: str, value: str) -> None:
        found = self._find(key)
        if found is None:
            self.lines.append(quoted_line(key, value))
        else:
            written_key = self.lines[found[0]].partition("=")[0].strip()
            self.lines[found[0]] = quoted_line(written_key, value)

    def save(self) -> None:
        write_text(self.path, "".join(self.lines), mode=0o755)

    def disks(self) -> list[Disk]:
        found = []
        for line in self.lines:
            match = re.match(r"\s*((?:scsi|ide|sata|nvme)\d+:\d+)\.filename\s*=", line, re.I)
            if match is None or self.get(f"{match[1]}.present").upper() != "TRUE":
                continue
            name = self.get(f"{match[1]}.fileName")
            if name.lower().endswith(".vmdk"):
                mode = self.get(f"{match[1]}.mode").lower()
                is_independent = mode.startswith("independent")
                found.append(Disk(match[1], name, self.path.parent / name, is_independent))
        return found

    def disk(self, node: str) -> Disk:
        return next(disk for disk in self.disks() if disk.node == node)

    def shares_a_bus(self) -> bool:
        keys = (line.partition("=")[0].strip() for line in self.lines)
        buses = [key for key in keys if key.lower().endswith(".sharedbus")]
        return any(self.get(key).lower() not in ("", "none") for key in buses)


class Vmsd:
    """The snapshot list of a VM. Each entry is the part of its keys after ``snapshotN.``."""

    def __init__(self, vmx: Path) -> None:
        self.path = vmx.with_suffix(".vmsd")
        self.last_uid = 0
        self.entries: list[dict[str, str]] = []
        text = read_text(self.path) if self.path.exists() else ""
        by_index: dict[int, dict[str, str]] = {}
        for key, value in re.findall(r'^(\S+) = "(.*)"$', text, re.MULTILINE):
            if found := re.match(r"snapshot(\d+)\.(.+)", key):
                by_index.setdefault(int(found[1]), {})[found[2]] = unescape(value)
            elif key == "snapshot.lastUID":
                self.last_uid = int(value)
        self.entries = [by_index[index] for index in sorted(by_index)]

    def add(self, name: str, description: str, state_file: str, disks: dict[str, str]) -> None:
        self.last_uid += 1
        microseconds = time.time_ns() // 1000
        low = microseconds & 0xFFFFFFFF
        entry = {"uid": str(self.last_uid), "filename": state_file}
        if self.entries:
            entry["parent"] = self.entries[-1]["uid"]
        entry["displayName"] = name
        if description:
            entry["description"] = description
        entry["createTimeHigh"] = str(microseconds >> 32)
        entry["createTimeLow"] = str(low - (1 << 32) if low >= 1 << 31 else low)
        self.entries.append(entry | disks)

    def first_disks(self) -> dict[str, str]:
        """Give, for each node a snapshot covers, the disk it was on before the first one."""
        names: dict[str, str] = {}
        for entry in self.entries:
            for number in range(int(entry.get("numDisks", "0"))):
                names.setdefault(entry[f"disk{number}.node"], entry[f"disk{number}.fileName"])
        return names

    def save(self, after_removal: str = "counter") -> None:
        """Write the list; ``after_removal`` says what an emptied one looks like."""
        if not self.entries and after_removal in ("empty", "absent"):
            write_text(self.path, "")
            if after_removal == "absent":
                self.path.unlink()
            return
        text = quoted_line(".encoding", "UTF-8") + quoted_line("snapshot.lastUID", self.last_uid)
        if self.entries:
            text += quoted_line("snapshot.current", self.entries[-1]["uid"])
        for index, entry in enumerate(self.entries):
            text += "".join(quoted_line(f"snapshot{index}.{key}", entry[key]) for key in entry)
        if self.entries or after_removal == "zero":
            text += quoted_line("snapshot.numSnapshots", len(self.entries))
        write_text(self.path, text)


# ---- virtual disks ------------------------------------------------------------------------


class Link(NamedTuple):
    """One descriptor of a disk's chain. ``parent`` is None at the base."""

    path: Path
    cid: str
    create_type: str
    extent: Path
    parent: Path | None


def new_cid() -> str:
    # Never ffffffff, which says "no parent", nor fffffffe.
    return f"{int.from_bytes(os.urandom(4), 'big') % 0xFFFFFFF0:08x}"


def write_descriptor(
    path: Path,
    *,
    create_type: str,
    kind: str,
    extent: str,
    sectors: int,
    parent: Link | None,
) -> None:
    hint = ""
    if parent is not None:
        is_near = parent.path.parent == path.parent
        hint = f'parentFileNameHint="{parent.path.name if is_near else parent.path}"\n'
    write_text(
        path,
        "# Disk DescriptorFile\nversion=1\n"
        f'encoding="UTF-8"\nCID={new_cid()}\nparentCID={parent.cid if parent else NO_PARENT}\n'
        f'createType="{create_type}"\n{hint}\n# Extent description\n'
        f'RW {sectors} {kind} "{extent}"\n\n# The Disk Data Base \n#DDB\n\n'
        'ddb.adapterType = "lsilogic"\nddb.geometry.cylinders = "1"\nddb.geometry.heads = "255"\n'
        'ddb.geometry.sectors = "63"\nddb.virtualHWVersion = "4"\n',
    )


def read_link(path: Path) -> Link:
    text = read_text(path)

    def field(pattern: str) -> str:
        found = re.search(pattern, text, re.MULTILINE)
        return found[1] if found else ""

    has_parent = field(r"^parentCID=(\w+)$") != NO_PARENT
    return Link(
        path=path,
        cid=field(r"^CID=(\w+)$"),
        create_type=field(r'^createType="(\w+)"$'),
        extent=path.parent / field(r'^RW \d+ \w+ "(.*)"$'),
        parent=path.parent / field(r'^parentFileNameHint="(.*)"$') if has_parent else None,
    )


def read_chain(path: Path) -> list[Link]:
    """Give the links of a disk, the one that is written first, the base last."""
    links = [read_link(path)]
    while (parent := links[-1].parent) is not None:
        links.append(read_link(parent))
    return links


def read_records(delta: Path) -> Iterator[tuple[int, bytes]]:
    data = delta.read_bytes()
    position = len(DELTA_HEADER)
    while position < len(data):
        offset, length = DELTA_RECORD.unpack_from(data, position)
        position += DELTA_RECORD.size
        yield offset, data[position : position + length]
        position += length


def read_content(path: Path) -> bytes:
    *deltas, base = read_chain(path)
    content = bytearray(base.extent.read_bytes())
    for link in reversed(deltas):
        for offset, data in read_records(link.extent):
            content[offset : offset + len(data)] = data
    return bytes(content)


def write_content(path: Path, offset: int, data: bytes) -> None:
    top, *below = read_chain(path)
    capacity = (below[-1] if below else top).extent.stat().st_size
    if offset < 0 or offset + len(data) > capacity:
        raise ValueError(f"{path}: a guest cannot write beyond its disk of {capacity} bytes")
    if below:
        with top.extent.open("ab") as file:
            file.write(DELTA_RECORD.pack(offset, len(data)) + data)
    else:
        with top.extent.open("r+b") as file:
            file.seek(offset)
            file.write(data)


def create_delta(parent_path: Path) -> Path:
    """Put an empty delta above a disk, with the first number above all that lie there."""
    parent = read_link(parent_path)
    stem = parent_path.stem
    if parent.parent is not None:
        stem = re.sub(r"-\d{6}$", "", stem)
    numbered = re.compile(re.escape(stem) + r"-(\d{6})(?:-delta)?\.vmdk")
    names = (numbered.fullmatch(entry.name) for entry in parent_path.parent.iterdir())
    number = max((int(found[1]) for found in names if found), default=0) + 1
    path = parent_path.with_name(f"{stem}-{number:06d}.vmdk")
    extent = path.with_name(f"{path.stem}-delta.vmdk")
    extent.write_bytes(DELTA_HEADER)
    extent.chmod(0o600)
    sectors = len(read_content(parent_path)) // SECTOR_BYTES
    write_descriptor(
        path,
        create_type="vmfsSparse",
        kind="VMFSSPARSE",
        extent=extent.name,
        sectors=sectors,
        parent=parent,
    )
    return path


def merge_into(base_path: Path, top_path: Path) -> list[Path]:
    """Bring what lies above ``base_path``, up to ``top_path``, into it. Give the idle files."""
    idle: list[Path] = []
    merged: list[Link] = []
    for link in read_chain(top_path):
        if link.path == base_path:
            break
        merged.append(link)
        idle += [link.path, link.extent]
    else:
        raise ValueError(f"{base_path} is not below {top_path}")
    has_changed = False
    for link in reversed(merged):
        for offset, data in read_records(link.extent):
            write_content(base_path, offset, data)
            has_changed = True
    if has_changed:
        text = read_text(base_path)
        write_text(base_path, re.sub(r"(?m)^CID=\w+$", f"CID={new_cid()}", text))
    return idle


def hang_under(child_path: Path, parent_path: Path) -> None:
    """Make ``parent_path`` the parent that the delta ``child_path`` names."""
    near = parent_path.name if parent_path.parent == child_path.parent else str(parent_path)
    text = re.sub(
        r"(?m)^parentCID=\w+$",
        f"parentCID={read_link(parent_path).cid}",
        read_text(child_path),
    )
    hint = f'parentFileNameHint="{near}"'
    write_text(child_path, re.sub(r'(?m)^parentFileNameHint=".*"$', lambda _: hint, text))


# ---- the host -----------------------------------------------------------------------------


class Host:
    """An ESX host in the folder ``root``, made before by ``Host.create``."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).resolve()
        self.volumes = (self.root / "vmfs" / "volumes").resolve()
        self.vmware_cmd = self.root / "bin" / "vmware-cmd"
        self._switches_file = self.root / "esx.json"
        self._inventory_file = self.root / "hostd" / "inventory.json"
        self._calls_file = self.root / "hostd" / "calls.jsonl"

    @classmethod
    def create(
        cls,
        root: Path | str,
        *,
        dialect: str = "console",
        shares_with: "Host | None" = None,
    ) -> "Host":
        """Make an empty host; with ``shares_with``, one that sees the datastores of another."""
        root = Path(root)
        (root / "bin").mkdir(parents=True)
        (root / "hostd").mkdir()
        if shares_with is None:
            (root / "vmfs" / "volumes").mkdir(parents=True)
            (root / "vmfs" / "locks").mkdir()
        else:
            (root / "vmfs").symlink_to(shares_with.volumes.parent)
        host = cls(root)
        host.configure(dialect=dialect)
        write_text(host._inventory_file, "[]")
        host._calls_file.touch()
        if shares_with is None:
            host.add_datastore("storage1")
            host.add_datastore("store (1)")
        # UTF-8 whatever the caller's LANG says, and nothing of the caller's Python settings.
        write_text(
            host.vmware_cmd,
            f"#!{sys.executable} -ISXutf8\nimport sys\n\n"
            f"sys.path.insert(0, {str(Path(__file__).resolve().parent)!r})\nimport esx\n\n"
            f"raise SystemExit(esx.run_vmware_cmd({str(host.root)!r}, sys.argv[1:]))\n",
            mode=0o755,
        )
        return host

    # -- switches

    def configure(self, **changes: Any) -> None:
        """Change switches (see ``Switches``); the others keep their values."""
        with self._locked("switches"):
            old = {}
            if self._switches_file.exists():
                old = json.loads(read_text(self._switches_file))
            self._write_switches({**old, **changes})

    def switches(self) -> Switches:
        return Switches.checked(json.loads(read_text(self._switches_file)))

    def _write_switches(self, raw: Mapping[str, Any]) -> None:
        Switches.checked(raw)
        write_text(self._switches_file, json.dumps(raw, indent=1))

    def next_failure(self, call: Call) -> Failure | None:
        """Find the failure ordered for this call, and count it."""
        with self._locked("switches"):
            raw = json.loads(read_text(self._switches_file))
            for entry in raw.get("fail", []):
                failure = Failure(**entry)
                wants_quiesce = call.command == "createsnapshot" and call.arguments[2] == "1"
                if (
                    failure.command in ("", call.command)
                    and failure.vmx in ("", call.vmx)
                    and (wants_quiesce or not failure.quiesce)
                    and failure.times != 0
                ):
                    if failure.times is not None:
                        entry["times"] = failure.times - 1
                        self._write_switches(raw)
                    return failure
        return None

    # -- datastores and VMs

    def add_datastore(self, label: str) -> str:
        """Make a datastore; give its UUID."""
        digest = hashlib.sha256(os.fsencode(label)).hexdigest()
        uuid = f"{digest[:8]}-{digest[8:16]}-{digest[16:20]}-{digest[20:32]}"
        (self.volumes / uuid).mkdir()
        (self.volumes / label).symlink_to(uuid)
        return uuid

    def add_vm(
        self,
        directory: str | bytes,
        *,
        name: str | bytes = "",
        display_name: str | bytes = "",
        disks: Sequence[bytes] | None = None,
        power: Power | None = None,
        independent: Collection[int] = (),
        raw_devices: Mapping[int, Literal["virtual", "physical"]] | None = None,
        datastores: Mapping[int, str] | None = None,
        template: bool = False,
        extra_lines: Iterable[str] = (),
        datastore: str = "storage1",
        vmsd: bytes | None = b"",
    ) -> str:
        """Make the files of a VM and register it; give the path that ``-l`` will show.

        ``disks`` are whole sectors each (default: one of 64 KiB); ``independent`` are their
        numbers; ``raw_devices`` those that map a LUN; ``datastores`` the labels of those that
        lie elsewhere; ``vmsd`` is None where there is to be no such file. A VM is on unless
        said otherwise, a template off.
        """
        power = power or ("off" if template else "on")
        directory = os.fsdecode(directory)
        name = os.fsdecode(name) or directory.replace("\n", " ")
        folder = (self.volumes / datastore).resolve() / directory
        folder.mkdir()
        if disks is None:
            disks = [hashlib.shake_128(os.fsencode(directory)).digest(64 * 1024)]
        vmx = folder / f"{name}{'.vmtx' if template else '.vmx'}"
        identity = hashlib.sha256(os.fsencode(vmx)).digest()
        uuid = f"{identity[:8].hex(' ')}-{identity[8:16].hex(' ')}"
        swap = folder / f"{name}-{identity[:4].hex()}.vswp"
        values = {
            ".encoding": "UTF-8",
            "config.version": "8",
            "virtualHW.version": "4",
            "nvram": f"{name}.nvram",
            "displayName": os.fsdecode(display_name) or directory,
            "extendedConfigFile": f"{name}.vmxf",
            "guestOS": "linux",
            "uuid.bios": uuid,
            "uuid.location": uuid,
            "sched.swap.derivedName": str(swap),
            "checkpoint.vmState": "",
            "scsi0.present": "TRUE",
            "scsi0.virtualDev": "lsilogic",
        }
        for number, content in enumerate(disks):
            home = folder
            if datastores and number in datastores:
                home = (self.volumes / datastores[number]).resolve() / directory
                home.mkdir(exist_ok=True)
            path = _create_base(
                home / (f"{name}_{number}.vmdk" if number else f"{name}.vmdk"),
                content,
                (raw_devices or {}).get(number, ""),
            )
            # 7 is the controller's own place on its bus.
            node = f"scsi0:{number if number < 7 else number + 1}"
            values[f"{node}.present"] = "TRUE"
            values[f"{node}.fileName"] = path.name if home == folder else str(path)
            values[f"{node}.deviceType"] = "scsi-hardDisk"
            if number in independent:
                values[f"{node}.mode"] = "independent-persistent"
            values[f"{node}.redo"] = ""
        # A CD drive, as nearly every VM has one: no disk, and not to be taken for one.
        values |= {"ide0:0.present": "TRUE", "ide0:0.deviceType": "atapi-cdrom"}
        values |= {"ide0:0.fileName": "/dev/cdrom"}
        text = "".join(quoted_line(key, value) for key, value in values.items())
        text += "".join(f"{line}\n" for line in extra_lines)
        write_text(vmx, "#!/usr/bin/vmware\n" + text, mode=0o755)
        for ending in (".nvram", ".vmxf"):
            (folder / f"{name}{ending}").write_bytes(bytes(64))
        (folder / "vmware.log").write_bytes(b"")
        if vmsd is not None:
            vmx.with_suffix(".vmsd").write_bytes(vmsd)
        self.set_power(str(vmx), power)
        return str(vmx)

    def set_power(self, vmx: str, power: Power) -> None:
        """Bring a VM into a power state, with the files that go with it."""
        path = Path(vmx)
        config = Vmx(path)
        state_name = f"{path.stem}.vmss" if power == "suspended" else ""
        if config.get("checkpoint.vmState") != state_name:
            config.set("checkpoint.vmState", state_name)
            config.save()
        if power != "off" and not config.get("sched.swap.derivedName"):
            config.set("sched.swap.derivedName", str(path.with_suffix(".vswp")))
            config.save()
        suspended = path.with_suffix(".vmss")
        swap = Path(config.get("sched.swap.derivedName") or path.with_suffix(".vswp"))
        for file, is_there in (
            (suspended, power == "suspended"),
            (swap, power in ("on", "stuck")),
        ):
            if is_there:
                file.write_bytes(bytes(512))
            else:
                file.unlink(missing_ok=True)
        self._change_inventory(vmx, power)

    def power(self, vmx: str) -> str | None:
        """Give the power state of a VM; None when it is not registered here."""
        return self._inventory().get(vmx)

    def registered(self) -> list[str]:
        return list(self._inventory())

    def register(self, vmx: str, power: Power = "off") -> None:
        """Register a VM whose files are there, as after a move from another host."""
        self._change_inventory(vmx, power)

    def unregister(self, vmx: str) -> None:
        """Forget a VM without touching its files, as after a move to another host."""
        self._change_inventory(vmx, None)

    def _inventory(self) -> dict[str, str]:
        return dict(json.loads(read_text(self._inventory_file)))

    def _change_inventory(self, vmx: str, power: str | None) -> None:
        with self._locked("inventory"):
            inventory = self._inventory()
            if power is None:
                del inventory[vmx]
            else:
                inventory[vmx] = power
            write_text(self._inventory_file, json.dumps(list(inventory.items())))

    # -- disks and snapshots

    def disk_bytes(self, vmx: str, node: str = "scsi0:0") -> bytes:
        """Give what the guest reads on a disk now, through all its deltas."""
        with self.locked_vm(vmx, "content"):
            return read_content(Vmx(Path(vmx)).disk(node).path)

    def disk_chain(self, vmx: str, node: str = "scsi0:0") -> list[Path]:
        """Give the descriptors of a disk, from the one that is written down to the base."""
        return [link.path for link in read_chain(Vmx(Path(vmx)).disk(node).path)]

    def write_guest(self, vmx: str, node: str, offset: int, data: bytes) -> None:
        """Write as the guest does: to the base, or to the delta above it."""
        with self.locked_vm(vmx, "content"):
            write_content(Vmx(Path(vmx)).disk(node).path, offset, data)

    def snapshots(self, vmx: str) -> list[str]:
        """Give the names that the .vmsd lists."""
        return [entry["displayName"] for entry in Vmsd(Path(vmx)).entries]

    def take_admin_snapshot(self, vmx: str, name: str) -> None:
        """Take a snapshot as an administrator does, without vmware-cmd."""
        with self.locked_vm(vmx, "task", is_busy_an_error=True):
            self.create_snapshot(vmx, name, "", quiesce="0", memory="0")

    def remove_admin_snapshots(self, vmx: str) -> None:
        """Remove all snapshots as an administrator does, without vmware-cmd."""
        with self.locked_vm(vmx, "task", is_busy_an_error=True):
            self.remove_snapshots(vmx)

    def create_snapshot(
        self, vmx: str, name: str, description: str, *, quiesce: str, memory: str
    ) -> None:
        """Put a delta above each disk it covers. The caller holds the VM's ``task`` lock."""
        path = Path(vmx)
        with self.locked_vm(vmx, "content"):
            config, listed = Vmx(path), Vmsd(path)
            _check_snapshot_can_be(config, listed, name, self.power(vmx), memory)
            facts = f"quiesce={quiesce}\nmemory={memory}\n"
            _put_snapshot(config, listed, name, description, facts)

    def remove_snapshots(self, vmx: str) -> None:
        """Remove all, in the host's order: .vmsd, merge, .vmx, files. The caller holds ``task``."""
        path, switches = Path(vmx), self.switches()
        with self.locked_vm(vmx, "content"):
            config, listed = Vmx(path), Vmsd(path)
            if not listed.entries:
                return
            bases = listed.first_disks()
            tops = {node: config.disk(node).path for node in bases}
            idle = [path.with_name(entry["filename"]) for entry in listed.entries]
            listed.entries = []
            # A VM that is not running needs no place for its writes while the merge goes on.
            helper = switches.helper if self.power(vmx) == "on" else "none"
            if helper != "none":
                _put_snapshot(config, listed, "Consolidate Helper", "", "", only=set(bases))
            listed.save(switches.vmsd_after_removal)
        time.sleep(switches.merge_seconds)
        self.wait_while_held("merge")
        with self.locked_vm(vmx, "content"):
            config = Vmx(path)
            for node, base_name in bases.items():
                base, top = path.parent / base_name, config.disk(node).path
                idle += merge_into(base, tops[node])
                if helper != "none":
                    hang_under(top, base)
                if helper == "merged":
                    idle += merge_into(base, top)
                if helper in ("none", "merged"):
                    config.set(f"{node}.fileName", base_name)
            config.save()
            if helper == "left":
                listed.entries[0].update(_name_disks(bases))
            elif helper != "none":
                idle += [path.with_name(entry["filename"]) for entry in listed.entries]
                listed.entries = []
            listed.save(switches.vmsd_after_removal)
            for file in idle:
                file.unlink(missing_ok=True)

    # -- what the host was asked

    def calls(self) -> list[list[str]]:
        """Give the arguments of every vmware-cmd so far, in the order they came."""
        return [record["argv"] for record in self.call_records()]

    def call_records(self) -> list[dict[str, Any]]:
        """Give, for every call: argv, cwd, environment, stdin (its file), session, pid."""
        return [json.loads(line) for line in read_text(self._calls_file).splitlines()]

    def log_call(self, argv: Sequence[str]) -> None:
        stdin = Path("/proc/self/fd/0")
        record = {
            "argv": list(argv),
            "cwd": str(Path.cwd()),
            "environment": dict(os.environ),
            "stdin": str(stdin.readlink()) if stdin.is_symlink() else None,
            "session": os.getsid(0),
            "pid": os.getpid(),
        }
        line = json.dumps(record).encode() + b"\n"
        file = os.open(self._calls_file, os.O_WRONLY | os.O_APPEND)
        os.write(file, line)
        os.close(file)

    # -- locks

    @contextmanager
    def holding(self, point: Literal["task", "merge"]) -> Iterator[None]:
        """Hold the host's work at a point, for tests that must not depend on time.

        ``task``: a changing command was accepted and has done nothing yet. ``merge``: the entry
        has left the .vmsd, and the merge has not begun.
        """
        held = self.root / "hostd" / f"hold-{point}"
        held.touch()
        try:
            yield
        finally:
            held.unlink()

    def wait_while_held(self, point: str) -> None:
        held, deadline = self.root / "hostd" / f"hold-{point}", time.monotonic() + 120
        # A test that was killed never lets go; its host must not stay for ever.
        while held.exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with (self.root / "hostd" / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def locked_vm(self, vmx: str, kind: str, *, is_busy_an_error: bool = False) -> Iterator[None]:
        """Hold a VM; kept beside the datastores, for two hosts may share them."""
        digest = hashlib.sha256(os.fsencode(vmx)).hexdigest()
        with (self.volumes.parent / "locks" / f"{digest[:16]}.{kind}").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if is_busy_an_error else 0))
            except BlockingIOError:
                refuse_with_fault("Operation failed since another task is in progress.")
            yield


def _create_base(path: Path, content: bytes, raw_device: str) -> Path:
    if not content or len(content) % SECTOR_BYTES:
        raise ValueError(f"{path.name}: a disk is whole sectors of {SECTOR_BYTES} bytes")
    create_type, kind, ending = {
        "": ("vmfs", "VMFS", "flat"),
        "virtual": ("vmfsRawDeviceMap", "VMFSRDM", "rdm"),
        "physical": ("vmfsPassthroughRawDeviceMap", "VMFSRDM", "rdmp"),
    }[raw_device]
    extent = path.with_name(f"{path.stem}-{ending}.vmdk")
    extent.write_bytes(content)
    extent.chmod(0o600)
    write_descriptor(
        path,
        create_type=create_type,
        kind=kind,
        extent=extent.name,
        sectors=len(content) // SECTOR_BYTES,
        parent=None,
    )
    return path


def _name_disks(names: Mapping[str, str]) -> dict[str, str]:
    """Give the disk keys of a .vmsd entry for nodes and their file names."""
    keys = {"numDisks": str(len(names))}
    for number, (node, name) in enumerate(names.items()):
        keys[f"disk{number}.fileName"] = name
        keys[f"disk{number}.node"] = node
    return keys


def _put_snapshot(
    config: Vmx,
    listed: Vmsd,
    name: str,
    description: str,
    facts: str,
    only: set[str] | None = None,
) -> None:
    """Put one delta more above each disk that a snapshot covers, list it, and save all."""
    covered = [
        disk
        for disk in config.disks()
        if not disk.is_independent
        and read_chain(disk.path)[-1].create_type != "vmfsPassthroughRawDeviceMap"
        and (only is None or disk.node in only)
    ]
    path = config.path
    state_file = path.with_name(f"{path.stem}-Snapshot{listed.last_uid + 1}.vmsn")
    state_file.write_bytes(b"\xd0\xbe\xd2\xbe" + facts.encode() + path.read_bytes())
    names = {disk.node: disk.file_name for disk in covered}
    for disk in covered:
        # The delta lies beside its parent, so it is named the way the parent is.
        delta = create_delta(disk.path)
        is_absolute = Path(disk.file_name).is_absolute()
        config.set(f"{disk.node}.fileName", str(delta) if is_absolute else delta.name)
    listed.add(name, description, state_file.name, _name_disks(names))
    listed.save()
    config.save()


def _check_snapshot_can_be(
    config: Vmx, listed: Vmsd, name: str, power: str | None, memory: str
) -> None:
    if not name or re.search(r"[%/\x00-\x1f]", name):
        # The rule for "%" is documented; the text of the fault was not found.
        refuse_with_fault(f"The name {name} is invalid.")
    if config.shares_a_bus():
        # The fault is known by its name only.
        refuse_with_fault("SnapshotIncompatibleDeviceInVm")
    if memory == "1" and any(disk.is_independent for disk in config.disks()):
        refuse_with_fault(
            "Cannot take a memory snapshot, since the virtual machine is configured with "
            "independent disks."
        )
    if power == "suspended" and listed.entries:
        refuse_with_fault(
            "Snapshot not taken since the state of the virtual machine has not changed since "
            "the last snapshot operation."
        )


# ---- vmware-cmd ---------------------------------------------------------------------------


def refuse_with_fault(text: str) -> NoReturn:
    wrapped = f"VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : ({text})"
    raise RefusedError(999, wrapped, text)


def refuse_for_state(command: str, power: str) -> NoReturn:
    raise RefusedError(
        8,
        "VMControl error -8: Invalid operation for virtual machine's current state: The "
        f'requested operation ("{command}") could not be completed because it conflicted with '
        f'the state of the virtual machine ("{power}") at the time the request was received. '
        "This error often occurs because the state of the virtual machine changed before it "
        "received the request.",
        "The attempted operation cannot be performed in the current state.",
    )


def refuse_unregistered(vmx: str) -> NoReturn:
    raise RefusedError(
        11,
        f"/usr/bin/vmware-cmd: Could not connect to VM {vmx}\n"
        f"  (VMControl error -11: No such virtual machine: The config file {vmx} is not "
        "registered.\nPlease register the config file on the server.  For example:\n"
        f'vmware-cmd -s register "{vmx}")',
        "No virtual machine found.",
    )


def parse_call(argv: Sequence[str], dialect: str) -> Call:
    """Understand a command line. Raise UsageWantedError for any that is not exactly right."""
    words: list[str] = []
    flags: set[str] = set()
    rest = list(argv)
    # Options stand anywhere: `getstate -q` is as good as `-q ... getstate`.
    while rest:
        word = rest.pop(0)
        if word in ("-q", "-l", "-s"):
            flags.add(word)
        elif dialect == "vcli" and word.partition("=")[0] in VCLI_OPTIONS:
            if "=" not in word:
                if not rest:
                    raise UsageWantedError
                rest.pop(0)
        elif word.startswith("-") and len(word) > 1:
            raise UsageWantedError
        else:
            words.append(word)
    is_quiet = "-q" in flags
    if "-l" in flags:
        if words or "-s" in flags:
            raise UsageWantedError
        return Call("-l", is_quiet=is_quiet)
    if "-s" in flags:
        return _parse_server_call(words, dialect, is_quiet=is_quiet)
    return _parse_vm_call(words, is_quiet=is_quiet)


def _parse_server_call(words: list[str], dialect: str, *, is_quiet: bool) -> Call:
    # The vCLI's `register` also wants a datacenter and a resource pool.
    counts = {"register": 4 if dialect == "vcli" else 2, "unregister": 2}
    if not words or counts.get(words[0]) != len(words):
        raise UsageWantedError
    return Call(words[0], words[1], tuple(words[2:]), is_quiet)


def _parse_vm_call(words: list[str], *, is_quiet: bool) -> Call:
    minimum = 2
    if len(words) < minimum or len(words) - minimum not in VM_COMMANDS.get(words[1], ()):
        raise UsageWantedError
    vmx, command, *arguments = words
    is_right = True
    if command == "createsnapshot":
        is_right = set(arguments[2:]) <= {"0", "1"}
    elif arguments:
        is_right = arguments[0] in ("hard", "soft", "trysoft")
    if not is_right:
        raise UsageWantedError
    # A relative path works from within the VM's folder.
    return Call(command, str(Path.cwd() / vmx), tuple(arguments), is_quiet)


def list_vms(host: Host, dialect: str) -> str:
    shown = [
        vmx
        for vmx in host.registered()
        if host.switches().list_templates or not vmx.endswith(".vmtx")
    ]
    if dialect == "vcli":
        return "\n".join(["", *(shown or ["No virtual machine found."]), ""])
    return "\n".join(shown)


def perform(host: Host, call: Call, dialect: str) -> Answer:
    """Do what was asked. Raise RefusedError where the host says no."""
    if call.command == "-l":
        return Answer(0, list_vms(host, dialect))
    echo, value = "", "1"
    power = host.power(call.vmx)
    if call.command in ("register", "unregister"):
        echo = call.vmx
        _change_registration(host, call, power)
    elif power is None:
        refuse_unregistered(call.vmx)
    elif call.command == "getstate":
        value = power
    elif call.command == "hassnapshot":
        nothing = "0" if dialect == "vcli" else ""
        value = "1" if host.snapshots(call.vmx) else nothing
    elif power == "stuck":
        text = "Virtual machine requires user input to continue"
        raise RefusedError(16, f"VMControl error -16: {text}", text)
    elif call.command == "createsnapshot":
        name, description, quiesce, memory = call.arguments
        host.create_snapshot(call.vmx, name, description, quiesce=quiesce, memory=memory)
        echo = " ".join(call.arguments)
    elif call.command == "removesnapshots":
        host.remove_snapshots(call.vmx)
    else:
        _change_power(host, call, power)
    return Answer(0, value if call.is_quiet else f"{call.command}({echo}) = {value}")


def _change_registration(host: Host, call: Call, power: str | None) -> None:
    gone = "No such virtual machine"
    if call.command == "unregister":
        if power is None:
            raise RefusedError(11, f"VMControl error -11: {gone}", "No virtual machine found.")
        host.unregister(call.vmx)
    elif power is not None:
        refuse_with_fault("Virtual machine already exists")
    elif not Path(call.vmx).is_file():
        raise RefusedError(11, f"VMControl error -11: {gone}", "No virtual machine found.")
    else:
        host.register(call.vmx)


def _change_power(host: Host, call: Call, power: str) -> None:
    if call.command == "start":
        if power == "on":
            refuse_for_state("start", power)
        host.set_power(call.vmx, "on")
    else:
        if power != "on":
            refuse_for_state("stop", power)
        host.set_power(call.vmx, "off")


def run_as_host_task(work: Callable[[], Answer], *, is_awaited: bool) -> Answer:
    """Do the work in a process of the host's own, which goes on when the client is killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        if not is_awaited:
            os.close(reading)
            return Answer(0, "")
        with os.fdopen(reading, "rb") as answer_stream:
            raw = answer_stream.read()
        os.waitpid(child, 0)
        return Answer(*json.loads(raw))
    try:
        os.setsid()
        forget_environment()
        os.closerange(3, writing)
        os.closerange(writing + 1, 256)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(nowhere, standard)
        try:
            answer = work()
        except Exception as error:
            answer = Answer(99, f"esx.py: {error!r}", is_error=True)
        os.write(writing, json.dumps(answer).encode())
    finally:
        # Not awaited, or the client was killed: nobody reads, and nothing above may come back.
        os._exit(0)


def forget_environment() -> None:
    """Take the client's environment out of /proc/self/environ: hostd has never had it.

    The fields 50 and 51 of /proc/self/stat say where the kernel looks for it.
    """
    fields = Path("/proc/self/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    start, end = int(fields[47]), int(fields[48])
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(start)
        memory.write(bytes(end - start))


def answer_call(host: Host, call: Call, switches: Switches) -> Answer:
    failure = host.next_failure(call)
    latency_seconds = switches.latency_seconds.get(call.command, 0)
    has_effect = switches.garble.get(call.command, {}).get("effect", True)
    ordered = Answer(failure.exit_code, failure.text, is_error=True) if failure else None
    is_later = failure is not None and failure.effect == "later"
    free = nullcontext()

    def work() -> Answer:
        is_task = call.command in TASKS
        try:
            with host.locked_vm(call.vmx, "task", is_busy_an_error=True) if is_task else free:
                time.sleep(failure.later_seconds if failure and is_later else latency_seconds)
                if is_task:
                    host.wait_while_held("task")
                return perform(host, call, switches.dialect)
        except RefusedError as refused:
            return refused.answer(switches.dialect)

    if (failure and failure.effect == "none") or not has_effect:
        time.sleep(latency_seconds)
        own = Answer(0, "")
    elif call.command in TASKS:
        own = run_as_host_task(work, is_awaited=not is_later)
    else:
        own = work()
    return ordered or own


def run_vmware_cmd(root: str, argv: Sequence[str]) -> int:
    """Be vmware-cmd of the host in ``root``; give the exit code."""
    host = Host(root)
    host.log_call(argv)
    switches = host.switches()
    try:
        call = parse_call(argv, switches.dialect)
    except UsageWantedError:
        # Without any argument a mock of the real program leaves with 0.
        say(USAGE.rstrip("\n"), switches.error_stream if argv else "stdout")
        return 1 if argv else 0
    answer = answer_call(host, call, switches)
    garbled = switches.garble.get(call.command)
    if garbled is not None:
        sys.stdout.buffer.write(b64decode(garbled["text"]))
        return int(garbled.get("exit", 0))
    say(answer.text, switches.error_stream if answer.is_error else "stdout")
    return answer.exit_code


def say(text: str, stream: str) -> None:
    if text:
        buffer = sys.stderr.buffer if stream == "stderr" else sys.stdout.buffer
        buffer.write(text.encode("utf-8", "surrogateescape") + b"\n")


def main(argv: Sequence[str]) -> int:
    """Make a host by hand: ``create ROOT [--dialect console|vcli] [--vms N]``."""
    import argparse

    parser = argparse.ArgumentParser(prog="esx.py", allow_abbrev=False)
    create = parser.add_subparsers(required=True).add_parser("create", allow_abbrev=False)
    create.add_argument("root", type=Path)
    create.add_argument("--dialect", choices=("console", "vcli"), default="console")
    create.add_argument("--vms", type=int, default=len(ODD_NAMES))
    options = parser.parse_args(argv)
    host = Host.create(options.root, dialect=options.dialect)
    plain = [f"vm{number:03d}" for number in range(len(ODD_NAMES) + 1, options.vms + 1)]
    for name in [*ODD_NAMES, *plain][: options.vms]:
        host.add_vm(name.replace("\n", " "), display_name=name)
    say(str(host.vmware_cmd), "stdout")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
