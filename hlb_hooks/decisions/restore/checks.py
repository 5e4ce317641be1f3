"""Whether a VM that was put back may be one here: its identity, its name, whose its disks are."""

from collections.abc import Iterable, Sequence

from hlb_hooks.base.errors import HlbError, UsageError, VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.restore.config import UUID_ACTION
from hlb_hooks.decisions.restore.disks import DiskChoice
from hlb_hooks.decisions.restore.options import CREATE, KEEP, RestoreOptions
from hlb_hooks.decisions.restore.source import Source
from hlb_hooks.effects.claims import saved_vmx_path
from hlb_hooks.effects.host_vms import OtherVm
from hlb_hooks.effects.restored_disks import resolve_or_nothing
from hlb_hooks.effects.restored_folder import RestoredFolder
from hlb_hooks.vmfiles.file_names import name_base
from hlb_hooks.vmfiles.vmx import Vmx, VmxDisk


def check_nodes(vmx: Vmx, options: RestoreOptions) -> None:
    """See that every disk the operator speaks of is one of the VM's. Raise UsageError.

    One that is to be left out may be left out already, by an earlier restore.
    """
    nodes = {disk.node for disk in vmx.disks()}
    gone = {node for node in options.left_out_disks if vmx.get(f"{node}.present") is not None}
    for node in (*options.placed_disks, *(options.left_out_disks - gone)):
        if node not in nodes:
            known = ", ".join(sorted(nodes)) or "none"
            raise UsageError(
                f"the VM has no disk {escape(node)}", next_step=f"its disks are: {known}"
            )


def check_config_file(folder: RestoredFolder) -> None:
    """See that the configuration, and the saved one, is a file of its own. Raise VmFileError."""
    for path in (folder.config_path, saved_vmx_path(folder.config_path)):
        facts = folder.files.get(path)
        if facts is not None and not facts.is_regular:
            raise VmFileError(
                f"{escape(path)} is no file but a link or a device",
                next_step="restore the VM's own file",
            )


def choose_uuid(
    folder: RestoredFolder, others: Sequence[OtherVm] | None, options: RestoreOptions
) -> str:
    """Give ``create`` or ``keep``. It must be said unless this can only be the VM itself.

    Raise UsageError.
    """
    if options.uuid is not None:
        return options.uuid
    earlier = find_earlier_wish(folder)
    if earlier is not None:
        return earlier
    why = ""
    if others is None:
        why = "whether the original is registered here is not known"
    elif not folder.is_in_original_place:
        why = "this is not, or not certainly, the folder that the VM had"
    elif any(other.vmx == folder.config_path for other in others):
        why = "a VM is registered under this very path"
    if why:
        raise UsageError(
            f"{escape(folder.path)}: is this the VM itself or a copy of it? ({why})",
            next_step="say --uuid keep if the original is gone for good, on every host; "
            "--uuid create if it lives on: the copy gets an identity of its own",
        )
    return KEEP


def find_earlier_wish(folder: RestoredFolder) -> str | None:
    """Give what an earlier restore of this folder was told, as long as the VM has not started."""
    if folder.kept_config is None or folder.config_data is None:
        return None
    said = (Vmx.parse(folder.config_data, folder.config_path).get(UUID_ACTION) or "").lower()
    return said if said in {CREATE, KEEP} else None


def find_faults(
    folder: RestoredFolder,
    source: Source,
    strangers: Sequence[OtherVm],
    options: RestoreOptions,
    uuid: str,
) -> list[HlbError]:
    """Find what is wrong with the VM as a whole; ``strangers`` are the other VMs of this host."""
    found: list[HlbError] = []
    path = escape(source.path)
    if source.vmx.duplicates():
        keys = ", ".join(escape(key) for key in source.vmx.duplicates())
        found.append(
            VmFileError(
                f"{path} has several values for {keys}: the host would refuse it",
                next_step="leave one line of each in it",
            )
        )
    if not list_wanted(source.vmx, options):
        found.append(
            VmFileError(
                f"{path} names no disk, or was cut short",
                next_step="look at the file; restore it from an earlier backup",
            )
        )
    name = options.name or source.vmx.display_name
    for other in strangers:
        if other.name == name:
            found.append(
                VmFileError(
                    f"a VM named '{escape(other.name)}' is registered already: {escape(other.vmx)}",
                    next_step="give this one another name: --name NAME",
                )
            )
        if uuid == KEEP and other.uuid and other.uuid == source.vmx.get("uuid.bios"):
            found.append(
                VmFileError(
                    f"{escape(other.vmx)} is registered with the same uuid.bios: it is the "
                    "original, or another copy",
                    next_step="say --uuid create, or take that VM out of the inventory first",
                )
            )
    if uuid == KEEP and folder.locked_original:
        found.append(
            VmFileError(
                f"the original runs, here or on another host: {escape(folder.locked_original)} is "
                "locked",
                next_step="say --uuid create: two VMs must not have one identity",
            )
        )
    return found


def list_wanted(vmx: Vmx, options: RestoreOptions) -> list[VmxDisk]:
    """Give the disks that the restored VM shall have."""
    return [disk for disk in vmx.disks() if disk.node not in options.left_out_disks]


def find_shared(
    folder: RestoredFolder,
    vmx: Vmx,
    choices: Sequence[DiskChoice],
    strangers: Sequence[OtherVm],
    options: RestoreOptions,
) -> list[HlbError]:
    """Find disks that two nodes, or another VM of this host, would have at once.

    A disk that is left out is that node's all the same, unless a person says otherwise.
    """
    found: list[HlbError] = []
    owners = {path: f"a disk of {escape(other.vmx)}" for other in strangers for path in other.disks}
    left_out = {
        path: f"that of {disk.node}, which is left out"
        for disk in vmx.disks()
        if disk.node in options.left_out_disks
        for path in _name_places(folder, disk)
    }
    seen: dict[str, str] = {}
    for choice in choices:
        whose = seen.get(choice.path)
        if whose is not None:
            found.append(
                VmFileError(f"disks {whose} and {choice.node} are both {escape(choice.path)}")
            )
        seen[choice.path] = choice.node
        owner = owners.get(choice.path)
        if owner is None and choice.node not in options.placed_disks:
            owner = left_out.get(choice.path)
        if owner is not None:
            found.append(
                VmFileError(
                    f"disk {choice.node}: {escape(choice.path)} is {owner}",
                    next_step=f"say where this VM's own is: --disk {choice.node}=PATH",
                )
            )
    return found


def _name_places(folder: RestoredFolder, disk: VmxDisk) -> list[str]:
    path = resolve_or_nothing(folder.path, disk.file_name)
    real = folder.real_paths.get(path, path)
    return [real, name_base(real) or real]


def find_locked(folder: RestoredFolder, touched: Iterable[str]) -> list[HlbError]:
    """Find what a VM that runs, here or on another host, has locked of the files to be changed."""
    paths = {path for path in folder.files if folder.holds(path)} | set(touched)
    return [
        VmFileError(
            f"{escape(path)} is locked: a VM runs on the files of this folder",
            next_step="shut it down, on whichever host it runs, or restore to another folder",
        )
        for path in sorted(paths)
        if path in folder.files and folder.files[path].is_locked
    ]
