"""The documentation as a folder: it opens from disk, asks for nothing, can be searched, fits a telephone."""

from pathlib import Path

import pytest

SITE = Path(__file__).resolve().parents[2] / "site"

pytestmark = pytest.mark.skipif(not SITE.exists(), reason="needs the site (make site)")

WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.mark.parametrize("name", ["index", "reading", "recipes", "config", "outputs", "library", "notebooks/digits"])
def test_pages_fit_a_telephone(page, name):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((SITE / f"{name}.html").as_uri())
    assert not page.evaluate(WIDE)


def test_the_search_works_without_a_server(page):
    page.goto((SITE / "search.html").as_uri() + "?q=pieces")
    page.wait_for_selector("ul.search li a")
    found = page.locator("ul.search li a").all_text_contents()
    assert "Definitions" in found, found
