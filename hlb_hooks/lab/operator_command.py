"""``hlb`` as the lab's operator has it: it goes by the lab's hlb.toml."""

import os
from collections.abc import Sequence

from hlb_hooks.entry.hlb import main as run_hlb
from hlb_hooks.lab.layout import open_lab


def main(folder: str, arguments: Sequence[str]) -> int:
    """Run ``hlb`` for the lab in ``folder``; give its exit code."""
    os.environ.setdefault("HLB_CONFIG", str(open_lab(folder).sysdir / "hlb" / "hlb.toml"))
    return run_hlb(arguments)
