"""Registering, starting and answering VMs by ``vmware-cmd``."""

import shlex
from dataclasses import dataclass
from typing import Protocol

from hlb_hooks.base.speech import Speaker
from hlb_hooks.effects import vmware_answers
from hlb_hooks.effects.commands import Command, CommandRunner
from hlb_hooks.effects.effect_kind import EffectKind, changes
from hlb_hooks.effects.terminal import Reply

_LIMIT_KEY = "[host] power_timeout_seconds"


class VmPower(Protocol):
    """What brings a VM into a host's inventory and to life."""

    def register(self, vmx: str) -> None:
        """Put a VM into the host's inventory. Raise HostError."""
        ...

    def start(self, vmx: str) -> None:
        """Start a VM. Raise HostError."""
        ...

    def answer(self, vmx: str, reply: Reply) -> None:
        """Let ``reply`` answer the question a VM waits with. Raise HostError."""
        ...


@dataclass(frozen=True)
class VmwarePower:
    """``vmware-cmd`` at ``program``; the limit of each command in seconds.

    What a command says counts as little here as elsewhere: whoever calls looks at ``-l`` and
    ``getstate`` afterwards.
    """

    program: str
    runner: CommandRunner
    timeout_seconds: float

    @changes
    def register(self, vmx: str) -> None:
        """Put a VM into the host's inventory. Raise HostError.

        The console takes the path alone; vCLI takes a data center and a pool besides, which a
        single host does without.
        """
        command = self._make("register", ("-s", "register", vmx))
        vmware_answers.read_done(self.runner.run(command), "register")

    @changes
    def start(self, vmx: str) -> None:
        """Start a VM. Raise HostError, also where it waits for an answer until the limit."""
        command = self._make("start", (vmx, "start"))
        vmware_answers.read_done(self.runner.run(command), "start")

    @changes
    def answer(self, vmx: str, reply: Reply) -> None:
        """Let ``reply`` answer a VM's question. Raise HostError, and what ``reply`` raises."""
        vmware_answers.raise_if_refused(
            self.runner.converse(self._make("answer", (vmx, "answer")), reply)
        )

    def _make(self, action: str, arguments: tuple[str, ...]) -> Command:
        return Command(
            f"vmware-cmd {action}",
            (self.program, *arguments),
            EffectKind.CHANGES,
            self.timeout_seconds,
            _LIMIT_KEY,
        )


@dataclass(frozen=True)
class RehearsedPower:
    """Says the commands."""

    program: str
    speaker: Speaker

    @changes
    def register(self, vmx: str) -> None:
        """Say it."""
        self._say("-s", "register", vmx)

    @changes
    def start(self, vmx: str) -> None:
        """Say it."""
        self._say(vmx, "start")

    @changes
    def answer(self, vmx: str, reply: Reply) -> None:
        """Say it; nothing is asked in a rehearsal."""
        del reply
        self._say(vmx, "answer")

    def _say(self, *arguments: str) -> None:
        self.speaker.say("would_run", command=shlex.join((self.program, *arguments)))
