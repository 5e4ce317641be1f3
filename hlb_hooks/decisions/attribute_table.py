"""The list of VMs with their attributes, as vCenter's tools export it: CSV, and pure.

    "Name";"Host";"BCK_FVM [1D 1M 1Q 1Y]";"BCK_FIL [ON OFF]"
    "wro215ts";"esx1";"1M";"ON"

Commas, semicolons or tabs; UTF-8 or UTF-16, with or without a byte order mark; columns in any
order; cells in quotes may hold anything, line breaks too. What Excel (``sep=;``) and PowerShell
(``#TYPE ...``) put in front is passed over. Behind an attribute's name its values may stand in
brackets, as in the talk's custom attributes.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.base.text import escape

MAX_TABLE_BYTES = 64 << 20
# The column that names the VM; if a table has several of them, the first of these counts.
NAME_COLUMNS = ("vm", "name", "vm name", "virtual machine", "display name")
_DELIMITERS = (",", ";", "\t")
_ATTRIBUTE = re.compile(r"(BCK_[A-Z0-9_]+)\s*(?:\[[^\]]*\])?", re.IGNORECASE)
_BLANKS = " \t\r\n"
_PREAMBLE = re.compile(r"(?:#TYPE [^\r\n]*|sep=.|[ \t]*)(?:\r\n|\r|\n)", re.IGNORECASE)


@dataclass(frozen=True)
class AttributeRow:
    """One VM of the table: its name as written, and the attributes that are not empty."""

    path: str
    line_number: int
    name: str
    attributes: Mapping[str, str]

    @property
    def place(self) -> str:
        """Say where the row stands, for messages."""
        return f"{escape(self.path)}, line {self.line_number}"


def parse_attribute_table(content: bytes, path: str) -> list[AttributeRow]:
    """Give the rows that name a VM and say something of it, in their order.

    Raise ConfigurationError, naming ``path`` and the line, for a table that has no column with
    the VM's name or none with an attribute, one column twice, or more cells in a row than
    columns, or whose quotes do not fit.
    """
    text, skipped = _cut_preamble(_decode(content, path))
    delimiter = _find_delimiter(text)
    records = _read_records(text, delimiter, path, skipped)
    header_line, header = next(records, (skipped + 1, []))
    name_column, attribute_columns = _read_header(header, f"{escape(path)}, line {header_line}")
    rows = []
    for line_number, cells in records:
        if any(cell.strip() for cell in cells[len(header) :]):
            raise ConfigurationError(
                f"{escape(path)}, line {line_number}: {len(cells)} cells, and the table has "
                f"{len(header)} columns",
                next_step="export the table with quotes around its cells",
            )
        # A cell that is not there is an empty one: some programs leave the last ones out.
        name = cells[name_column].strip(_BLANKS) if len(cells) > name_column else ""
        attributes = {
            attribute: cells[column].strip()
            for attribute, column in attribute_columns.items()
            if len(cells) > column and cells[column].strip()
        }
        if name and attributes:
            rows.append(AttributeRow(path, line_number, name, attributes))
    return rows


def _decode(content: bytes, path: str) -> str:
    if not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    try:
        return content.decode("utf-16")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{escape(path)}: not the UTF-16 that its first bytes promise: {error.reason}",
            next_step="export the table again; it may have been cut short",
        ) from error


def _cut_preamble(text: str) -> tuple[str, int]:
    """Give the table itself, and how many lines stood before it."""
    skipped = 0
    while match := _PREAMBLE.match(text):
        text = text[match.end() :]
        skipped += 1
    return text, skipped


def _find_delimiter(text: str) -> str:
    """Give what parts the header's cells: that by which it has most columns that mean something."""
    first_line = next(iter(io.StringIO(text, newline="")), "")

    def count(delimiter: str) -> int:
        cells = [cell.strip().strip('"').strip() for cell in first_line.split(delimiter)]
        return sum(1 for cell in cells if _means_something(cell))

    return max(_DELIMITERS, key=count)


def _means_something(cell: str) -> bool:
    return cell.lower() in NAME_COLUMNS or _ATTRIBUTE.fullmatch(cell) is not None


def _read_records(
    text: str, delimiter: str, path: str, skipped: int
) -> Iterator[tuple[int, Sequence[str]]]:
    """Give each record with the number of the line it begins in; blank lines are none."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    while True:
        line_number = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ConfigurationError(
                f"{escape(path)}, line {line_number}: not CSV: {error}",
                next_step="export the table again; it may have been cut short",
            ) from error
        if cells:
            yield line_number, cells


def _read_header(header: Sequence[str], place: str) -> tuple[int, dict[str, int]]:
    """Give the column of the VM's name, and those of the attributes."""
    names = [cell.strip().lower() for cell in header]
    name_columns = [name for name in NAME_COLUMNS if name in names]
    attributes: dict[str, int] = {}
    for column, cell in enumerate(header):
        match = _ATTRIBUTE.fullmatch(cell.strip())
        if match is None:
            continue
        attribute = match[1].upper()
        if attribute in attributes:
            raise ConfigurationError(
                f"{place}: two columns are called {attribute}", next_step="export one of them"
            )
        attributes[attribute] = column
    if not name_columns or not attributes:
        expected = ", ".join(NAME_COLUMNS) if not name_columns else "BCK_FVM or another BCK_XXX"
        raise ConfigurationError(
            f"{place}: no column is called {expected}",
            next_step="export the list of VMs with its headings, the name and the attributes",
        )
    if names.count(name_columns[0]) > 1:
        raise ConfigurationError(
            f"{place}: two columns are called {name_columns[0]}", next_step="export one of them"
        )
    return names.index(name_columns[0]), attributes
