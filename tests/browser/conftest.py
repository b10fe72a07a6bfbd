"""The page at /browser as a person meets it: real Chromium with and without WebGPU, tiny models, scripted servers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from hybrid.runtimes.scripted import Script, Scripted
from tandem.settings import Settings
from tests.support import chromium, npm_files
from tests.support.browser_models import make
from tests.support.served import Served

PATIENCE_MS = 90_000

ENGLISH = "Every employee has 25 days of paid holiday a year."
TURKISH = "Çalışanların yılda yirmi beş gün ücretli izni vardır."
ROUND = "On and off we go round"
ENDLESS = " ".join(f"w{number}" for number in range(200))
SMALL = "The small model on the server says so."
LARGE = "The large model on the server says more."

Open = Callable[..., "Visit"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models: two that recite, one that never ends, one in circles, some that fail each in its way."""
    folder = tmp_path_factory.mktemp("models")
    make(folder / "tiny-phi", "phi3", ENGLISH)
    make(folder / "tiny-qwen", "qwen3", TURKISH)
    make(folder / "tiny-endless", "phi3", ENDLESS, endless=True)
    make(folder / "tiny-circles", "phi3", ROUND, endless=True)
    make(folder / "tiny-narrow", "phi3", ENGLISH, positions=96)
    make(folder / "tiny-hungry", "phi3", ENGLISH, hungry=True)
    make(folder / "tiny-broken", "phi3", ENGLISH)
    (folder / "tiny-broken" / "tokenizer.json").unlink()
    return folder


def scripted() -> Scripted:
    return Scripted(
        {
            "phi-4-mini": Script(SMALL, tokens_per_second=60),
            "gpt-oss-20b": Script(LARGE, reasoning="Let me think about it. ", tokens_per_second=60),
        }
    )


def served_from(folder: Path, *, with_runtime: bool = True, **browser: Any) -> Served:
    """A server with its data in `folder`; the runtime's files are linked there unless they are to be missing."""
    papers = folder / "papers"
    papers.mkdir()
    (papers / "leave.md").write_text(f"# Leave\n\n{ENGLISH} Unused days expire in March.\n", encoding="utf-8")
    data = folder / "data"
    data.mkdir()
    if with_runtime:
        shutil.copytree(npm_files.runtime_home() / "browser", data / "browser")
    settings = Settings.model_validate(
        {"data_dir": data, "documents": [papers], "models": {"foundry": False}, "browser": browser}
    )
    return Served(settings, [scripted()])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[Served]:
    with served_from(tmp_path_factory.mktemp("served"), models_dir=models) as running:
        yield running


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def without_gpu(playwright: Playwright) -> Iterator[Browser]:
    """Chromium as it is where there is no graphics card: no adapter."""
    running = chromium.launch(playwright, gpu=True)
    yield running
    running.close()


@pytest.fixture(scope="module")
def with_gpu(playwright: Playwright) -> Iterator[Browser]:
    """Chromium with WebGPU; without a graphics card it emulates one (SwiftShader)."""
    running = chromium.launch(playwright, "--enable-unsafe-webgpu", gpu=True)
    yield running
    running.close()


class Visit:
    """Somebody at the page. `foreign` are the requests that went elsewhere, `errors` what the page complained of."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.foreign: list[str] = []
        self.errors: list[str] = []
        host = urlsplit(address).netloc
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda r: self.foreign.append(r.url) if urlsplit(r.url).netloc not in ("", host) else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{address}/browser")
        page.wait_for_selector("body[data-server=known]")

    def choose(self, model: str, engine: str = "auto") -> None:
        label = self.page.locator("#model option", has_text=model).first.inner_text()
        self.page.select_option("#model", label=label)
        self.page.eval_on_selector("details.options", "options => { options.open = true }")
        self.page.select_option("#engine", engine)

    def passes(self, *wanted: str) -> None:
        for name in ("browser", "small", "large"):
            self.page.set_checked(f"#pass-{name}", name in wanted)

    def begin(self, question: str = "How many days of holiday are there?") -> None:
        self.page.fill("#question", question)
        self.page.click("#run")

    def wait(self) -> None:
        self.page.wait_for_selector("body[data-busy=false]")

    def ask(self, question: str = "How many days of holiday are there?") -> None:
        self.begin(question)
        self.wait()

    def answers(self) -> list[str]:
        return self.page.locator(".answer .text").all_text_contents()

    def names(self) -> list[str]:
        return self.page.locator(".answer h3").all_text_contents()

    def notices(self) -> str:
        return " ".join(self.page.locator(".answer .notice:visible").all_text_contents())

    def report(self) -> dict[str, Any]:
        """What Export gives."""
        with self.page.expect_download() as download:
            self.page.click("#export")
        exported: dict[str, Any] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
        return exported


@pytest.fixture
def visit(served: Served) -> Iterator[Open]:
    """Opens the page in a browser, with nothing stored there yet."""
    contexts = []

    def open_page(browser: Browser, at: Served | None = None, **context: Any) -> Visit:
        contexts.append(browser.new_context(locale=context.pop("locale", "en-GB"), **context))
        return Visit(contexts[-1].new_page(), (at or served).url)

    yield open_page
    for context in contexts:
        context.close()
