"""How a ``.vmx`` that was put back has to change so that the VM starts where it is now."""

import posixpath
import re
from collections.abc import Iterable

from hlb_hooks.base.errors import UsageError, VmFileError
from hlb_hooks.base.text import escape
from hlb_hooks.decisions.phrase import Phrase, phrase
from hlb_hooks.decisions.restore.disks import DiskChoice
from hlb_hooks.decisions.restore.options import CREATE, DISCONNECT, KEEP, RestoreOptions
from hlb_hooks.effects.restored_folder import RestoredFolder
from hlb_hooks.vmfiles.chain import resolve
from hlb_hooks.vmfiles.vmx import Vmx

UUID_ACTION = "uuid.action"
_CARD = re.compile(r"(ethernet[0-9]{1,3})\.present", re.IGNORECASE | re.ASCII)
_IMAGE = re.compile(
    r"((?:ide|scsi|sata)[0-9]{1,3}:[0-9]{1,3}|floppy[0-9])\.fileName",
    re.IGNORECASE | re.ASCII,
)
_UUID_NOTES = {CREATE: "restore_uuid_create", KEEP: "restore_uuid_keep"}
_FALSE = "FALSE"
# Control characters, and bytes that are no text.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Mending:
    """One ``.vmx`` being changed; ``notes`` says what was done, and what is to be known."""

    def __init__(self, folder: RestoredFolder, vmx: Vmx) -> None:
        """Take what lies in the folder, and the configuration to be changed."""
        self._folder = folder
        self._vmx = vmx
        self.notes: list[Phrase] = []

    def mend(self, disks: Iterable[DiskChoice], options: RestoreOptions, uuid: str) -> None:
        """Make every change. Raise UsageError for a name that no ``.vmx`` can hold."""
        for disk in disks:
            self._set(f"{disk.node}.fileName", disk.file_name, "restore_disk")
        for node in sorted(options.left_out_disks):
            if self._vmx.get_bool(f"{node}.present"):
                self._set(f"{node}.present", _FALSE, "restore_without_disk")
        self._mend_places()
        if options.name is not None:
            self._rename(options.name)
        self._set(UUID_ACTION, uuid, _UUID_NOTES[uuid])
        self._mend_cards(options, is_copy=uuid == CREATE)

    def drop_suspension(self, note: str) -> None:
        """Let the VM start anew, and not from what it had in memory."""
        for key in ("checkpoint.vmState", "checkpoint.vmState.readOnly"):
            if self._vmx.get(key):
                self._set(key, "", note)

    def _set(self, key: str, value: str, note: str) -> None:
        if self._vmx.get(key) == value and key not in self._vmx.duplicates():
            return
        self._vmx.set(key, value)
        self.notes.append(phrase(note, setting=key, value=value))

    def _remove(self, key: str, note: str) -> None:
        value = self._vmx.get(key)
        if value is not None:
            self._vmx.remove(key)
            self.notes.append(phrase(note, setting=key, value=value))

    def _mend_places(self) -> None:
        """Make valid, or drop, what names other files by their place."""
        # The host makes a swap file, and names it, whenever the VM starts.
        self._remove("sched.swap.derivedName", "restore_drop_swap")
        hostlog = self._vmx.get("migrate.hostlog")
        if hostlog and not self._is_there(hostlog):
            self._remove("migrate.hostlog", "restore_drop_missing")
        working = self._vmx.working_dir
        if (
            working is not None
            and working.startswith("/")
            and not self._folder.is_in_original_place
        ):
            self._remove("workingDir", "restore_drop_working_dir")
        for key in ("nvram", "extendedConfigFile"):
            self._mend_companion(key)
        for match in map(_IMAGE.fullmatch, self._vmx.keys()):
            if match is not None:
                self._mend_image(match[1])

    def _mend_companion(self, key: str) -> None:
        name = self._vmx.get(key)
        if not name or not name.startswith("/") or self._is_there(name):
            return
        short = posixpath.basename(name)
        if key == "extendedConfigFile" and not self._is_there(short):
            self._remove(key, "restore_drop_missing")
        else:
            self._set(key, short, "restore_here")  # an .nvram that is missing the host makes anew

    def _mend_image(self, device: str) -> None:
        """Leave a CD or floppy unplugged whose image is not on this host: the start would ask."""
        name = self._vmx.get(f"{device}.fileName") or ""
        kind = (self._vmx.get(f"{device}.deviceType") or "").lower()
        is_floppy = device.lower().startswith("floppy")
        is_image = "cdrom-image" in kind or is_floppy
        # Without the key it is plugged in at the start, and a floppy drive is there.
        is_plugged = self._vmx.get_bool(f"{device}.startConnected", default=True)
        is_plugged &= self._vmx.get_bool(f"{device}.present", default=is_floppy)
        if is_image and is_plugged and name.startswith("/") and not self._is_there(name):
            self._set(f"{device}.startConnected", _FALSE, "restore_no_image")

    def _is_there(self, name: str) -> bool:
        try:
            path = resolve(self._folder.path, name)
        except VmFileError:
            return False
        return self._folder.real_paths.get(path, path) in self._folder.files

    def _rename(self, name: str) -> None:
        if not name.strip() or _UNPRINTABLE.search(name):
            raise UsageError(
                f"--name '{escape(name)}' is no name for a VM",
                next_step="give one in UTF-8, without control characters",
            )
        try:
            self._set("displayName", name, "restore_name")
        except VmFileError as error:
            raise UsageError(error.message, next_step="give a name in that encoding") from error

    def _mend_cards(self, options: RestoreOptions, *, is_copy: bool) -> None:
        cards = [match[1] for match in map(_CARD.fullmatch, self._vmx.keys()) if match]
        for card in cards:
            if not self._vmx.get_bool(f"{card}.present"):
                continue
            if is_copy:
                self._renew_address(card)
            if options.network == DISCONNECT:
                self._set(f"{card}.startConnected", _FALSE, "restore_disconnect")

    def _renew_address(self, card: str) -> None:
        """Drop an address that the host or vCenter made up; one that a person chose stays."""
        kind = (self._vmx.get(f"{card}.addressType") or "generated").lower()
        if kind == "static":
            address = self._vmx.get(f"{card}.address") or ""
            self.notes.append(phrase("restore_static_address", setting=card, value=address))
            return
        self._remove(f"{card}.generatedAddress", "restore_drop_address")
        self._remove(f"{card}.generatedAddressOffset", "restore_drop_address")
