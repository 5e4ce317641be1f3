"""Choosing a run's VMs: whom the targets name, what is wished for each, and whose turn it is."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo

from hlb_hooks.base import clock
from hlb_hooks.base.config import Config
from hlb_hooks.base.errors import StateError
from hlb_hooks.base.text import escape
from hlb_hooks.base.trusted_files import read_trusted
from hlb_hooks.decisions.attribute_table import (
    MAX_TABLE_BYTES,
    AttributeRow,
    parse_attribute_table,
)
from hlb_hooks.decisions.attributes import check_targets
from hlb_hooks.decisions.due import EVERY_RUN, Due, Turn, decide_due
from hlb_hooks.decisions.history import Past, tell_pasts
from hlb_hooks.decisions.phrase import Phrase, phrase
from hlb_hooks.decisions.policy import NO_POLICY, Policy, decide_policies
from hlb_hooks.decisions.selection import ListedVm, MatchedVm, Selection, select
from hlb_hooks.decisions.targets import MAX_TARGETS_BYTES, Target, parse_targets
from hlb_hooks.effects.holds import Hold
from hlb_hooks.effects.run_digest import VmIdentity
from hlb_hooks.steps.context import Context

_SENTENCES = {
    Turn.NEVER_YET: "due_never_yet",
    Turn.CLOCK_SET_BACK: "due_clock_set_back",
    Turn.DUE: "due_since",
    Turn.NOT_DUE: "not_due",
}


@dataclass(frozen=True)
class Wishes:
    """What the operator wrote: the targets file, and the table of attributes if there is one."""

    targets: Sequence[Target]
    rows: Sequence[AttributeRow]


@dataclass(frozen=True)
class ChosenVm:
    """A VM that the targets choose, with what is wished for it, and whether it is its turn."""

    vmx: str
    name: str
    uuid: str | None = ""
    policy: Policy = NO_POLICY
    due: Due = EVERY_RUN

    @property
    def details(self) -> dict[str, str]:
        """Give what a record of it says, for programs: moments in UTC."""
        moment = "" if self.due.moment is None else clock.format_utc(self.due.moment)
        return {
            "name": self.name,
            "uuid": self.uuid or "",
            **self.policy.attributes,
            ("due_since" if self.due.is_due else "next_due"): moment,
            "last_success": self.due.counted.run if self.due.counted else "",
        }


@dataclass(frozen=True)
class Choice:
    """Every VM that the targets choose, by whether it is due; and what could not be read."""

    selection: Selection
    due: tuple[ChosenVm, ...]
    not_due: tuple[ChosenVm, ...]
    errors: tuple[StateError, ...] = ()
    held: tuple[tuple[ChosenVm, Hold], ...] = ()
    """The VMs that an operator wants left alone, due or not."""


def read_wishes(config: Config, job_name: str) -> Wishes:
    """Read the job's targets file and its table of attributes. Raise ConfigurationError."""
    job = config.job(job_name)
    content = read_trusted(
        job.targets,
        "targets file",
        MAX_TARGETS_BYTES,
        if_missing=f"list the VMs there, one a line, or mend [jobs.{job_name}] targets",
    )
    targets = parse_targets(content, job.targets)
    check_targets(targets, job)
    if not job.attributes:
        return Wishes(targets, ())
    table = read_trusted(
        job.attributes,
        "table of attributes",
        MAX_TABLE_BYTES,
        if_missing=f"export it there, or mend [jobs.{job_name}] attributes",
    )
    return Wishes(targets, parse_attribute_table(table, job.attributes))


def choose(
    context: Context, config: Config, job_name: str, vms: Sequence[ListedVm], wishes: Wishes
) -> Choice:
    """Decide on every VM of the host. Raise ConfigurationError, and StateError for the holds.

    The state files are only asked when a VM has an interval. One that cannot be read may hide a
    success: then the VM is due once more, and never the other way round.
    """
    job = config.job(job_name)
    store = context.effects.open_store(config.paths.state_dir)
    selection = select(vms, wishes.targets)
    policies = decide_policies(selection.chosen, wishes.rows, vms, job)
    errors: tuple[StateError, ...] = ()
    pasts: dict[VmIdentity, Past] = {}
    now = clock.read_utc_now()
    zone: tzinfo = UTC
    if any(policy.interval for policy in policies.values()):
        zone = clock.read_time_zone()
        found = store.find_runs()
        pasts = tell_pasts(found.runs, job_name, job.success, now)
        errors = found.errors
    slack = timedelta(hours=job.due_slack_hours)
    uuids = {vm.vmx: vm.uuid for vm in vms}

    def decide(vm: MatchedVm) -> ChosenVm:
        policy, uuid = policies[vm.vmx], uuids[vm.vmx]
        # Of a VM whose .vmx cannot be read nobody knows which it is: none of its backups is known.
        past = Past() if uuid is None else pasts.get(VmIdentity(vm.vmx, uuid), Past())
        due = decide_due(policy.interval, past, now=now, slack=slack, zone=zone)
        return ChosenVm(vm.vmx, vm.name, uuid, policy, due)

    holds = {hold.vmx: hold for hold in store.read_holds()}
    decided = [decide(vm) for vm in selection.chosen]
    chosen = [vm for vm in decided if vm.vmx not in holds]
    return Choice(
        selection,
        tuple(vm for vm in chosen if vm.due.is_due),
        tuple(vm for vm in chosen if not vm.due.is_due),
        errors,
        tuple((vm, holds[vm.vmx]) for vm in decided if vm.vmx in holds),
    )


def read_zone_for(vms: Iterable[ChosenVm]) -> tzinfo:
    """Give the host's time zone for ``explain``; UTC, unread, where no VM has a moment to say."""
    return clock.read_time_zone() if any(vm.due is not EVERY_RUN for vm in vms) else UTC


def explain_hold(hold: Hold, zone: tzinfo) -> tuple[Phrase, Phrase]:
    """Say why a VM is left alone, and how that ends."""
    since = clock.format_local(hold.since, zone)
    reason = phrase("is_held", who=hold.who, since=since, why=f": {hold.why}" if hold.why else "")
    if hold.is_drain:
        return reason, phrase("release_host")
    # To be copied into a shell; the command takes the path as it is shown here.
    return reason, phrase("release_it", text=shlex.quote(escape(hold.vmx)))


def explain(vm: ChosenVm, job: str, zone: tzinfo) -> list[Phrase]:
    """Say of a VM since when it is due, or when it will be, and what is carried for others."""
    due = vm.due
    phrases = []
    if due.turn is not Turn.EVERY_RUN:
        phrases.append(
            phrase(
                _SENTENCES[due.turn],
                interval=due.interval.word if due.interval else "",
                moment=clock.format_local(due.moment, zone) if due.moment else "",
                last=clock.format_local(due.counted.begun, zone) if due.counted else "",
                run=due.counted.run if due.counted else "",
            )
        )
    if due.uncounted is not None:
        begun = clock.format_local(due.uncounted.begun, zone)
        phrases.append(phrase("reading_unknown", run=due.uncounted.run, begun=begun, job=job))
    if vm.policy.carried:
        phrases.append(phrase("carried", names=vm.policy.carried))
    return phrases
