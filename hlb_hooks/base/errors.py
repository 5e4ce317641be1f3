"""Every error the package raises on purpose.

Low floors raise one of these; only the entry point turns one into an exit code. The message
says which file, key or VM, what was expected, and the next step is in ``next_step``.
"""

from hlb_hooks.base.exit_codes import ExitCode


class HlbError(Exception):
    """Base of all: a message for the operator, the next step, and the exit code it means."""

    exit_code = ExitCode.NOT_PROTECTED

    def __init__(self, message: str, *, next_step: str = "") -> None:
        """Take the message and, where there is one, what the operator should do next."""
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class ConfigurationError(HlbError):
    """hlb.toml, a targets file or an option is wrong; nothing was touched."""

    exit_code = ExitCode.USAGE


class UsageError(HlbError):
    """The command line, or the way a hook was started, cannot be acted on."""

    exit_code = ExitCode.USAGE


class NotNowError(HlbError):
    """Another run of the same job is alive; nothing was touched."""

    exit_code = ExitCode.NOT_NOW


class StoppedError(HlbError):
    """A signal asked this process to stop; unless ``done`` says more, before it had begun."""

    def __init__(
        self, signal_name: str, *, done: str = "nothing was begun", next_step: str = ""
    ) -> None:
        """Take the signal's name, which decides the exit code, and what was done by then."""
        super().__init__(f"interrupted by {signal_name}: {done}", next_step=next_step)
        self.signal_name = signal_name
        is_keyboard = signal_name == "SIGINT"
        self.exit_code = ExitCode.INTERRUPTED if is_keyboard else ExitCode.TERMINATED


class HostError(HlbError):
    """The hypervisor refused, timed out, or answered something that cannot be read."""


class VmFileError(HlbError):
    """A VM's own file (.vmx, .vmsd, VMDK descriptor) is missing or cannot be understood."""


class StateError(HlbError):
    """The state file is damaged, of a newer version, or cannot be written."""


class GuardError(HlbError):
    """The guard could not be started, so no snapshot may be made."""
