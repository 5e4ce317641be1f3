"""A service console in a folder: a root of its own with busybox, in namespaces of its own.

No library and no Python of this machine is in it. Processes see each other and no others; all of
them are gone when the console is closed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE_SECONDS = 300
BUSYBOX = Path("/bin/busybox")
AVAMAR = "usr/local/avamar"
SCRIPTS = f"{AVAMAR}/etc/scripts"
HOME = "opt/hlb-hooks"
PYTHON = "/opt/hlb-hooks/bin/python"
_NEW_NAMESPACES = ("unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc")
# The root is a mount of its own, as every root is to the programs that mount in it.
_MOUNTS = """
mount --bind "$1" "$1" && mount -t proc proc "$1/proc" &&
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts"
"""
_FIND_PROCESSES = """
import os, sys
for name in filter(str.isdigit, os.listdir("/proc")):
    try:
        is_own = "/opt/hlb-hooks/versions/" in os.readlink(f"/proc/{name}/exe")
        words = open(f"/proc/{name}/cmdline", "rb").read().split(b"\\0")
    except OSError:
        continue
    if is_own and os.fsencode(sys.argv[1]) in words:
        print(name)
"""
_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "urandom": (1, 9)}
_RPM_CHATTER = ("rpm: RPM should not be used", "rpm: However assuming you know")

Done = subprocess.CompletedProcess[str]


def make_root(root: Path) -> None:
    """Make the files of a console that has nothing but busybox."""
    for folder in ("bin", "dev/pts", "proc", "tmp", "root", "var/lib/rpm", "etc/cron.d", SCRIPTS):
        (root / folder).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin/busybox")
    listing = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
    for applet in set(listing.stdout.split()) - {"busybox"}:
        (root / "bin" / applet).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    for name, (major, minor) in _DEVICES.items():
        os.mknod(root / "dev" / name, 0o20666, os.makedev(major, minor))
        (root / "dev" / name).chmod(0o666)
    (root / "dev/ptmx").symlink_to("pts/ptmx")


class Console:
    """A running console; ``emulator`` is what every program of it is to run under."""

    def __init__(self, root: Path, emulator: Path | None) -> None:
        self.root = root
        self._under: Sequence[str] = ()
        if emulator is not None:
            shutil.copy(emulator, root / "old_kernel")
            self._under = ("/old_kernel", f"/{HOME}/")
        # Its first process waits for the end of whoever could say a word to it, and meanwhile for
        # every process that nobody else waits for.
        wait = f"{_MOUNTS.strip()} && echo ready && exec 3<&0 && {{ cat <&3 & wait; }}"
        self._first = subprocess.Popen(
            [*_NEW_NAMESPACES, "sh", "-c", wait, "sh", root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._first.stdout is not None
        assert self._first.stdout.readline() == "ready\n"
        children = Path(f"/proc/{self._first.pid}/task/{self._first.pid}/children")
        self._enter = ["nsenter", "--target", children.read_text().split()[0], "--pid", "--mount"]

    def close(self) -> None:
        self._first.kill()
        self._first.communicate()

    def run(self, *words: str | Path, **environment: str) -> Done:
        """Run a program of the console to its end."""
        return self._complete(["chroot", self.root, *self._under, *words], environment)

    def start(self, *words: str | Path, **environment: str) -> subprocess.Popen[str]:
        """Start a program of the console and do not wait for it."""
        return subprocess.Popen(
            [*self._enter, "chroot", self.root, *self._under, *words],
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def rpm(self, *words: str | Path) -> Done:
        """Run this machine's rpm on the console's root; its stderr is that of the scripts too."""
        # Nobody has told this rpm's own records that there is a /bin/sh.
        options = ["--nodeps"] if words[0] in {"-U", "-V"} else []
        done = self._complete(["rpm", "--root", self.root, *words, *options], {})
        kept = [line for line in done.stderr.splitlines() if not line.startswith(_RPM_CHATTER)]
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout, "\n".join(kept))

    def install(self, package: Path, *options: str) -> Done:
        """Install an RPM, which has to succeed."""
        done = self.rpm("-U", *options, package)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def path(self, name: str) -> Path:
        """Give the place of a file of the console on this machine."""
        return self.root / name.lstrip("/")

    @property
    def versions(self) -> list[str]:
        return sorted(path.name for path in self.path(f"{HOME}/versions").iterdir())

    def find_processes(self, word: str) -> list[int]:
        """Give the numbers, in the console, of its own programs with ``word`` on their lines."""
        found = self._complete([sys.executable, "-c", _FIND_PROCESSES, word], {})
        assert found.returncode == 0, found.stderr
        return [int(number) for number in found.stdout.split()]

    def kill(self, *processes: int) -> None:
        """Kill at once."""
        self._complete(["kill", "-KILL", *map(str, processes)], {})

    def _complete(self, words: Sequence[str | Path], environment: dict[str, str]) -> Done:
        return subprocess.run(
            [*self._enter, *words],
            env=self._environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    @staticmethod
    def _environment(more: dict[str, str]) -> dict[str, str]:
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", **more}


@contextmanager
def open_console(root: Path, emulator: Path | None = None) -> Iterator[Console]:
    """Make a console and keep it running."""
    make_root(root)
    console = Console(root, emulator)
    try:
        yield console
    finally:
        console.close()
