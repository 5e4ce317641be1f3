"""Fixtures of the end-to-end tests: a site, and no guard that outlives its test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hook_kit import Site
from hook_watching import kill_guards, wait_until

SiteMaker = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[SiteMaker]:
    """Make a site, ``make_site(dialect="vcli")``; at the end no guard of it may be left."""
    sites: list[Site] = []

    def is_quiet(site: Site) -> bool:
        return site.may_leave_guards or not site.guards()

    def make(dialect: str = "console") -> Site:
        site = Site(tmp_path / f"site{len(sites)}", dialect)
        sites.append(site)
        return site

    try:
        yield make
        wait_until(lambda: all(map(is_quiet, sites)), "the guards' end", 20)
    finally:
        kill_guards(tmp_path)


@pytest.fixture
def site(make_site: SiteMaker) -> Site:
    return make_site()
