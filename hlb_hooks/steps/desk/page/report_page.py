"""The page of one run: the verdict first, then what needs a hand, then every VM."""

from datetime import tzinfo

from hlb_hooks import __version__
from hlb_hooks.base import clock
from hlb_hooks.decisions.missed_disks import ELSEWHERE, INDEPENDENT, PHYSICAL_RDM
from hlb_hooks.decisions.views.documents import ProblemView, ReportDocument
from hlb_hooks.decisions.views.run_view import BEFORE_THE_END, Outcome, RunState, RunView
from hlb_hooks.steps.desk.page.elements import Element, add, make, write_page
from hlb_hooks.steps.desk.page.scale import Scale, make_scale
from hlb_hooks.steps.desk.page.style import write_style
from hlb_hooks.steps.desk.page.timeline import add_name, make_badge, make_timeline
from hlb_hooks.steps.desk.words import (
    Voice,
    describe_hours,
    describe_later,
    describe_length,
    describe_state,
    is_trouble,
    name_vm,
)

_WHY_MISSED = {
    INDEPENDENT: "missed_independent_disk",
    PHYSICAL_RDM: "missed_physical_rdm",
    ELSEWHERE: "missed_disk_elsewhere",
}
_SHOWN_IF_ANY = {"tile_read", "tile_pending", "tile_not_due", "tile_held"}
# No script at all, and nothing that is not in the page.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write_report_page(document: ReportDocument, voice: Voice, zone: tzinfo, language: str) -> bytes:
    """Give the page of a report, complete in itself."""
    run = document.run
    scale = make_scale(run, document.written)
    root = make("html", lang=language)
    title = voice.phrase(
        "page_title", job=run.job, host=run.host, begun=clock.format_local(run.begun, zone)
    )
    root.append(_make_head(title, scale, zone))
    body = add(root, "body")
    header = add(body, "header")
    add(header, "h1", title)
    _add_verdict(header, run, voice)
    header.append(_make_tiles(run, voice))
    header.append(_make_facts(run, voice, zone))
    main = add(body, "main")
    _add_problems(main, document.problems, voice)
    _add_troubles(main, run, voice)
    _add_missed_disks(main, run, voice)
    if any(vm.phases for vm in run.vms):
        main.append(make_timeline(run, scale, voice, zone))
    _add_left_out(main, run, Outcome.HELD, "page_held", voice)
    _add_left_out(main, run, Outcome.NOT_DUE, "page_not_due", voice)
    footer = add(body, "footer")
    written = clock.format_local(document.written, zone)
    add(footer, "p", voice.phrase("page_written", moment=written, version=__version__))
    return write_page(root)


