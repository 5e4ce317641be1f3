"""What every test shares: the emulated host as module ``esx``, and rules for CI."""

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

# ``import esx`` and the kits of these folders work from every folder of tests.
for folder in ("emulation", "guarantees", "monitoring"):
    sys.path.insert(0, str(Path(__file__).parent / folder))

# How long an example takes says nothing on a busy machine.
settings.register_profile("hlb", deadline=None)
settings.load_profile("hlb")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failure: whatever it needs must be there."""
    report = yield
    is_plain_skip = report.skipped and not hasattr(report, "wasxfail")
    if is_plain_skip and os.environ.get("CI") == "true":
        reason = call.excinfo.exconly() if call.excinfo else "no reason given"
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI that is a failure: {reason}"
    return report
