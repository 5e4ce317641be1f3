"""The time line: a bar a VM, from waiting for its turn to the end of its snapshot."""

from datetime import datetime, tzinfo

from hlb_hooks.decisions.views.phases import PhaseKind
from hlb_hooks.decisions.views.run_view import Outcome, RunView, VmView
from hlb_hooks.steps.desk.page.elements import Element, add, make
from hlb_hooks.steps.desk.page.scale import Scale
from hlb_hooks.steps.desk.words import Voice, describe_phases, describe_reading, name_vm

# A sign, the word's key, and the class that gives the colour.
BADGES = {
    Outcome.FAILED: ("\u2716", "outcome_failed", "bad"),
    Outcome.OPEN: ("\u25b2", "outcome_open", "warning"),
    Outcome.PENDING: ("\u2026", "outcome_pending", "quiet"),
    Outcome.READY: ("\u25cb", "outcome_ready", "quiet"),
    Outcome.PROTECTED: ("\u2714", "outcome_protected", "good"),
    Outcome.ADOPTED: ("\u21aa", "outcome_adopted", "quiet"),
    Outcome.NOT_DUE: ("\u2013", "outcome_not_due", "quiet"),
    Outcome.HELD: ("\u2016", "outcome_held", "quiet"),
}
_READING = "reading"
_LEGEND = {
    PhaseKind.WAITING: "phase_waiting",
    PhaseKind.MAKING: "phase_making",
    PhaseKind.OPEN: "phase_open",
    _READING: "phase_reading",
    PhaseKind.REMOVING: "phase_removing",
}
_LEVELS = {
    "quiesced": "page_quiesced",
    "crash_consistent": "crash_consistent",
    "powered_off": "powered_off",
    "suspended": "suspended",
}
_EDGE_PERCENT = 6
_MINUTE, _DAY = 60, 86400


def make_timeline(run: RunView, scale: Scale, voice: Voice, zone: tzinfo) -> Element:
    """Give the section with a row for each VM that had a part in the run."""
    section = make("section")
    add(section, "h2", voice.phrase("page_timeline"))
    section.append(_make_legend(voice, is_reading_seen=any(vm.reading for vm in run.vms)))
    # The roles say what the phone's layout would hide from a reader of screens.
    table = add(section, "table", role="table")
    head = add(add(table, "thead", role="rowgroup"), "tr", role="row")
    add(head, "th", voice.phrase("page_vm"), class_="vm", scope="col", role="columnheader")
    add(head, "th", voice.phrase("page_result"), class_="result", scope="col", role="columnheader")
    last = add(head, "th", class_="wide", scope="col", role="columnheader")
    last.append(_make_axis(scale, zone))
    body = add(table, "tbody", role="rowgroup")
    for vm in run.vms:
        if vm.phases:
            body.append(_make_row(vm, scale, voice))
    return section


def make_badge(vm: VmView, voice: Voice) -> Element:
    """Give a VM's outcome: a sign and a word."""
    sign, key, tone = BADGES[vm.outcome]
    badge = make("span", class_=f"badge {tone}")
    add(badge, "span", f"{sign}\u00a0", aria_hidden="true").tail = voice.phrase(key)
    return badge


def add_name(parent: Element, vm: VmView) -> None:
    """Add a VM's name and, smaller, its path."""
    add(parent, "div", name_vm(vm), class_="name")
    add(parent, "div", vm.moved_to or vm.vmx, class_="path")


def _make_row(vm: VmView, scale: Scale, voice: Voice) -> Element:
    row = make("tr", role="row")
    add_name(add(row, "td", class_="vm", role="cell"), vm)
    result = add(row, "td", class_="result", role="cell")
    result.append(make_badge(vm, voice))
    add(result, "div", " ".join(vm.flags), class_="flags")
    cell = add(row, "td", class_="wide", role="cell")
    track = add(cell, "div", class_="track grid", aria_hidden="true")
    for phase in vm.phases:
        track.append(_make_part(phase.kind, phase.begun, phase.ended, scale))
    words = describe_phases(voice, vm)
    if vm.reading is not None:
        track.append(_make_part(_READING, vm.reading.begun, vm.reading.ended, scale))
        words = f"{words}; {describe_reading(voice, vm.reading)}"
    if vm.consistency:
        words = f"{words}; {voice.phrase(_LEVELS[vm.consistency])}"
    add(cell, "div", words, class_="small")
    if vm.notes:
        notes = add(cell, "ul", class_="notes small")
        for note in vm.notes:
            add(notes, "li", note)
    return row


def _make_part(kind: str, begun: datetime, ended: datetime | None, scale: Scale) -> Element:
    left = scale.place(begun)
    right = scale.place(ended or scale.ended)
    width = max(0.0, right - left)
    lasts = " lasts" if ended is None else ""
    # However short it is, it is seen, and at the right edge too.
    style = f"left:min({left:g}%,calc(100% - 3px));width:{width:g}%"
    return make("div", class_=f"part {kind}{lasts}", style=style)


def _make_axis(scale: Scale, zone: tzinfo) -> Element:
    axis = make("div", class_="axis")
    marks = scale.find_marks(zone)
    for mark in marks:
        place = scale.place(mark)
        edge = ""
        if place < _EDGE_PERCENT:
            edge = "first"
        elif place > 100 - _EDGE_PERCENT:
            edge = "last"
        text = _describe_mark(mark, marks, zone)
        add(axis, "span", text, class_=edge, style=f"left:{place:g}%")
    return axis


def _describe_mark(mark: datetime, marks: list[datetime], zone: tzinfo) -> str:
    """Give a mark's time by the clock: to the second, or with the date, where that is needed."""
    local = mark.astimezone(zone)
    step = (marks[1] - marks[0]).total_seconds() if len(marks) > 1 else _MINUTE
    if step >= _DAY:
        return local.strftime("%m-%d")
    return local.strftime("%H:%M:%S" if step < _MINUTE else "%H:%M")


def _make_legend(voice: Voice, *, is_reading_seen: bool) -> Element:
    legend = make("ul", class_="legend")
    for kind, key in _LEGEND.items():
        if kind == _READING and not is_reading_seen:
            continue
        entry = add(legend, "li")
        track = add(entry, "div", class_="track", aria_hidden="true")
        add(track, "div", class_=f"part {kind}")
        add(entry, "span", voice.phrase(key))
    return legend
