"""The process that serves a mounted lab in the background; ``mount`` starts it."""

import sys
from pathlib import Path

from hlb_hooks.base.errors import HlbError
from hlb_hooks.lab.layout import open_lab
from hlb_hooks.lab.mount.mounting import serve_mount


def main(folder: str, mountpoint: str) -> int:
    """Serve the lab in ``folder`` until it is unmounted; give the exit code."""
    try:
        serve_mount(open_lab(folder), Path(mountpoint))
    except HlbError as error:
        sys.stderr.write(f"{error.message}\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
