r"""The targets file: which VMs to back up, one a line, as the operator wrote it.

    # a comment
    wro215ts
    web*  BCK_FVM=1D BCK_NOTE="first of the month"
    !web-test*
    /vmfs/volumes/4a3b/sql server (2)/sql server (2).vmx

A line is a name, or a shell pattern, and after it the attributes: words of the form
``BCK_XXX=value``, XXX being upper case letters, digits and ``_``. A value may be empty; one that
holds blanks stands between double quotes. The name is what is left, blanks inside it included,
so ``!`` and ``#`` mean something at the start of a line only.

A name may be written as the report shows it (see ``hlb_hooks.base.text``): ``two\nlines``. That
is also the way to write a name that would not be read as one: ``\x23`` for a ``#`` in front,
``\x20`` for a blank at its end, ``a \x42CK_b`` for a word that looks like an attribute.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.base.text import escape, unescape

MAX_TARGETS_BYTES = 16 << 20

# Not str.strip(): names may begin or end with blanks that only Unicode knows.
_BLANKS = " \t\r"
_LAST_ATTRIBUTE = re.compile(r'(?:^|[ \t]+)(BCK_[A-Z0-9_]+)=("[^"]*"|[^ \t"]*)$')
# In any case, and with or without a value. A VM may well be called BCK_SERVER, so a first word
# is only taken for an attribute if it has a "=".
_LOOKS_LIKE_ATTRIBUTE = re.compile(r"(?:[ \t](BCK_[^ \t]*))|(?:^(BCK_[^ \t=]*=[^ \t]*))", re.I)


@dataclass(frozen=True)
class Target:
    """One line of the targets file.

    ``text`` is the line as it was written, without blanks around it, and ``name`` the name or
    pattern in it. ``excludes``: the line began with ``!``. ``path`` is the file, for messages.
    """

    line_number: int
    text: str
    name: str
    excludes: bool
    attributes: Mapping[str, str]
    path: str

    @property
    def spoken_text(self) -> str:
        """Give the line for speaking: what it writes escaped is escaped again by who says it."""
        try:
            return unescape(self.text)
        except ValueError:
            return self.text

    @property
    def place(self) -> str:
        """Say where the line stands, for messages."""
        return f"{escape(self.path)}, line {self.line_number}"


def parse_targets(content: bytes, path: str) -> list[Target]:
    """Give the targets in ``content``, in the order of their lines; none is no error.

    Bytes that are not UTF-8 become lone surrogates, as in the host's own paths. Raises
    ConfigurationError naming ``path`` and every line that has no name, has something that looks
    like an attribute and is none, or says other attributes of a name than an earlier line.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigurationError(
            f"{escape(path)}: this is UTF-16, expected UTF-8", next_step="save the file as UTF-8"
        )
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    targets: list[Target] = []
    problems: list[str] = []
    earlier: dict[tuple[bool, str], Target] = {}
    # Not splitlines(): a form feed or a Unicode line separator may stand in a name.
    for line_number, raw_line in enumerate(text.split("\n"), start=1):
        line = raw_line.strip(_BLANKS)
        if not line or line.startswith("#"):
            continue
        try:
            target = _parse_line(line_number, line, path)
            first = earlier.setdefault((target.excludes, target.name), target)
            if first.attributes != target.attributes:
                raise ValueError(f"line {first.line_number} gives this name other attributes")
        except ValueError as error:
            problems.append(f"{escape(path)}, line {line_number}: {escape(line)}: {error}")
        else:
            targets.append(target)
    if problems:
        raise ConfigurationError("\n".join(problems), next_step="correct these lines")
    return targets


def _parse_line(line_number: int, line: str, path: str) -> Target:
    excludes = line.startswith("!")
    rest = line.removeprefix("!").strip(_BLANKS)
    attributes: dict[str, str] = {}
    while match := _LAST_ATTRIBUTE.search(rest):
        name, value = match.groups()
        if name in attributes:
            raise ValueError(f"{name} is given twice")
        attributes[name] = value.strip('"')
        rest = rest[: match.start()].rstrip(_BLANKS)
    if match := _LOOKS_LIKE_ATTRIBUTE.search(rest):
        word = match.group(1) or match.group(2)
        raise ValueError(
            f"{escape(word)} is no attribute: expected BCK_XXX=value in upper case, after the name;"
            rf' if it is part of the name, write \x{ord(word[0]):02x} for its "{word[0]}"'
        )
    if not rest:
        raise ValueError("expected a VM's display name, directory name, .vmx path or a pattern")
    # They were taken from the end.
    in_order = dict(reversed(attributes.items()))
    return Target(line_number, line, rest, excludes, in_order, path)
