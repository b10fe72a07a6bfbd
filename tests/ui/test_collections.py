"""An administrator makes a collection in Chromium, on a desk and on a phone, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.security.access_table import Place, serving
from tests.support.axe import faults
from tests.ui.conftest import PATIENCE_MS

NAME = "House & <i>rules</i>"
WINDOWS = [(1280, 900, "light"), (1280, 900, "dark"), (390, 844, "light"), (390, 844, "dark")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with serving(tmp_path_factory.mktemp("collections")) as running:
        yield running


@contextmanager
def browsing(
    browser: Browser, place: Place, who: str, width: int = 1280, height: int = 900, scheme: str = "light"
) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="en-US",
        base_url=place.target.address,
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    context.add_cookies(
        [
            {"name": name, "value": value, "url": place.target.address}
            for name, value in place.target.cookies[who].items()
        ]
    )
    with closing(context):
        yield context.new_page()


def fits(page: Page) -> bool:
    """Whether nothing lies beside the screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize(("width", "height", "scheme"), WINDOWS)
def test_one_is_made_changed_and_deleted(browser: Browser, place: Place, width: int, height: int, scheme: str) -> None:
    with browsing(browser, place, "dora", width, height, scheme) as page:

        def stands() -> None:
            assert fits(page) and faults(page) == []

        page.goto("/administration/collections")
        stands()
        page.get_by_role("link", name="New collection").click()
        expect(page.get_by_role("group", name="Who may read it")).to_be_visible()
        stands()
        page.get_by_label("Name", exact=True).fill(NAME)
        page.get_by_role("group", name="Who may read it").get_by_label("hr").check()
        page.get_by_role("group", name="Folders").get_by_label("papers").check()
        expect(page.get_by_role("group", name="Folders").get_by_label("it of Network")).to_be_disabled()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").first).to_have_text(f"{NAME} is saved.")
        stands()
        page.get_by_role("link", name="Change").click()
        expect(page.get_by_label("hr").first).to_be_checked()
        page.get_by_label("Everybody who signs in").check()
        expect(page.get_by_role("group", name="Who may read it").get_by_label("Other groups")).to_be_hidden()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("everybody who signs in may read")
        stands()
        page.get_by_role("link", name="Cancel").click()
        page.get_by_label("Name", exact=True).fill(",")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("1 to 60 characters")
        stands()
        page.goto("/administration/collections")
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("alert")).to_contain_text("everybody who signs in may read")
        stands()
        page.get_by_role("button", name="Delete House").click()
        expect(page.get_by_role("status").first).to_have_text(f"{NAME} is deleted.")
