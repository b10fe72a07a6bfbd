import json
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chainlit
import pytest

from hybrid.answering import notices
from hybrid.answering.notices import across, notice, part
from hybrid.errors import ModelError
from hybrid.events import Reason
from hybrid.policies.fitted import shipped
from rag.errors import DocumentError, LibraryError, UserFacingError
from tandem import catalogues, texts
from tandem.catalogues import FOLDER, languages, words
from tandem.settings import DisplaySettings
from tandem.shipped import root
from tandem.texts import drawn, language_for, problem, reason, say, starters

SHIPPED = Path(chainlit.__file__).parent / "translations" / "en-US.json"


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def leaves(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key, value


# What the engine words in English itself.
ENGINE = {"reason", "signal", "notice", "model_error", "error", "detail"}
OTHERS = [code for code in languages() if code != "en"]


def test_there_are_these_languages() -> None:
    assert languages() == ("en", "de", "tr")
    assert texts.languages() == {"en": "English", "de": "Deutsch", "tr": "Türkçe"}


@pytest.mark.parametrize("language", OTHERS)
def test_every_catalogue_says_the_same_things(language: str) -> None:
    own = {(place, key): text for (place, key), text in words(language).items() if place not in ENGINE}
    assert own.keys() == words("en").keys()
    for key, text in words("en").items():
        assert places(own[key]) == places(text), key


@pytest.mark.parametrize("language", OTHERS)
def test_every_catalogue_words_what_the_engine_says(language: str) -> None:
    own = words(language)
    told = {key: text for (place, key), text in own.items() if place == "notice"}
    assert {key for key in told if not key.startswith("language_")} == notices.TEXTS.keys()
    for key, text in notices.TEXTS.items():
        assert places(told[key]) == places(text), key
    engine = [{key: places(text) for key, text in words(one).items() if key[0] in ENGINE} for one in (language, "tr")]
    assert engine[0] == engine[1]
    assert {key for place, key in own if place == "model_error"} == KINDS


def test_nothing_in_a_catalogue_is_left_over() -> None:
    code = "".join(file.read_text("utf-8") for file in (root() / "tandem").rglob("*.py"))
    for place, key in words("en"):
        if place == "chat" and not re.match(r"state_|policy_|tab_|viewer_", key):
            names = "|".join({key, key.removesuffix("_hint"), key.removesuffix("_wrong")})
            assert re.search(rf"[\"'](?:{names})[\"']", code), key


def test_the_elements_find_all_their_words() -> None:
    for place, element in (("answer", "TandemAnswer"), ("panel", "Details")):
        source = (root() / "public" / "elements" / f"{element}.jsx").read_text("utf-8")
        used = set(re.findall(r"\bt\.(\w+)", source)) - {"locale", "units"}
        named = {key.split(".")[0] for at, key in words("en") if at == place}
        assert used <= named
        assert all(re.search(rf"\b{key}\b", source) for key in named)


def test_another_language_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in FOLDER.glob("*.po"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    message = 'msgctxt "{}"\nmsgid "{}"\nmsgstr "{}"\n'
    (tmp_path / "eo.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        + message.format("about", "name", "Esperanto")
        + message.format("chat", "thinking", "{model} pensas")
        + message.format("panel", "spans.load", "Ŝargi")
        + message.format("notice", "refinement_empty", "{alias} skribis nenion."),
        "utf-8",
    )
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    languages.cache_clear()
    try:
        assert texts.languages()["eo"] == "Esperanto"
        assert language_for("auto", "auto", "eo") == "eo" and DisplaySettings(language="eo").language == "eo"
        assert say("thinking", "eo", model="phi") == "phi pensas"
        assert say("drafting", "eo", model="phi") == "phi is writing"  # not translated yet
        assert drawn("eo")["panel"]["spans"] | {"load": "Ŝargi"} == drawn("eo")["panel"]["spans"]
        assert texts.notice(notice("refinement_empty", alias="phi"), "eo") == "phi skribis nenion."
    finally:
        monkeypatch.undo()
        languages.cache_clear()


@pytest.mark.parametrize("language", ["de-DE", "en-US", "tr-TR"])
def test_chainlits_own_words_are_all_there(language: str) -> None:
    file = root() / ".chainlit" / "translations" / f"{language}.json"
    own = dict(leaves(json.loads(file.read_text("utf-8"))))
    shipped = dict(leaves(json.loads(SHIPPED.read_text("utf-8"))))
    assert own.keys() == shipped.keys()
    for key, text in shipped.items():
        assert set(re.findall(r"{{.*?}}", own[key])) == set(re.findall(r"{{.*?}}", text)), key
        assert own[key].strip()


@pytest.mark.parametrize(
    ("chosen", "configured", "asked", "language"),
    [
        ("auto", "auto", "tr-TR", "tr"),
        ("auto", "auto", "de-AT", "de"),
        ("auto", "auto", "fr-FR", "en"),
        ("", "", "fr-FR,fr;q=0.9,tr;q=0.8,en;q=0.5", "tr"),
        ("auto", "tr", "en-US", "tr"),
        ("en", "tr", "tr", "en"),
        ("auto", "auto", "", "en"),
    ],
)
def test_whose_language_applies(chosen: str, configured: str, asked: str, language: str) -> None:
    assert language_for(chosen, configured, asked) == language


def test_a_reason_without_wording_or_values_stays_in_english() -> None:
    assert reason(Reason("brand_new", "A new reason."), "tr") == "A new reason."
    assert reason(Reason("short_draft", "Too short."), "tr") == "Too short."


def test_reasons_name_signals_in_turkish() -> None:
    given = Reason("signals", "What weighs most: weakest support.", {"signals": "weakest support, something new"})
    assert reason(given, "tr") == "En çok ağır basanlar: en zayıf desteklenen cümle, something new."
    assert reason(given, "en") == "What weighs most: weakest support."
    heads = [head for head in (shipped().plain, shipped().logprobs) if head is not None]
    assert {name for head in heads for name in head.names} <= {key for at, key in words("tr") if at == "signal"}


KINDS = set(re.findall(r"[a-z_]+", str(ModelError.__doc__).split("(")[1].split(")")[0])) - {"kind"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_model_error_is_told_in_turkish(kind: str) -> None:
    error = ModelError("The server is down; start it.", kind=kind)
    assert problem(error, "en") == "The server is down; start it."
    told = problem(error, "tr")
    assert "server" not in told and told.endswith(".")
    given = notice("model_missing", "tr", alias="phi", why=error, instead=part("extractive"))
    assert given.text == f"phi cannot answer: {error} A quotation of the documents answers instead."
    assert texts.notice(given, "tr") == f"phi yanıt veremiyor: {told} Onun yerine yanıtlayan: Belgelerden bir alıntı."


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "What was found is in Turkish."),
        ("tr", "Bulunanların dili: Türkçe."),
        ("de", "Sprache des Gefundenen: Türkisch."),
        ("fr", "What was found is in Turkish."),
    ],
)
def test_a_notice_is_worded_in_whichever_language(language: str, told: str) -> None:
    given = across("en", "tr")
    assert given is not None
    assert texts.notice(given, language) == told


