"""The machine's own modules, and what it needs of the machine it runs on."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "emulation"))

import namespaces


@pytest.fixture(autouse=True)
def _needs_namespaces() -> None:
    reason = namespaces.why_impossible()
    if reason:
        pytest.skip(reason)
