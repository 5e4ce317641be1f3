"""What the tests of watching over share: nights made of records, as the start hook writes them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hlb_hooks.base.config import Config
from hlb_hooks.base.config_schema import JobConfig, RunConfig
from hlb_hooks.decisions.overview import Night, Overview, look_over
from hlb_hooks.effects.found_runs import FoundRun
from hlb_hooks.effects.owner import LeaseOwner
from hlb_hooks.effects.records import Flag, Record
from hlb_hooks.effects.run_digest import digest_run
from hlb_hooks.effects.run_index import IndexEntry, Stamp
from hlb_hooks.effects.run_story import tell_run

NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)
SNAPSHOT = "HLB-gold-20261122T010000Z-0123abcd"
READ = (Flag.OK_SNAP, Flag.OK_READ, Flag.OK_UMOUNT)


def make_config(*, interval: str = "", late_hours: int = 2, job: str = "gold") -> Config:
    jobs = {job: JobConfig(job, default_interval=interval)}
    return Config("/etc/hlb.toml", run=RunConfig(alarm_late_hours=late_hours), jobs=jobs)


def make_records(
    hours_ago: float,
    vms: Iterable[tuple[str, tuple[Flag, ...]]] = (),
    *,
    config: Config | None = None,
    hook: str = "initial_backup",
    is_ended: bool = True,
    lasts_seconds: int = 60,
    more: Iterable[Record] = (),
) -> list[Record]:
    """Give the records of a run in which each VM, by its name, earned these flags."""
    begun = NOW - timedelta(hours=hours_ago)
    config = config or make_config()
    (job,) = config.jobs
    owner = LeaseOwner(begun, 0.0, "boot")
    head = {"version": "1", "run": f"{job}-{hours_ago:g}", "job": job, "host": "esx1"}
    records = [
        Record(begun, Flag.STATE, None, {**head, "boot_id": "boot"}),
        Record(begun, Flag.OWNER, None, owner.to_details()),
        Record(begun, Flag.CONFIG, None, {"json": config.to_json()}),
        Record(begun, Flag.INVENTORY, None, {"count": "1", "hook": hook} if hook else {}),
    ]
    end = begun + timedelta(seconds=lasts_seconds)
    for name, flags in vms:
        vmx = f"/v/{name}/{name}.vmx"
        records.append(Record(begun, Flag.CHOSEN, vmx, {"name": name}))
        made = {"snapshot": SNAPSHOT, "disks": "[]"}
        if Flag.OK_SNAP in flags:
            records.append(Record(begun, Flag.INTENT_SNAP, vmx, made))
        records += [
            Record(end, flag, vmx, {"snapshot": SNAPSHOT, "reason": f"why {flag}"})
            for flag in flags
        ]
    records += more
    if is_ended:
        records.append(Record(end, Flag.ENDED))
    return records


def find(records: list[Record]) -> FoundRun:
    """Give the run as the state folder would: in short when it is finished."""
    run = tell_run(records, "/x")
    assert run is not None
    if not run.is_finished:
        return FoundRun(f"/{run.name}", run)
    entry = IndexEntry(run.name, Stamp(1, 2, 3, 4), digest_run(run))
    return FoundRun(f"/{run.name}", run, entry)


def look(*runs: list[Record], damaged: int = 0, now: datetime = NOW) -> Overview:
    """Look over runs, the newest of which comes last and is the night."""
    found = [find(records) for records in runs]
    nights = [Night(found[-1].run, tuple(runs[-1]))] if runs else []
    return look_over(found, nights, damaged=damaged, now=now, zone=UTC)
