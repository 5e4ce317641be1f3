"""What can be the matter with one VM of the emulated host when a backup begins, each by its name.

A fault adds its VM, under the name it is given, and puts the fault there. Those that are to be
seen beforehand, in files or by ``getstate``, are told from those that only the act brings to
light: the host refuses, lies, or gives no answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import esx
from hook_kit import Site

REFUSAL = (
    "VMControl error -999: Unknown error: SoapError: ServerFaultCode(0) : "
    "(Operation failed since another task is in progress.)"
)
TIMEOUT = "VMControl error -7: Timeout"
ADMIN = "before the update"
OTHER_RUN = "default-20260101T000000Z-00000000"


@dataclass(frozen=True)
class VmFault:
    """One fault: how it is made, the flag it earns at the start, and words of its reason."""

    name: str
    add: Callable[[Site, str], str]
    flag: str
    words: str = ""

    def __str__(self) -> str:
        return self.name


def order_failure(
    site: Site, vmx: str, command: str, exit_code: int = 231, text: str = REFUSAL, **more: Any
) -> None:
    """Have a command on one VM fail from now on, beside the failures that are ordered already."""
    failure = esx.Failure(exit_code, text, command=command, vmx=vmx, **more)
    site.host.configure(fail=[*site.host.switches().fail, failure._asdict()])


def lie(command: str) -> Mapping[str, Any]:
    """Give the words of a success that never was."""
    echo = "a b 1 0" if command == "createsnapshot" else ""
    return {"exit_code": 0, "text": f"{command}({echo}) = 1"}


def healthy(**options: Any) -> Callable[[Site, str], str]:
    """Add a VM that is as it is made."""
    return lambda site, name: site.host.add_vm(name, **options)


def then(*changes: Callable[[Site, str], object]) -> Callable[[Site, str], str]:
    """Add a plain VM, and do something to it."""

    def add(site: Site, name: str) -> str:
        vmx = site.host.add_vm(name)
        for change in changes:
            change(site, vmx)
        return vmx

    return add


def refuse(command: str, **more: Any) -> Callable[[Site, str], None]:
    return lambda site, vmx: order_failure(site, vmx, command, **more)


def take_snapshot(name: str) -> Callable[[Site, str], None]:
    return lambda site, vmx: site.host.take_admin_snapshot(vmx, name)


def write(ending: str, content: bytes) -> Callable[[Site, str], object]:
    """Overwrite one of the VM's files."""
    return lambda _, vmx: Path(vmx).with_suffix(ending).write_bytes(content)


def unlink(ending: str) -> Callable[[Site, str], object]:
    return lambda _, vmx: Path(vmx).with_name(Path(vmx).stem + ending).unlink()


def hang_under_another(site: Site, vmx: str) -> None:
    """Make the VM a linked clone."""
    path = Path(vmx).with_suffix(".vmdk")
    (path.parent / f"{path.stem}-flat.vmdk").unlink()
    parent = site.host.add_vm(f"parent of {path.stem}", disks=[bytes(1024)])
    delta = path.with_name(f"{path.stem}-delta.vmdk")
    delta.write_bytes(esx.DELTA_HEADER)
    esx.write_descriptor(
        path,
        create_type="vmfsSparse",
        kind="VMFSSPARSE",
        extent=delta.name,
        sectors=2,
        parent=esx.read_link(Path(parent).with_suffix(".vmdk")),
    )


def name_a_device(_: Site, vmx: str) -> None:
    """Make the VM's disk a whole device of the host's."""
    path = Path(vmx).with_suffix(".vmdk")
    text = path.read_text("utf-8")
    path.write_text(text.replace('createType="vmfs"', 'createType="vmfsRaw"'), "utf-8")


def claim_elsewhere(_: Site, vmx: str) -> None:
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = f"host=esx2\nboot_id=b\nrun={OTHER_RUN}\nsnapshot=HLB-x\ntime={stamp}\n"
    Path(vmx).with_suffix(".hlb-claim").write_text(text, "utf-8")


