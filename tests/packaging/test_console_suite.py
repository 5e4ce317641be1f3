"""The packaged hooks pass the end-to-end tests on a console of 2.6.18, where there is no other
Python and no library.

The tests themselves are run there too, by the same interpreter. Left out is what needs a program
of this machine, and what takes too long for every submission: HLB_CONSOLE_TESTS=all runs all.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import ROOT, ConsoleMaker
from suite_kit import bring_suite, read_verdict, start_suite

# Two consoles, for two cores; each with about half of the work.
CHOSEN = (
    (
        "test_e2e_by_hand.py",
        "test_e2e_cycle.py",
        "test_e2e_guard.py",
        "test_e2e_interrupted.py",
        "test_e2e_package_removal.py",
        "test_e2e_reap.py",
    ),
    (
        "test_e2e_restore.py",
        "test_e2e_restore_trouble.py",
        "test_e2e_speech.py",
        "test_e2e_surroundings.py",
        "test_e2e_verdict.py",
    ),
)
# What they need and the console lacks; node ids, or files whose tests all do.
LEFT_OUT = {
    "test_e2e_check.py::test_before_the_first_night_it_says_what_is_there_and_what_is_missing": (
        "it expects no reaper in cron"
    ),
    "test_e2e_interrupted.py::test_a_listener_who_is_only_slow_hears_everything": (
        "it sets the size of a pipe, which 2.6.18 cannot"
    ),
    "test_e2e_metrics.py": "promtool",
    "test_e2e_moves.py": "unshare --time",
    "test_e2e_restore_text.py": "GNU patch",
    "test_e2e_retention.py::test_finished_runs_are_not_read_again_by_status": "strace",
    "test_e2e_space.py": "GNU df",
    "test_e2e_state.py::test_a_state_file_that_was_made_immutable_is_said_and_all_is_removed": (
        "chattr"
    ),
    "test_e2e_status.py": "who is traced cannot be stopped by a signal",
    "test_e2e_strays.py": "unshare --time",
    "test_e2e_surroundings.py::test_a_locale_that_is_not_utf_8_changes_nothing": "localedef",
}


def choose() -> tuple[Sequence[str], ...]:
    """Give the files for each console."""
    if os.environ.get("HLB_CONSOLE_TESTS") != "all":
        return CHOSEN
    chosen = {name for names in CHOSEN for name in names}
    files = {path.name for path in (ROOT / "tests/end_to_end").glob("test_*.py")}
    rest = sorted(files - chosen - set(LEFT_OUT))
    return ((*CHOSEN[0], *rest[::2]), (*CHOSEN[1], *rest[1::2]))


def test_the_packaged_hooks_pass_the_end_to_end_tests(
    make_console: ConsoleMaker, old_kernel: Path, rpm_file: Path
) -> None:
    running = []
    for files in choose():
        console = make_console(old_kernel)
        console.install(rpm_file)
        bring_suite(console)
        running.append(start_suite(console, files, LEFT_OUT))
    for verdict in map(read_verdict, running):
        # A skip is said in the last line too, and would be a failure in CI.
        assert verdict.exit_code == 0, verdict.text[-10000:]
        assert verdict.passed_count > 80
        assert "skipped" not in verdict.text, verdict.text[-2000:]


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_there_to_be_left_out(name: str) -> None:
    file, _, test = name.partition("::")
    text = (ROOT / "tests/end_to_end" / file).read_text("utf-8")
    assert f"def {test}(" in text if test else "def test_" in text
