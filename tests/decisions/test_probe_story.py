"""A call of an inert hook, told from what it wrote down, and from what it could not."""

from typing import Any

import pytest

from hlb_hooks.decisions.probe_story import name_call, tell_call


def event(second: float, what: str, /, **details: Any) -> dict[str, Any]:
    return {"time": f"2026-11-22T01:00:{second:06.3f}+00:00", "pid": 7, "event": what, **details}


CALLED = event(
    0,
    "called",
    hook="initial_backup",
    process=7,
    ancestors=[{"pid": 5, "names": ["avtar"], "arguments": ["avtar", "--create"]}],
    arguments=[],
    environment={"LANG": "C"},
    folder="/",
    user=0,
    status={"Umask": "0022"},
    descriptors={"0": "/dev/null"},
)
CLIENT = event(0, "client", found=True, pid=5)
WATCHING = [event(0, "watching", kind=kind) for kind in ("child", "detached")]


def tell(*events: dict[str, Any]) -> list[str]:
    return [sentence.key for sentence in tell_call([CALLED, CLIENT, *events])]


@pytest.mark.parametrize(
    ("events", "key"),
    [
        ([event(0, "client")], "probe_client"),
        ([event(1, "line", log="/log", in_log=True)], "probe_streamed"),
        ([event(1, "line", log="/log", in_log=False)], "probe_held_back"),
        ([event(1, "line", log="", in_log=False)], "probe_no_log"),
        ([event(1, "unheard", descriptor=1, why="Broken pipe")], "probe_unheard"),
        ([event(1, "signal", name="SIGTERM")], "probe_signal"),
        ([event(3, "leaving", exit_code=0)], "probe_left"),
        ([event(3, "hook_gone", kind="detached")], "probe_killed"),
        ([], "probe_at_work"),
        ([event(3, "client_gone", kind="child")], "probe_client_gone"),
        ([*WATCHING, event(9, "watch_over", kind="child")], "probe_survived"),
        ([*WATCHING, event(9, "watch_over", kind="child")], "probe_watcher_killed"),
        ([*WATCHING, event(9, "watcher_signal", kind="child", name="X")], "probe_watcher_signal"),
        (WATCHING, "probe_watching"),
    ],
)
def test_each_thing_that_happened_is_told(events: list[dict[str, Any]], key: str) -> None:
    assert key in tell(*events)


def test_a_client_that_was_not_found_is_told() -> None:
    keys = [each.key for each in tell_call([CALLED, event(0, "client", found=False, pid=0)])]
    assert "probe_nobody" in keys
    assert "probe_client" not in keys


def test_a_call_that_could_write_nothing_down_is_told_too() -> None:
    assert [each.key for each in tell_call([])] == ["probe_unclear"]
    assert name_call([]) == "? ? (pid ?)"
    assert name_call([CALLED]) == "2026-11-22T01:00:00.000+00:00 initial_backup (pid 7)"


def test_times_are_told_from_the_beginning_of_the_call() -> None:
    (sentence,) = [
        each
        for each in tell_call([CALLED, CLIENT, event(3.25, "leaving", exit_code=4)])
        if each.key == "probe_left"
    ]
    assert sentence.words == {"code": 4, "seconds": "3.2"}
