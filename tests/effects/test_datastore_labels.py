"""A datastore goes by its UUID and by the labels that link to it."""

from pathlib import Path

import pytest

from hlb_hooks.effects.datastore_labels import find_labels, list_aliases


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    """Make two datastores; the first has two labels, and there is one that leads nowhere."""
    volumes = tmp_path / "vmfs" / "volumes"
    for uuid in ("4a3b-1", "4a3b-2"):
        (volumes / uuid / "vm").mkdir(parents=True)
    (volumes / "storage1").symlink_to("4a3b-1")
    (volumes / "store (1)").symlink_to(volumes / "4a3b-1")
    (volumes / "other").symlink_to("4a3b-2")
    (volumes / "gone").symlink_to("4a3b-3")
    return volumes


def aliases(path: Path | str) -> list[str]:
    return list(list_aliases(str(path), find_labels([str(path)])))


def test_a_path_has_an_alias_for_each_label_of_its_datastore(volumes: Path) -> None:
    assert aliases(volumes / "4a3b-1" / "vm" / "vm-flat.vmdk") == [
        f"{volumes}/storage1/vm/vm-flat.vmdk",
        f"{volumes}/store (1)/vm/vm-flat.vmdk",
    ]
    assert aliases(volumes / "4a3b-2" / "vm.vmx") == [f"{volumes}/other/vm.vmx"]


def test_one_look_serves_all_datastores(volumes: Path) -> None:
    paths = [str(volumes / uuid / "vm" / "vm.vmx") for uuid in ("4a3b-1", "4a3b-2")]
    labels = find_labels(paths)
    assert [len(list_aliases(path, labels)) for path in paths] == [2, 1]
    assert find_labels([]) == {}


def test_a_path_by_its_label_has_no_alias_of_that_kind(volumes: Path) -> None:
    # The host speaks of the UUID; what is named by a label already is left as it is.
    assert aliases(volumes / "storage1" / "vm" / "vm.vmx") == []


@pytest.mark.parametrize("path", ["/vmfs/volumes/nowhere/vm/vm.vmx", "/no/vm.vmx", "vm.vmx"])
def test_where_there_are_no_datastores_there_are_no_labels(path: str) -> None:
    assert aliases(path) == []


def test_a_folder_that_begins_like_the_datastore_is_not_on_it(volumes: Path) -> None:
    labels = find_labels([str(volumes / "4a3b-1" / "x")])
    assert list_aliases(f"{volumes}/4a3b-10/x", labels) == ()
