"""Who a VM is: its UUIDs and the addresses of its network cards.

A host makes ``uuid.location`` from an id of its own and the path of the .vmx, and compares at each
start (VMware KB 1541). How it makes it is its own affair: here it is a digest of both.
"""

import hashlib
import os
import re
import secrets
from pathlib import Path

from hlb_hooks.lab.host.questions import Effect
from hlb_hooks.lab.layout import LabSettings
from hlb_hooks.vmfiles.vmx import Vmx

# Real UUIDs begin with "VM" in ASCII.
_UUID_START = b"VM"
_UUID_BYTES = 16
# Of VMware's two prefixes, the one of addresses that hosts generate, and VirtualCenter's.
_GENERATED_PREFIX = "00:0c:29"
_VPX_PREFIX = "00:50:56"
_CARD_PRESENT = re.compile(r"ethernet([0-9]{1,2})\.present", re.IGNORECASE | re.ASCII)
_CARD_STEP = 10
_ACTIONS = {"keep": Effect.KEEP, "create": Effect.CREATE}
_ALWAYS = {Effect.ALWAYS_KEEP: Effect.KEEP, Effect.ALWAYS_CREATE: Effect.CREATE}


def make_location(host_id: str, config: Path) -> str:
    """Give the ``uuid.location`` of a VM whose .vmx lies at ``config``, on the host of that id."""
    digest = hashlib.sha256(os.fsencode(host_id) + b"\0" + os.fsencode(config)).digest()
    return format_uuid(_UUID_START + digest[: _UUID_BYTES - len(_UUID_START)])


def format_uuid(digits: bytes) -> str:
    """Give 16 bytes as a .vmx has them: ``56 4d … 71-e4 c8 … 8b``."""
    return f"{digits[:8].hex(' ')}-{digits[8:].hex(' ')}"


def choose_effect(settings: LabSettings, vmx: Vmx, location: str) -> Effect | None:
    """Give what is done about the UUIDs of a VM that is started at ``location``, unasked.

    None: only a person knows. ``uuid.action`` and ``answer.msg.uuid.altered`` are answers given
    beforehand, the second to a question of that name.
    """
    former = vmx.get("uuid.location")
    if not former or former.lower() == location:
        return Effect.KEEP
    action = (vmx.get("uuid.action") or "").lower()
    if action in _ACTIONS:
        return _ACTIONS[action]
    said = (vmx.get("answer.msg.uuid.altered") or "").lower()
    if settings.wording_of_uuid_question != "moved":
        for word, effect in (("copied", Effect.CREATE), ("moved", Effect.KEEP)):
            if word in said:
                return effect
    return None


def settle_identity(vmx: Vmx, location: str, effect: Effect) -> None:
    """Let the .vmx say who the VM is at ``location``, after an answer of that effect."""
    if effect in _ALWAYS:
        vmx.set("uuid.action", _ALWAYS[effect].value)
        effect = _ALWAYS[effect]
    if effect is Effect.CREATE:
        renew_identity(vmx)
    vmx.set("uuid.location", location)
    complete_identity(vmx)


def renew_identity(vmx: Vmx) -> None:
    """Make it another VM: a new ``uuid.bios``, and new addresses that the host gives out."""
    vmx.set("uuid.bios", _make_uuid())
    for number, kind in _list_cards(vmx):
        if kind == "vpx":
            # VirtualCenter's own range ends at 3f; from 80 on it generates.
            middle = f"{0x80 | secrets.randbelow(0x40):02x}"
            vmx.set(
                _address_key(number), f"{_VPX_PREFIX}:{middle}:{secrets.token_bytes(2).hex(':')}"
            )
        elif kind == "generated":
            vmx.set(_address_key(number), _generate_address(vmx, number))


def complete_identity(vmx: Vmx) -> None:
    """Give a VM what it lacks: a ``uuid.bios``, and addresses that hosts generate."""
    if not vmx.get("uuid.bios"):
        vmx.set("uuid.bios", _make_uuid())
    for number, kind in _list_cards(vmx):
        if kind == "generated" and not vmx.get(_address_key(number)):
            vmx.set(_address_key(number), _generate_address(vmx, number))


def _make_uuid() -> str:
    return format_uuid(_UUID_START + secrets.token_bytes(_UUID_BYTES - len(_UUID_START)))


def _list_cards(vmx: Vmx) -> list[tuple[int, str]]:
    """Give the number of each network card that is present, and where its address comes from."""
    matches = (_CARD_PRESENT.fullmatch(key) for key in vmx.keys())  # noqa: SIM118  no mapping
    numbers = sorted(int(match[1]) for match in matches if match and vmx.get_bool(match[0]))
    return [
        (number, (vmx.get(f"ethernet{number}.addressType") or "generated").lower())
        for number in numbers
    ]


def _address_key(number: int) -> str:
    return f"ethernet{number}.generatedAddress"


def _generate_address(vmx: Vmx, number: int) -> str:
    """Give an address as hosts do: the end of the VM's UUID, and some more for each card."""
    digits = re.sub(r"[^0-9a-f]", "", (vmx.get("uuid.bios") or "").lower())[-6:]
    end = (int(digits or "0", 16) + number * _CARD_STEP) % (1 << 24)
    return f"{_GENERATED_PREFIX}:{end.to_bytes(3, 'big').hex(':')}"
