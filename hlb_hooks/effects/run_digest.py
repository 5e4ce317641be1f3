"""What is worth knowing of a run that is finished, without reading its state file again.

A year of nights is hundreds of megabytes of state files. Of those that are finished only a few
things are asked for: what became of each VM, and which snapshots were asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from hlb_hooks.effects.owner import Owner
from hlb_hooks.effects.records import Flag
from hlb_hooks.effects.run_story import Run
from hlb_hooks.effects.vm_story import Attempt, AttemptState, VmStory

# The random end of a snapshot's name; see hlb_hooks.base.names.
_MARK_LENGTH = 8


class VmIdentity(NamedTuple):
    """Which VM a backup is of: the path of its .vmx, and the uuid in it ("" where it has none).

    Both must be the same. Another VM that was put into the folder of one that is gone has the
    path, and a copy that was registered elsewhere has the uuid: neither was ever backed up.
    """

    vmx: str
    uuid: str


@dataclass(frozen=True)
class RunDigest:
    """One run, in short; ``latest`` is the latest moment of its records."""

    name: str
    job: str
    host: str
    begun: datetime
    latest: datetime
    owner: Owner
    config_path: str
    is_handed_over: bool
    """Whether the end hook came: a guard settles a run without it."""
    is_night: bool
    """Whether it is a run of the start hook."""
    read: tuple[VmIdentity, ...]
    """The VMs that were protected, and whose disks the client has read by its own log."""
    unread: tuple[VmIdentity, ...]
    """The VMs that were protected, of which nobody knows whether they were read."""
    failed: tuple[VmIdentity, ...]
    """The VMs that were chosen and not protected."""
    not_due: tuple[VmIdentity, ...]
    """The VMs that the targets chose, and whose turn it was not."""
    held: tuple[VmIdentity, ...]
    """The VMs that the targets chose, and that an operator wanted left alone."""
    names: tuple[tuple[str, str], ...]
    """The .vmx paths and display names of the VMs that are not called like their folders."""
    opened: tuple[str, ...]
    """The .vmx paths of the VMs whose base disks the client could read."""
    unseen: tuple[tuple[str, str], ...]
    """Snapshots that were asked for and never seen: where the .vmx is, and the snapshot's name."""
    closed: str
    """The random ends of the names of the snapshots that were seen and are gone, in a row."""

    def may_have_closed(self, snapshot: str) -> bool:
        """Tell whether the run may have seen ``snapshot`` come and go; no is certain."""
        return snapshot[-_MARK_LENGTH:] in self.closed


def digest_run(run: Run) -> RunDigest:
    """Put a run in short."""
    protected = [vm for vm in run.chosen if vm.is_protected]
    attempts = [(vm, attempt) for vm in run.vms.values() for attempt in vm.attempts.values()]
    return RunDigest(
        name=run.name,
        job=run.job,
        host=run.host,
        begun=run.begun,
        latest=run.latest,
        owner=run.owner,
        config_path=run.config.path,
        is_handed_over=run.is_handed_over,
        is_night=run.is_night,
        read=_identify(vm for vm in protected if Flag.OK_READ in vm.flags),
        unread=_identify(vm for vm in protected if Flag.OK_READ not in vm.flags),
        failed=_identify(run.failed),
        not_due=_identify(run.not_due),
        held=_identify(run.held),
        names=tuple(
            (vm.vmx, vm.name)
            for vm in (*run.chosen, *run.not_due, *run.held)
            if vm.name not in {"", name_folder(vm.vmx)}
        ),
        opened=tuple(vm.vmx for vm in run.vms.values() if vm.base_disks),
        unseen=tuple(
            (vm.place, attempt.snapshot) for vm, attempt in attempts if not attempt.was_seen
        ),
        closed="".join(
            attempt.snapshot[-_MARK_LENGTH:] for _, attempt in attempts if is_closed(attempt)
        ),
    )


def _identify(vms: Iterable[VmStory]) -> tuple[VmIdentity, ...]:
    return tuple(VmIdentity(vm.vmx, vm.uuid) for vm in vms)


def name_folder(vmx: str) -> str:
    """Give the name of the folder that a .vmx lies in: most VMs are called like it."""
    return vmx.rpartition("/")[0].rpartition("/")[2]


def is_closed(attempt: Attempt) -> bool:
    """Tell whether a snapshot was seen, and then seen to be gone."""
    return attempt.was_seen and attempt.state is AttemptState.CLOSED
