"""What the inert hooks saw, told as the answers to the questions that nobody else answers. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from hlb_hooks.decisions.phrase import Phrase, phrase

Event = Mapping[str, Any]
_ODD_VARIABLES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH", "HOME", "LANG", "TZ")


def tell_call(events: Sequence[Event]) -> list[Phrase]:
    """Tell one call of a hook, in the order in which things happened."""
    called = _find(events, "called")
    if called is None:
        return [phrase("probe_unclear")]
    return [*_tell_beginning(events, called), *_tell_output(events), *_tell_end(events)]


def name_call(events: Sequence[Event]) -> str:
    """Give the line that heads one call: when, and which hook."""
    called = _find(events, "called") or {}
    return f"{called.get('time', '?')} {called.get('hook', '?')} (pid {called.get('process', '?')})"


def _tell_beginning(events: Sequence[Event], called: Event) -> Iterator[Phrase]:
    chain = " < ".join("/".join(each["names"]) or "?" for each in called["ancestors"])
    yield phrase("probe_ancestors", chain=chain)
    client = _find(events, "client") or {}
    if client.get("found"):
        yield phrase("probe_client", pid=client["pid"])
    else:
        yield phrase("probe_nobody")
    for ancestor in called["ancestors"]:
        if ancestor["pid"] == client.get("pid"):
            yield phrase("probe_command", words=" ".join(ancestor["arguments"]))
    yield phrase("probe_arguments", words=" ".join(called["arguments"]) or "-")
    environment = called["environment"]
    odd = ", ".join(f"{name}={environment[name]}" for name in _ODD_VARIABLES if name in environment)
    yield phrase("probe_environment", count=len(environment), odd=odd or "-")
    yield phrase(
        "probe_place",
        folder=called["folder"],
        user=called["user"],
        umask=called["status"].get("Umask", "?"),
        stdin=called["descriptors"].get("0", "-"),
        stdout=called["descriptors"].get("1", "-"),
        stderr=called["descriptors"].get("2", "-"),
    )


def _tell_output(events: Sequence[Event]) -> Iterator[Phrase]:
    lines = [event for event in events if event["event"] == "line"]
    if any(event["event"] == "unheard" and event["descriptor"] == 1 for event in events):
        yield phrase("probe_unheard")
    elif lines and not lines[0]["log"]:
        yield phrase("probe_no_log")
    elif lines:
        is_streamed = any(line["in_log"] for line in lines)
        yield phrase("probe_streamed" if is_streamed else "probe_held_back", log=lines[0]["log"])


def _tell_end(events: Sequence[Event]) -> Iterator[Phrase]:
    begun = _moment(events[0])
    for event in events:
        if event["event"] == "signal":
            yield phrase("probe_signal", name=event["name"], seconds=_since(begun, event))
    left, gone = _find(events, "leaving"), _find(events, "hook_gone")
    if left is not None:
        yield phrase("probe_left", code=left["exit_code"], seconds=_since(begun, left))
    elif gone is not None:
        yield phrase("probe_killed", seconds=_since(begun, gone))
    else:
        yield phrase("probe_at_work")
    over = _find(events, "client_gone")
    if over is not None:
        yield phrase("probe_client_gone", seconds=_since(begun, over))
    for kind in dict.fromkeys(event["kind"] for event in events if event["event"] == "watching"):
        yield _tell_watcher(events, kind)


def _tell_watcher(events: Sequence[Event], kind: str) -> Phrase:
    """Tell what became of a process that the hook left behind."""
    own = {event["event"]: event for event in events if event.get("kind") == kind}
    if "watch_over" in own:
        return phrase("probe_survived", kind=kind)
    if "watcher_signal" in own:
        return phrase("probe_watcher_signal", kind=kind, name=own["watcher_signal"]["name"])
    if _find(events, "watch_over") is not None:
        return phrase("probe_watcher_killed", kind=kind)
    return phrase("probe_watching", kind=kind)


def _find(events: Sequence[Event], name: str) -> Event | None:
    return next((event for event in events if event["event"] == name), None)


def _moment(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"])


def _since(begun: datetime, event: Event) -> str:
    return f"{(_moment(event) - begun).total_seconds():.1f}"
