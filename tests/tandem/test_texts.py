import json
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chainlit
import pytest

from hybrid.answering.notices import notice
from hybrid.errors import ModelError
from hybrid.events import Reason
from hybrid.policies.fitted import shipped
from rag.errors import DocumentError, LibraryError, UserFacingError
from tandem.catalogues import turkish
from tandem.shipped import root
from tandem.texts import STARTERS, TEXTS, language_for, problem, reason

SHIPPED = Path(chainlit.__file__).parent / "translations" / "en-US.json"


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def leaves(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key, value


def test_both_languages_say_the_same_things() -> None:
    assert TEXTS["en"].keys() == TEXTS["tr"].keys()
    for key, text in TEXTS["en"].items():
        assert places(text) == places(TEXTS["tr"][key]), key
    assert len(STARTERS["en"]) == len(STARTERS["tr"])


@pytest.mark.parametrize("language", ["en-US", "tr-TR"])
def test_chainlits_own_words_are_all_there(language: str) -> None:
    file = root() / ".chainlit" / "translations" / f"{language}.json"
    own = dict(leaves(json.loads(file.read_text("utf-8"))))
    shipped = dict(leaves(json.loads(SHIPPED.read_text("utf-8"))))
    assert own.keys() == shipped.keys()
    for key, text in shipped.items():
        assert set(re.findall(r"{{.*?}}", own[key])) == set(re.findall(r"{{.*?}}", text)), key
        assert own[key].strip()


@pytest.mark.parametrize("element", ["TandemAnswer", "Details"])
def test_the_elements_speak_both_languages(element: str) -> None:
    source = (root() / "public" / "elements" / f"{element}.jsx").read_text("utf-8")
    block = source[source.index("const TEXT = {") :]
    english, turkish = (
        block[block.index("en: {") : block.index("tr: {")],
        block[block.index("tr: {") : block.index("\n}\n")],
    )
    names = r"(?<![\w\"])([a-z]\w*):"
    assert sorted(re.findall(names, english.removeprefix("en:"))) == sorted(
        re.findall(names, turkish.removeprefix("tr:"))
    )


@pytest.mark.parametrize(
    ("chosen", "configured", "browser", "language"),
    [
        ("auto", "auto", "tr-TR", "tr"),
        ("auto", "auto", "de-DE", "en"),
        ("auto", "tr", "en-US", "tr"),
        ("en", "tr", "tr", "en"),
        ("auto", "auto", "", "en"),
    ],
)
def test_whose_language_applies(chosen: str, configured: str, browser: str, language: str) -> None:
    assert language_for(chosen, configured, browser) == language


def test_a_reason_without_wording_or_values_stays_in_english() -> None:
    assert reason(Reason("brand_new", "A new reason."), "tr") == "A new reason."
    assert reason(Reason("short_draft", "Too short."), "tr") == "Too short."


def test_reasons_name_signals_in_turkish() -> None:
    given = Reason("signals", "What weighs most: weakest support.", {"signals": "weakest support, something new"})
    assert reason(given, "tr") == "En çok ağır basanlar: en zayıf desteklenen cümle, something new."
    assert reason(given, "en") == "What weighs most: weakest support."
    heads = [head for head in (shipped().plain, shipped().logprobs) if head is not None]
    assert {name for head in heads for name in head.names} <= turkish.SIGNALS.keys()


KINDS = set(re.findall(r"[a-z_]+", str(ModelError.__doc__).split("(")[1].split(")")[0])) - {"kind"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_model_error_is_told_in_turkish(kind: str) -> None:
    error = ModelError("The server is down; start it.", kind=kind)
    assert problem(error, "en") == "The server is down; start it."
    told = problem(error, "tr")
    assert "server" not in told and told.endswith(".")
    assert told in notice("model_missing", "tr", alias="phi", why=error, instead="x").text
    assert str(error) in notice("model_missing", "en", alias="phi", why=error, instead="x").text


def test_other_errors_say_in_turkish_what_failed() -> None:
    assert problem(DocumentError("The file is empty."), "tr").startswith("Dosya alınamadı.")
    assert problem(LibraryError("The disk is full."), "tr").startswith("Kitaplık")
    assert problem(UserFacingError("Something."), "tr") == "Something."
