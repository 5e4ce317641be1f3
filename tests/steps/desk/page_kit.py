"""A night with everything in it, for pictures and pages: forty VMs, and all that can go wrong."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hlb_hooks.base.config import Config
from hlb_hooks.decisions.views.documents import VERSION, ProblemView, ReportDocument
from hlb_hooks.decisions.views.view_run import view_run
from hlb_hooks.effects.owner import ProcessOwner
from hlb_hooks.effects.processes import ProcessIdentity
from hlb_hooks.effects.records import Flag, Record
from hlb_hooks.effects.run_story import tell_run

BEGUN = datetime(2026, 11, 21, 23, 0, 3, tzinfo=UTC)
STORE = "/vmfs/volumes/4a9b8a6e-3eca11a2-6a67-00144f0d8625"
SCRIPT = "<script>document.title='taken'</script>"
POLISH = "Księgowość: zażółć gęślą jaźń"
LONG = "a-name-without-any-place-to-break-it-" * 4


def _at(minutes: float) -> datetime:
    return BEGUN + timedelta(minutes=minutes)


def _note(minutes: float, flag: Flag, vmx: str | None, **details: str) -> Record:
    return Record(_at(minutes), flag, vmx, details)


def _path(name: str) -> str:
    return f"{STORE}/{name.replace('/', '_')}/{name.replace('/', '_')}.vmx"


def _choose(name: str, **details: str) -> Record:
    return _note(0, Flag.CHOSEN, _path(name), name=name, uuid=f"56 4d {len(name)}", **details)


def _good(name: str, number: int, *, until: Flag = Flag.OK_UMOUNT) -> list[Record]:
    vmx, snapshot = _path(name), f"HLB-gold-20261121T23{number:02}00Z-0123ab{number:02}"
    made, asked = 0.3 + number * 0.35, 96 + number * 1.1
    return [
        _note(made, Flag.INTENT_SNAP, vmx, snapshot=snapshot, disks="[]"),
        _note(made + 0.5, Flag.OK_SNAP, vmx, snapshot=snapshot, consistency="quiesced"),
        _note(asked, Flag.INTENT_UMOUNT, vmx, snapshot=snapshot),
        _note(
            asked + 1 + number % 4,
            until,
            vmx,
            snapshot=snapshot,
            reason="r" * (until != "OK_umount"),
        ),
    ]


def make_bad_night(hostile: str = SCRIPT, long: str = LONG) -> ReportDocument:
    """Give the report of a night in which some VMs failed, and two have names that are none."""
    names = [f"web-{number:02}" for number in range(1, 31)]
    special = ["patchday", "sql server (2)", hostile, long, "late", "torn", "busy"]
    records = [_choose(name) for name in (*names, *special)]
    records += [_note(0, Flag.PRESENT, _path(name)) for name in (*names, *special, "archive")]
    for number, name in enumerate(names):
        records += _good(name, number)
        records.append(_note(140, Flag.OK_READ, _path(name)))
    missed = [["independent_disk", "scsi0:1", f"{STORE}/web-03/scratch.vmdk"]]
    missed += [["disk_elsewhere", "scsi0:2", "/vmfs/volumes/499967ca-a2d7d6ba/web-03/data.vmdk"]]
    told = "disk scsi0:1 is independent, a snapshot does not cover it"
    records.append(_note(1, Flag.NOTE, _path("web-03"), missed=json.dumps(missed), note=told))
    raw = [["physical_rdm", "scsi1:0", f"{STORE}/{hostile}/rdm.vmdk"]]
    records.append(_note(1, Flag.NOTE, _path(hostile), missed=json.dumps(raw)))
    records += [
        _note(
            0.2,
            Flag.LEFT_OUT,
            _path("patchday"),
            reason="it has a snapshot that is not ours: before patch day",
            next="whoever made it removes it; it is never touched here",
        ),
        _note(12, Flag.INTENT_SNAP, _path("late"), snapshot="HLB-gold-x-1", disks="[]"),
        _note(
            22,
            Flag.FAILED_SNAP,
            _path("late"),
            snapshot="HLB-gold-x-1",
            reason="vmware-cmd createsnapshot was killed after 600 s "
            "([snapshot] create_timeout_seconds)",
            next="whether the snapshot came to be is not clear; it is looked for again at the end",
        ),
        *_good("torn", 20)[:2],
        _note(
            60,
            Flag.TORN,
            _path("torn"),
            snapshot="HLB-gold-20261121T232000Z-0123ab20",
            closed="1",
            reason="the snapshot was gone before we removed it",
            next="do not trust this backup of the VM: back it up again",
        ),
        *_good("busy", 31)[:3],
        _note(
            135,
            Flag.FAILED_UMOUNT,
            _path("busy"),
            snapshot="HLB-gold-20261121T233100Z-0123ab31",
            reason="beside ours there is a snapshot that is not ours: test",
            next="remove HLB-gold-20261121T233100Z-0123ab31 by hand, by its name",
        ),
        _note(139, Flag.OK_READ, _path("busy")),
        _note(
            0,
            Flag.LEFT_OUT,
            _path(POLISH),
            name=POLISH,
            reason="root wants it left alone since 2026-11-20 10:00+01:00: patch day",
            next=f"when it may be backed up again: hlb hold --release '{_path(POLISH)}'",
        ),
        _note(
            0,
            Flag.NOT_DUE,
            _path("archive"),
            name="archive",
            reason="every 1M: next due 2026-12-02 14:00+01:00, last success 2026-11-02",
            next_due="2026-12-02T13:00:00Z",
        ),
    ]
    for number, name in enumerate(("sql server (2)", hostile, long), start=32):
        records += _good(name, number)
    records += [
        _note(25, Flag.STARTED, None, exit="0"),
        _note(140, Flag.HANDED_OVER, None),
        _note(
            141, Flag.VERDICT, None, said="Command completed (23 warnings, exit code 0: success)"
        ),
    ]
    return make_document(
        records, minutes=150, problems=[("hlb.toml: [run] x: unknown key", "mend")]
    )


def make_good_night() -> ReportDocument:
    """Give the report of a night without any trouble."""
    names = [f"web-{number:02}" for number in range(1, 13)]
    records = [_choose(name) for name in names]
    for number, name in enumerate(names):
        records += [*_good(name, number), _note(131, Flag.OK_READ, _path(name))]
    ends = (Flag.STARTED, 8), (Flag.HANDED_OVER, 130), (Flag.ENDED, 130), (Flag.VERDICT, 131)
    records += [_note(minutes, flag, None) for flag, minutes in ends]
    return make_document(records, minutes=600)


def make_night_under_way() -> ReportDocument:
    """Give the report of a run whose client is reading, and one VM waits."""
    records = [_choose("web-01"), _choose("web-02"), *_good("web-01", 1)[:2]]
    return make_document(records, minutes=5)


def make_document(
    records: list[Record], *, minutes: float, problems: Sequence[tuple[str, str]] = ()
) -> ReportDocument:
    owner = ProcessOwner(ProcessIdentity(4711, 1, "boot"), "avtar")
    name = "gold-20261121T230003Z-e96b2853"
    state = {"version": "1", "run": name, "job": "gold", "host": "esx1", "boot_id": "boot"}
    head = [
        _note(0, Flag.STATE, None, **state),
        _note(0, Flag.OWNER, None, **owner.to_details()),
        _note(0, Flag.CONFIG, None, json=Config("/etc/hlb.toml").to_json()),
    ]
    everything = [*head, *sorted(records, key=lambda record: record.moment)]
    run = tell_run(everything, name)
    assert run is not None
    view = view_run(run, everything, _at(minutes))
    shown = tuple(ProblemView(*problem) for problem in problems)
    return ReportDocument("hlb-report", VERSION, _at(minutes), shown, view)
