"""What a backup client has put back: a VM's folder, and the disks it names wherever they lie.

Read once and whole, so that what is decided on is decided on facts, and nothing is changed before
everything is known.
"""

import os
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hlb_hooks.base.errors import UsageError, VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.effects.claims import Claim, read_claim, saved_vmx_path
from hlb_hooks.effects.effect_kind import reads
from hlb_hooks.effects.regular_files import read_regular_file
from hlb_hooks.effects.restored_disks import (
    DiskReading,
    FileFacts,
    cannot_read,
    look_at_file,
    resolve_or_nothing,
)
from hlb_hooks.effects.restored_origin import find_locked_file, find_original
from hlb_hooks.vmfiles.file_names import is_configuration, name_base
from hlb_hooks.vmfiles.vmdk import Descriptor
from hlb_hooks.vmfiles.vmsd import MAX_VMSD_BYTES, Vmsd
from hlb_hooks.vmfiles.vmx import MAX_VMX_BYTES, Vmx

KEPT_FOLDER = "before-restore"
"""Where what was mended or is not needed any more is put, as it came."""

_MAX_FILES = 20_000


@dataclass(frozen=True)
class RestoredFolder:
    """The folder, and what is known of each file in it and each disk it leads to.

    ``config_path`` is where the VM's configuration is or, if only ``.vmx.hlb`` came, shall be;
    ``config_data`` is None in that case. ``saved_data`` is the ``.vmx.hlb``, ``kept_config`` the
    configuration that an earlier restore has kept as it came. Of ``disks`` each is a
    descriptor, or what is wrong with what was taken for one; ``disk_data`` has their bytes.
    ``original`` is the folder that the VM had when it was backed up, as far as its files tell, else
    empty; ``locked_original`` is a file in it that a running VM has locked, where it is not this
    folder. All paths are absolute, and ``real_paths`` gives, for one that a file of the VM names,
    the same without symbolic links.
    """

    path: str
    config_path: str
    config_data: bytes | None
    saved_data: bytes | None
    kept_config: bytes | None
    claim: Claim | None
    vmsd: Vmsd | None
    vmsd_trouble: str
    original: str
    locked_original: str
    files: Mapping[str, FileFacts] = field(repr=False)
    disks: Mapping[str, Descriptor | VmFileError] = field(repr=False)
    disk_data: Mapping[str, bytes] = field(repr=False)
    real_paths: Mapping[str, str] = field(repr=False)

    @property
    def is_in_original_place(self) -> bool:
        """Whether this is the folder that the VM had when it was backed up."""
        return self.original == self.path

    def holds(self, path: str) -> bool:
        """Tell whether ``path`` lies in the folder or below it."""
        return path.startswith(self.path.rstrip("/") + "/")

    def shorten(self, path: str) -> str:
        """Give a path as it is called within the folder, and a path elsewhere as it is."""
        return posixpath.relpath(path, self.path) if self.holds(path) else path

    def find_below(self, name: str) -> list[str]:
        """Give the files in the folder or below it that bear the name."""
        return sorted(
            path
            for path in self.files
            if posixpath.basename(path) == name and self.holds(path) and not self.is_kept(path)
        )

    def is_kept(self, path: str) -> bool:
        """Tell whether a file has been put aside by an earlier restore."""
        return f"/{KEPT_FOLDER}/" in path.removeprefix(self.path)


@reads
def read_restored_folder(
    folder: str, chosen_vmx: str | None, other_disks: Iterable[str] = ()
) -> RestoredFolder:
    """Read everything that a restore of ``folder`` is decided on; follows every disk's chain.

    ``chosen_vmx`` is the name of the configuration where the folder has several; ``other_disks``
    are paths of disks that the operator names. Raise UsageError when it is not clear which VM is
    meant, and VmFileError when a file that decides cannot be read.
    """
    path = os.path.realpath(folder)
    _check_kept_folder(path)
    files = {each: look_at_file(each) for each in _list_below(path)}
    config = _choose_config(path, files, chosen_vmx)
    vmsd, trouble = _read_vmsd(os.path.splitext(config)[0] + ".vmsd")
    config_data = _read_or_none(config, MAX_VMX_BYTES)
    saved_data = _read_or_none(saved_vmx_path(config), MAX_VMX_BYTES)
    configs = [_parse_or_none(data, config) for data in (saved_data, config_data)]
    claim = read_claim(config)
    kept_config = _read_kept(config)
    reading = DiskReading(files)
    reading.read([each for each in files if each.lower().endswith(".vmdk")])
    reading.read(_list_named_files(path, [vmx for vmx in configs if vmx is not None], vmsd))
    reading.read([posixpath.join(path, each) for each in other_disks])
    reading.look_beside_disks()
    configs.append(_parse_or_none(kept_config, config))
    original = find_original(claim or read_claim(_name_kept(config)), configs)
    return RestoredFolder(
        path=path,
        config_path=config,
        config_data=config_data,
        saved_data=saved_data,
        kept_config=kept_config,
        claim=claim,
        vmsd=vmsd,
        vmsd_trouble=trouble,
        original=original,
        locked_original=find_locked_file(original) if original != path else "",
        files=reading.files,
        disks=reading.disks,
        disk_data=reading.data,
        real_paths=reading.real_paths,
    )


