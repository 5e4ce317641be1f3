"""``hlb lab demo``: a backup without the hooks, one with them, a restore, and proofs of it all."""

import contextlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from hlb_hooks.base.clock import sleep_seconds
from hlb_hooks.lab.client.store import Store
from hlb_hooks.lab.create import create_lab
from hlb_hooks.lab.demo.proofs import (
    list_new_instants,
    prove_backup,
    prove_nothing_lost,
    prove_restore,
)
from hlb_hooks.lab.demo.screen import Screen
from hlb_hooks.lab.evidence import Instant, list_open_snapshots
from hlb_hooks.lab.host.guests import start_guests, stop_guests
from hlb_hooks.lab.host.registry import read_registry
from hlb_hooks.lab.layout import Lab, LabSettings

_VMS = 12
_SHOWN_VM = "wro215ts"
_SETTLE_LIMIT_SECONDS = 20.0
_POLL_SECONDS = 0.1
_READ_DELAY_SECONDS = 0.01
# A client that is canceled waits for its hook, on a real host for 600 s; who interrupts a demo
# does not. What the hook had begun is the guard's then.
_WATCHDOG_SECONDS = 5


def run_demo(
    folder: Path | None, render_hook: Callable[[str, str], str], *, keeps_folder: bool
) -> int:
    """Play the demo in ``folder``, which stays, or a passing one; give 0, or 1 if a claim fails.

    The guests are stopped whatever happens. A passing folder is removed, unless it is to be kept
    or a snapshot that was made here is still open in it.
    """
    is_passing = folder is None and not keeps_folder
    path = (folder or Path(tempfile.mkdtemp(prefix="hlb-lab-"))).resolve()
    screen = Screen(path)
    with _signals_ending_the_demo():
        lab = None
        left_open = {}
        try:
            screen.announce("A host to rehearse on")
            lab = create_lab(path, LabSettings(), _VMS, render_hook)
            left_open = list_open_snapshots(lab)
            start_guests(lab)
            _play(lab, screen)
            return _sum_up(screen)
        finally:
            if lab is not None:
                stop_guests(lab)
            if is_passing and (lab is None or _wait_until_settled(lab, left_open)):
                _remove_folder(path)
            if lab is not None and path.exists():
                sys.stdout.write(f"\nThe lab is in {path}\n")


def _play(lab: Lab, screen: Screen) -> None:
    vms = read_registry(lab)
    running = [vm for vm in vms if vm.power == "on"]
    screen.say(
        f"  {len(vms)} VMs of real files; the guests of {len(running)} of them write on and on."
    )
    screen.say("  Paths are shown as on a host; the folder of the lab stands before each of them.")

    screen.announce("1. A backup without the hooks: why a snapshot?")
    _, log = screen.run(_list_backup_words(lab, "no_snapshot"), hides=f"/{_SHOWN_VM}/")
    refused = [line for line in log.splitlines() if "(code 16: " in line]
    screen.prove(
        f"both disks of {_SHOWN_VM} are missing from that backup",
        holds=all(
            any(f'/{name}-flat.vmdk" (code 16: ' in line for line in refused)
            for name in (_SHOWN_VM, f"{_SHOWN_VM}_1")
        ),
    )

    screen.announce("2. The same backup with the hooks")
    before = list_new_instants(lab, ())
    exit_code, log = screen.run(
        [
            *_list_backup_words(lab, "hlb"),
            "--run-at-start=initial_backup",
            "--run-at-start-exit=true",
            "--run-at-end=initial_umount",
            "--run-at-end-exit=true",
            # Time for a person to see it, and for the guests to write.
            f"--lab-read-delay={_READ_DELAY_SECONDS}",
        ],
        hides=f"/{_SHOWN_VM}/",
    )
    instants = list_new_instants(lab, before)
    for hook in ("run-at-start", "run-at-end"):
        screen.prove(f"{hook} gave 0", holds=f"Back from {hook}, exit code 0" in log)
    screen.prove("avtar completed", holds=exit_code == 0 and "Command completed" in log)

    screen.announce("3. What was read is each disk as it was at its snapshot")
    prove_backup(lab, screen, instants, log)

    screen.announce("4. Nothing the guests wrote meanwhile is lost, and nothing is left behind")
    prove_nothing_lost(lab, screen, instants)

    screen.announce(f"5. {_SHOWN_VM} is lost, and comes back")
    _lose_and_restore(lab, screen, instants)


def _lose_and_restore(lab: Lab, screen: Screen, instants: tuple[Instant, ...]) -> None:
    shown = next(vm for vm in read_registry(lab) if vm.folder.name == _SHOWN_VM)
    vmware_cmd, config = str(lab.programs / "vmware-cmd"), str(shown.config)
    screen.run([vmware_cmd, config, "stop", "hard"])
    screen.run([vmware_cmd, "-s", "unregister", config])
    screen.run(["rm", "-r", str(shown.folder)])

    avtar, hlb = str(lab.programs / "avtar"), str(lab.programs / "hlb")
    screen.run([avtar, "--backups"])
    number = Store(lab.store).find_backup(None).number
    screen.run([avtar, "--extract", f"--labelnumber={number}", str(shown.folder)])
    exit_code, _ = screen.run([hlb, "restore", str(shown.folder)])
    screen.prove("hlb restore gave 0", holds=exit_code == 0)
    prove_restore(screen, instants, shown)
    exit_code, _ = screen.run([hlb, "restore", str(shown.folder), "--register", "--power-on"])
    runs = [vm for vm in read_registry(lab) if vm.config == shown.config and vm.power == "on"]
    screen.prove(f"{_SHOWN_VM} runs on this host", holds=exit_code == 0 and bool(runs))


def _list_backup_words(lab: Lab, label: str) -> list[str]:
    return [
        str(lab.programs / "avtar"),
        "--create",
        f"--label={label}",
        f"--logfile={lab.vardir}/clientlogs/{label}.log",
        f"--lab-watchdog={_WATCHDOG_SECONDS}",
        str(lab.volumes),
    ]


def _sum_up(screen: Screen) -> int:
    screen.announce("In short")
    failed = screen.failed_proofs
    screen.say(f"  {screen.proof_count - len(failed)} of {screen.proof_count} claims proved.")
    for claim in failed:
        screen.say(f"  FAILED: {claim}")
    return 1 if failed else 0


@contextlib.contextmanager
def _signals_ending_the_demo() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the demo as an exception does, so that it cleans up."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    former = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _wait_until_settled(lab: Lab, left_open: dict[Path, tuple[str, ...]]) -> bool:
    """Wait until no snapshot is open but those that were from the start; give whether it is so."""
    deadline = time.monotonic() + _SETTLE_LIMIT_SECONDS
    while list_open_snapshots(lab) != left_open:
        if time.monotonic() > deadline:
            return False
        sleep_seconds(_POLL_SECONDS)
    return True


def _remove_folder(path: Path) -> None:
    """Remove the lab, while a last process of the hooks may still write its farewell there."""
    for _ in range(20):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        sleep_seconds(_POLL_SECONDS)
