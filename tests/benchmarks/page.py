"""Write docs/reference/performance.md: what was measured, where, and what stands in the way."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from figures import Table

HEAD = Path(__file__).with_name("page_head.md")
TAIL = Path(__file__).with_name("page_tail.md")
PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "performance.md"


def describe_machine() -> str:
    """Say on what machine, when, and how busy it was otherwise."""
    lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors, {model}, "
        f"Linux {platform.release()}, Python {platform.python_version()}; load averages at the end "
        f"{load}"
    )


def render(table: Table, machine: str, window: str) -> str:
    """Give the page."""
    return "\n".join(
        (
            HEAD.read_text("utf-8"),
            f"Measured: {machine}.\n",
            table.to_markdown(),
            "## The window of a removal\n",
            "".join(f"- {line}\n" for line in window.splitlines()),
            TAIL.read_text("utf-8"),
        )
    )
