import re

import chainlit.server

from tandem.ui.page import local_only


def test_the_page_names_no_other_machine() -> None:
    page = chainlit.server.get_html_template("")
    assert re.search(r"""(?:href|content|src)="https?://""", page), "Chainlit's page changed: is this still needed?"
    kept = local_only(page)
    assert not re.search(r"""(?:href|content|src)="https?://""", kept)
    assert '<script type="module" crossorigin src="/assets/' in kept
    assert '<link rel="stylesheet" crossorigin href="/assets/' in kept
    assert "Content-Security-Policy" in kept
    assert kept.count("interactive-widget=resizes-content") == 1
