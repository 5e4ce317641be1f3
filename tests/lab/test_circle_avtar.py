"""Backup, loss and restore with the lab's avtar, which runs the hooks itself."""

from pathlib import Path

from circle_kit import check_backup, destroy_all, make_circle, restore_all

HOOKS = ("--run-at-start=initial_backup", "--run-at-end=initial_umount", "--run-at-start-exit=true")


def test_a_host_is_lost_and_comes_back_by_avtar(tmp_path: Path) -> None:
    with make_circle(tmp_path, owner="avtar*") as circle:
        avtar = circle.lab.programs / "avtar"
        bare = circle.run(avtar, "--create", "--label=bare", circle.lab.volumes)
        for path in circle.list_base_files():
            file = circle.lab.folder / path.relative_to(circle.mounted)
            assert f'"{file}" (code 16: Device or resource busy)' in bare.stdout

        done = circle.run(avtar, "--create", "--label=gold", *HOOKS, circle.lab.volumes)
        assert done.returncode == 0, done.stdout
        assert "ready=5 failed=0 open=0 exit=0" in done.stdout
        instants = check_backup(circle)
        folders = [circle.lab.volumes / each for each in circle.list_vm_folders()]
        destroy_all(circle)
        back = circle.run(avtar, "-x", *folders)
        assert back.returncode == 0, back.stdout
        restore_all(circle, instants)
