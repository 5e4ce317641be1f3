"""The page of a run: what is on it, and that no name can be more than a name."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from dateutil import tz
from page_kit import LONG, SCRIPT, make_bad_night, make_good_night, make_night_under_way

from hlb_hooks.base.catalogue import TEXTS
from hlb_hooks.base.speech import Speaker
from hlb_hooks.decisions.views.documents import ReportDocument
from hlb_hooks.steps.desk.page.report_page import write_report_page
from hlb_hooks.steps.desk.page.scale import Scale
from hlb_hooks.steps.desk.page.style import DARK, LIGHT

WARSAW = tz.gettz("Europe/Warsaw")
EMPTY = {"meta"}


class Page(HTMLParser):
    """The page's text, and its tags with their attributes."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(data.decode("utf-8"))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.texts).split())


def show(document: ReportDocument, language: str = "en") -> Page:
    assert WARSAW is not None
    return Page(write_report_page(document, Speaker(language), WARSAW, language))


def test_the_verdict_goes_first_then_what_needs_a_hand_then_every_vm() -> None:
    words = show(make_bad_night()).words
    order = [
        "3 of 37 chosen VMs not protected",
        "Could not be read",
        "hlb.toml: [run] x: unknown key",
        "Needs a hand: 4",
        "before patch day",
        "whoever made it removes it; it is never touched here",
        "killed after 600 s",
        "the snapshot was gone before we removed it",
        "by hand, by its name",
        "Disks that this backup may be without: 3",
        "independent: a snapshot does not cover it",
        "outside the VM's folder: the dataset must name it too",
        "physical RDM: a snapshot does not cover it",
        "Every VM",
        "waited 12 min, tried in vain for 10 min",
        "Not due: 1",
        "next due 2026-12-02",
    ]
    found = [words.find(each) for each in order]
    assert -1 not in found
    # Each after the one before.
    assert found == sorted(found)


def test_a_good_night_has_nothing_that_needs_a_hand() -> None:
    words = show(make_good_night()).words
    assert "All 12 chosen VMs protected" in words
    for heading in ("Needs a hand", "Disks that", "Could not be read", "Not due", "not known"):
        assert heading not in words
    assert "00:08+01:00" in words
    assert "2 h 10 min" in words


def test_while_the_client_reads_nothing_is_called_protected() -> None:
    words = show(make_night_under_way()).words
    assert "Under way: the start hook is at work" in words
    assert "protected" not in words
    assert "ready" in words
    assert "so far" in words


def test_no_name_is_more_than_a_name() -> None:
    page = show(make_bad_night())
    assert SCRIPT in page.texts
    assert LONG in page.texts
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "a", "link", "iframe", "object", "form", "base"}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert not {"src", "href", "action", "srcset"} & attributes.keys()


def test_nothing_is_from_elsewhere() -> None:
    assert WARSAW is not None
    data = write_report_page(make_bad_night(), Speaker(), WARSAW, "en")
    assert not re.search(rb"https?:|//[a-z]|url\(|@import", data)
    assert b"default-src 'none'; style-src 'unsafe-inline'" in data


@pytest.mark.parametrize("make", [make_bad_night, make_good_night, make_night_under_way])
def test_polish_operators_read_polish(make: object) -> None:
    assert callable(make)
    page, english = show(make(), "pl"), show(make(), "en")
    assert ("html", {"lang": "pl"}) in page.tags
    own = {TEXTS[key][1] for key in TEXTS if key.startswith(("tile_", "fact_", "phase_"))}
    assert own & set(page.texts)
    same = {TEXTS[key][0] for key in TEXTS if TEXTS[key][0] == TEXTS[key][1]}
    headings = {TEXTS[key][0] for key in TEXTS if key.startswith(("tile_", "fact_", "page_"))}
    assert not (headings - same) & set(page.texts)
    assert len(page.tags) == len(english.tags)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_everything_can_be_read(palette: dict[str, str]) -> None:
    for tone in ("bad", "warning", "good"):
        for ground in (palette[f"{tone}-ground"], palette["ground"], palette["panel"]):
            assert contrast(palette[tone], ground) >= 4.5, (tone, ground)
        assert contrast(palette["text"], palette[f"{tone}-ground"]) >= 4.5
        assert contrast(palette["quiet"], palette[f"{tone}-ground"]) >= 4.5
    for name in ("text", "quiet"):
        for ground in ("ground", "panel"):
            assert contrast(palette[name], palette[ground]) >= 4.5, (name, ground)
    for part in ("waiting", "making", "open", "removing"):
        assert contrast(palette[part], palette["ground"]) >= 3, part


@pytest.mark.parametrize(
    ("seconds", "marks"),
    [
        (1, ["00:00:03", "00:00:04"]),
        (60, ["00:00:10", "00:00:20", "00:00:30", "00:00:40", "00:00:50", "00:01:00"]),
        (3600, ["00:10:00", "00:20:00", "00:30:00", "00:40:00", "00:50:00", "01:00:00"]),
        (9000, ["00:30:00", "01:00:00", "01:30:00", "02:00:00", "02:30:00"]),
    ],
)
def test_the_time_line_has_marks_at_round_moments_of_the_host(
    seconds: int, marks: list[str]
) -> None:
    assert WARSAW is not None
    begun = datetime(2026, 11, 21, 23, 0, 3, tzinfo=UTC)
    scale = Scale(begun, begun + timedelta(seconds=seconds))
    found = [mark.astimezone(WARSAW).strftime("%H:%M:%S") for mark in scale.find_marks(WARSAW)]
    assert found == marks
    assert all(0 <= scale.place(mark) <= 100 for mark in scale.find_marks(WARSAW))


def test_what_is_outside_stands_at_the_edge() -> None:
    begun = datetime(2026, 11, 21, tzinfo=UTC)
    scale = Scale(begun, begun + timedelta(hours=1))
    moments = [begun - timedelta(days=1), begun + timedelta(minutes=15), begun + timedelta(days=9)]
    assert [scale.place(moment) for moment in moments] == [0, 25, 100]


def test_even_years_have_few_marks() -> None:
    begun = datetime(2006, 11, 21, tzinfo=UTC)
    assert len(Scale(begun, begun + timedelta(days=7300)).find_marks(UTC)) <= 8
