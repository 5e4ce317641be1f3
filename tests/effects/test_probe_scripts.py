"""Inert hooks take the place of the real ones and give it back, wherever somebody is killed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hlb_hooks.base.errors import ConfigurationError, UsageError
from hlb_hooks.effects import probe_scripts
from hlb_hooks.effects.probe_scripts import install_probe, list_probes, remove_probe
from hlb_hooks.entry.hook_scripts import render, render_probe

HOOK = "initial_backup"
INERT = render_probe(HOOK, "/var/hlb/probe")
REAL = render(HOOK)


class KilledError(BaseException):
    """Stands for the end of the process between two calls."""


def read_folder(folder: Path) -> dict[str, str]:
    """Give what each name holds, or where it leads."""
    return {
        path.name: os.readlink(path) if path.is_symlink() else path.read_text()
        for path in folder.iterdir()
    }


def put_file(folder: Path) -> None:
    (folder / HOOK).write_text(REAL)
    (folder / HOOK).chmod(0o755)


def put_link(folder: Path) -> None:
    (folder / HOOK).symlink_to("/usr/bin/initial_backup")


def put_nothing(_folder: Path) -> None:
    """No hook was ever installed."""


SCENES = pytest.mark.parametrize("put", [put_file, put_link, put_nothing])


@SCENES
def test_what_was_there_comes_back_as_it_was(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path)
    before = read_folder(tmp_path)
    install_probe(str(tmp_path), HOOK, INERT)
    assert read_folder(tmp_path)[HOOK] == INERT
    assert (tmp_path / HOOK).stat().st_mode & 0o777 == 0o755
    assert list_probes(str(tmp_path)) == (HOOK,)
    assert remove_probe(str(tmp_path), HOOK) is bool(before)
    assert read_folder(tmp_path) == before
    assert list_probes(str(tmp_path)) == ()


@SCENES
def test_installing_twice_forgets_nothing(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path)
    before = read_folder(tmp_path)
    install_probe(str(tmp_path), HOOK, INERT)
    install_probe(str(tmp_path), HOOK, INERT)
    remove_probe(str(tmp_path), HOOK)
    assert read_folder(tmp_path) == before


@SCENES
@pytest.mark.parametrize("steps", range(1, 10))
@pytest.mark.parametrize("is_installing", [True, False])
def test_killed_between_any_two_calls_a_whole_hook_is_in_place_and_removing_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    put: Callable[[Path], None],
    steps: int,
    *,
    is_installing: bool,
) -> None:
    put(tmp_path)
    before = read_folder(tmp_path)
    if not is_installing:
        install_probe(str(tmp_path), HOOK, INERT)
    left = steps

    def dying(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                raise KilledError
            return real(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        for name in ("open", "unlink", "link", "replace", "fchmod", "fsync"):
            patch.setattr(probe_scripts.os, name, dying(getattr(os, name)))
        try:
            if is_installing:
                install_probe(str(tmp_path), HOOK, INERT)
            else:
                remove_probe(str(tmp_path), HOOK)
        except KilledError:
            assert read_folder(tmp_path).get(HOOK) in {INERT, before.get(HOOK)}
    for name in list_probes(str(tmp_path)):
        remove_probe(str(tmp_path), name)
    assert read_folder(tmp_path) == before


def test_a_hook_that_was_installed_since_stays(tmp_path: Path) -> None:
    put_file(tmp_path)
    install_probe(str(tmp_path), HOOK, INERT)
    newer = REAL + "# newer\n"
    (tmp_path / "new").write_text(newer)
    os.replace(tmp_path / "new", tmp_path / HOOK)
    assert remove_probe(str(tmp_path), HOOK)
    assert read_folder(tmp_path) == {HOOK: newer}


def test_a_folder_in_the_way_and_one_that_is_gone_are_errors(tmp_path: Path) -> None:
    (tmp_path / HOOK).mkdir()
    with pytest.raises(UsageError):
        install_probe(str(tmp_path), HOOK, INERT)
    with pytest.raises(ConfigurationError, match="cannot be exchanged"):
        install_probe(str(tmp_path / "gone"), HOOK, INERT)
    assert list_probes(str(tmp_path / "gone")) == ()
