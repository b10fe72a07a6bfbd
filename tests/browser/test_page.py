"""The page itself: for everyone, on every screen, in two languages, cut off from every other site."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import ENGLISH, SMALL, Open, served_from
from tests.support import npm_files
from tests.support.served import Served

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 375, "height": 740}, "has_touch": True, "is_mobile": True}
# Why and where a model runs, for what a browser can do: facts, model's bytes, what the person set -> engine, reason.
GPU: dict[str, Any] = {"name": "a card", "software": False, "f16": True, "largest": 4e9}
ANY: dict[str, Any] = {"secure": True, "isolated": True, "adapter": GPU, "memory": 8e9}
BOTH = {"q4": 9e8, "q4f16": 6e8}
CHOICES: list[tuple[dict[str, Any], dict[str, float] | None, dict[str, Any], tuple[str, str | None, str]]] = [
    (ANY, BOTH, {}, ("webgpu", "q4f16", "whyWebgpu")),
    (ANY, {"q4": 9e8}, {}, ("webgpu", "q4", "whyWebgpu")),
    ({**ANY, "adapter": {**GPU, "f16": False}}, BOTH, {}, ("webgpu", "q4", "whyWebgpuNoF16")),
    ({**ANY, "adapter": {**GPU, "f16": False}}, {"q4f16": 2e9}, {}, ("server", None, "whyNeedsF16")),
    ({**ANY, "adapter": {**GPU, "software": True}}, BOTH, {}, ("wasm", "q4", "whySoftware")),
    ({**ANY, "adapter": None}, BOTH, {}, ("wasm", "q4", "whyNoAdapter")),
    ({**ANY, "adapter": None}, {"q4": 3e9}, {}, ("server", None, "whyWasmLarge")),
    ({**ANY, "adapter": None, "memory": 1e9}, BOTH, {}, ("server", None, "whyMemory")),
    ({**ANY, "memory": 4e9}, {"q4f16": 12.7e9}, {}, ("server", None, "whyMemory")),
    ({**ANY, "adapter": {**GPU, "largest": 2.5e8}}, {"q4f16": 12.7e9}, {}, ("server", None, "whyBuffer")),
    ({**ANY, "secure": False}, BOTH, {}, ("server", None, "whyInsecure")),
    (ANY, None, {}, ("server", None, "whyNoModel")),
    (ANY, BOTH, {"runtime": False}, ("server", None, "whyNoRuntime")),
    (ANY, BOTH, {"wanted": "wasm"}, ("wasm", "q4", "whyAsked")),
    (ANY, BOTH, {"wanted": "server"}, ("server", None, "whyAsked")),
    ({**ANY, "adapter": None}, BOTH, {"wanted": "webgpu"}, ("server", None, "whyNoPrecision")),
    (ANY, {"q4f16": 6e8}, {"wanted": "wasm"}, ("server", None, "whyNoPrecision")),
]
AXE = """async () => {
  const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
  const found = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] })
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)
}"""


@pytest.fixture(scope="module")
def no_models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server without the runtime's files: most of what the page shows needs none."""
    with served_from(tmp_path_factory.mktemp("plain"), with_runtime=False) as running:
        yield running


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("language", "screen"), [("en-GB", {}), ("tr-TR", PHONE)], ids=["desktop-en", "phone-tr"])
def test_nothing_keeps_anybody_from_using_it(
    without_gpu: Browser, visit: Open, no_models: Served, theme: str, language: str, screen: dict[str, Any]
) -> None:
    person = visit(without_gpu, no_models, locale=language, color_scheme=theme, **screen)
    page = person.page
    page.evaluate(npm_files.axe())
    assert page.evaluate(AXE) == []
    page.fill("#query", "holiday")
    page.click("#search")
    expect(page.locator("#results li").first).to_be_visible()
    page.eval_on_selector("details.options", "options => { options.open = true }")
    person.ask()
    assert page.evaluate(AXE) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    too_small = page.eval_on_selector_all(
        "button, select, input:not([type=checkbox]), textarea, .check",
        "all => all.filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 40).map(e => e.outerHTML)",
    )
    assert too_small == []


