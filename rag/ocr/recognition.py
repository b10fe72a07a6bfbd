"""Which program reads pictures of text: what is installed, and what the library's languages need.

Knows which languages each can write. Does not know documents, nor how a program is called.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from rag.formats.recognised import Recogniser

Engine = Literal["", "rapidocr", "tesseract"]

OFF = "reading pictures is switched off (retrieval.ocr in tandem.yaml)"
MISSING = (
    "to have pictures read, install what reads them with pip install 'tandem-assistant[ocr]' and run tandem index again"
)
# Written in other letters than the models inside the package know (they write Latin ones, Chinese and Japanese).
_OTHER_LETTERS = frozenset(
    (
        "ar", "be", "bg", "bn", "el", "fa", "gu", "he", "hi", "hy", "ka", "km", "kn", "ko", "lo", "ml",
        "mk", "mn", "mr", "my", "ne", "pa", "ru", "si", "sr", "ta", "te", "th", "uk", "ur",
    )
)  # fmt: skip
# What Tesseract calls the languages.
_TESSERACT = {
    "ar": "ara", "bg": "bul", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa",
    "et": "est", "eu": "eus", "fa": "fas", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "hy": "hye",
    "id": "ind", "it": "ita", "ja": "jpn", "ko": "kor", "lt": "lit", "lv": "lav", "nl": "nld", "no": "nor", "pl": "pol",
    "pt": "por", "ro": "ron", "ru": "rus", "sk": "slk", "sl": "slv", "sr": "srp", "sv": "swe", "ta": "tam", "th": "tha",
    "tr": "tur", "uk": "ukr", "vi": "vie", "zh": "chi_sim",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """The program that reads pictures ("": none, and `problem` says why), for texts in `languages`."""

    engine: Engine
    languages: tuple[str, ...] = ()
    problem: str = ""


NOTHING = Choice("", (), "pictures are not read")


def choose(languages: Sequence[str], *, wanted: bool = True) -> Choice:
    """What reads pictures for a library in `languages` (ISO 639-1, commonest first); nothing if not `wanted`."""
    if not wanted:
        return Choice("", (), OFF)
    known = tuple(dict.fromkeys(language for language in languages if language))
    tesseract = shutil.which("tesseract") is not None and find_spec("PIL") is not None
    rapid = all(find_spec(name) is not None for name in ("rapidocr", "onnxruntime"))
    if tesseract and (not rapid or any(language in _OTHER_LETTERS for language in known)):
        return Choice("tesseract", known)
    return Choice("rapidocr", known) if rapid else Choice("", known, MISSING)


def load(choice: Choice, threads: int) -> Recogniser:
    """The program, ready; takes seconds. Raises ImportError or OSError when it does not start."""
    if choice.engine == "tesseract":
        from rag.ocr.tesseract import Tesseract

        return Tesseract([_TESSERACT[language] for language in choice.languages if language in _TESSERACT])
    from rag.ocr.rapid import Rapid

    return Rapid(threads)
