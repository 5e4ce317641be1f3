"""What all rules of the machine share: the site, the story so far, and the look after each step."""

import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import machine_checks
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from machine_host import MachineHost
from machine_model import Model
from machine_peace import Peace
from machine_site import MachineSite

from hlb_hooks.lab.host.registry import RegisteredVm

VMS = st.integers(0, 9)
"""From 5 on: one of those that bear a snapshot of ours, where most of the trouble is."""
_ANY_VM = 5
_KEPT = "HLB_MACHINE_KEEP"


def step(
    **strategies: st.SearchStrategy[Any],
) -> Callable[[Callable[..., bool]], Callable[..., None]]:
    """Make a rule of a method that gives whether it did anything; look at everything after it.

    There are no preconditions: hosts are quick one time and slow the next, and whether a rule can
    be chosen must depend on the rules before it alone.
    """

    # Its overloads do not take keywords of a dictionary.
    make_rule: Any = rule

    def decorate(method: Callable[..., bool]) -> Callable[..., None]:
        @functools.wraps(method)
        def carry_out(self: "MachineBase", **details: object) -> None:
            words = ", ".join(f"{key}={value!r}" for key, value in details.items())
            self.story.append(f"machine.{method.__name__}({words})")
            with self.telling():
                if method(self, **details):
                    MachineBase.steps_taken += 1
                self.check()

        decorated: Callable[..., None] = make_rule(**strategies)(carry_out)
        return decorated

    return decorate


class MachineBase(RuleBasedStateMachine):
    """One example: a site from its first boot to its peace."""

    host_count: ClassVar[int] = 2
    steps_taken: ClassVar[int] = 0
    disks_compared: ClassVar[int] = 0
    lost_in_window: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="hlb-machine-", dir=_find_fast_folder()))
        self.site = MachineSite(self.root / "site", self.host_count)
        self.model = Model()
        self.resting = Peace(self.site, self.model)
        self.outputs = machine_checks.OutputReader()
        self.story: list[str] = []
        self.has_failed = False

    def check(self) -> None:
        """Look at everything that must hold at any time."""
        site = self.site
        site.let_guests_write()
        for host in site.living:
            host.update_programs()
        machine_checks.check_recorded(site)
        self.model.check_foreign(site)
        machine_checks.check_contents(site)
        machine_checks.check_state_files(site)
        for host, story in self.outputs.check(site):
            MachineBase.disks_compared += machine_checks.check_backup(host, story)

    def make_peace(self, *, avtars_end: bool, waits_for_guards: bool) -> None:
        """End everything, reap once on each host, and look at what is left."""
        self.resting.make(avtars_end=avtars_end, waits_for_guards=waits_for_guards)
        self.check()
        self.resting.check()

    def teardown(self) -> None:
        """Make peace, unless a step has failed, and take the site away."""
        try:
            if not self.has_failed:
                self.story.append("machine.teardown()")
                with self.telling():
                    self.make_peace(avtars_end=True, waits_for_guards=len(self.story) % 2 == 0)
        finally:
            MachineBase.lost_in_window += self.model.lost_in_window
            self.site.end()
            if not (self.has_failed and os.environ.get(_KEPT)):
                shutil.rmtree(self.root)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Add the steps so far to whatever fails: times are real, and no replay is certain."""
        try:
            yield
        except Exception as error:
            self.has_failed = True
            told = "\n".join(("the steps so far:", *self.story, f"in {self.root}"))
            error.add_note(told)
            raise

    def pick_host(self, number: int) -> MachineHost | None:
        """Give a host that is up, or None."""
        living = self.site.living
        return living[number % len(living)] if living else None

    def pick_vm(self, number: int) -> tuple[MachineHost, RegisteredVm] | None:
        """Give a VM that is there and registered on a host that is up, or None; see ``VMS``."""
        found = [
            (host, vm)
            for host, vm in self.site.list_vms()
            if host.booted is not None and vm.config.exists()
        ]
        if number >= _ANY_VM:
            found = [pair for pair in found if machine_checks.list_ours(pair[1].config)] or found
        return found[number % len(found)] if found else None


def _find_fast_folder() -> str | None:
    """Give a folder in memory where there is one: the checks read the same files all the time."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
