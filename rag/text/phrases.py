"""How refusals and hedges are worded, and how Tandem words its own refusal.

Knows the phrases of `phrases.yaml` (English, Turkish, German). Does not know whether a refusal is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import regex
import yaml

from rag.text import sentences
from rag.types import Passage

_MARKERS = regex.compile(r"\s*\[\d+\]")
_NEAREST = 3


@dataclass(frozen=True, slots=True)
class _Wording:
    refusals: tuple[regex.Pattern[str], ...]
    hedges: tuple[regex.Pattern[str], ...]
    nothing: str
    nearest: str
    advice: str
    said: dict[str, Any]


@cache
def _wordings() -> dict[str, _Wording]:
    text = (Path(__file__).parent / "phrases.yaml").read_text(encoding="utf-8")
    return {
        code: _Wording(
            tuple(regex.compile(p, regex.I) for p in block["refusals"]),
            tuple(regex.compile(p, regex.I) for p in block["hedges"]),
            block["nothing"],
            block["nearest"],
            block["advice"],
            block,
        )
        for code, block in yaml.safe_load(text).items()
    }


def is_refusal(text: str) -> bool:
    """Whether `text` says that there is no answer: its first sentence does, or all of it is one short statement that
    does.

    A refusal buried in an answer ("… The date is not stated.") leaves the answer an answer.
    """
    plain = " ".join(_MARKERS.sub("", text).split())
    if not plain:
        return False
    opening = sentences.BREAK.split(plain, maxsplit=1)[0]
    return any(p.search(opening[:400]) for w in _wordings().values() for p in w.refusals)


def refusal_sentence(text: str) -> bool:
    """Whether this one sentence says that something is not in the documents."""
    return any(p.search(text[:400]) for w in _wordings().values() for p in w.refusals)


def hedges(text: str) -> int:
    """How many hedging phrases `text` holds."""
    return sum(len(p.findall(text)) for w in _wordings().values() for p in w.hedges)


def refusal(language: str, nearest: Sequence[Passage] = ()) -> str:
    """What to say, in the question's language (English if unknown), when the documents hold no answer.

    Names where the nearest passages are, and how to ask better.
    """
    wording = _wordings().get(language) or _wordings()["en"]
    parts = [wording.nothing]
    places = dict.fromkeys(_place(p) for p in nearest)
    if places:
        parts.append(wording.nearest.format(places="; ".join(list(places)[:_NEAREST])))
    parts.append(wording.advice)
    return " ".join(parts)


def phrase(code: str, language: str, **values: object) -> str:
    """A sentence of Tandem's own (`unsure`, `further`, `part`, `which`, `greeting`, `thanks`, `abilities`, `empty`)."""
    return str((_wordings().get(language) or _wordings()["en"]).said[code]).format(**values)


def foreign(language: str, spoken: str) -> str:
    """That what follows is in another language, `spoken`."""
    names = (_wordings().get(language) or _wordings()["en"]).said["languages"]
    return phrase("foreign", language, spoken=names.get(spoken, spoken))


def library(language: str, count: int) -> str:
    """How many documents there are."""
    said = (_wordings().get(language) or _wordings()["en"]).said["library"]
    return phrase("empty", language) if not count else str(said["one" if count == 1 else "many"]).format(count=count)


def mentions(language: str, topic: str, count: int, *, more: bool) -> str:
    """That so many documents mention something; with `more`, that there are others."""
    said = (_wordings().get(language) or _wordings()["en"]).said["mentions"]
    return str(said["many" if more else "one" if count == 1 else "some"]).format(topic=topic, count=count)


def more_items(language: str, count: int) -> str:
    """That a list has so many items more in its document; 0 where that is not known."""
    said = (_wordings().get(language) or _wordings()["en"]).said["items"]
    return str(said["one" if count == 1 else "many" if count else "some"]).format(count=count)


def also(language: str, labels: Sequence[str]) -> str:
    """What else a document has sections on."""
    return phrase("also", language, labels="; ".join(labels))


def _place(passage: Passage) -> str:
    return f"{passage.document} ({passage.headings[-1]})" if passage.headings else passage.document
