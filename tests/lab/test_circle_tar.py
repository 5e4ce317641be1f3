"""Backup, loss and restore with GNU tar, which knows nothing of any of this."""

from pathlib import Path

from circle_kit import (
    LEFT_OUT,
    check_backup,
    destroy_all,
    make_circle,
    restore_all,
    skip_without,
)


def test_a_host_is_lost_and_comes_back_by_tar(tmp_path: Path) -> None:
    tar = skip_without("tar", "tar")
    archive = tmp_path / "backup.tar"
    with make_circle(tmp_path, owner="nightly-tar") as circle:
        pack = [tar, "-cf", str(archive), *(f"--exclude={each}" for each in LEFT_OUT)]
        pack += ["-C", str(circle.mounted / "vmfs"), "volumes"]
        bare = circle.run(*pack)
        assert bare.returncode == 2
        assert bare.stderr.count("Device or resource busy") >= len(circle.list_base_files())

        words = " ".join(f"'{word}'" for word in pack)
        client = circle.write_program(
            "nightly-tar",
            "#!/bin/sh\n"
            f"'{circle.scripts}/initial_backup' || exit 1\n"
            f"{words}\nread=$?\n"
            f"'{circle.scripts}/initial_umount' || exit 1\n"
            "exit $read\n",
        )
        done = circle.run(client)
        assert done.returncode == 0, done.stdout + done.stderr
        instants = check_backup(circle)
        folders = [f"volumes/{each}" for each in circle.list_vm_folders()]
        destroy_all(circle)
        back = circle.run(tar, "-xf", archive, "-C", circle.lab.volumes.parent, *folders)
        assert back.returncode == 0, back.stderr
        restore_all(circle, instants)
