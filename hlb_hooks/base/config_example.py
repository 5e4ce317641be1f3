"""hlb.toml with every key at its default, explained: from the schema."""

from textwrap import wrap

from hlb_hooks.base.config_kinds import describe_value
from hlb_hooks.base.config_schema import list_keys
from hlb_hooks.base.places import DEFAULT_CONFIG_PATH

_WIDTH = 100
_HEAD = f"""\
# {DEFAULT_CONFIG_PATH}
#
# Every key with its default, and what is allowed. Take the # away in front of a key to say
# something else. Nobody but root may be able to write this file. hlb config validate checks it.
"""


def write_example() -> str:
    """Give the annotated example. As it stands it says the same as an empty file."""
    lines = [_HEAD.rstrip("\n")]
    section = ""
    for key in list_keys():
        if key.section != section:
            section = key.section
            lines += ["", f"[{section}]"]
        lines += [
            "",
            *wrap(key.description, _WIDTH, initial_indent="# ", subsequent_indent="# "),
            f"# {key.type_words}: {key.allowed_words}",
            f"#{key.name} = {describe_value(key.default)}",
        ]
    return "\n".join(lines) + "\n"
