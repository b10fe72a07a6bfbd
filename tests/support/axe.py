"""What axe-core finds wrong with a page.

Knows that a page is looked at once it stands still, and that only what stays is a fault. Does not know any page.
"""

from __future__ import annotations

import json
import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# What glides or fades in is half transparent until then; what turns for ever is not waited for.
_STILL = """() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))).then(() =>
  Promise.allSettled(document.getAnimations()
    .filter(one => one.playState === "running" && one.effect.getComputedTiming().endTime !== Infinity)
    .map(one => one.finished))).then(() => undefined)"""
_STAYS_S = 15.0
# What passes is not described: that would be most of the work.
_WANTED = {"resultTypes": ["violations"]}


def faults(page: Page) -> list[str]:
    """What is wrong with what is on the screen, and stays so: the rule, the place and the beginning of each element."""
    until = time.monotonic() + _STAYS_S
    while True:
        page.evaluate(_STILL)
        found = Axe().run(page, options=_WANTED).response["violations"]
        if not found or time.monotonic() > until:
            return [
                f"{rule['id']}: {json.dumps(node['target'])} {node['html'][:120]} {node.get('failureSummary', '')}"
                for rule in found
                for node in rule["nodes"]
            ]