def _make_head(title: str, scale: Scale, zone: tzinfo) -> Element:
    head = make("head")
    add(head, "meta", charset="utf-8")
    add(head, "meta", http_equiv="Content-Security-Policy", content=_POLICY)
    add(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    add(head, "meta", name="color-scheme", content="light dark")
    add(head, "title", title)
    add(head, "style", write_style([scale.place(mark) for mark in scale.find_marks(zone)]))
    return head


def _add_verdict(parent: Element, run: RunView, voice: Voice) -> None:
    totals = run.totals
    if totals.failed:
        sign, tone = "\u2716", "bad"
        text = voice.phrase("verdict_failed", failed=totals.failed, chosen=totals.chosen)
    elif run.state in BEFORE_THE_END:
        sign, tone = "\u2026", "quiet"
        text = voice.phrase("verdict_under_way", text=describe_state(voice, run))
    elif totals.open:
        sign, tone = "\u25b2", "warning"
        text = voice.phrase("verdict_open", open=totals.open)
    elif totals.chosen:
        sign, tone = "\u2714", "good"
        text = voice.phrase("verdict_good", chosen=totals.chosen)
    else:
        sign, tone = "\u2013", "quiet"
        text = voice.phrase("verdict_nothing")
    verdict = add(parent, "p", class_=f"verdict {tone}")
    add(verdict, "span", sign, aria_hidden="true")
    add(verdict, "span", text)


def _make_tiles(run: RunView, voice: Voice) -> Element:
    totals = run.totals
    tiles = make("dl", class_="tiles")
    is_reading = run.state in BEFORE_THE_END
    protected_tone = "good" if totals.protected and not is_reading else ""
    read = sum(vm.is_read is True for vm in run.vms)
    for key, count, tone in (
        ("tile_chosen", totals.chosen, ""),
        ("tile_ready" if is_reading else "tile_protected", totals.protected, protected_tone),
        ("tile_read", read, "good" if read else ""),
        ("tile_failed", totals.failed, "bad" if totals.failed else ""),
        ("tile_pending", totals.pending, ""),
        ("tile_open", totals.open, "warning" if totals.open and not is_reading else ""),
        ("tile_not_due", totals.not_due, ""),
        ("tile_held", totals.held, ""),
    ):
        if count or key not in _SHOWN_IF_ANY:
            tile = add(tiles, "div", class_=tone)
            add(tile, "dt", voice.phrase(key))
            add(tile, "dd", str(count))
    lengths = [("tile_length" if run.ended else "tile_so_far", describe_length(run.seconds))]
    if totals.beyond_reading_seconds is not None:
        lengths.append(("tile_beyond", describe_hours(totals.beyond_reading_seconds)))
    for key, text in lengths:
        tile = add(tiles, "div", class_="length")
        add(tile, "dt", voice.phrase(key))
        add(tile, "dd", text)
    return tiles


def _make_facts(run: RunView, voice: Voice, zone: tzinfo) -> Element:
    facts = make("dl", class_="facts")

    def tell(key: str, text: str | None) -> None:
        if text:
            fact = add(facts, "div")
            add(fact, "dt", voice.phrase(key))
            add(fact, "dd", text)

    tell("fact_run", run.run)
    tell("fact_state", describe_state(voice, run))
    tell("fact_begun", clock.format_local(run.begun, zone))
    for key, moment in (
        ("fact_started", run.started),
        ("fact_handed_over", run.handed_over),
        ("fact_ended", run.ended),
    ):
        tell(key, None if moment is None else describe_later(moment, run.begun, zone))
    tell("fact_owner", run.owner)
    protected = [vm for vm in run.vms if vm.outcome is Outcome.PROTECTED]
    is_unknown = any(vm.is_read is None for vm in protected)
    tell("fact_client", run.client_said)
    if run.state is RunState.FINISHED and is_unknown:
        tell("fact_client", voice.phrase("page_unread"))
    return facts


def _add_problems(parent: Element, problems: tuple[ProblemView, ...], voice: Voice) -> None:
    if not problems:
        return
    section = add(parent, "section")
    add(section, "h2", voice.phrase("page_problems"))
    cards = add(section, "ul", class_="cards")
    for problem in problems:
        card = add(cards, "li", class_="card warning")
        for line in problem.message.splitlines():
            add(card, "p", line)
        if problem.next_step:
            add(card, "p", voice.phrase("next_step", text=problem.next_step))


def _add_troubles(parent: Element, run: RunView, voice: Voice) -> None:
    vms = [vm for vm in run.vms if is_trouble(vm)]
    if not vms:
        return
    section = add(parent, "section")
    add(section, "h2", voice.phrase("page_troubles", count=len(vms)))
    cards = add(section, "ul", class_="cards")
    for vm in vms:
        tone = "bad" if vm.outcome is Outcome.FAILED else "warning"
        card = add(cards, "li", class_=f"card {tone}")
        head = add(card, "h3", f"{name_vm(vm)} ")
        head.append(make_badge(vm, voice))
        add(card, "div", " ".join((vm.moved_to or vm.vmx, *vm.flags)), class_="flags")
        words = add(card, "dl")
        for trouble in vm.troubles:
            add(words, "dt", voice.phrase("page_reason"))
            add(words, "dd", trouble.reason)
            if trouble.next_step:
                add(words, "dt", voice.phrase("page_next_step"))
                add(words, "dd", trouble.next_step)


def _add_missed_disks(parent: Element, run: RunView, voice: Voice) -> None:
    found = [(vm, disk) for vm in run.vms for disk in vm.missed_disks]
    if not found:
        return
    section = add(parent, "section")
    add(section, "h2", voice.phrase("page_missed", count=len(found)))
    body = _add_table(section, voice, "page_vm", "page_disk", "page_why")
    for vm, disk in found:
        row = add(body, "tr", role="row")
        add(row, "td", name_vm(vm), class_="vm name", role="cell")
        cell = add(row, "td", class_="wide", role="cell")
        add(cell, "div", disk.node)
        add(cell, "div", disk.path, class_="path")
        add(row, "td", voice.phrase(_WHY_MISSED[disk.why]), class_="wide", role="cell")


def _add_left_out(
    parent: Element, run: RunView, outcome: Outcome, title: str, voice: Voice
) -> None:
    """Add the VMs that were rightly left out for one reason."""
    vms = [vm for vm in run.vms if vm.outcome is outcome]
    if not vms:
        return
    section = add(parent, "section")
    add(section, "h2", voice.phrase(title, count=len(vms)))
    body = _add_table(section, voice, "page_vm", "page_why")
    for vm in vms:
        row = add(body, "tr", role="row")
        add_name(add(row, "td", class_="vm", role="cell"), vm)
        cell = add(row, "td", class_="wide", role="cell")
        for trouble in vm.troubles:
            add(cell, "div", trouble.reason)
            if trouble.next_step:
                add(cell, "div", voice.phrase("next_step", text=trouble.next_step), class_="small")


def _add_table(parent: Element, voice: Voice, *heads: str) -> Element:
    """Add a table with its head, and give its body."""
    table = add(parent, "table", class_="short", role="table")
    row = add(add(table, "thead", role="rowgroup"), "tr", role="row")
    for key in heads:
        style = "vm" if key == "page_vm" else "wide"
        add(row, "th", voice.phrase(key), class_=style, scope="col", role="columnheader")
    return add(table, "tbody", role="rowgroup")
