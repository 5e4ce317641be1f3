"""What the disk of the state folder does to a run, and whether its snapshots go all the same."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from hook_watching import PATIENCE_SECONDS, wait_until
from scene import PATIENCE_OF_THE_RUN_SECONDS, Scene, staged

from hlb_hooks.effects.records import Flag, encode_record, make_record
from hlb_hooks.effects.state_file import read_state_file

# `error` is EIO from strace: of the n-th write or sync of each thread, or from there on.
Fault = Literal["full", "read_only", "bad_config", "error"]
# Who meets it: a start hook from its beginning, or one that has begun its run; or who removes.
Program = Literal["initial_backup", "running_initial_backup", "initial_umount", "guard", "reap"]

_GETSTATE_SECONDS = 0.7
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class BadDisk:
    """One fault, and the program that meets it."""

    fault: Fault
    program: Program
    calls: str = ""
    when: str = ""

    @classmethod
    def from_json(cls, job: Any) -> "BadDisk":
        return cls(**job)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        words = (self.fault, self.calls, self.when and f"when={self.when}", "for", self.program)
        return " ".join(word for word in words if word)

    def happen(self, root: Path) -> None:
        """Raise AssertionError for anything of ours that is made now, or that stays."""
        with staged(root) as scene:
            # Only ours: then an exit code says how it went with them.
            scene.site.choose("vm*")
            with _own_disk(scene.site.state_dir):
                if self.program == "initial_backup":
                    self._begin_nothing(scene)
                elif self.program == "running_initial_backup":
                    self._begin_what_is_recorded(scene)
                else:
                    self._remove_all_the_same(scene)
                scene.check_clean()
            if self.fault == "error":
                said = self._strace_output(scene).read_text("utf-8", "replace")
                assert "(INJECTED)" in said, "strace injected nothing"

    # -- a run that is to begin

    def _begin_nothing(self, scene: Scene) -> None:
        command = scene.hook_command("initial_backup")
        with self._present(scene):
            done = scene.run(self._faulty(scene, command))
        # Of the configuration it is said that no VM was changed; else that none is protected.
        expected = 2 if self.fault == "bad_config" else 1
        assert done.returncode == expected, f"exit code {done.returncode}: {done.stdout}"
        assert scene.site.changing_calls() == [], done.stdout
        assert scene.site.guards() == [], "a guard is there"
        assert scene.site.state_files() == [], done.stdout
        scene.write_as_guests()

    def _begin_what_is_recorded(self, scene: Scene) -> None:
        """The errors begin when the run has a state file; the host is slow, so that is in time."""
        scene.site.host.configure(latency_seconds={"getstate": _GETSTATE_SECONDS})
        hook = subprocess.Popen(
            scene.hook_command("initial_backup"),
            env=scene.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_until(lambda: any(path.stat().st_size for path in scene.site.state_files()), "a run")
        with _attached([*self._strace(scene), "-p", str(hook.pid)], scene.root / "strace.err"):
            said, _ = hook.communicate(timeout=PATIENCE_SECONDS)
        assert hook.returncode in {0, 1}, f"exit code {hook.returncode}: {said}"
        scene.check_always()
        ended = time.monotonic()
        done = scene.run(scene.hook_command("initial_umount"))
        assert done.returncode in {0, 1, 4}, done.stdout
        scene.check_always()
        scene.write_as_guests()
        scene.kill_owner()
        wait_until(lambda: not scene.site.guards(), "the guard's end")
        if not scene.is_settled():
            time.sleep(max(0.0, ended + PATIENCE_OF_THE_RUN_SECONDS - time.monotonic()))
            scene.reap()

    # -- a run that is open

    def _remove_all_the_same(self, scene: Scene) -> None:
        scene.start()
        if self.program != "initial_umount":
            scene.kill_guards()
            scene.kill_owner()
        command = {
            "initial_umount": lambda: scene.hook_command("initial_umount"),
            "guard": scene.guard_command,
            "reap": scene.reap_command,
        }[self.program]()
        scene.write_as_guests()
        with self._present(scene):
            done = scene.run(self._faulty(scene, command))
            assert done.returncode == 0, f"exit code {done.returncode}: {done.stdout}"
            ours = [scene.ours(vmx) for vmx in scene.vms]
            assert ours == [[], []], f"{ours}: {done.stdout}"
            files = scene.leftovers()
            assert files == [], f"{files}: {done.stdout}"
            self._check_said(scene, done.stdout)
        if self.program == "initial_umount":
            scene.kill_owner()
            wait_until(lambda: not scene.site.guards(), "the guard's end")
        scene.reap()

    def _check_said(self, scene: Scene, said: str) -> None:
        """Whatever could not be written is said on stdout; a guard says it in the log file."""
        if self.program == "guard" or self.fault == "error":
            return  # an error may have hit what need not be said, such as a line of the log file
        if self.fault == "bad_config":
            assert str(scene.site.config) in said, said
        else:
            assert "the state file could not be written" in said, said
            assert str(scene.site.state_file) in said, said

    # -- the fault

    @contextmanager
    def _present(self, scene: Scene) -> Iterator[None]:
        """Let the state folder, or the configuration, be bad meanwhile."""
        folder = scene.site.state_dir
        text = scene.site.config.read_bytes()
        if self.fault == "full":
            for path in scene.site.state_files():
                _use_up_page(path)
            _fill(folder / "filler")
        elif self.fault == "read_only":
            _run("mount", "--bind", folder, folder)
            _run("mount", "-o", "remount,ro,bind", folder)
        elif self.fault == "bad_config":
            scene.site.config.write_bytes(text + b"nonsense = [\n")
        try:
            yield
        finally:
            if self.fault == "full":
                (folder / "filler").unlink()
            elif self.fault == "read_only":
                _run("umount", folder)
            scene.site.config.write_bytes(text)

    def _faulty(self, scene: Scene, command: Sequence[str]) -> list[str]:
        if self.fault != "error":
            return list(command)
        return [*self._strace(scene), "--", *command]

    def _strace(self, scene: Scene) -> list[str]:
        """Give strace with the error; of a run that is begun, only its state file has it."""
        output = str(self._strace_output(scene))
        fault = f"inject={self.calls}:error=EIO:when={self.when}"
        paths = [word for path in scene.site.state_files() for word in ("-P", str(path))]
        return ["strace", "-f", "-b", "execve", "-o", output, *paths, "-e", fault]

    def _strace_output(self, scene: Scene) -> Path:
        return scene.root / "strace.out"


@contextmanager
def _own_disk(folder: Path) -> Iterator[None]:
    """Give the state folder a small disk of its own."""
    folder.mkdir(mode=0o700)
    _run("mount", "-t", "tmpfs", "-o", "size=128k,mode=700", "none", folder)
    try:
        yield
    finally:
        _run("umount", "--lazy", folder)


def _use_up_page(path: Path) -> None:
    """Add a note that ends with a page: a full disk still has what is left of a file's last one."""
    (vmx, *_) = (each.vmx for each in read_state_file(str(path)).records if each.vmx)
    least = len(encode_record(make_record(Flag.NOTE, vmx, text="x")))
    room = -(path.stat().st_size + least) % _PAGE_BYTES
    with path.open("ab") as file:
        file.write(encode_record(make_record(Flag.NOTE, vmx, text="x" * (1 + room))))
    assert path.stat().st_size % _PAGE_BYTES == 0


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(512))


@contextmanager
def _attached(strace: Sequence[str], errors: Path) -> Iterator[None]:
    """Have strace follow a process until that ends."""
    with errors.open("wb") as output:
        process = subprocess.Popen(strace, stderr=output, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: b"attached" in errors.read_bytes(), f"strace: {errors}")
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _run(*command: str | os.PathLike[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)
