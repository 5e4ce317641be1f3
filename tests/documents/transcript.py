"""Show what the commands of a page say, to write the page by: python transcript.py PAGE."""

import sys
import tempfile
from pathlib import Path

from page_blocks import list_run_blocks
from page_runner import run_page
from preparations import PREPARATIONS


def main(page: str) -> int:
    """Run the page and print it as it would be without any `…`."""
    with tempfile.TemporaryDirectory() as folder:
        run = run_page(Path(folder), list_run_blocks(page), PREPARATIONS.get(page, {}))
        for block, commands in run.blocks.items():
            print(f"== {block.page}:{block.line} {block.heading}")
            for done in commands:
                print(f"$ {done.command.text}\n{done.said}-- {done.exit_code}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