def test_it_speaks_the_browsers_language_and_the_one_that_is_chosen(
    without_gpu: Browser, visit: Open, no_models: Served
) -> None:
    page = visit(without_gpu, no_models, locale="tr-TR").page
    expect(page.locator("h1")).to_have_text("Bu tarayıcının içinde üret")
    assert page.get_attribute("html", "lang") == "tr"
    page.click("[data-language=en]")
    expect(page.locator("h1")).to_have_text("Generate inside this browser")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("[data-language=en]")).to_have_attribute("aria-pressed", "true")


def test_every_language_says_everything(without_gpu: Browser, visit: Open, no_models: Served) -> None:
    page = visit(without_gpu, no_models).page
    keys = page.evaluate("import('/browser/static/texts.js').then(texts => texts.keys())")
    assert keys["en"] == keys["tr"] == keys["de"]
    places = page.evaluate(
        """async () => {
          const texts = await import("/browser/static/texts.js")
          const named = new Proxy({}, { get: (_, name) => `{${name}}` })
          const places = (language) => {
            texts.choose(language)
            return texts.keys()[language].map((key) => [key, texts.text(key, named).match(/\\{\\w+\\}/g)?.sort() ?? []])
          }
          return texts.LANGUAGES.map(places)
        }"""
    )
    assert places[0] == places[1] == places[2]


def test_it_can_be_used_without_a_mouse(without_gpu: Browser, visit: Open, no_models: Served) -> None:
    page = visit(without_gpu, no_models).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.type("How many days?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Of holiday?")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "reference"
    page.keyboard.press("Tab")
    page.keyboard.type("holiday")
    page.keyboard.press("Enter")
    expect(page.locator("#results li").first).to_be_visible()
    assert page.locator(".answer").count() == 0
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert ENGLISH in page.input_value("#reference")
    page.focus("#question")
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-busy=false]")
    assert page.locator(".answer .text").first.inner_text() == SMALL
    assert page.input_value("#question") == "How many days?\nOf holiday?"


def test_motion_is_left_out_where_it_is_not_wanted(without_gpu: Browser, visit: Open, no_models: Served) -> None:
    page = visit(without_gpu, no_models, reduced_motion="reduce").page
    page.evaluate(
        """() => {
          const card = document.createElement("article")
          card.className = "answer"
          card.dataset.state = "writing"
          card.innerHTML = '<p class="text">x</p>'
          document.querySelector("main").append(card)
        }"""
    )
    after = "getComputedStyle(document.querySelector('.answer .text'), '::after').animationName"
    assert page.evaluate(after) == "none"


