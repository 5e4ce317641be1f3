"""Backup, loss and restore with BorgBackup, the hooks run by borgmatic's own command hooks."""

import json
from pathlib import Path

from circle_kit import (
    LEFT_OUT,
    Circle,
    check_backup,
    destroy_all,
    make_circle,
    restore_all,
    skip_without,
)


def write_configuration(circle: Circle, name: str, hooks: dict[str, list[str]]) -> Path:
    """Write borgmatic's configuration in the sections it had until 1.8. JSON is YAML too."""
    path = circle.folder / name
    settings = {
        "location": {
            "source_directories": [str(circle.mounted / "vmfs/volumes")],
            "repositories": [str(circle.folder / "repository")],
            "exclude_patterns": list(LEFT_OUT),
        },
        "storage": {
            "borg_base_directory": str(circle.folder / "borg"),
            "unknown_unencrypted_repo_access_is_ok": True,
        },
        "retention": {"keep_daily": 7},
        "consistency": {"checks": ["disabled"]},
        "hooks": hooks,
    }
    path.write_text(json.dumps(settings))
    return path


def test_a_host_is_lost_and_comes_back_by_borgmatic(tmp_path: Path) -> None:
    borgmatic = skip_without("borgmatic", "borgmatic")
    skip_without("borg", "borgbackup")
    with make_circle(tmp_path, owner="borgmatic*") as circle:
        bare = write_configuration(circle, "bare.yaml", {})
        begun = circle.run(borgmatic, "-c", bare, "init", "--encryption", "none")
        assert begun.returncode == 0, begun.stderr
        seen = circle.run(borgmatic, "-c", bare, "create", "--list")
        for path in circle.list_base_files():
            assert f"{path}: open: [Errno 16] Device or resource busy" in seen.stdout + seen.stderr

        hooks = {
            "before_backup": [f"'{circle.scripts}/initial_backup'"],
            "after_backup": [f"'{circle.scripts}/initial_umount'"],
            "on_error": [f"'{circle.scripts}/initial_umount'"],
        }
        nightly = write_configuration(circle, "nightly.yaml", hooks)
        done = circle.run(borgmatic, "-c", nightly, "--verbosity", "1", "create", "--list")
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert "Device or resource busy" not in said
        assert "ready=5 failed=0 open=0 exit=0" in said
        instants = check_backup(circle)
        folders = [circle.mounted / "vmfs/volumes" / each for each in circle.list_vm_folders()]
        destroy_all(circle)

        unpacked = circle.folder / "unpacked"
        unpacked.mkdir()
        names = [str(path).lstrip("/") for path in folders]
        extract = [borgmatic, "-c", nightly, "extract", "--archive", "latest"]
        back = circle.run(*extract, "--destination", unpacked, "--path", *names)
        assert back.returncode == 0, back.stderr
        for name, folder in zip(names, folders, strict=True):
            (unpacked / name).rename(circle.lab.folder / folder.relative_to(circle.mounted))
        restore_all(circle, instants)
