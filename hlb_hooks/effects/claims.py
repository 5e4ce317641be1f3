"""What lies beside a VM's .vmx while a snapshot of ours is open.

``<vm>.hlb-claim`` says whose snapshot it is, for a host that the VM may have moved to;
``<vm>.vmx.hlb`` is the .vmx as it was before the snapshot, which is what a restore wants.
"""

import contextlib
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hlb_hooks.base import clock
from hlb_hooks.base.errors import VmFileError
from hlb_hooks.base.text import escape, unescape
from hlb_hooks.effects.claim_turns import list_turns, taking_turn
from hlb_hooks.effects.effect_kind import changes, reads
from hlb_hooks.effects.regular_files import open_regular_file, read_regular_file

_MAX_BYTES = 16 * 1024
_MODE = 0o600
# A claim is some hundred bytes: whoever lives has written it by then.
_WRITING_SECONDS = 1.0
_PAUSE_SECONDS = 0.05


class ClaimTakenError(VmFileError):
    """Another run claimed the VM between our look and our turn."""


@dataclass(frozen=True)
class Claim:
    """The content of a claim. An unreadable one is somebody's all the same: all fields empty.

    ``is_released`` says that the host that made the snapshot cannot remove it, as the VM is
    registered elsewhere: whoever has the VM may take the claim over at once.
    """

    host: str = ""
    boot_id: str = ""
    run: str = ""
    snapshot: str = ""
    refreshed: datetime | None = None
    is_released: bool = False
    vmx: str = ""
    """Beside which .vmx it was laid: elsewhere it came with a copy of the VM."""

    def to_bytes(self) -> bytes:
        """Give the claim's file."""
        lines = (
            f"host={escape(self.host)}",
            f"boot_id={self.boot_id}",
            f"run={self.run}",
            f"snapshot={self.snapshot}",
            f"vmx={escape(self.vmx)}",
            f"released={self.is_released:d}",
            # Last: a claim that was cut short has none.
            f"time={clock.format_utc(self.refreshed or clock.read_utc_now())}",
        )
        return ("\n".join(lines) + "\n").encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes) -> "Claim":
        """Read what ``to_bytes`` gave. Raise KeyError or ValueError for one that is cut short."""
        fields = dict(line.split("=", 1) for line in data.decode("utf-8").splitlines())
        return cls(
            host=unescape(fields["host"]),
            boot_id=fields["boot_id"],
            run=fields["run"],
            snapshot=fields["snapshot"],
            vmx=unescape(fields.get("vmx", "")),
            refreshed=clock.parse_utc(fields["time"]),
            is_released=fields.get("released") == "1",
        )


def claim_path(vmx: str) -> str:
    """Give the path of the claim that belongs to ``vmx``."""
    return os.path.splitext(vmx)[0] + ".hlb-claim"


def saved_vmx_path(vmx: str) -> str:
    """Give the path of the .vmx as it was before the snapshot."""
    return vmx + ".hlb"


@reads
def read_claim(vmx: str) -> Claim | None:
    """Give the claim on a VM, or None where there is none. Raise VmFileError if unreadable."""
    return _read(claim_path(vmx))


def _read(path: str) -> Claim | None:
    try:
        data = read_regular_file(path, _MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VmFileError(f"{escape(path)}: cannot be read: {error.strerror}") from error
    try:
        return Claim.from_bytes(data)
    except (KeyError, ValueError):
        # Killed while it was being written: its age tells how long to respect it.
        with contextlib.suppress(OSError):
            written = os.stat(path).st_mtime
            return Claim(refreshed=datetime.fromtimestamp(written, tz=UTC))
        return Claim()


@changes
def take_claim(vmx: str, claim: Claim, vmx_data: bytes, stale: Claim | None) -> None:
    """Put both files down, on disk before this returns.

    ``stale`` is a claim that was found there and is in force no more: it is put aside. Raise
    ClaimTakenError when another run was faster, and VmFileError when the files cannot be written.
    """
    _replace_claim(vmx, claim, stale)
    try:
        _write(saved_vmx_path(vmx), vmx_data, os.O_TRUNC)
    except OSError as error:
        raise _cannot_write(saved_vmx_path(vmx), error) from error


@changes
def adopt_claim(vmx: str, claim: Claim, stale: Claim | None) -> None:
    """Put ``claim`` in the place of another's that nobody answers for; the saved .vmx stays.

    Raise ClaimTakenError when another run was faster, and VmFileError when it cannot be written.
    """
    _replace_claim(vmx, claim, stale)


@changes
def refresh_claim(vmx: str, run: str, *, is_released: bool) -> None:
    """Say in the run's own claim that somebody answers for it still, or that it is released.

    Written in place and not replaced: what another host has put there meanwhile is another file.
    A claim that is gone, another's or released already is left as it is. Raise VmFileError.
    """
    path = claim_path(vmx)
    try:
        with open_regular_file(path, os.O_RDWR) as file:
            claim = Claim.from_bytes(file.read(_MAX_BYTES))
            if claim.run == run and not claim.is_released:
                now = clock.read_utc_now()
                data = replace(claim, refreshed=now, is_released=is_released).to_bytes()
                os.pwrite(file.fileno(), data, 0)
                os.fsync(file.fileno())
    except (FileNotFoundError, KeyError, ValueError):
        return  # not there, or just being written: then it is fresh
    except OSError as error:
        raise _cannot_write(path, error) from error


@changes
def remove_claim(vmx: str, run: str) -> None:
    """Take both files away if the claim is the run's own, or was cut short. Raise VmFileError."""
    claim = read_claim(vmx)
    deadline = clock.read_seconds_since_boot() + _WRITING_SECONDS
    while claim is not None and not claim.run and clock.read_seconds_since_boot() < deadline:
        # Cut short, or another run is just writing it, having been faster than this one.
        clock.sleep_seconds(_PAUSE_SECONDS)
        claim = read_claim(vmx)
    if claim is None or claim.run not in {run, ""}:
        return
    # The claim goes last: as long as it is there, somebody knows what to do with the rest.
    for path in (*list_turns(claim_path(vmx)), saved_vmx_path(vmx), claim_path(vmx)):
        _unlink(path)


def _replace_claim(vmx: str, claim: Claim, stale: Claim | None) -> None:
    path = claim_path(vmx)
    data = claim.to_bytes()
    try:
        if stale is None:
            _write(path, data, os.O_EXCL)  # of two, of one host or of two, one gets the VM
            return
        about = f"{stale.run} {stale.snapshot} {stale.refreshed} {stale.is_released}"
        with taking_turn(path, about) as beside:
            found = _read(path)
            if found is None:
                _write(path, data, os.O_EXCL)
            elif found == stale:
                # Renamed over it: there is never a moment without a claim.
                _write(beside, data, os.O_TRUNC)
                os.replace(beside, path)
            else:
                raise _taken(path)
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        raise _cannot_write(path, error) from error


def _taken(path: str) -> ClaimTakenError:
    return ClaimTakenError(f"{escape(path)}: another run has just claimed this VM")


def _unlink(path: str) -> None:
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    except OSError as error:
        raise VmFileError(f"{escape(path)}: cannot be removed: {error.strerror}") from error


def _write(path: str, data: bytes, flag: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flag, _MODE)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(path: str, error: OSError) -> VmFileError:
    return VmFileError(
        f"{escape(path)}: cannot be written: {error.strerror}",
        next_step="make room on the datastore, or mend it",
    )
