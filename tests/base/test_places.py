"""Where the backup client is: the usual folder, or the one that the installation noted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hlb_hooks.base.places import USUAL_AVAMAR_FOLDER, find_avamar_folder


def test_without_a_note_the_client_is_where_it_usually_is(tmp_path: Path) -> None:
    assert find_avamar_folder(str(tmp_path)) == USUAL_AVAMAR_FOLDER


@pytest.mark.parametrize(
    ("note", "folder"),
    [
        (b"/dockerclient\n", "/dockerclient"),
        (b"/opt/avamar client", "/opt/avamar client"),
        (b"/opt/\xf3\n", os.fsdecode(b"/opt/\xf3")),
        (b"\n", USUAL_AVAMAR_FOLDER),
        (b"", USUAL_AVAMAR_FOLDER),
    ],
)
def test_a_note_beside_the_interpreter_names_another(
    tmp_path: Path, note: bytes, folder: str
) -> None:
    (tmp_path / "avamar-prefix").write_bytes(note)
    assert find_avamar_folder(str(tmp_path)) == folder


def test_every_default_place_goes_with_the_client(tmp_path: Path) -> None:
    (tmp_path / "avamar-prefix").write_text("/dockerclient\n")
    program = (
        f"import sys; sys.prefix = {str(tmp_path)!r}\n"
        "from hlb_hooks.base.config_schema import *\n"
        "from hlb_hooks.base.places import DEFAULT_CONFIG_PATH\n"
        "print(DEFAULT_CONFIG_PATH, DEFAULT_TARGETS, DEFAULT_STATE_DIR, DEFAULT_LOG_FILE)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [
        "/dockerclient/etc/hlb/hlb.toml",
        "/dockerclient/etc/hlb/targets",
        "/dockerclient/var/hlb",
        "/dockerclient/var/hlb/hlb.log",
    ]
