"""Which of the host's VMs the targets choose, and why.

A target means a VM if it is, exactly, its .vmx path, else its display name or the name of its
directory. Only a target that means no VM exactly is tried as a shell pattern (``fnmatchcase``,
where ``*`` also goes across a ``/``). A pattern is tried on display and directory names, and one
that has a ``/`` or ends in ``.vmx`` on paths too: otherwise ``!*vm*`` would leave out every VM
below ``/vmfs``. Whatever a target says may also be written as the report shows it, escaped.

For one VM an exact target goes before a pattern, and of the same sort ``!`` wins. The order of
the lines plays no part.
"""

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.base.text import escape, unescape
from hlb_hooks.decisions.targets import Target

_WILDCARD = re.compile(r"[*?[]")


class MatchedBy(StrEnum):
    """What of a VM a target matched: stable words for logs and ``compare_backup``."""

    PATH = "path"
    NAME = "name"
    PATTERN = "pattern"


@dataclass(frozen=True)
class ListedVm:
    """One VM of the inventory.

    ``display_name`` is None where the .vmx has none or could not be read; ``aliases`` are further
    paths of the same .vmx, such as the one through the datastore's label. ``uuid`` is the one that
    the .vmx gives, or nothing; None where the .vmx could not be read.
    """

    vmx: str
    display_name: str | None = None
    aliases: tuple[str, ...] = ()
    uuid: str | None = ""

    @property
    def directory_name(self) -> str:
        """Give the name of the folder that holds the .vmx."""
        return self.vmx.rpartition("/")[0].rpartition("/")[2]

    @property
    def spoken_name(self) -> str:
        """Give the name that people know the VM by."""
        return self.display_name or self.directory_name or self.vmx


@dataclass(frozen=True)
class MatchedVm:
    """A VM and the target that decided on it; ``name`` is for speaking, the path identifies."""

    vmx: str
    name: str
    target: Target
    matched_by: MatchedBy

    @property
    def attributes(self) -> Mapping[str, str]:
        """Give the attributes of the line that decided, and of no other."""
        return self.target.attributes


@dataclass(frozen=True)
class Selection:
    """Every VM of the inventory once, in its order; and the targets that matched none."""

    chosen: tuple[MatchedVm, ...]
    excluded: tuple[MatchedVm, ...]
    not_named: tuple[ListedVm, ...]
    unmatched: tuple[Target, ...]


def select(vms: Sequence[ListedVm], targets: Sequence[Target]) -> Selection:
    """Decide which of ``vms`` are chosen. A path that is listed twice is one VM.

    Raises ConfigurationError for every target that means two VMs by one exact name: it asks for
    the path. Patterns may match any number.
    """
    inventory = Inventory(vms)
    matches: dict[str, list[tuple[Target, MatchedBy]]] = defaultdict(list)
    unmatched: list[Target] = []
    problems: list[str] = []
    for target in targets:
        matched_by, found = inventory.find(target.name)
        if not found:
            unmatched.append(target)
        elif matched_by is not MatchedBy.PATTERN and len(found) > 1:
            problems.append(_describe_ambiguity(target, found))
        for vmx in found:
            matches[vmx].append((target, matched_by))
    if problems:
        raise ConfigurationError(
            "\n".join(problems), next_step="write the .vmx path of the VM you mean"
        )
    chosen: list[MatchedVm] = []
    excluded: list[MatchedVm] = []
    not_named: list[ListedVm] = []
    for vm in inventory.vms:
        if vm.vmx not in matches:
            not_named.append(vm)
            continue
        target, matched_by = min(matches[vm.vmx], key=_rank)
        decided = MatchedVm(vm.vmx, vm.spoken_name, target, matched_by)
        (excluded if target.excludes else chosen).append(decided)
    return Selection(tuple(chosen), tuple(excluded), tuple(not_named), tuple(unmatched))


class Inventory:
    """The VMs, indexed by whatever a target may say; found VMs are given by their .vmx paths."""

    def __init__(self, vms: Iterable[ListedVm]) -> None:
        """Take the host's VMs."""
        self._by_path: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        unique: dict[str, ListedVm] = {}
        for vm in vms:
            unique.setdefault(vm.vmx, vm)
        self.vms = list(unique.values())
        for vm in self.vms:
            for path in {vm.vmx, *vm.aliases}:
                self._by_path.setdefault(path, []).append(vm.vmx)
            for name in {vm.display_name or vm.directory_name, vm.directory_name}:
                self._by_name.setdefault(name, []).append(vm.vmx)
        # A path of a VM's own means that VM, whatever other paths lead to.
        self._by_path.update({vm.vmx: [vm.vmx] for vm in self.vms})

    def find(self, text: str) -> tuple[MatchedBy, list[str]]:
        """Give the VMs that a target's name means, and what of them it matched."""
        spellings = _list_spellings(text)
        matched_by, found = self._find_by_names(spellings)
        if found:
            return matched_by, found
        return MatchedBy.PATTERN, self._find_by_patterns(spellings)

    def find_exactly(self, text: str) -> list[str]:
        """Give the VMs that a name or a path means, and never as a pattern."""
        return self._find_by_names(_list_spellings(text))[1]

    def _find_by_names(self, spellings: list[str]) -> tuple[MatchedBy, list[str]]:
        # A path first, or a VM that calls itself like another's path would make it ambiguous.
        for spelling in spellings:
            if spelling in self._by_path:
                return MatchedBy.PATH, self._by_path[spelling]
        named = [vmx for each in spellings for vmx in self._by_name.get(each, ())]
        return MatchedBy.NAME, list(dict.fromkeys(named))

    def _find_by_patterns(self, spellings: list[str]) -> list[str]:
        found: dict[str, None] = {}
        for spelling in filter(_WILDCARD.search, spellings):
            # filter() with a method of the pattern: 500 patterns and 10,000 VMs in a second.
            match = re.compile(fnmatch.translate(spelling)).match
            is_for_paths = "/" in spelling or spelling.endswith(".vmx")
            for index in (self._by_name, self._by_path) if is_for_paths else (self._by_name,):
                for key in filter(match, index):
                    found.update(dict.fromkeys(index[key]))
        return list(found)


def _list_spellings(text: str) -> list[str]:
    """Give ``text`` as it is and, if it is something else, as the escaped form that it may be."""
    try:
        unescaped = unescape(text)
    except ValueError:
        return [text]
    return [text] if unescaped == text else [text, unescaped]


def _rank(match: tuple[Target, MatchedBy]) -> tuple[bool, bool, bool, int, str]:
    """Order the targets of one VM: the least decides.

    Beyond what is promised, the longer name is the more particular one, and the alphabet makes
    the answer independent of the order of lines.
    """
    target, matched_by = match
    is_pattern = matched_by is MatchedBy.PATTERN
    is_name = matched_by is MatchedBy.NAME
    return (is_pattern, not target.excludes, is_name, -len(target.name), target.name)


def _describe_ambiguity(target: Target, found: Sequence[str]) -> str:
    paths = ", ".join(escape(vmx) for vmx in found)
    return f"{target.place}: {escape(target.name)} means {len(found)} VMs: {paths}"
