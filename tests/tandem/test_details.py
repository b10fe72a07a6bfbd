"""What is wrong with a file is said in the person's language, whatever sentence of the engine's it is."""

from __future__ import annotations

import ast
import re

import pytest
import yaml

from hybrid.models.check import Checked
from rag.errors import DocumentError
from rag.faults import SAID
from tandem.catalogues import languages, words
from tandem.details import detail
from tandem.people.store import AccountsError
from tandem.shipped import root
from tandem.texts import problem

OTHERS = [code for code in languages() if code != "en"]
# Where the sentences about files are worded.
ROOMS = ("rag/formats", "rag/ingest", "rag/ocr", "rag/originals", "tandem/viewer")


def shape(wording: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", wording)


def said(node: ast.AST, constants: dict[str, str]) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
        case ast.Name(id=name):
            return constants.get(name)
    return None


def sentences() -> dict[str, str]:
    """Every sentence that a DocumentError or a note on a file is made with, and where it stands."""
    found: dict[str, str] = {}
    for file in sorted(file for room in ROOMS for file in (root() / room).rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        constants: dict[str, str] = {}
        for node in tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                    constants[name] = text
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="DocumentError" | "PicturesOnly"), args=[told, *_]):
                    text = said(told, constants)
                case ast.Call(func=ast.Attribute(attr="append", value=where), args=[told]) if "notes" in ast.unparse(
                    where
                ):
                    text = said(told, constants)
                case _:
                    continue
            if text is not None:
                found[shape(text)] = f"{file.name}:{node.lineno}"
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_about_a_file_is_known(language: str) -> None:
    known = {shape(key) for place, key in words(language) if place == "detail"}
    told = sentences()
    assert len(told) > 60
    # Of a name or a condition, and sentences that are known.
    composed = {"{}: {}.", "The file holds no text{}.", "Nothing in the archive could be read. {}"}
    assert {text: where for text, where in told.items() if text not in known | composed} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_what_the_shipped_models_are_is_known(language: str) -> None:
    cards = yaml.safe_load((root() / "models.yaml").read_text("utf-8"))["models"]
    for note in filter(None, (card.get("note") for card in cards)):
        assert detail(note, language) != note


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_amiss_with_an_installation_is_known_with_every_reason(language: str) -> None:
    rooms = [file for room in ("tandem", "rag", "hybrid") for file in (root() / room).rglob("*.py")]
    reasons = re.compile(r"""f"([A-Z][^"{}]+: )\{(?:self\._?)?(?:place\.reason\(error\)|hindered|why)\}\.\"""")
    openings = {opening for file in rooms for opening in reasons.findall(file.read_text("utf-8"))}
    assert len(openings) >= 6
    whys = (*SAID.values(), "the search index does not answer; start it and try again", "it is away")
    english = set(re.findall(r"[a-z]{4,}", " ".join((*openings, *whys)))) - {"disk", "syslog"}
    for opening in openings:
        for why in whys[:-1]:
            told = detail(f"{opening}{why}.", language)
            assert not english & set(re.findall(r"\b[a-z]{4,}\b", re.sub(r"`.*?`|storage.database", "", told))), told
        assert detail(f"{opening}it is away.", language) != f"{opening}it is away."


def test_sentences_are_found_with_what_stands_in_them() -> None:
    assert detail("The file is empty.", "en") == "The file is empty."
    assert detail("The file is empty.", "de") == "Die Datei ist leer."
    several = "Only the first 500 messages were read. Something else happened. A chart could not be read."
    assert detail(several, "tr") == "Yalnızca ilk 500 ileti okundu. Something else happened. Bir grafik okunamadı."
    nested = "Files of type .mobi are not read; save it as EPUB."
    assert detail(nested, "de") == "Dateien vom Typ .mobi werden nicht gelesen; speichern Sie sie als EPUB."
    bare = "Files of type without extension are not read; save it in another format."
    assert detail(bare, "tr") == "Uzantısız dosyalar okunmaz; başka bir biçimde kaydedin."
    inside = "old/a.zip: The archive is damaged; pack it again."
    assert detail(inside, "tr") == "old/a.zip: Arşiv bozuk; yeniden paketleyin."
    assert detail("A {odd} one: %s {0}.", "tr") == "A {odd} one: %s {0}."


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize(("grounded", "refuses"), [(True, True), (True, False), (False, True), (False, False)])
def test_what_a_model_did_when_it_was_tried_is_known(language: str, grounded: bool, refuses: bool) -> None:
    said = detail(Checked("phi-4-mini", grounded, refuses, 1.0, 3.2).told, language)
    assert said.startswith("phi-4-mini ") and " 3 s" in said
    assert not re.search(r"\b(?:drafts|passages|answer|they|hold)\b", said)


def test_a_document_that_cannot_be_read_is_explained_in_one_language() -> None:
    known = DocumentError("The PDF is protected by a password; save a copy without one.")
    assert problem(known, "tr") == "PDF parolayla korunuyor; parolasız bir kopyasını kaydedin."
    assert problem(DocumentError("Of another package."), "tr").endswith("İngilizce: Of another package.")


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize(
    "error",
    [
        "There is a collection Pay & <b> already; choose another name.",
        "Nobody here is called zoe; write the name with which they sign in.",
        "A group's name has 1 to 100 characters, and none of , : / \\ in it.",
        "Somebody else has changed this collection meanwhile; open it again and look at what it is now.",
    ],
)
def test_what_was_wrong_in_a_form_is_said_in_the_administrators_language(error: str, language: str) -> None:
    told = problem(AccountsError(error), language)
    assert told != error and all(name in told for name in ("Pay & <b>", "zoe") if name in error)
    assert problem(AccountsError(error), "en") == error
