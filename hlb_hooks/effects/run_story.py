"""What a state file's records add up to: one run with the stories of its VMs."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import ConfigurationError, StateError
from hlb_hooks.effects.owner import Owner, ProcessOwner, owner_from_details
from hlb_hooks.effects.processes import ProcessIdentity
from hlb_hooks.effects.records import Flag, Record
from hlb_hooks.effects.vm_story import VmStory

_START_HOOK = "initial_backup"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Run:
    """One run: what it is, who owns it, and its VMs in the order the host listed them."""

    name: str
    job: str
    host: str
    boot_id: str
    begun: datetime
    owner: Owner
    config: Config
    vms: dict[str, VmStory] = field(default_factory=dict)
    guard: ProcessIdentity | None = None
    is_handed_over: bool = False
    is_ended: bool = False
    is_verdict_read: bool = False
    is_night: bool = False
    """Whether the start hook made it, and nobody by hand, nor the reaper to adopt a snapshot."""
    latest: datetime = _LONG_AGO
    """The latest moment of its records: they are in order unless somebody set the clock."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do for this run: nothing open, and no log to be read."""
        return self.is_ended and not self.awaits_verdict

    @property
    def awaits_verdict(self) -> bool:
        """Whether the owner's log is to be read for what became of the ready VMs."""
        return (
            isinstance(self.owner, ProcessOwner)
            and self.owner.log is not None
            and not self.is_verdict_read
            and any(vm.is_ready for vm in self.chosen)
        )

    @property
    def concerned_vms(self) -> list[VmStory]:
        """The VMs that a report of this run is about: chosen, or with a snapshot it removes."""
        return [vm for vm in self.vms.values() if vm.is_chosen or vm.attempts]

    @property
    def chosen(self) -> list[VmStory]:
        """The VMs this run was to protect."""
        return [vm for vm in self.vms.values() if vm.is_chosen]

    @property
    def pending(self) -> list[VmStory]:
        """The chosen VMs of which nothing is known yet: their turn has not come."""
        return [] if self.is_ended else [vm for vm in self.chosen if not vm.flags]

    @property
    def failed(self) -> list[VmStory]:
        """The chosen VMs that this run has not protected."""
        return [vm for vm in self.chosen if not vm.is_protected and (vm.flags or self.is_ended)]

    @property
    def not_due(self) -> list[VmStory]:
        """The VMs that the targets choose, and whose turn it was not."""
        return [vm for vm in self.vms.values() if Flag.NOT_DUE in vm.flags]

    @property
    def held(self) -> list[VmStory]:
        """The VMs that the targets choose, and that an operator wanted left alone."""
        return [vm for vm in self.vms.values() if Flag.LEFT_OUT in vm.flags and not vm.is_chosen]

    @property
    def open_vms(self) -> list[VmStory]:
        """The VMs on which something of this run may still be."""
        return [vm for vm in self.vms.values() if vm.is_open]

    @property
    def unsettled_vms(self) -> list[VmStory]:
        """The VMs whose files must be looked at before this run can end."""
        return [vm for vm in self.vms.values() if vm.unsettled_attempts]

    def apply(self, record: Record) -> None:
        """Take in one record. Raise KeyError or ValueError for a malformed one."""
        flag = Flag(record.flag)
        self.latest = max(self.latest, record.moment)
        if record.vmx is not None:
            story = self.vms.get(record.vmx)
            if story is None:
                story = self.vms[record.vmx] = VmStory(record.vmx)
            story.apply(record)
        elif flag is Flag.GUARD:
            details = record.details
            self.guard = ProcessIdentity(
                int(details["pid"]), int(details["start_ticks"]), details["boot_id"]
            )
        elif flag is Flag.HANDED_OVER:
            self.is_handed_over = True
        elif flag is Flag.ENDED:
            self.is_ended = True
        elif flag is Flag.VERDICT:
            self.is_verdict_read = True
        elif flag is Flag.INVENTORY:
            # Records of an older version do not say which hook wrote them.
            self.is_night = record.details.get("hook", _START_HOOK) == _START_HOOK


def tell_run(records: Iterable[Record], path: str) -> Run | None:
    """Add the records up. None: the run was killed while it wrote its head, and did nothing.

    Raise StateError, naming ``path``, for records that make no sense together.
    """
    heads: dict[str, Record] = {}
    rest: list[Record] = []
    for record in records:
        is_head = record.flag in {Flag.STATE, Flag.OWNER, Flag.CONFIG} and record.vmx is None
        if is_head and record.flag in heads:
            raise _senseless(path, f"{record.flag} is there twice")
        if is_head:
            heads[record.flag] = record
        else:
            rest.append(record)
    if not {Flag.STATE, Flag.OWNER, Flag.CONFIG} <= heads.keys():
        if rest:
            raise _senseless(path, "its head is missing")
        return None
    try:
        head = heads[Flag.STATE]
        run = Run(
            name=head.details["run"],
            job=head.details["job"],
            host=head.details["host"],
            boot_id=head.details["boot_id"],
            begun=head.moment,
            owner=owner_from_details(heads[Flag.OWNER].details),
            config=Config.from_json(heads[Flag.CONFIG].details["json"]),
            latest=head.moment,
        )
        for record in rest:
            run.apply(record)
    except (ConfigurationError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise _senseless(path, f"{type(error).__name__}: {error}") from error
    return run


def _senseless(path: str, why: str) -> StateError:
    return StateError(
        f"{path}: its records make no sense together ({why})",
        next_step="it is left as it is; compare it with the VMs' .vmsd files, then move it away",
    )
