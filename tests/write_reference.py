"""Write docs/reference/configuration.md from the schema; a test compares the two."""

from pathlib import Path

from hlb_hooks.base.config_kinds import describe_value
from hlb_hooks.base.config_schema import list_keys

TARGET = Path(__file__).parent.parent / "docs" / "reference" / "configuration.md"
HEAD = """# The configuration

`/usr/local/avamar/etc/hlb/hlb.toml`, or `--config FILE`, or `$HLB_CONFIG`; TOML. Every key has a
default. Unknown keys, wrong types and impossible values are errors that name file, key, value and
what is allowed. A configuration, targets file or hook that group or others may write is refused.
The configuration in force is stored with the run.
"""


def render() -> str:
    """Give the page."""
    lines = [HEAD.rstrip()]
    section = ""
    for key in list_keys():
        if key.section != section:
            section = key.section
            lines += ["", f"## [{section}]", "", "| key | type | default | allowed | |"]
            lines += ["| --- | --- | --- | --- | --- |"]
        default = describe_value(key.default)
        lines.append(
            f"| `{key.name}` | {key.type_words} | `{default}` | {key.allowed_words} "
            f"| {key.description} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(render(), "utf-8")
