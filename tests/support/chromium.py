"""Chromium as the tests start it: quiet, and without the parts of a window that nobody sees.

Knows where it is found, what it is told at its start, and how one goes on from file to file. Does not know any page.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack

from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge")
QUIET = (
    *("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--no-first-run",
)
# Every window loads a page of its own for what drops down from the address bar: half as much computing as the chat's.
# This list takes the place of Playwright's, of which the first three are.
WITHOUT = ("HttpsUpgrades", "OptimizationHints", "PaintHolding", "WebUIOmniboxPopup", "WebUIOmniboxAimPopup")


def program() -> str:
    """Where the system's Chromium or Chrome lies."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    assert found, "The browser tests need Chromium or Google Chrome; `make test` installs it."
    return found


def launch(playwright: Playwright, *flags: str, gpu: bool = False) -> Browser:
    """Start it; the caller closes it. Where `gpu` is not set, it does not look for a graphics card."""
    arguments = [*QUIET, f"--disable-features={','.join(WITHOUT)}", *(() if gpu else ("--disable-gpu",)), *flags]
    return playwright.chromium.launch(executable_path=program(), args=arguments)


class Shared:
    """One browser for many files. While it runs, so does Playwright's event loop, beside which no other can: it ends
    before a test that brings its own."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._browser: Browser | None = None

    def running(self) -> Browser:
        """The browser, started where it does not run."""
        if self._browser is None or not self._browser.is_connected():
            self.close()
            self._browser = launch(self._open.enter_context(sync_playwright()))
            self._open.callback(self._browser.close)
        return self._browser

    def close(self) -> None:
        self._browser = None
        self._open.close()


SHARED = Shared()
