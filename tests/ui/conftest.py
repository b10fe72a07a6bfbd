"""The chat as a person meets it: `tandem serve` in a process of its own, a real OpenAI-compatible server behind it, and
Chromium in front."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tandem.documents import open_library
from tandem.settings import load
from tests.support import store_chat, warm
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.terminal import start

PATIENCE_MS = 60_000

DOCUMENTS = {
    "hr/leave.md": "# Leave\n\n## Holidays\n\nEvery employee has 25 days of paid holiday a year. "
    "Unused days expire at the end of March.\n",
    "travel.md": "# Travel\n\n## Trains\n\nJourneys under six hours are made by train. "
    "A hotel may cost 120 euros a night at most.\n",
    "tr/izin.md": "# İzin\n\nHer çalışanın yılda 25 gün ücretli izni vardır. "
    "Kullanılmayan izinler mart sonunda yanar.\n",
}
HOLIDAYS = "How many days of paid holiday does every employee have?"
GOOD = "Every employee has 25 days of paid holiday a year [1]. "
ALSO_GOOD = "Unused days expire at the end of March [1]. "
BAD = "The moon is made of green cheese. Whales sing at night in the canteen. "

SETTINGS = """
documents: papers
models:
  foundry: false
  endpoints:
    - {{name: local, base_url: "{url}"}}
"""


@dataclass
class Chat:
    """A running chat: its address, its folder, the models behind it, and every address that the browser asked for."""

    address: str
    home: Path
    models: OpenAIServer
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chat]:
    """The chat of one test module, with phi-4-mini, gpt-oss-20b and other-model behind it."""
    home = tmp_path_factory.mktemp("home")
    with OpenAIServer() as models:
        for model in ("phi-4-mini", "gpt-oss-20b", "other-model"):
            models.models[model] = Reply([GOOD])
        with serving(home, SETTINGS.format(url=models.base_url)) as address:
            yield Chat(address, home, models)


@contextmanager
def serving(home: Path, settings: str, **environment: str) -> Iterator[str]:
    """`tandem serve` on the test documents, up to the moment when the chat answers; interrupted in the end."""
    write_documents(home, DOCUMENTS)
    (home / "tandem.yaml").write_text(settings, encoding="utf-8")
    index(home, **environment)
    with answering(start(home, "serve", "--port", "0", **environment)) as address:
        yield address


@contextmanager
def serving_store(home: Path, **environment: str) -> Iterator[str]:
    """The chat of `tests.support.store_chat`, with a model to download and a file that failed."""
    write_documents(home, {**DOCUMENTS, "broken.pdf": "%PDF-1.4 broken"})
    (home / "tandem.yaml").write_text("documents: papers\nserver:\n  port: 0\n", encoding="utf-8")
    index(home, **environment)
    with running(home, store_chat.__file__, **environment) as address:
        yield address


@contextmanager
def running(home: Path, *program: str, **environment: str) -> Iterator[str]:
    """The chat that a Python program with its arguments serves in `home`."""
    with answering(warm.start(home, environment, *program)) as address:
        yield address


def index(home: Path, **environment: str) -> None:
    """What `tandem index` does, without a process of its own."""
    settings = load(home / "tandem.yaml", {**os.environ, **environment})
    library = open_library(settings)
    library.sync(settings.documents)
    library.close()


def write_documents(home: Path, documents: Mapping[str, str]) -> None:
    for name, text in documents.items():
        file = home / "papers" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@contextmanager
def answering(process: warm.Process) -> Iterator[str]:
    """The address of a chat that was started, from when it answers; interrupted in the end, without a traceback."""
    try:
        yield address_of(process)
    finally:
        process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.CTRL_C_EVENT)
        _, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors, errors


def address_of(process: warm.Process) -> str:
    assert process.stdout is not None
    match = re.search(r"http://\S+", process.stdout.readline())
    assert match, process.communicate()
    httpx.get(match[0], timeout=60).raise_for_status()
    return match[0]


class Person:
    """Somebody at the browser."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, address: str) -> None:
        self.page.goto(address)
        self.page.wait_for_selector("#chat-input")

    def ask(self, question: str) -> None:
        # The page draws its field anew once it knows who is there: what was typed before that, in no time, is gone.
        for _ in range(3):
            self.page.fill("#chat-input", question)
            try:
                expect(self.page.locator("#chat-submit")).to_be_enabled(timeout=PATIENCE_MS / 4)
                break
            except AssertionError:
                continue
        self.page.click("#chat-submit")

    def drop(self, **files: bytes) -> None:
        expect(self.page.locator("#mode-picker-trigger-mode")).to_be_visible()
        self.page.set_input_files(
            "#upload-button-input",
            [{"name": name, "mimeType": "text/plain", "buffer": content} for name, content in files.items()],
        )
        for name in files:
            expect(self.page.get_by_text(name)).to_be_visible()
        expect(self.page.locator("#chat-submit")).to_be_enabled()

    def wait_for_answers(self, count: int) -> None:
        expect(self.page.locator("[data-testid=tandem-answer]:not([data-state=running])")).to_have_count(count)

    def answer(self, number: int = -1) -> str:
        return self.page.locator(".ai-message .message-content").nth(number).inner_text()

    def tab(self, name: str) -> None:
        self.page.click(f"[data-tab={name}]")

    def spans(self, stage: str) -> list[str]:
        self.tab("latency")
        rows = self.page.locator(f"[data-span][data-stage='{stage}']")
        return [row.get_attribute("data-span") or "" for row in rows.all()]


@pytest.fixture
def meet(chat: Chat, browser: Browser) -> Iterator[Callable[..., Person]]:
    """Open the chat in a window of its own; the arguments are the window's."""
    opened = []

    def meet(address: str = chat.address, **window: object) -> Person:
        settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-US", **window}
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        context.on("request", lambda request: chat.asked.append(request.url))
        opened.append(context)
        person = Person(context.new_page())
        person.page.on("websocket", lambda socket: chat.asked.append(socket.url))
        person.open(address)
        return person

    expect.set_options(timeout=PATIENCE_MS)
    yield meet
    for context in opened:
        context.close()
