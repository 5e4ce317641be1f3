"""Run on a console by its interpreter: what a test asks of the lab there, with the RPM's hooks.

The lab is not in the package: its source lies in a folder that only these tests put there.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, "/lab-source")

from hlb_hooks.lab.create import create_lab
from hlb_hooks.lab.demo.show import run_demo
from hlb_hooks.lab.evidence import list_lost_disks, list_open_snapshots
from hlb_hooks.lab.host.registry import read_registry
from hlb_hooks.lab.layout import LabSettings, open_lab

LAB = Path("/lab")


def read_hook(hook: str, _interpreter: str) -> str:
    """Give the hook that the package has installed."""
    return Path("/usr/local/avamar/etc/scripts", hook).read_text("utf-8")


def main(order: str) -> int:
    """Do one thing, and print what is found as JSON."""
    if order == "demo":
        return run_demo(LAB, read_hook, keeps_folder=True)
    if order == "create":
        create_lab(LAB, LabSettings(), 5, read_hook)
        return 0
    lab = open_lab(str(LAB))
    snapshots = {str(path): names for path, names in list_open_snapshots(lab).items()}
    lost = {str(vm.config): list_lost_disks(lab, vm) for vm in read_registry(lab)}
    left = [str(path) for path in lab.volumes.rglob("*.hlb*")]
    print(json.dumps({"snapshots": snapshots, "lost": lost, "left": left}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
