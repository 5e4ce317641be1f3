"""What the tests of the documents share: each page runs once, whoever asks for it."""

from functools import cache

import pytest
from page_blocks import list_run_blocks
from page_runner import PageRun, PageRunner, run_page
from preparations import PREPARATIONS


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> PageRunner:
    """Run the commands of a page in its place: ``ran("README.md")``."""

    @cache
    def run(page: str) -> PageRun:
        folder = tmp_path_factory.mktemp("page")
        return run_page(folder, list_run_blocks(page), PREPARATIONS.get(page, {}))

    return run