def test_the_page_is_isolated_and_may_speak_to_its_own_server_only(
    without_gpu: Browser, visit: Open, no_models: Served
) -> None:
    page = visit(without_gpu, no_models).page
    assert page.evaluate("crossOriginIsolated")
    assert page.evaluate("fetch('http://localhost:9/').then(() => 'let through', (error) => error.name)") == "TypeError"
    for path in (
        "/browser",
        "/browser/static/page.js",
        "/browser/static/worker.js",
        "/browser/config",
        "/browser/nothing",
    ):
        headers = httpx.get(no_models.url + path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self' 'wasm-unsafe-eval';" in policy
        assert "connect-src 'self';" in policy
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert headers["cross-origin-opener-policy"] == "same-origin"


def test_only_the_hubs_worker_may_reach_the_hub(no_models: Served) -> None:
    policy = httpx.get(f"{no_models.url}/browser/hub-worker.js").headers["content-security-policy"]
    assert re.search(
        r"connect-src 'self' https://huggingface\.co https://\*\.huggingface\.co https://\*\.hf\.co;", policy
    )


@pytest.mark.parametrize(
    "path",
    [
        "/browser/static/../routes.py",
        "/browser/static/%2e%2e/routes.py",
        "/browser/static/..%5croutes.py",
        "/browser/static/",
        "/browser/static/nothing.js",
        "/browser/runtime/0/transformers.min.js",
        "/browser/runtime/%2e%2e/tandem.db",
        "/browser/models/x/tiny/onnx/model_q4.onnx",
        "/browser/models/x/%2e%2e/%2e%2e/etc/passwd",
        "/browser/hub-worker.jsx",
    ],
)
def test_what_is_not_there_is_a_real_404(no_models: Served, path: str) -> None:
    reply = httpx.get(no_models.url + path)
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("query", ["", " ", "a" * 2001])
def test_a_search_needs_words_and_not_a_book(no_models: Served, query: str) -> None:
    reply = httpx.get(f"{no_models.url}/browser/search", params={"q": query})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "q"


def test_where_people_sign_in_the_library_is_not_open(tmp_path: Any) -> None:
    served = served_from(tmp_path, with_runtime=False)
    guarded = served.context.settings.server.model_copy(update={"host": "0.0.0.0"})
    served.context.settings = served.context.settings.model_copy(update={"server": guarded})
    with served:
        assert httpx.get(f"{served.url}/browser").status_code == 200
        assert httpx.get(f"{served.url}/browser/search", params={"q": "holiday"}).status_code == 401


def test_a_passages_text_is_shown_and_never_run(without_gpu: Browser, visit: Open, tmp_path: Any) -> None:
    served = served_from(tmp_path, with_runtime=False)
    hostile = "Parking costs <img src=x onerror=document.title='run'> nothing. <script>document.title='run'</script>"
    (tmp_path / "papers" / "parking.md").write_text(hostile, encoding="utf-8")
    with served:
        person = visit(without_gpu, served)
        person.page.fill("#query", "what does parking cost")
        person.page.click("#search")
        expect(person.page.locator("#results .excerpt").first).to_contain_text("Parking costs")
        assert person.page.locator("#results img").count() == 0
        assert person.page.title() == "Tandem in this browser"


def test_where_a_model_runs_and_why(without_gpu: Browser, visit: Open, no_models: Served) -> None:
    page = visit(without_gpu, no_models).page
    for facts, sizes, settings, (engine, precision, why) in CHOICES:
        model = {"name": "it", "bytes": sizes} if sizes is not None else None
        chosen = page.evaluate(
            """async ([facts, model, settings]) => {
              const { choose } = await import("/browser/static/probe.js")
              const { reason } = await import("/browser/static/asking.js")
              const chosen = choose(facts, model, settings)
              return { ...chosen, said: reason(chosen) }
            }""",
            [facts, model, settings],
        )
        assert (chosen["engine"], chosen["precision"], chosen["why"]) == (engine, precision, why)
        assert not re.search(r"[{}]|undefined|NaN", chosen["said"])


@pytest.mark.parametrize(
    ("raw", "answer", "thought"),
    [
        ("Plain text.", "Plain text.", ""),
        ("<think>\nHm.\n</think>\n\nSo it is.", "So it is.", "\nHm.\n"),
        (
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>So.<|return|>",
            "So.",
            "Hm.",
        ),
        ("a < b and <thin> air", "a < b and <thin> air", ""),
        ("It ends with <thi", "It ends with <thi", ""),
        ("", "", ""),
    ],
)
def test_thinking_is_parted_from_the_answer_wherever_the_stream_is_cut(
    without_gpu: Browser, visit: Open, no_models: Served, raw: str, answer: str, thought: str
) -> None:
    heard = visit(without_gpu, no_models).page.evaluate(
        """async (raw) => {
          const { Channels } = await import("/browser/static/channels.js")
          const all = new Set()
          for (let size = 1; size <= raw.length + 1; size++) {
            const heard = { answer: "", thought: "" }
            const channels = new Channels((kind, text) => { heard[kind] += text })
            for (let at = 0; at < raw.length; at += size) channels.feed(raw.slice(at, at + size))
            channels.end()
            all.add(JSON.stringify(heard))
          }
          return [...all]
        }""",
        raw,
    )
    assert [json.loads(one) for one in heard] == [{"answer": answer, "thought": thought}]
