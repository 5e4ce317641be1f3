"""What an Avamar dataset has to say so that all of a job's VMs are read, and no more: pure.

avtar goes by source, exclude, include, in that order, and case counts on Unix (Avamar's own
administration guide, as cited by its users). A pattern without a slash is compared with a file's
name, ``*`` ends at a slash and ``?`` is one character (Dell KB 000189502).
"""

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hlb_hooks.base.config_schema import DEFAULT_JOB
from hlb_hooks.effects.vm_files import VmFacts

_VOLUMES = "/vmfs/volumes"
# Exactly six digits, spelled out: with ``??????`` the base disk of a VM called web-server-delta
# would be left out. A client that does not know ranges leaves out nothing, which costs a line
# `code 16` in its log and no data.
_SIX_DIGITS = "[0-9]" * 6
EXCLUDES: Mapping[str, str] = {
    "*.vswp": "why_swap",
    f"*-{_SIX_DIGITS}-delta.vmdk": "why_delta",
    f"*-{_SIX_DIGITS}-sesparse.vmdk": "why_delta",
    "*-ctk.vmdk": "why_block_list",
    "*.vmsn": "why_snapshot_state",
    "*-Snapshot*.vmem": "why_snapshot_state",
    "*.lck": "why_lock",
    ".lck-*": "why_lock",
    # VMFS's own: Broadcom KB 316585.
    ".*.sf": "why_file_system",
}
"""Each pattern, and the sentence that says why."""

# What means something in a pattern, to one client or another.
_MEANINGFUL = re.compile(r"[*?\[\]{}#+\\]")
# Bytes that are not UTF-8, and controls: no field of a dialogue takes them.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


@dataclass(frozen=True)
class Dataset:
    """The lines of a dataset. ``rescued``: the files that the inclusions are for."""

    sources: tuple[str, ...]
    excludes: tuple[str, ...]
    includes: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    rescued: tuple[str, ...]

    @property
    def flags(self) -> tuple[str, ...]:
        """The same as avtar's flags, one a line, as a flag file has them; sources come last."""
        return (
            *(f"--{name}={value}" for name, value in self.options),
            *(f"--exclude={pattern}" for pattern in self.excludes),
            *(f"--include={pattern}" for pattern in self.includes),
            *self.sources,
        )


def list_needed_files(facts: VmFacts) -> tuple[str, ...]:
    """Give the paths of the files that must be in a backup for the VM to be whole.

    Of a disk with a snapshot that is its base and what lies below: a linked clone's own delta is
    its base too. A file that need not exist is among them: that of a claim, say.
    """
    stem = posixpath.splitext(facts.vmx_path)[0]
    folder = posixpath.dirname(facts.vmx_path)
    needed = [facts.vmx_path, f"{facts.vmx_path}.hlb", f"{stem}.hlb-claim", f"{stem}.vmsd"]
    needed += [
        posixpath.join(folder, name)
        for name in (facts.vmx.get("nvram"), facts.vmx.get("checkpoint.vmState"))
        if name
    ]
    for disk in facts.disks:
        for link in disk.chain.links[disk.own_deltas :]:
            # The data of a raw disk is a device.
            needed += [link.path, *(() if link.descriptor.is_raw else link.extent_paths)]
    return tuple(dict.fromkeys(needed))


def plan_dataset(job: str, needed: Iterable[str], *, names_folders: bool) -> Dataset:
    """Give the dataset of ``job``, whose VMs consist of the files ``needed``, by real paths.

    ``names_folders``: the sources are the folders of these files, and not all there is below
    ``/vmfs/volumes``. What an exclusion would take away from a VM is added back by its path.
    """
    files = tuple(dict.fromkeys(needed))
    sources = _list_folders(files) if names_folders else _list_roots(files)
    rescued = tuple(path for path in files if is_excluded(path, sources, EXCLUDES))
    return Dataset(
        sources=sources,
        excludes=tuple(EXCLUDES),
        includes=tuple(dict.fromkeys(_make_pattern(path) for path in rescued)),
        options=_list_options(job),
        rescued=rescued,
    )


def is_excluded(path: str, sources: Sequence[str], patterns: Iterable[str]) -> bool:
    """Tell whether one of ``patterns``, none of which has a slash, takes ``path`` away.

    It does so by the name of the file, or of a folder below the source. What leads to the source
    does not count.
    """
    names = list(_list_names_below(path, sources))
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)


def is_writable(path: str) -> bool:
    """Tell whether a path can be typed into a dialogue as it is."""
    return _UNWRITABLE.search(path) is None


def _list_names_below(path: str, sources: Sequence[str]) -> Iterator[str]:
    inside = [source for source in sources if path.startswith(source + "/")]
    yield from path.removeprefix(min(inside, key=len) if inside else "").split("/")[1:]


def _list_roots(files: Iterable[str]) -> tuple[str, ...]:
    """Give ``/vmfs/volumes``, and the folder of whatever lies elsewhere."""
    roots = {
        head + mark if mark else posixpath.dirname(path)
        for path in files
        for head, mark, _ in [path.rpartition(_VOLUMES + "/")]
    }
    return _drop_nested({root.rstrip("/") for root in roots} or {_VOLUMES})


def _list_folders(files: Iterable[str]) -> tuple[str, ...]:
    return _drop_nested({posixpath.dirname(path) for path in files})


def _drop_nested(folders: Iterable[str]) -> tuple[str, ...]:
    kept: list[str] = []
    for folder in sorted(folders):
        if not any(folder.startswith(each + "/") for each in kept):
            kept.append(folder)
    return tuple(kept)


def _make_pattern(path: str) -> str:
    """Give a pattern that matches ``path``, and hardly anything else, with every client."""
    return _UNWRITABLE.sub("*", _MEANINGFUL.sub("?", path))


def _list_options(job: str) -> tuple[tuple[str, str], ...]:
    ending = "" if job == DEFAULT_JOB else f".{job}"
    return (
        ("run-at-start", f"initial_backup{ending}"),
        ("run-at-start-exit", "true"),
        ("run-at-end", f"initial_umount{ending}"),
        ("run-at-end-exit", "true"),
    )
