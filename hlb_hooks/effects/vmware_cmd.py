"""The driver for ``vmware-cmd``: the console of ESX 3.5 and 4.x, and vCLI's twin.

It knows no snapshot by name: ``removesnapshots`` takes all of a VM's, and ``hassnapshot`` says
only yes or no (libvmcontrol has nothing else). Whoever calls it reads the VM's files.
"""

from dataclasses import dataclass

from hlb_hooks.base.errors import HostError
from hlb_hooks.effects import vmware_answers
from hlb_hooks.effects.commands import Answer, Command, CommandRunner, CommandTimedOutError
from hlb_hooks.effects.effect_kind import EffectKind, changes, reads
from hlb_hooks.effects.vmware_answers import HostRefusedError, PowerState, RefusalKind


@dataclass(frozen=True)
class HostSays:
    """What a changing command claims; the VM's files have the last word.

    ``message`` is empty when it was said to be done. ``kind`` is the refusal's, where there was
    one.
    """

    is_done: bool
    message: str = ""
    kind: RefusalKind | None = None


@dataclass(frozen=True)
class VmwareCmd:
    """``vmware-cmd`` at ``program``; limits in seconds."""

    program: str
    runner: CommandRunner
    command_timeout_seconds: float
    create_timeout_seconds: float
    remove_timeout_seconds: float

    @reads
    def list_vms(self) -> tuple[str, ...]:
        """Give the .vmx paths registered on this host, as ``vmware-cmd -l`` prints them.

        Raise HostError when it fails, times out or cannot be read.
        """
        return vmware_answers.read_inventory(self._read("-l"))

    @reads
    def read_power_state(self, vmx: str) -> PowerState:
        """Give the VM's power state. Raise HostError as ``list_vms`` does."""
        return vmware_answers.read_power_state(self._read(vmx, "getstate"))

    @reads
    def read_has_snapshot(self, vmx: str) -> bool:
        """Tell whether the host knows of any snapshot. Raise HostError as ``list_vms`` does."""
        return vmware_answers.read_has_snapshot(self._read(vmx, "hassnapshot"))

    @changes
    def create_snapshot(
        self, vmx: str, name: str, description: str, *, quiesce: bool, memory: bool
    ) -> HostSays:
        """Ask for a snapshot. ``vim-cmd`` has the last two arguments the other way round."""
        flags = (str(int(quiesce)), str(int(memory)))
        return self._change(
            Command(
                "vmware-cmd createsnapshot",
                (self.program, vmx, "createsnapshot", name, description, *flags),
                EffectKind.CHANGES,
                self.create_timeout_seconds,
                "[snapshot] create_timeout_seconds",
            ),
            "createsnapshot",
        )

    @reads
    def prepare(self) -> None:
        """Get ready, so that the next command is given the moment it is asked for."""
        self.runner.prepare()

    @changes
    def remove_all_snapshots(self, vmx: str) -> HostSays:
        """Ask the host to remove every snapshot of the VM: it cannot be told which."""
        return self._change(
            Command(
                "vmware-cmd removesnapshots",
                (self.program, vmx, "removesnapshots"),
                EffectKind.CHANGES,
                self.remove_timeout_seconds,
                "[snapshot] remove_timeout_seconds",
            ),
            "removesnapshots",
        )

    def _read(self, *arguments: str) -> Answer:
        name = f"vmware-cmd {arguments[-1]}"
        return self.runner.run(
            Command(
                name,
                (self.program, *arguments),
                EffectKind.READS,
                self.command_timeout_seconds,
                "[host] command_timeout_seconds",
            )
        )

    def _change(self, command: Command, action: str) -> HostSays:
        try:
            vmware_answers.read_done(self.runner.run(command), action)
        except HostRefusedError as error:
            return HostSays(is_done=False, message=error.message, kind=error.refusal.kind)
        except CommandTimedOutError as error:
            return HostSays(is_done=False, message=error.message, kind=RefusalKind.TIMED_OUT)
        except HostError as error:
            return HostSays(is_done=False, message=error.message)
        return HostSays(is_done=True)
