"""A page of screenshots of what people see: every main state, on a desk and a phone, light and dark, in each language.

    python -m tests.ui.gallery FOLDER [STATE...]

Starts the real chat on small documents with a scripted endpoint, drives Chromium, and writes FOLDER/index.html with the
pictures beside it. It judges nothing: somebody looks.
"""

from __future__ import annotations

import html
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

from tests.support import chromium, first_chat
from tests.support.openai_server import OpenAIServer
from tests.ui import conftest as chats
from tests.ui.conftest import GOOD, Person
from tests.ui.gallery_documents import DOCUMENTS
from tests.ui.gallery_states import BARE, SIGNED, STATES, USERS, Window, says

STYLE = """body { font-family: sans-serif } div { display: flex; gap: 1rem; overflow-x: auto }
figure { margin: 0 } img { border: 1px solid #999 }"""


def photograph(browser: Browser, address: str, models: OpenAIServer, name: str, window: Window, file: Path) -> str:
    """Drive one state in one window and take its picture; what went wrong, "" if nothing did."""
    context = browser.new_context(
        viewport={"width": window.width, "height": window.height},
        color_scheme=window.scheme,  # type: ignore[arg-type]
        locale=window.locale,
        has_touch=window.phone,
        is_mobile=window.phone,
    )
    context.set_default_timeout(15_000)
    person = Person(context.new_page())
    trouble = ""
    try:
        person.page.goto(address)
        if name not in SIGNED:
            person.page.wait_for_selector("#chat-input")
        STATES[name][0](person, models)
        person.page.wait_for_timeout(900)
    except (Error, AssertionError) as problem:
        trouble = str(problem).splitlines()[0]
    person.page.screenshot(path=file)
    context.close()
    return trouble


@contextmanager
def without_models(home: Path, port: int) -> Iterator[str]:
    """The chat of an installation without models, which looks for a server on `port`."""
    chats.write_documents(home, DOCUMENTS)
    settings = "documents: papers\nmodels: {foundry: false}\nserver: {port: 0}\n"
    (home / "tandem.yaml").write_text(settings, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, first_chat.__file__, str(port)],
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with chats.answering(process) as address:
        yield address


def gallery(folder: Path, chosen: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chats.DOCUMENTS.update(DOCUMENTS)
    rows: list[str] = []
    with OpenAIServer() as models, sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        browser = chromium.launch(playwright)
        says(models, GOOD)
        with (
            chats.serving(Path(home), chats.SETTINGS.format(url=models.base_url)) as address,
            without_models(Path(home) / "bare", models.port) as empty,
            chats.serving(Path(home) / "signed", chats.SETTINGS.format(url=models.base_url), **USERS) as closed,
        ):
            served = {**dict.fromkeys(BARE, empty), **dict.fromkeys(SIGNED, closed)}
            for name, (_, windows) in STATES.items():
                if chosen and name not in chosen:
                    continue
                pictures = []
                for window in windows:
                    says(models, GOOD)
                    file = folder / f"{name} {window.name}.png".replace(" ", "-").replace(",", "").replace(":", "")
                    trouble = photograph(browser, served.get(name, address), models, name, window, file)
                    print(f"{name}, {window.name}{': ' + trouble if trouble else ''}", flush=True)
                    pictures.append(
                        f"<figure><img src='{file.name}' height=420 loading=lazy alt=''>"
                        f"<figcaption>{html.escape(window.name)} {html.escape(trouble)}</figcaption></figure>"
                    )
                rows.append(f"<h2>{html.escape(name)}</h2><div>{''.join(pictures)}</div>")
        browser.close()
    page = f"<!doctype html><meta charset=utf-8><title>Tandem</title><style>{STYLE}</style>{''.join(rows)}"
    (folder / "index.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    gallery(Path(sys.argv[1]), sys.argv[2:])