def test_first_questions_come_with_every_language() -> None:
    assert {len(starters(language)) for language in languages()} == {4}
    assert starters("de") != starters("en")


def test_other_errors_say_in_turkish_what_failed() -> None:
    assert problem(DocumentError("Of another package."), "tr").startswith("Dosya alınamadı.")
    assert problem(LibraryError("The disk is full."), "tr").startswith("Kitaplık")
    assert problem(UserFacingError("Something."), "tr") == "Something."


@pytest.mark.parametrize("language", languages())
def test_staff_are_told_no_command_and_no_address(language: str) -> None:
    kinds = ("refused", "not_found", "unavailable", "unauthorised", "disk", "memory", "protocol")
    why = "no model called 'x' is at http://10.0.0.1:80/v1. Choose another, or see `tandem models list`."
    for kind in kinds:
        given = notice("model_missing", "en", alias="x", why=ModelError(why, kind=kind), instead=part("extractive"))
        said = texts.for_staff(texts.notice(given, language, staff=True), language)
        assert "`" not in said and "10.0" not in said and said.startswith("x ")
        assert texts.say("model_away", language) in said and why in texts.notice(given, "en")
    for text in (
        "It is damaged; run `tandem index --verify`, which mends it.",
        "See `tandem x`.",
        "`tandem x` does.",
    ):
        assert "tandem" not in texts.for_staff(text, language)
    assert "2 s" in texts.problem(ModelError("It waits 2 s.", kind="overloaded"), "en", staff=True)
