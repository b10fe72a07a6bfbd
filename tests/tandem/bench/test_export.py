"""The four formats: complete, documented, harmless whatever a model is called or says."""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from playwright.sync_api import sync_playwright

from rag.errors import UserFacingError
from tandem.bench import export, report_page, schema
from tandem.bench.schema import Failure, Model, Report
from tests.support import chromium
from tests.tandem.bench.made import measured, report

HOSTILE = "<script>alert(1)</script>|**x**'\"=1+1"


@cache
def a_report() -> Report:
    """Made once; nobody changes it."""
    loads = ((1, 1.0), (4, 1.2), (8, 2.5))
    dead = Model(name=HOSTILE, status="failed", reason=f"It said {HOSTILE}")
    flaky = measured("flaky", failed=10, loads=loads)
    flaky.levels[0].failures = [Failure(kind="unavailable", status=500, reason=HOSTILE, count=10)]
    return report(measured("small", right=(50, 60), loads=loads), flaky, dead)


def test_the_published_schema_is_that_of_the_code() -> None:
    assert json.loads(schema.FILE.read_text(encoding="utf-8")) == schema.json_schema()


def test_the_json_keeps_to_the_schema_and_reads_back(tmp_path: Path) -> None:
    found = a_report()
    export.write(found, tmp_path)

    content = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))

    jsonschema.validate(content, schema.json_schema())
    assert export.read(tmp_path / "report.json") == found


def test_a_second_producer_needs_little() -> None:
    request = {"prompt": "p", "first_token_ms": 3.5}
    models = [{"name": "qwen", "runtime": "webgpu", "requests": [request]}]
    little = {"created": "2026-01-01T00:00:00Z", "producer": "browser", "models": models}

    jsonschema.validate(little, schema.json_schema())
    assert report_page.render(Report.model_validate(little))


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"created": "x"}', '{"created": "x", "models": 3}', "\0", "[" * 9999]
)
def test_what_is_no_report_is_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "report.json"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(UserFacingError, match=r"report\.json"):
        export.read(file)


def test_the_csv_has_a_row_for_each_model_and_load_and_no_formulas() -> None:
    rows = list(csv.DictReader(io.StringIO(export.as_csv(a_report()))))

    assert [(row["model"], row["load"]) for row in rows[:4]] == [
        ("small", "1 at once"), ("small", "4 at once"), ("small", "8 at once"), ("flaky", "1 at once")
    ]  # fmt: skip
    assert rows[-1]["status"] == "failed" and HOSTILE in rows[-1]["reason"]
    assert rows[0]["total_ms_p95"] and not rows[0]["total_ms_p99"]
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


def test_the_markdown_names_the_verdict_and_every_failure() -> None:
    text = export.as_markdown(a_report())

    assert "**Draft:** small" in text
    assert "failed: It said \\<script\\>" in text
    assert "<script>" not in text
    assert "10 failed:" in text


@pytest.mark.browser
def test_the_page_reads_in_a_browser_without_any_request(tmp_path: Path) -> None:
    found = a_report()
    file = tmp_path / "report.html"
    file.write_text(report_page.render(found), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        for scheme, width in (("light", 1280), ("dark", 390)):
            tab = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})  # type: ignore[arg-type]
            asked: list[str] = []
            said: list[str] = []
            tab.on("request", lambda request, asked=asked: asked.append(request.url))
            tab.on("console", lambda message, said=said: said.append(message.text))
            tab.on("dialog", lambda dialog, said=said: said.append(dialog.message))
            tab.goto(file.as_uri())
            assert asked == [file.as_uri()]
            assert said == []
            assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert tab.locator("figure svg[role=img]").count() == 6
            assert tab.get_by_role("heading", name="small", exact=True).is_visible()
            assert tab.get_by_text(HOSTILE).first.is_visible()
            text = tab.locator("body").inner_text()
            assert "nan" not in text.lower().split() and "None" not in text
        browser.close()
