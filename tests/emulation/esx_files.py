"""The text files of a VM on the emulated host: ``.vmx`` and ``.vmsd``.

Names are ``str`` that carry bytes which are not UTF-8 as lone surrogates (``os.fsdecode``).
"""

import re
import time
from pathlib import Path
from typing import NamedTuple


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