def _check_kept_folder(folder: str) -> None:
    """See that what is put aside stays in the folder. Raise VmFileError."""
    kept = posixpath.join(folder, KEPT_FOLDER)
    if os.path.islink(kept) or (os.path.lexists(kept) and not os.path.isdir(kept)):
        raise VmFileError(
            f"{escape(kept)} is no folder but a link or a file: what is not needed goes there",
            next_step="rename it",
        )


def _list_below(folder: str) -> list[str]:
    """Give every file below a folder; a VM's folder has some dozens."""
    found: list[str] = []

    def fail(error: OSError) -> None:
        raise cannot_read(error.filename, error) from error

    for here, _folders, names in os.walk(folder, onerror=fail):
        found += [posixpath.join(here, name) for name in names]
        if len(found) > _MAX_FILES:
            raise UsageError(
                f"{escape(folder)} holds more than {_MAX_FILES} files: it is no VM's folder",
                next_step="name the folder of one VM",
            )
    return found


def _choose_config(folder: str, files: Mapping[str, FileFacts], chosen: str | None) -> str:
    names = {posixpath.basename(path) for path in files if posixpath.dirname(path) == folder}
    saved_ending = saved_vmx_path("")
    configs = {
        x for x in (name.removesuffix(saved_ending) for name in names) if is_configuration(x)
    }
    if chosen is not None:
        if chosen not in configs:
            raise UsageError(
                f"{escape(folder)} has no {escape(chosen)}", next_step=_name_configs(configs)
            )
        return posixpath.join(folder, chosen)
    if len(configs) != 1:
        raise UsageError(
            f"{escape(folder)} has {'no' if not configs else 'more than one'} .vmx",
            next_step=_name_configs(configs),
        )
    return posixpath.join(folder, configs.pop())


def _name_configs(configs: set[str]) -> str:
    if not configs:
        return "restore the VM's .vmx too, or its .vmx.hlb: without one nobody knows its disks"
    return "say which: " + ", ".join(f"--vmx '{escape(name)}'" for name in sorted(configs))


def _read_kept(config: str) -> bytes | None:
    for path in (config, saved_vmx_path(config)):
        data = _read_or_none(_name_kept(path), MAX_VMX_BYTES)
        if data is not None:
            return data
    return None


def _name_kept(path: str) -> str:
    folder, name = posixpath.split(path)
    return posixpath.join(folder, KEPT_FOLDER, name)


def _read_vmsd(path: str) -> tuple[Vmsd | None, str]:
    data = _read_or_none(path, MAX_VMSD_BYTES)
    if data is None:
        return None, ""
    try:
        return Vmsd.parse(data, path), ""
    except VmFileError as error:
        return None, error.message


def _parse_or_none(data: bytes | None, path: str) -> Vmx | None:
    try:
        return None if data is None else Vmx.parse(data, path)
    except VmFileError:
        return None  # said by whoever decides which of the two is used


def _list_named_files(folder: str, configs: list[Vmx], vmsd: Vmsd | None) -> list[str]:
    """Give every place that some file of the VM names: its disks, and all that lies elsewhere."""
    names = [disk.file_name for vmx in configs for disk in vmx.disks()]
    names += [value for vmx in configs for value in _list_values(vmx) if value.startswith("/")]
    names += [base for base in map(name_base, names) if base is not None]
    names += [name for each in (vmsd.snapshots if vmsd else ()) for _node, name in each.disks]
    return [resolve_or_nothing(folder, name) for name in names]


def _list_values(vmx: Vmx) -> list[str]:
    return [vmx.get(key) or "" for key in list(vmx.keys())]


def _read_or_none(path: str, limit_bytes: int) -> bytes | None:
    try:
        return read_regular_file(path, limit_bytes + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_read(path, error) from error
