"""What the tests of the views share: records of a night, told by the minute."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hlb_hooks.base.config import Config
from hlb_hooks.decisions.views.run_view import RunView
from hlb_hooks.decisions.views.view_run import view_run
from hlb_hooks.effects.owner import ProcessOwner
from hlb_hooks.effects.processes import ProcessIdentity
from hlb_hooks.effects.records import VERSION, Flag, Record
from hlb_hooks.effects.run_story import tell_run

RUN = "gold-20261122T010000Z-0123abcd"
VMX = "/vmfs/volumes/4a3b/wro215ts/wro215ts.vmx"
OTHER = "/vmfs/volumes/4a3b/db/db.vmx"
SNAPSHOT = "HLB-gold-20261122T010000Z-0123abcd"
BEGUN = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return BEGUN + timedelta(minutes=minutes)


def note(minutes: float, flag: Flag, vmx: str | None = VMX, **details: str) -> Record:
    return Record(at(minutes), flag, vmx, details)


def intent(minutes: float, vmx: str = VMX, snapshot: str = SNAPSHOT) -> Record:
    return note(minutes, Flag.INTENT_SNAP, vmx, snapshot=snapshot, disks="[]")


def made(minutes: float, vmx: str = VMX, snapshot: str = SNAPSHOT) -> Record:
    return note(minutes, Flag.OK_SNAP, vmx, snapshot=snapshot, consistency="quiesced")


def asked(minutes: float, vmx: str = VMX, snapshot: str = SNAPSHOT) -> Record:
    return note(minutes, Flag.INTENT_UMOUNT, vmx, snapshot=snapshot)


def gone(minutes: float, vmx: str = VMX, snapshot: str = SNAPSHOT) -> Record:
    return note(minutes, Flag.OK_UMOUNT, vmx, snapshot=snapshot)


def make_night(*records: Record, log: bool = False) -> list[Record]:
    owner = ProcessOwner(ProcessIdentity(4711, 1, "boot"), "avtar")
    details = {"log": "/var/log/avtar.log", "log_inode": "1", "log_bytes": "0"} if log else {}
    state = {"version": str(VERSION), "run": RUN, "job": "gold", "host": "esx1", "boot_id": "boot"}
    return [
        note(0, Flag.STATE, None, **state),
        note(0, Flag.OWNER, None, **owner.to_details(), **details),
        note(0, Flag.CONFIG, None, json=Config("/etc/hlb.toml").to_json()),
        *records,
    ]


def view(records: Sequence[Record], now: float = 60) -> RunView:
    run = tell_run(records, "/var/hlb/gold.state")
    assert run is not None
    return view_run(run, records, at(now))
