"""The emulated ESX host as tests use it: its VMs, their disks and their snapshots."""

import hashlib
import os
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from esx_disks import create_base, hang_under, merge_into, read_chain, read_content, write_content
from esx_files import Vmsd, Vmx, quoted_line, write_text
from esx_folder import HostFolder
from esx_snapshots import check_snapshot_can_be, name_disks, put_snapshot
from esx_words import Power


class Host(HostFolder):
    """An ESX host in the folder ``root``, made before by ``Host.create``."""

    @classmethod
    def create(
        cls,
        root: Path | str,
        *,
        dialect: str = "console",
        shares_with: "Host | None" = None,
    ) -> "Host":
        """Make an empty host; with ``shares_with``, one that sees the datastores of another."""
        root = Path(root)
        (root / "bin").mkdir(parents=True)
        (root / "hostd").mkdir()
        if shares_with is None:
            (root / "vmfs" / "volumes").mkdir(parents=True)
            (root / "vmfs" / "locks").mkdir()
        else:
            (root / "vmfs").symlink_to(shares_with.volumes.parent)
        host = cls(root)
        host.configure(dialect=dialect)
        write_text(host._inventory_file, "[]")
        host._calls_file.touch()
        if shares_with is None:
            host.add_datastore("storage1")
            host.add_datastore("store (1)")
        # UTF-8 whatever the caller's LANG says, and nothing of the caller's Python settings.
        write_text(
            host.vmware_cmd,
            f"#!{sys.executable} -ISXutf8\nimport sys\n\n"
            f"sys.path.insert(0, {str(Path(__file__).resolve().parent)!r})\nimport esx_command\n\n"
            f"raise SystemExit(esx_command.run_vmware_cmd({str(host.root)!r}, sys.argv[1:]))\n",
            mode=0o755,
        )
        return host

    # -- datastores and VMs

    def add_datastore(self, label: str) -> str:
        """Make a datastore; give its UUID."""
        digest = hashlib.sha256(os.fsencode(label)).hexdigest()
        uuid = f"{digest[:8]}-{digest[8:16]}-{digest[16:20]}-{digest[20:32]}"
        (self.volumes / uuid).mkdir()
        (self.volumes / label).symlink_to(uuid)
        return uuid

    def add_vm(
        self,
        directory: str | bytes,
        *,
        name: str | bytes = "",
        display_name: str | bytes = "",
        disks: Sequence[bytes] | None = None,
        power: Power | None = None,
        independent: Collection[int] = (),
        raw_devices: Mapping[int, Literal["virtual", "physical"]] | None = None,
        datastores: Mapping[int, str] | None = None,
        template: bool = False,
        extra_lines: Iterable[str] = (),
        datastore: str = "storage1",
        vmsd: bytes | None = b"",
    ) -> str:
        """Make the files of a VM and register it; give the path that ``-l`` will show.

        ``disks`` are whole sectors each (default: one of 64 KiB); ``independent`` are their
        numbers; ``raw_devices`` those that map a LUN; ``datastores`` the labels of those that
        lie elsewhere; ``vmsd`` is None where there is to be no such file. A VM is on unless
        said otherwise, a template off.
        """
        power = power or ("off" if template else "on")
        directory = os.fsdecode(directory)
        name = os.fsdecode(name) or directory.replace("\n", " ")
        folder = (self.volumes / datastore).resolve() / directory
        folder.mkdir()
        if disks is None:
            disks = [hashlib.shake_128(os.fsencode(directory)).digest(64 * 1024)]
        vmx = folder / f"{name}{'.vmtx' if template else '.vmx'}"
        identity = hashlib.sha256(os.fsencode(vmx)).digest()
        uuid = f"{identity[:8].hex(' ')}-{identity[8:16].hex(' ')}"
        swap = folder / f"{name}-{identity[:4].hex()}.vswp"
        values = {
            ".encoding": "UTF-8",
            "config.version": "8",
            "virtualHW.version": "4",
            "nvram": f"{name}.nvram",
            "displayName": os.fsdecode(display_name) or directory,
            "extendedConfigFile": f"{name}.vmxf",
            "guestOS": "linux",
            "uuid.bios": uuid,
            "uuid.location": uuid,
            "sched.swap.derivedName": str(swap),
            "checkpoint.vmState": "",
            "scsi0.present": "TRUE",
            "scsi0.virtualDev": "lsilogic",
        }
        for number, content in enumerate(disks):
            home = folder
            if datastores and number in datastores:
                home = (self.volumes / datastores[number]).resolve() / directory
                home.mkdir(exist_ok=True)
            path = create_base(
                home / (f"{name}_{number}.vmdk" if number else f"{name}.vmdk"),
                content,
                (raw_devices or {}).get(number, ""),
            )
            # 7 is the controller's own place on its bus.
            node = f"scsi0:{number if number < 7 else number + 1}"
            values[f"{node}.present"] = "TRUE"
            values[f"{node}.fileName"] = path.name if home == folder else str(path)
            values[f"{node}.deviceType"] = "scsi-hardDisk"
            if number in independent:
                values[f"{node}.mode"] = "independent-persistent"
            values[f"{node}.redo"] = ""
        # A CD drive, as nearly every VM has one: no disk, and not to be taken for one.
        values |= {"ide0:0.present": "TRUE", "ide0:0.deviceType": "atapi-cdrom"}
        values |= {"ide0:0.fileName": "/dev/cdrom"}
        text = "".join(quoted_line(key, value) for key, value in values.items())
        text += "".join(f"{line}\n" for line in extra_lines)
        write_text(vmx, "#!/usr/bin/vmware\n" + text, mode=0o755)
        for ending in (".nvram", ".vmxf"):
            (folder / f"{name}{ending}").write_bytes(bytes(64))
        (folder / "vmware.log").write_bytes(b"")
        if vmsd is not None:
            vmx.with_suffix(".vmsd").write_bytes(vmsd)
        self.set_power(str(vmx), power)
        return str(vmx)

    def set_power(self, vmx: str, power: Power) -> None:
        """Bring a VM into a power state, with the files that go with it."""
        path = Path(vmx)
        config = Vmx(path)
        state_name = f"{path.stem}.vmss" if power == "suspended" else ""
        if config.get("checkpoint.vmState") != state_name:
            config.set("checkpoint.vmState", state_name)
            config.save()
        if power != "off" and not config.get("sched.swap.derivedName"):
            config.set("sched.swap.derivedName", str(path.with_suffix(".vswp")))
            config.save()
        suspended = path.with_suffix(".vmss")
        swap = Path(config.get("sched.swap.derivedName") or path.with_suffix(".vswp"))
        for file, is_there in (
            (suspended, power == "suspended"),
            (swap, power in ("on", "stuck")),
        ):
            if is_there:
                file.write_bytes(bytes(512))
            else:
                file.unlink(missing_ok=True)
        self._change_inventory(vmx, power)

    def register(self, vmx: str, power: Power = "off") -> None:
        """Register a VM whose files are there, as after a move from another host."""
        self._change_inventory(vmx, power)

    def unregister(self, vmx: str) -> None:
        """Forget a VM without touching its files, as after a move to another host."""
        self._change_inventory(vmx, None)

    # -- disks and snapshots

    def disk_bytes(self, vmx: str, node: str = "scsi0:0") -> bytes:
        """Give what the guest reads on a disk now, through all its deltas."""
        with self.locked_vm(vmx, "content"):
            return read_content(Vmx(Path(vmx)).disk(node).path)

    def disk_chain(self, vmx: str, node: str = "scsi0:0") -> list[Path]:
        """Give the descriptors of a disk, from the one that is written down to the base."""
        return [link.path for link in read_chain(Vmx(Path(vmx)).disk(node).path)]

    def write_guest(self, vmx: str, node: str, offset: int, data: bytes) -> None:
        """Write as the guest does: to the base, or to the delta above it."""
        with self.locked_vm(vmx, "content"):
            write_content(Vmx(Path(vmx)).disk(node).path, offset, data)

    def snapshots(self, vmx: str) -> list[str]:
        """Give the names that the .vmsd lists."""
        return [entry["displayName"] for entry in Vmsd(Path(vmx)).entries]

    def take_admin_snapshot(self, vmx: str, name: str) -> None:
        """Take a snapshot as an administrator does, without vmware-cmd."""
        with self.locked_vm(vmx, "task", is_busy_an_error=True):
            self.create_snapshot(vmx, name, "", quiesce="0", memory="0")

    def remove_admin_snapshots(self, vmx: str) -> None:
        """Remove all snapshots as an administrator does, without vmware-cmd."""
        with self.locked_vm(vmx, "task", is_busy_an_error=True):
            self.remove_snapshots(vmx)

    def create_snapshot(
        self, vmx: str, name: str, description: str, *, quiesce: str, memory: str
    ) -> None:
        """Put a delta above each disk it covers. The caller holds the VM's ``task`` lock."""
        path = Path(vmx)
        with self.locked_vm(vmx, "content"):
            config, listed = Vmx(path), Vmsd(path)
            check_snapshot_can_be(config, listed, name, self.power(vmx), memory)
            facts = f"quiesce={quiesce}\nmemory={memory}\n"
            put_snapshot(config, listed, name, description, facts)

    def remove_snapshots(self, vmx: str) -> None:
        """Remove all, in the host's order: .vmsd, merge, .vmx, files. The caller holds ``task``."""
        path, switches = Path(vmx), self.switches()
        with self.locked_vm(vmx, "content"):
            config, listed = Vmx(path), Vmsd(path)
            if not listed.entries:
                return
            bases = listed.first_disks()
            tops = {node: config.disk(node).path for node in bases}
            idle = [path.with_name(entry["filename"]) for entry in listed.entries]
            listed.entries = []
            # A VM that is not running needs no place for its writes while the merge goes on.
            helper = switches.helper if self.power(vmx) == "on" else "none"
            if helper != "none":
                put_snapshot(config, listed, "Consolidate Helper", "", "", only=set(bases))
            listed.save(switches.vmsd_after_removal)
        time.sleep(switches.merge_seconds)
        self.wait_while_held("merge")
        with self.locked_vm(vmx, "content"):
            config = Vmx(path)
            for node, base_name in bases.items():
                base, top = path.parent / base_name, config.disk(node).path
                idle += merge_into(base, tops[node])
                if helper != "none":
                    hang_under(top, base)
                if helper == "merged":
                    idle += merge_into(base, top)
                if helper in ("none", "merged"):
                    config.set(f"{node}.fileName", base_name)
            config.save()
            if helper == "left":
                listed.entries[0].update(name_disks(bases))
            elif helper != "none":
                idle += [path.with_name(entry["filename"]) for entry in listed.entries]
                listed.entries = []
            listed.save(switches.vmsd_after_removal)
            for file in idle:
                file.unlink(missing_ok=True)
