"""``hlb restore`` is killed at every call by which it changes the world, and run again."""

import re
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hook_watching import wait_until
from restore_kit import KEPT, Backup, RestoreSite, replace
from stepping import Point, Steps

pytestmark = pytest.mark.usefixtures("strace")

# At least these are there; fewer mean that strace's injection did not work.
FEWEST_POINTS = 30
KINDS = {"write", "rename", "openat", "mkdir", "flock", "execve"}
COPY_MARK = re.compile(r"(?<=[^/])\.\d+$")
Tree = dict[str, bytes]


class Stage:
    """A VM that is put back anew, and restored, again and again."""

    def __init__(self, root: Path, make: Callable[[RestoreSite], Backup]) -> None:
        self.site = RestoreSite(root)
        self.backup = make(self.site)
        self.folders = {path.parent for path in self.backup.files}

    def set_up(self) -> None:
        vmx = str(self.backup.vmx)
        if vmx in self.site.host.registered():
            self.site.host.unregister(vmx)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)
        self.backup.put_back()

    def steps(self) -> Steps:
        command = self.site.command(self.backup.folder, "--register", "--power-on")
        return Steps(command, self.site.root, {"PATH": "/usr/bin:/bin", "HOME": "/"})

    def finish(self) -> None:
        """Run it again, once the host has done what the killed one had asked for."""
        options = ("--register", "--power-on")
        outcome = self.site.run(self.backup.folder, *options)
        assert outcome.exit_code == 0, outcome.stdout
        wait_until(lambda: self.site.host.power(str(self.backup.vmx)) == "on", "the VM")

    def look(self) -> Tree:
        """Give every file's content; of what is kept twice, one."""
        return {
            COPY_MARK.sub("", str(path)) if KEPT in path.parts else str(path): path.read_bytes()
            for folder in sorted(self.folders)
            for path in sorted(folder.rglob("*"), reverse=True)
            if path.is_file()
        }

    def check_nothing_is_lost(self) -> None:
        contents = [path.read_bytes() for folder in self.folders for path in files(folder)]
        lost = [path for path, data in self.backup.files.items() if data not in contents]
        assert lost == []


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def make_backup(site: RestoreSite, *, has_saved: bool) -> Backup:
    vmx = site.host.add_vm("web", disks=[bytes(512), bytes(512)], datastores={1: "store (1)"})
    backup = site.back_up(vmx, has_saved=has_saved, has_claim=has_saved)
    named = 'createType="vmfs"\nchangeTrackPath="web-ctk.vmdk"'
    backup.files[backup.folder / "web-ctk.vmdk"] = b"blocks"
    return backup.change("web.vmdk", replace('createType="vmfs"', named))


@pytest.mark.parametrize("has_saved", [True, False])
def test_restore_killed_at_any_call_is_finished_by_the_same_command(
    tmp_path: Path, summary: list[str], has_saved: bool
) -> None:
    begun = time.monotonic()
    stage = Stage(tmp_path / "site", lambda site: make_backup(site, has_saved=has_saved))
    stage.set_up()
    undisturbed = stage.steps()
    assert undisturbed.run() == 0
    wanted = stage.look()
    points = [each for each in undisturbed.points if changes_something(each)]
    wrong = [text for point in points if (text := kill_at(stage, point, wanted))]
    kinds = Counter(point.call for point in points)
    said = ", ".join(f"{number} {call}" for call, number in sorted(kinds.items()))
    summary.append(
        f"crash sweep: hlb restore, saved={has_saved}: {len(points) - len(wrong)} of "
        f"{len(points)} points ({said}), {time.monotonic() - begun:.0f} s"
    )
    assert not wrong, "\n".join(wrong)
    assert len(points) >= FEWEST_POINTS
    assert set(kinds) >= KINDS


def changes_something(point: Point) -> bool:
    """Leave out syncs and what is said: what is killed is a process, and no host."""
    return point.call != "fsync" and not point.target.endswith(".out")


def kill_at(stage: Stage, point: Point, wanted: Tree) -> str:
    """Kill it there and run it again; say what is wrong then, if anything is."""
    stage.set_up()
    try:
        assert stage.steps().run(point) is None, "the point was not reached"
        stage.check_nothing_is_lost()
        stage.finish()
        stage.check_nothing_is_lost()
        found = stage.look()
        differing = {path for path in wanted | found if wanted.get(path) != found.get(path)}
        assert differing == set()
    except AssertionError as error:
        return f"{point}: {error}"
    return ""
