"""Snapshots as a dry run makes and removes them: in words."""

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hlb_hooks.base.speech import Speaker
from hlb_hooks.base.text import escape
from hlb_hooks.effects.claims import Claim, claim_path
from hlb_hooks.effects.effect_kind import changes
from hlb_hooks.effects.snapshot_work import (
    MakeResult,
    Removal,
    RemoveResult,
    SnapshotOrder,
    look,
    may_remove,
)
from hlb_hooks.vmfiles.sighting import Fate


@dataclass(frozen=True)
class RehearsedSnapshots:
    """Says what would be done, and answers as a host does when all goes well."""

    program: str
    speaker: Speaker
    _made: set[str] = field(default_factory=set)

    @changes
    def make(self, order: SnapshotOrder) -> MakeResult:
        """Say the command."""
        flags = (str(int(order.quiesce)), str(int(order.memory)))
        folder = os.path.dirname(order.vmx)
        if not os.access(folder, os.W_OK | os.X_OK):
            message = f"{escape(claim_path(order.vmx))}: cannot be written in this folder"
            return MakeResult(is_made=False, is_certain=True, message=message)
        self._made.add(order.name)
        words = (self.program, order.vmx, "createsnapshot", order.name, order.description, *flags)
        self.speaker.say("would_create", command=shlex.join(words))
        return MakeResult(is_made=True, is_certain=True)

    @changes
    def remove(self, removal: Removal, asked: Callable[[], None]) -> RemoveResult:
        """Say the command if the real hook would run it."""
        sighting, trouble = look(removal)
        made = [name for name in removal.ours if name in self._made]
        if sighting is not None and made:
            # What this rehearsal has made is on no disk; it goes the way it would really go.
            sighting = replace(sighting, name=made[-1], fate=Fate.MADE)
        if sighting is None or not may_remove(sighting):
            return RemoveResult(sighting, was_asked=False, message=trouble)
        asked()
        self.speaker.say(
            "would_remove",
            command=shlex.join((self.program, removal.vmx, "removesnapshots")),
            snapshot=sighting.name,
        )
        return RemoveResult(replace(sighting, fate=Fate.ABSENT), was_asked=True)

    @changes
    def drop_claim(self, vmx: str, run: str) -> None:
        """Leave the claim where it is."""

    @changes
    def refresh_claim(self, vmx: str, run: str, *, is_released: bool) -> None:
        """Leave the claim as it is."""

    @changes
    def adopt_claim(self, vmx: str, claim: Claim, stale: Claim | None) -> None:  # noqa: ARG002
        """Say it."""
        self.speaker.say("would_adopt", vmx=vmx, snapshot=claim.snapshot)