FOREIGN = VmFault("foreign", then(take_snapshot(ADMIN)), "LEFT_OUT", f"not ours: {ADMIN}")
STUCK = VmFault("stuck", healthy(power="stuck"), "LEFT_OUT", "waits for an answer")
UNREADABLE_VMSD = VmFault(
    "unreadable-vmsd",
    then(write(".vmsd", b'snapshot.numSnapshots = "1"\nsnapsh')),
    "FAILED_snap",
    ".vmsd",
)
LINKED_CLONE = VmFault("clone", then(hang_under_another), "LEFT_OUT", "linked clone of")
NO_DESCRIPTOR = VmFault("no-descriptor", then(unlink(".vmdk")), "FAILED_snap", ".vmdk")
CLAIMED = VmFault("claimed", then(claim_elsewhere), "LEFT_OUT", f"run {OTHER_RUN} on host esx2")

SEEN_BEFORE = [
    FOREIGN,
    VmFault(
        "two-foreign",
        then(take_snapshot("one"), take_snapshot("two")),
        "LEFT_OUT",
        "not ours: one, two",
    ),
    VmFault(
        "called-like-ours",
        then(take_snapshot("HLB-gold-20250101T000000Z-00000000")),
        "LEFT_OUT",
        "of an earlier run: HLB-gold-20250101T000000Z-00000000",
    ),
    VmFault(
        "unknown-delta",
        then(take_snapshot(ADMIN), write(".vmsd", b"")),
        "LEFT_OUT",
        "that no snapshot accounts for",
    ),
    LINKED_CLONE,
    STUCK,
    VmFault(
        "shared-bus",
        healthy(extra_lines=['scsi1.sharedBus = "physical"']),
        "LEFT_OUT",
        "shares a SCSI bus",
    ),
    VmFault("raw-disk", then(name_a_device), "LEFT_OUT", "raw device"),
    VmFault("mapped", healthy(raw_devices={0: "physical"}), "LEFT_OUT", "covers none of its disks"),
    VmFault(
        "switched-off",
        healthy(extra_lines=['snapshot.disabled = "TRUE"']),
        "LEFT_OUT",
        "snapshot.disabled",
    ),
    VmFault("independent", healthy(independent={0}), "LEFT_OUT", "covers none of its disks"),
    VmFault("no-disk", healthy(disks=[]), "LEFT_OUT", "names no disk"),
    CLAIMED,
    VmFault("claim-cut-short", then(write(".hlb-claim", b"host=es")), "LEFT_OUT", "another run is"),
    VmFault("no-vmx", then(unlink(".vmx")), "FAILED_snap", ".vmx"),
    VmFault("garbled-vmx", then(write(".vmx", b"\x00\xff" * 600)), "FAILED_snap", ".vmx"),
    UNREADABLE_VMSD,
    NO_DESCRIPTOR,
    VmFault("no-extent", then(unlink("-flat.vmdk")), "FAILED_snap", "-flat.vmdk"),
    VmFault("state-refused", then(refuse("getstate")), "FAILED_snap", "another task"),
    VmFault(
        "state-garbled",
        then(refuse("getstate", exit_code=0, text="garbage")),
        "FAILED_snap",
        "cannot be understood",
    ),
    VmFault("template", healthy(template=True), "READABLE", ""),
]

REFUSED = VmFault("refused", then(refuse("createsnapshot")), "FAILED_snap", "another task")
NEVER_COMES = VmFault(
    "never-comes",
    then(refuse("createsnapshot", exit_code=7, text=TIMEOUT)),
    "FAILED_snap",
    "Timeout",
)
COMES_LATER = VmFault(
    "comes-later",
    then(refuse("createsnapshot", exit_code=7, text=TIMEOUT, effect="later", later_seconds=4)),
    "FAILED_snap",
    "Timeout",
)
LIED_TO = VmFault(
    "lied-to",
    then(refuse("createsnapshot", **lie("createsnapshot"))),
    "FAILED_snap",
    "the host said it was done",
)
# What the host makes of the act itself; nothing beforehand tells of it.
SEEN_IN_THE_ACT = [
    REFUSED,
    NEVER_COMES,
    LIED_TO,
    VmFault("no-quiesce", then(refuse("createsnapshot", quiesce=True)), "OK_snap", "quiescing"),
    VmFault("done-and-denied", then(refuse("createsnapshot", effect="done")), "OK_snap", ""),
]
