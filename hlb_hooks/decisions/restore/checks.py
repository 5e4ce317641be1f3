"""Whether a VM that was put back may be one here: its identity, its name, whose its disks are."""

from collections.abc import Sequence

from hlb_hooks.base.errors import HlbError, UsageError, VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.restore.config import UUID_ACTION
from hlb_hooks.decisions.restore.disks import DiskChoice
from hlb_hooks.decisions.restore.options import CREATE, KEEP, RestoreOptions
from hlb_hooks.decisions.restore.source import Source
from hlb_hooks.effects.host_vms import OtherVm
from hlb_hooks.effects.restored_folder import RestoredFolder
from hlb_hooks.vmfiles.vmx import Vmx, VmxDisk


def check_nodes(vmx: Vmx, options: RestoreOptions) -> None:
    """See that every disk the operator speaks of is one of the VM's. Raise UsageError."""
    nodes = {disk.node for disk in vmx.disks()}
    for node in (*options.placed_disks, *options.left_out_disks):
        if node not in nodes:
            known = ", ".join(sorted(nodes)) or "none"
            raise UsageError(
                f"the VM has no disk {escape(node)}", next_step=f"its disks are: {known}"
            )


def check_config_file(folder: RestoredFolder) -> None:
    """See that the configuration is a file of its own. Raise VmFileError."""
    facts = folder.files.get(folder.config_path)
    if facts is not None and not facts.is_regular:
        raise VmFileError(
            f"{escape(folder.config_path)} is no file but a link or a device",
            next_step="restore the VM's own .vmx",
        )


def choose_uuid(
    folder: RestoredFolder, others: Sequence[OtherVm] | None, options: RestoreOptions
) -> str:
    """Give ``create`` or ``keep``. It must be said unless this can only be the VM itself.

    Raise UsageError.
    """
    if options.uuid is not None:
        return options.uuid
    earlier = _find_earlier_wish(folder)
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


def _find_earlier_wish(folder: RestoredFolder) -> str | None:
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


def find_shared(choices: Sequence[DiskChoice], strangers: Sequence[OtherVm]) -> list[HlbError]:
    """Find disks that two nodes, or another VM of this host, would have at once."""
    found: list[HlbError] = []
    owners = {path: escape(other.vmx) for other in strangers for path in other.disks}
    seen: dict[str, str] = {}
    for choice in choices:
        whose = seen.get(choice.path)
        if whose is not None:
            found.append(
                VmFileError(f"disks {whose} and {choice.node} are both {escape(choice.path)}")
            )
        seen[choice.path] = choice.node
    return found + [
        VmFileError(
            f"disk {choice.node}: {escape(choice.path)} is a disk of {owners[choice.path]}",
            next_step=f"say where this VM's own is: --disk {choice.node}=PATH",
        )
        for choice in choices
        if choice.path in owners
    ]
