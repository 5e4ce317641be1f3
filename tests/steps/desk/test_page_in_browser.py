"""The page in a real browser: on a desk, on a phone, in the dark and on paper."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from chromium_kit import Browser, browsing
from dateutil import tz
from page_kit import LONG, SCRIPT, make_bad_night, make_good_night, make_night_under_way

from hlb_hooks.base.speech import Speaker
from hlb_hooks.decisions.views.documents import ReportDocument
from hlb_hooks.steps.desk.page.report_page import write_report_page

WIDTHS = (390, 1280)
NIGHTS = {"bad": make_bad_night, "good": make_good_night, "now": make_night_under_way}
# Every part of a bar that is not inside its frame, or cannot be seen.
STRAY_PARTS = """
[...document.querySelectorAll('.track')].flatMap(track => {
  const frame = track.getBoundingClientRect();
  const parts = [...track.querySelectorAll('.part')].map(part => part.getBoundingClientRect());
  return parts.filter(box =>
    box.left < frame.left - 0.5 || box.right > frame.right + 0.5 || box.width < 2 ||
    box.top < frame.top || box.bottom > frame.bottom + 0.5).map(box => box.toJSON());
})
"""
# Every piece of text that sticks out of the page, or is cut off.
CUT_TEXTS = """
[...document.querySelectorAll('body *')].filter(each => {
  const box = each.getBoundingClientRect();
  return box.right > document.documentElement.clientWidth + 0.5 && !each.closest('.track') &&
    getComputedStyle(each).position !== 'absolute';
}).map(each => each.outerHTML.slice(0, 200))
"""
# Every number at the top that takes more than one line, or sticks out of its tile.
BROKEN_NUMBERS = """
[...document.querySelectorAll('.tiles dd')].filter(each =>
  each.scrollWidth > each.clientWidth || each.clientHeight > 45).map(each => each.textContent)
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    zone = tz.gettz("Europe/Warsaw")
    assert zone is not None

    def write(name: str, make: Callable[[], ReportDocument]) -> Path:
        path = folder / f"{name}.html"
        path.write_bytes(write_report_page(make(), Speaker(), zone, "en"))
        return path

    return {name: write(name, make) for name, make in NIGHTS.items()}


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("night", NIGHTS)
def test_nothing_sticks_out_and_nobody_complains(
    browser: Browser, pages: dict[str, Path], night: str, width: int, is_dark: bool
) -> None:
    browser.open(pages[night], width, dark=is_dark)
    assert browser.ask("document.documentElement.scrollWidth <= innerWidth") is True
    assert browser.ask(CUT_TEXTS) == []
    assert browser.ask("document.querySelectorAll('.part').length") > 4
    assert browser.ask(STRAY_PARTS) == []
    assert browser.ask(BROKEN_NUMBERS) == []
    assert browser.complaints() == []
    ground = browser.ask("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == ("rgb(20, 23, 27)" if is_dark else "rgb(255, 255, 255)")


def test_a_vm_that_is_called_like_a_script_is_a_name(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["bad"], 1280)
    assert browser.ask("document.title").startswith("Backup of job gold on esx1")
    assert browser.ask("document.scripts.length") == 0
    names = browser.ask("[...document.querySelectorAll('.name')].map(each => each.textContent)")
    assert SCRIPT in names
    assert LONG in names


@pytest.mark.parametrize("width", WIDTHS)
def test_what_reads_aloud_is_told_a_table_with_rows_and_heads(
    browser: Browser, pages: dict[str, Path], width: int
) -> None:
    browser.open(pages["bad"], width)
    browser.call("Accessibility.enable")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node.get("ignored")]
    rows = browser.ask("document.querySelectorAll('tr').length")
    assert roles.count("table") == browser.ask("document.querySelectorAll('table').length") == 4
    assert roles.count("row") == rows > 40
    assert roles.count("columnheader") == browser.ask("document.querySelectorAll('th').length")
    told = {str(node.get("name", {}).get("value")) for node in nodes}
    assert "Needs a hand: 4" in told
    assert any("waited 12 min" in text for text in told)


def test_failed_vms_stand_above_all_others(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["bad"], 390)
    outcomes = browser.ask(
        "[...document.querySelectorAll('td .badge')].map(each => each.className)"
    )
    assert outcomes[:4] == ["badge bad"] * 3 + ["badge warning"]
    assert set(outcomes[4:]) == {"badge good"}
    assert browser.ask("document.querySelector('.verdict').getBoundingClientRect().bottom") < 200


def test_on_paper_it_is_light_and_whole(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["bad"], 794, dark=True, media="print")
    ground = browser.ask("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    assert (
        browser.ask("getComputedStyle(document.querySelector('.part')).printColorAdjust") == "exact"
    )
    assert browser.ask(CUT_TEXTS) == []
    assert browser.ask(STRAY_PARTS) == []
    paper = browser.print_page()
    assert paper.startswith(b"%PDF")
    assert len(paper) > 20_000


def test_the_marks_of_the_time_line_do_not_cover_each_other(
    browser: Browser, pages: dict[str, Path]
) -> None:
    for width in WIDTHS:
        browser.open(pages["bad"], width)
        boxes = browser.ask(
            "[...document.querySelectorAll('.axis span')].map(each => each.getBoundingClientRect())"
            ".filter(box => box.width > 0).map(box => [box.left, box.right])"
        )
        assert len(boxes) > 2
        assert all(left[1] < right[0] for left, right in pairwise(boxes))
