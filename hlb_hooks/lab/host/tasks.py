"""A task of the host: a process of its own, which goes on when the client that asked is killed.

The client starts it with an empty environment, in a new session, and reads from its standard
output, in lines of JSON, that it has begun, and its answer. One task at a time on one VM.
"""

import contextlib
import json
import os
import signal
import traceback
from collections.abc import Callable
from pathlib import Path

from hlb_hooks.base.clock import read_seconds_since_boot, sleep_seconds
from hlb_hooks.lab.host.answering import answer_pending
from hlb_hooks.lab.host.orders import TaskOrders
from hlb_hooks.lab.host.power import check_power_change, put_in_power
from hlb_hooks.lab.host.questions import ask, make_space_question
from hlb_hooks.lab.host.refusals import (
    CANCELED,
    GENERAL_ERROR,
    TIMED_OUT,
    WRONG_STATE,
    refuse_stuck,
)
from hlb_hooks.lab.host.registration import forget_vm, register_vm
from hlb_hooks.lab.host.registry import HostFault, RegisteredVm, find_registered
from hlb_hooks.lab.host.removal import Manner, remove_snapshots
from hlb_hooks.lab.host.snapshots import create_snapshot
from hlb_hooks.lab.host.starting import start_vm
from hlb_hooks.lab.host.task_client import BEGUN
from hlb_hooks.lab.host.task_turn import hold_task, refuse_unworkable
from hlb_hooks.lab.layout import Lab, open_lab

_DESCRIPTORS_CLOSED = 4096
_LOOK_SECONDS = 0.05


def main(folder: str, arguments: list[str]) -> int:
    """Carry out ``ORDERS createsnapshot VMX NAME TEXT QUIESCE MEMORY``, or another action.

    Write ``"begun"``, then ``{"fault": TEXT}`` or ``{"fault": null}``, a line each, to standard
    output; give 0.
    """
    os.umask(0o022)
    # Nothing of the client may be held open: somebody may wait for the end of its pipe.
    os.closerange(3, _DESCRIPTORS_CLOSED)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    lab = open_lab(folder)
    orders, operation, config, *operands = arguments
    _Task(lab, Path(config), TaskOrders.from_text(orders)).run(operation, operands)
    return 0


class _Task:
    """One task, from its beginning to what it says of its end."""

    def __init__(self, lab: Lab, config: Path, orders: TaskOrders) -> None:
        self._lab = lab
        self._config = config
        self._orders = orders
        self._has_answered = False

    def run(self, operation: str, operands: list[str]) -> None:
        """Carry it out, and answer, whatever happens."""
        sleep_seconds(self._orders.begins_after)
        fault = None
        try:
            if operation == "register":
                self._register()
            elif operation == "answer":
                # Beside the task that waits for it.
                self._answer_question(operands)
            else:
                with hold_task(self._lab, find_registered(self._lab, self._config)):
                    self._work(operation, operands)
        except HostFault as refusal:
            fault = str(refusal)
        except Exception as error:  # a defect of the lab must reach the client's user
            with (self._lab.hostd / "hostd.log").open("a", encoding="utf-8") as log:
                traceback.print_exc(file=log)
            fault = f"{GENERAL_ERROR}{type(error).__name__}"
        # Only now that the VM is free again, unless it was said before.
        if not self._has_answered:
            self._answer(fault)

    def _register(self) -> None:
        _say(BEGUN)
        sleep_seconds(self._orders.takes_longer)
        register_vm(self._lab, self._config)

    def _answer_question(self, operands: list[str]) -> None:
        question_id, number = operands
        _say(BEGUN)
        sleep_seconds(self._orders.takes_longer)
        answer_pending(self._lab, self._config, int(number), question_id)

    def _work(self, operation: str, operands: list[str]) -> None:
        """Be the VM's one task."""
        _say(BEGUN)
        vm = self._wait_for_answer()
        refuse_unworkable(self._lab, vm)
        if operation == "createsnapshot":
            self._create(vm, operands)
        elif operation == "removesnapshots":
            self._remove(vm)
        elif operation == "start":
            self._start(vm)
        else:
            sleep_seconds(self._orders.takes_longer)
            _CHANGES[operation](self._lab, vm)

    def _start(self, vm: RegisteredVm) -> None:
        sleep_seconds(self._orders.takes_longer)
        if start_vm(self._lab, vm, is_made_to_ask=self._orders.asks_question):
            return
        manner = self._lab.read_settings().start_while_asking
        if manner == "returns":
            return
        if manner == "times out":
            raise HostFault(TIMED_OUT)
        if manner == "fails":
            raise refuse_stuck()
        refuse_unworkable(self._lab, self._watch_question())
        if find_registered(self._lab, self._config).power != "on":
            raise HostFault(CANCELED)

    def _create(self, vm: RegisteredVm, operands: list[str]) -> None:
        name, description, quiesce, memory = operands
        sleep_seconds(self._orders.takes_longer)
        create_snapshot(
            self._lab, vm, name, description, quiesce=quiesce == "1", memory=memory == "1"
        )

    def _remove(self, vm: RegisteredVm) -> None:
        shows_helper = self._lab.read_settings().shows_helper
        says_done: Callable[[], None] = self._answer if self._orders.says_done_early else _nothing
        manner = Manner(
            helper=self._orders.helper or ("merged" if shows_helper else "none"),
            wait_seconds=self._orders.takes_longer,
            entry_gone=says_done,
        )
        remove_snapshots(self._lab, vm, manner)

    def _wait_for_answer(self) -> RegisteredVm:
        """Let the VM ask its question, if it is to, and give the VM when it was answered."""
        vm = find_registered(self._lab, self._config)
        if not self._orders.asks_question or vm.power != "on":
            return vm
        ask(self._lab, vm, make_space_question(self._lab.read_settings(), vm))
        return self._watch_question()

    def _watch_question(self) -> RegisteredVm:
        """Wait for an answer as long as the orders say, and give the VM as it is then."""
        limit_seconds = self._orders.question_seconds or float("inf")
        deadline = read_seconds_since_boot() + limit_seconds
        vm = find_registered(self._lab, self._config)
        while vm.power == "stuck" and read_seconds_since_boot() < deadline:
            sleep_seconds(_LOOK_SECONDS)
            vm = find_registered(self._lab, self._config)
        return vm

    def _answer(self, fault: str | None = None) -> None:
        self._has_answered = True
        _say({"fault": fault})


def _reset(lab: Lab, vm: RegisteredVm) -> None:
    if vm.power != "on":
        raise HostFault(WRONG_STATE)
    put_in_power(lab, vm, "on")


def _stop(lab: Lab, vm: RegisteredVm) -> None:
    check_power_change(vm, "off")
    put_in_power(lab, vm, "off")


def _suspend(lab: Lab, vm: RegisteredVm) -> None:
    check_power_change(vm, "suspended")
    put_in_power(lab, vm, "suspended")


_CHANGES: dict[str, Callable[[Lab, RegisteredVm], None]] = {
    "unregister": forget_vm,
    "stop": _stop,
    "reset": _reset,
    "suspend": _suspend,
}


def _nothing() -> None:
    """Do nothing: what a removal that is waited for does when the entry is gone."""


def _say(message: object) -> None:
    # A client that was killed, or went away, waits for no answer.
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(message).encode("ascii") + b"\n")
