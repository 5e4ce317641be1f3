"""What can happen to a VM between the hooks, or in the act of the removal, each by its name."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hook_kit import Site
from vm_faults import ADMIN, TIMEOUT, lie, refuse, take_snapshot, unlink, write


@dataclass(frozen=True)
class EndFault:
    """One fault: what happens to a VM that has our snapshot, the flags it earns besides, why."""

    name: str
    strike: Callable[[Site, str], object]
    flags: str
    words: str


def remove_all(site: Site, vmx: str) -> None:
    site.host.remove_admin_snapshots(vmx)


def exchange(site: Site, vmx: str) -> None:
    remove_all(site, vmx)
    site.host.take_admin_snapshot(vmx, ADMIN)


def change_content_id(_: Site, vmx: str) -> None:
    descriptor = Path(vmx).with_suffix(".vmdk")
    text = descriptor.read_text("utf-8")
    descriptor.write_text(re.sub(r"(?m)^CID=\w+$", "CID=0badc0de", text), "utf-8")


def leave_helper(site: Site, vmx: str) -> None:
    """Remove all as an administrator, whose host leaves its own helper behind."""
    site.host.configure(helper="left")
    remove_all(site, vmx)
    site.host.configure(helper="none")


def hide_helper(site: Site, vmx: str) -> None:
    site.host.configure(helper="hidden")
    remove_all(site, vmx)
    site.host.configure(helper="none")


def exchange_disk(site: Site, vmx: str) -> None:
    """Put another disk in the place of the one that was backed up."""
    remove_all(site, vmx)
    old = Path(vmx).with_suffix(".vmdk")
    new = old.with_name("other.vmdk")
    new.write_bytes(old.read_bytes())
    text = Path(vmx).read_text("utf-8")
    Path(vmx).write_text(text.replace(f'"{old.name}"', f'"{new.name}"'), "utf-8")


def hang(site: Site, vmx: str) -> None:
    site.host.set_power(vmx, "stuck")


def leave_alone(_: Site, __: str) -> None:
    """Do nothing."""


def forget_claim(_: Site, vmx: str) -> None:
    Path(vmx).with_suffix(".hlb-claim").unlink()


HEALTHY = EndFault("healthy", leave_alone, "OK_umount", "")
FOREIGN_BESIDE = EndFault("foreign-beside", take_snapshot(ADMIN), "FAILED_umount", f"ours: {ADMIN}")

# The files tell of these before anything is asked of the host.
SEEN_BEFORE_THE_END = [
    FOREIGN_BESIDE,
    EndFault("taken-away", remove_all, "TORN", "gone before we removed it"),
    EndFault("exchanged", exchange, "TORN", "gone before we removed it"),
    EndFault("base-changed", change_content_id, "TORN OK_umount", "changed while"),
    EndFault("vmsd-cut-short", write(".vmsd", b"snapsh"), "FAILED_umount", ".vmsd"),
    EndFault("vmx-gone", unlink(".vmx"), "FAILED_umount", ".vmx"),
    EndFault("helper-left", leave_helper, "TORN FAILED_umount", "helper"),
    EndFault("helper-hidden", hide_helper, "TORN MERGING", "still merging"),
    EndFault("disk-exchanged", exchange_disk, "TORN FAILED_umount", "on other files"),
    EndFault("claim-gone", forget_claim, "OK_umount", ""),
    HEALTHY,
]
# And of these nothing does.
SEEN_AT_THE_REMOVAL = [
    EndFault("removal-refused", refuse("removesnapshots"), "FAILED_umount", "another task"),
    EndFault(
        "removal-never-comes",
        refuse("removesnapshots", exit_code=7, text=TIMEOUT),
        "FAILED_umount",
        "Timeout",
    ),
    EndFault(
        "removal-comes-later",
        refuse("removesnapshots", exit_code=7, text=TIMEOUT, effect="later"),
        "OK_umount",
        "",
    ),
    EndFault(
        "removal-lied-of",
        refuse("removesnapshots", **lie("removesnapshots")),
        "FAILED_umount",
        "said it was done",
    ),
    EndFault("removed-and-denied", refuse("removesnapshots", effect="done"), "OK_umount", ""),
    EndFault("waits-for-an-answer", hang, "FAILED_umount", "requires user input"),
]
