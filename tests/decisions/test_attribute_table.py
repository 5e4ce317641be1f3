"""The table of attributes: what tools write, and what is refused."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlb_hooks.base.errors import ConfigurationError
from hlb_hooks.decisions.attribute_table import parse_attribute_table

PATH = "/etc/vms.csv"


def parse(content: str | bytes) -> dict[str, dict[str, str]]:
    data = content.encode() if isinstance(content, str) else content
    return {row.name: dict(row.attributes) for row in parse_attribute_table(data, PATH)}


ONE = {"web": {"BCK_FVM": "1M"}}
BOTH = {"web": {"BCK_FVM": "1M", "BCK_FIL": "ON"}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Name,BCK_FVM\nweb,1M\n", ONE),
        ("Name;BCK_FVM\nweb;1M\n", ONE),
        ("Name\tBCK_FVM\nweb\t1M\n", ONE),
        ("Name,BCK_FVM\r\nweb,1M\r\n", ONE),
        ("Name,BCK_FVM\nweb,1M", ONE),
        ("\ufeffName,BCK_FVM\nweb,1M\n", ONE),
        ("Name,BCK_FVM\nweb,1M\n".encode("utf-16"), ONE),
        ("\ufeffName\tBCK_FVM\r\nweb\t1M\r\n".encode("utf-16-be"), ONE),
        ('"Name","BCK_FVM"\n"web","1M"\n', ONE),
        ('#TYPE Selected.VirtualMachine\r\n"Name","BCK_FVM"\r\n"web","1M"\r\n', ONE),
        ("sep=;\nName;BCK_FVM\nweb;1M\n", ONE),
        ("\n \nName,BCK_FVM\n\nweb,1M\n\n", ONE),
        ("BCK_FVM,Name\n1M,web\n", ONE),
        ("Name,BCK_FVM [1D 1M 1Q 1Y],BCK_FIL [ON OFF]\nweb,1M,ON\n", BOTH),
        ("name , bck_fvm , Bck_Fil\n web , 1M , ON \n", BOTH),
        ('"Host, where";"VM";"BCK_FVM"\n"a,b";"web";"1M"\n', ONE),
        ('VM,Notes,BCK_FVM\nweb,"two\nlines, and ""quotes""",1M\n', ONE),
        ("VM Name,BCK_FVM\nweb,1M\n", ONE),
        ("Virtual Machine,BCK_FVM\nweb,1M\n", ONE),
        ("Display Name,BCK_FVM\nweb,1M\n", ONE),
        # The first of them in our own order, whatever theirs is.
        ("Display name,Name,VM,BCK_FVM\na,b,web,1M\n", ONE),
        # Nothing is said of these.
        ("Name,BCK_FVM\nweb,1M\ndb,\n,1D\n", ONE),
        ("Name,BCK_FVM,BCK_FIL\nweb,1M\n", ONE),
        ("Name,BCK_FVM\nweb,1M,,\n", ONE),
        ("Name,BCK_FVM\n", {}),
        ("Name,BCK_NOTE\nweb,a=b\n", {"web": {"BCK_NOTE": "a=b"}}),
        (b"Name,BCK_FVM\nna\xefwe\x80,1M\n", {"na\udcefwe\udc80": {"BCK_FVM": "1M"}}),
        ("Name,BCK_FVM\nsql server (2),1M\n", {"sql server (2)": {"BCK_FVM": "1M"}}),
        ("Name,BCK_FVM\n\u00a0x,1M\n", {"\u00a0x": {"BCK_FVM": "1M"}}),
        ("Name,BCK_FVM\na\0b,1M\n", {"a\0b": {"BCK_FVM": "1M"}}),
    ],
)
def test_a_table_is_read_as_tools_write_it(
    content: str | bytes, expected: dict[str, dict[str, str]]
) -> None:
    assert parse(content) == expected


def test_a_row_knows_the_line_it_begins_in() -> None:
    content = b'#TYPE x\n\nName,Notes,BCK_FVM\na,"1\n2\n3",1D\n\nb,,1M\n'
    rows = parse_attribute_table(content, PATH)
    assert [(row.name, row.line_number) for row in rows] == [("a", 4), ("b", 8)]
    assert rows[0].place == "/etc/vms.csv, line 4"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "line 1: no column is called vm, name, vm name"),
        ("\n\n", "line 3: no column"),
        ("Host,BCK_FVM\nesx,1M\n", "line 1: no column is called vm, name"),
        ("Name,Host\nweb,esx\n", "line 1: no column is called BCK_FVM or another BCK_XXX"),
        ("Name,BCK_FVM,bck_fvm [1D]\nweb,1M,1D\n", "line 1: two columns are called BCK_FVM"),
        ("Name,name,BCK_FVM\nweb,db,1M\n", "line 1: two columns are called name"),
        ("Name,BCK_FVM\nweb, not quoted,1M\n", "line 2: 3 cells, and the table has 2 columns"),
        ('Name,BCK_FVM\n"web,1M\n', "line 2: not CSV: unexpected end of data"),
        ('Name,BCK_FVM\n"web"x,1M\n', "line 2: not CSV"),
        ("Name,BCK_FVM\nweb," + "1" * 200_000 + "\n", "line 2: not CSV: field larger"),
        (b"\xff\xfeN\0a\0m", "not the UTF-16 that its first bytes promise"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused_with_its_line(
    content: str | bytes, words: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(content)
    assert caught.value.message.startswith("/etc/vms.csv")
    assert words in caught.value.message
    assert caught.value.next_step


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(
    st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["1D", "1M"])), max_size=8),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_whatever_a_program_writes_as_csv_is_read_back(
    rows: list[tuple[str, str, str]], delimiter: str, encoding: str, quoting: int
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]  # an int of the module's own
    writer.writerow(["Notes", "Name", "BCK_FVM [1D 1M]"])
    writer.writerows(rows)
    read = parse_attribute_table(file.getvalue().encode(encoding), PATH)
    expected = [(name.strip(" \t\r\n"), word) for _, name, word in rows]
    assert [(row.name, row.attributes["BCK_FVM"]) for row in read] == [
        each for each in expected if each[0]
    ]
