"""What the machine remembers of its own deeds: the snapshots that the administrator made."""

from dataclasses import dataclass, field
from pathlib import Path

import machine_checks
from machine_site import MachineSite

_WATCH_SECONDS = 0.1


@dataclass
class Model:
    """The administrator's snapshots of each VM, in their order.

    ``at_risk`` are those that were taken while a removal had already looked and not yet begun:
    the window that ``removesnapshots`` leaves, and that is published.
    """

    foreign: dict[Path, list[str]] = field(default_factory=dict)
    at_risk: dict[Path, set[str]] = field(default_factory=dict)
    lost_in_window: int = 0

    def list_foreign(self, vmx: Path) -> list[str]:
        return self.foreign.setdefault(vmx, [])

    def note_moved(self, old: Path, new: Path) -> None:
        """Remember that a VM lies elsewhere now."""
        self.foreign[new] = self.foreign.pop(old, [])
        self.at_risk[new] = self.at_risk.pop(old, set())

    def note_taken(self, site: MachineSite, vmx: Path, name: str) -> None:
        """Remember a snapshot that was just taken, and whether a removal was about to begin."""
        self.list_foreign(vmx).append(name)
        if any(host.list_processes() for host in site.living):
            site.let_pass(_WATCH_SECONDS, until=lambda: self._is_removal_near(site, vmx))
        if self._is_removal_near(site, vmx):
            self.at_risk.setdefault(vmx, set()).add(name)

    def check_foreign(self, site: MachineSite) -> None:
        """No snapshot of the administrator's is gone but those that he deleted himself."""
        for vmx in machine_checks.list_vmx_files(site):
            expected = self.list_foreign(vmx)
            found = machine_checks.list_foreign(vmx)
            risked = self.at_risk.get(vmx, set())
            if found != expected and set(expected) - set(found) <= risked:
                self.lost_in_window += len(expected) - len(found)
                expected[:] = [name for name in expected if name in found]
            assert found == expected, f"{vmx}: has {found}, and the administrator made {expected}"

    @staticmethod
    def _is_removal_near(site: MachineSite, vmx: Path) -> bool:
        return any(host.list_processes("removesnapshots", str(vmx)) for host in site.living)
