"""Making a lab: the folder, its datastores, the VMs, the programs and the client's files."""

import random
from collections.abc import Callable
from pathlib import Path

from hlb_hooks.base.errors import UsageError
from hlb_hooks.lab.client_files import install_client, quote_toml
from hlb_hooks.lab.create_vm import create_vm
from hlb_hooks.lab.files import PRIVATE_FOLDER_MODE, make_folder
from hlb_hooks.lab.host.neighbours import enter_host
from hlb_hooks.lab.host.registry import change_registry
from hlb_hooks.lab.layout import SHARED_FOLDERS, Lab, LabSettings
from hlb_hooks.lab.programs import install_programs
from hlb_hooks.lab.sample_vms import SampleVm, list_sample_vms

DATASTORES = {
    "storage1": "4a9b8a6e-3eca11a2-6a67-00144f0d8625",
    "store (2)": "499967ca-a2d7d6ba-455b-0015c5893d51",
}
"""Labels and UUIDs. The UUIDs are of the talk's host; a label may well hold such characters."""


def create_lab(
    folder: Path,
    settings: LabSettings,
    vms: int | list[SampleVm],
    render_hook: Callable[[str, str], str],
) -> Lab:
    """Make a lab in ``folder``, which must not be there or be empty, and give it.

    ``vms`` is how many to make, or which. ``render_hook`` gives the text of a hook from
    its name and an interpreter. Raise UsageError for a folder that is in use or cannot be one.
    """
    lab = start_folder(folder, settings)
    for name in SHARED_FOLDERS:
        make_folder(lab.hostd / name, PRIVATE_FOLDER_MODE)
    enter_host(lab)
    install_programs(lab)
    install_client(lab, render_hook)
    datastores = _create_datastores(lab)
    source = random.Random(settings.seed)  # noqa: S311  content of disks, nothing secret
    samples = list_sample_vms(vms) if isinstance(vms, int) else vms
    created = [create_vm(lab, sample, datastores, source) for sample in samples]
    change_registry(lab, lambda _: created)
    return lab


def start_folder(folder: Path, settings: LabSettings) -> Lab:
    """Make the folder of a host with lab.json and what is its own. Raise UsageError as above."""
    lab = Lab(folder.resolve())
    quote_toml(str(lab.folder))
    check_free(lab.folder)
    make_folder(lab.folder)
    lab.write_settings(settings)
    for path in (lab.programs, lab.sysdir, lab.vardir, lab.store):
        make_folder(path)
    return lab


def check_free(folder: Path) -> None:
    """Raise UsageError for a folder that is there and not empty."""
    if not folder.exists():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise UsageError(
            f"{folder} is there already: a lab is made in a new or empty folder",
            next_step="name another folder, or remove this one",
        )


def _create_datastores(lab: Lab) -> tuple[Path, Path]:
    for label, uuid in DATASTORES.items():
        make_folder(lab.volumes / uuid)
        (lab.volumes / label).symlink_to(uuid)
    first, second = (lab.volumes / uuid for uuid in DATASTORES.values())
    return first, second
