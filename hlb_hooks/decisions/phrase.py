"""A sentence that is decided on here and spoken elsewhere, in the operator's language."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Phrase:
    """A key of the catalogue, and the words for its placeholders."""

    key: str
    words: dict[str, object] = field(default_factory=dict)


def phrase(key: str, **words: object) -> Phrase:
    """Make a phrase."""
    return Phrase(key, words)
