"""The hosts that share datastores, seen from any of them: which there are, and which are up.

A lab that was made alone is a host without neighbours; ``hosts`` makes further ones.
"""

from dataclasses import replace
from pathlib import Path

from hlb_hooks.lab.files import write_file
from hlb_hooks.lab.host.registry import RegisteredVm, read_registry
from hlb_hooks.lab.layout import Lab


def enter_host(lab: Lab) -> None:
    """Add the host to those of its datastores."""
    (lab.hostd / "hosts" / lab.read_settings().host_name).symlink_to(lab.folder)


def list_hosts(lab: Lab) -> list[Lab]:
    """Give every host of the datastores by the order of their names, this one among them."""
    return [Lab(link.resolve()) for link in sorted((lab.hostd / "hosts").iterdir())]


def is_host_down(lab: Lab) -> bool:
    """Tell whether the host is switched off, or has died, and was not booted again."""
    return down_file(lab).exists()


def mark_host_down(lab: Lab) -> None:
    """Let every command find the host switched off from now on."""
    write_file(down_file(lab), b"")


def down_file(lab: Lab) -> Path:
    """Give the mark of a host that is off."""
    return lab.hostd / "down"


def find_runner(lab: Lab, config: Path) -> Lab | None:
    """Give the host on which the VM runs, or None. Steady only while the VM is held."""
    for host in list_hosts(lab):
        if not is_host_down(host) and any(
            vm.config == config and vm.keeps_files_locked for vm in read_registry(host)
        ):
            return host
    return None


def list_all_vms(lab: Lab) -> list[RegisteredVm]:
    """Give each VM that any host knows once, with the power state where it runs.

    On a host that is down nothing runs: its VMs are off unless another has them.
    """
    found: dict[Path, RegisteredVm] = {}
    for host in list_hosts(lab):
        is_down = is_host_down(host)
        for vm in read_registry(host):
            seen = replace(vm, power="off") if is_down and vm.keeps_files_locked else vm
            known = found.get(vm.config)
            if known is None or seen.keeps_files_locked:
                found[vm.config] = seen
    return list(found.values())
