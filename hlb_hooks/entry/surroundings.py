"""What a hook does before anything else: avtar's surroundings are unknown and perhaps hostile."""

import os
import signal
import sys
from types import FrameType

from hlb_hooks.base.exit_codes import ExitCode

_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_UMASK = 0o077
_KEPT = ("HLB_CONFIG", "TERM", "NO_COLOR", "TZ")


def settle_in() -> None:
    """Make this process independent of how it was started.

    Descriptors 0 to 2 exist, files made here are ours alone, paths are UTF-8 whatever LANG says,
    and nothing of the caller's environment reaches a child. An interrupt ends this process without
    a traceback, as other signals do, until a ``StopRequest`` listens: nothing was begun before. The
    working directory is left by ``leave_folder``, once the command line is read.
    """
    prepare_terminal()
    signal.signal(signal.SIGINT, _leave_at_once)
    # A caller may ignore its children's ends, or hold signals back: both are handed down.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    os.environ.clear()
    os.environ.update({**kept, "PATH": _PATH, "LANG": "C", "LC_ALL": "C", "HOME": "/"})
    os.umask(_UMASK)


def _leave_at_once(_number: int, _frame: FrameType | None) -> None:
    os._exit(ExitCode.INTERRUPTED)


def prepare_terminal() -> None:
    """See to it that there are three standard descriptors, and that text is UTF-8."""
    _open_standard_descriptors()
    _speak_utf8()


def leave_folder() -> None:
    """Go to ``/``: a hook must not keep a file system from being unmounted."""
    os.chdir("/")


def _open_standard_descriptors() -> None:
    """Put /dev/null where a caller closed 0, 1 or 2: the next file opened would take its place."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open("/dev/null", os.O_RDWR)


def _speak_utf8() -> None:
    """Start again in UTF-8 mode where the locale is another: host and files write UTF-8."""
    if sys.getfilesystemencoding().lower() == "utf-8":
        return
    arguments = [sys.executable, "-I", "-X", "utf8", *sys.argv]
    os.execve(sys.executable, arguments, os.environ)  # noqa: S606
