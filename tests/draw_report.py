"""Draw docs/images/report.png, the picture in the README: needs the Debian package chromium."""

import base64
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from dateutil import tz

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "images" / "report.png"
sys.path.insert(0, str(ROOT / "tests" / "steps" / "desk"))

from chromium_kit import browsing  # noqa: E402  its folder is on no path before
from page_kit import make_bad_night  # noqa: E402

from hlb_hooks.base.speech import Speaker  # noqa: E402
from hlb_hooks.steps.desk.page.report_page import write_report_page  # noqa: E402


def draw() -> bytes:
    """Give the upper part of a page as PNG."""
    document = replace(make_bad_night("wro215ts", "mailstore"), problems=())
    zone = tz.gettz("Europe/Warsaw")
    assert zone is not None
    with tempfile.TemporaryDirectory() as folder, browsing(Path(folder)) as browser:
        path = Path(folder) / "report.html"
        path.write_bytes(write_report_page(document, Speaker(), zone, "en"))
        browser.open(path, 1100)
        clip = {"x": 0, "y": 0, "width": 1100, "height": 1900, "scale": 0.65}
        told = browser.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
    return base64.b64decode(told["data"])


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(draw())
