"""Which line of hlb.toml says a key: TOML's own reader gives values and no places."""

import tomllib
from collections.abc import Iterator, Mapping

Path = tuple[str, ...]


def locate_keys(text: str) -> dict[Path, int]:
    """Give the line, from 1, on which each key of ``text`` begins; ``("run", "language")``: 3.

    ``text`` is good TOML. A statement is as many lines as it takes until TOML reads them alone,
    so quotes, brackets and dots need not be understood here.
    """
    found: dict[Path, int] = {}
    table: Path = ()
    pending: list[str] = []
    first_line = 1
    for number, line in enumerate(text.split("\n"), start=1):
        if not pending:
            first_line = number
        pending.append(line)
        try:
            read = tomllib.loads("\n".join(pending) + "\n")
        except tomllib.TOMLDecodeError:
            continue  # a string or a list that goes on
        is_header = pending[0].lstrip().startswith("[")
        pending = []
        if is_header:
            table = _name_table(read)
        else:
            found.update((table + path, first_line) for path in _list_paths(read))
    return found


def _name_table(read: Mapping[str, object]) -> Path:
    """Give the name in a table's header, which is all that was read."""
    path: list[str] = []
    level: object = read
    while isinstance(level, Mapping) and level:
        name, level = next(iter(level.items()))
        path.append(name)
    return tuple(path)


def _list_paths(read: Mapping[str, object]) -> Iterator[Path]:
    for name, value in read.items():
        yield (name,)
        if isinstance(value, Mapping):
            yield from ((name, *path) for path in _list_paths(value))
