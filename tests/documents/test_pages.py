"""Every command block of the documents runs as it stands there, and says what the page shows."""

import pytest
from page_blocks import list_pages, list_run_blocks
from page_runner import PageRunner

PAGES = [page for page in list_pages() if list_run_blocks(page)]


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_do_what_it_says(page: str, ran: PageRunner) -> None:
    for block, commands in ran(page).blocks.items():
        for done in commands:
            assert done.exit_code is not None, f"{block.page}:{block.line} broke off: {done.said}"
            done.check()
