"""One key of hlb.toml, as the classes of ``config_schema`` declare it."""

from dataclasses import dataclass, field, fields
from typing import Any

from hlb_hooks.base.config_kinds import Kind, Value, Whole

# Longer than any merge, and far from what timers cannot count any more.
SECONDS = Whole(1, 30 * 24 * 3600)
AT_ONCE = Whole(1, 1000)
PERCENT = Whole(0, 100)


@dataclass(frozen=True)
class Key:
    """One key: where it stands, what it may hold, its default, and what it is for."""

    section: str
    name: str
    kind: Kind[Any]
    default: Any
    description: str

    @property
    def type_words(self) -> str:
        """Name the TOML type."""
        return self.kind.type_words

    @property
    def allowed_words(self) -> str:
        """Say which values of the type are allowed."""
        return self.kind.allowed_words


def setting(default: Value, kind: Kind[Value], description: str) -> Value:
    """Declare one key in the class of its section."""
    metadata = {"kind": kind, "description": description}
    # Typed as its default: dataclass takes the Field away again, and an instance has the value.
    return field(default=default, metadata=metadata)


def list_section_keys(section: str, section_class: type) -> list[Key]:
    """Give the keys of one section, in the order of the documents."""
    return [
        Key(section, each.name, each.metadata["kind"], each.default, each.metadata["description"])
        for each in fields(section_class)
        if "kind" in each.metadata
    ]
