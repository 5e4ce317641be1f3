"""Which line says a key, in whatever way TOML allows it to be said."""

import pytest

from hlb_hooks.base.config_lines import locate_keys


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", {}),
        ('[run]\nlanguage = "pl"\n', {("run", "language"): 2}),
        ('# [run]\n\n [ run ] # x\n\tlanguage="pl"', {("run", "language"): 4}),
        ('run.language = "pl"\n', {("run",): 1, ("run", "language"): 1}),
        ('["run"]\n"language" = "pl"\n', {("run", "language"): 2}),
        (
            'run = { language = "pl", end_exit = "all" }\n',
            {("run",): 1, ("run", "language"): 1, ("run", "end_exit"): 1},
        ),
        (
            '[run]\nowner = [\n  "[x]",\n  # end_exit = 1\n  "b",\n]\nend_exit = "all"\n',
            {("run", "owner"): 2, ("run", "end_exit"): 7},
        ),
        (
            '[a]\nb = """\n[run]\nlanguage = 1\n"""\nc = 2\n',
            {("a", "b"): 2, ("a", "c"): 6},
        ),
        (
            "[jobs.default]\ntargets = '/a'\r\n[jobs.\"x.y\"]\ntargets = '/b'\n",
            {("jobs", "default", "targets"): 2, ("jobs", "x.y", "targets"): 4},
        ),
        ("[a]\nb = [\n[1]]\nc = 1\n", {("a", "b"): 2, ("a", "c"): 4}),
        ("[jobs]\ngold.targets = '/a'", {("jobs", "gold"): 2, ("jobs", "gold", "targets"): 2}),
    ],
)
def test_a_key_is_where_its_statement_begins(text: str, lines: dict[tuple[str, ...], int]) -> None:
    assert locate_keys(text) == lines
