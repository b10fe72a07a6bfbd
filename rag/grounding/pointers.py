"""What only says where to read on: sentences that refer, and lists that name sections or other documents.

Knows the wording of references in English, German and Turkish, and what headings and documents are called. Does not
know questions: what points is no answer to any.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import regex

from rag.grounding.stretches import TELLING, is_sentence, text_of
from rag.grounding.unit_features import Sentence, word_count
from rag.grounding.units import Kind
from rag.text import sentences
from rag.text.analyser import casefold
from rag.types import Passage

_REFERS = regex.compile(r"(?:please )?(?:also )?(?:see|refer to|read|siehe|vgl\.|bkz\.?|voir|ver|véase)\b", regex.I)
"""What begins a short sentence that says where to read on."""
_POINTS = regex.compile(
    r"(?:please )?(?:also )?(?:see|refer to|read|visit|consult|check(?: out)?|have a look at|take a look at)\b.*\b"
    r"(?:for (?:(?:more|further|additional|full|detailed|the) )*(?:info|information|details?|documentation)\b.*|"
    r"to learn more\b.*)|"
    r"for (?:(?:more|further|additional|full|detailed) )+(?:info|information|details?|documentation|reading|help)\b.*"
    r"\b(?:see|refer|read|visit|consult|check|look|at|in|on)\b.*|"
    r"(?:(?:more|further|additional|detailed) )+(?:info|information|details?)"
    r"(?:\b.*\b(?:found|available|at|in|see)\b.*|[.:]?)|"
    r"(?:you can |to )?(?:read|find out|learn) more\b.*|"
    r"(?:.{0,80}[ ,])?(?:click here|klicken sie hier|(?:buraya|şuraya) tıklayın\w*)[.!]?|"
    r"(?:weitere|mehr|nähere|ausführliche) (?:information(?:en)?|infos|details|angaben|hinweise)\b.*|"
    r"(?:.{0,60}\b(?:hakkında|ile ilgili|konusunda|için) )?(?:daha (?:fazla|geniş)|(?:daha )?(?:ayrıntılı|detaylı)) "
    r"bilgi\w*(?: (?:için|almak))?\b.*",
    regex.I | regex.S,
)
"""A sentence that does."""
_LOST_LINK = regex.compile(
    r".*\b(?:documented|(?<!will be )(?:described|explained|outlined|detailed|listed)|found|available|linked|posted|"
    r"more|info(?:rmation)?|details?|videos?|guide|form|on (?:that|this)|about (?:that|this|it)) here[.!]?|"
    r"(?:please )?read (?:all |more )?about (?:our|the|how|what|why)\b.*|"
    r".*\b(?:finden sie|findest du|findet ihr|gibt es) hier[.!]?|"
    r"(?:mehr|weiteres|näheres|details) (?:dazu|hierzu|hier)\b.*|"
    r".*\b(?:buradan|şuradan|bu (?:bağlantıdan|linkten)|burada) (?:ulaş|eriş|bak|bul|oku|inceley)\w*[.!]?",
    regex.I | regex.S,
)
"""A sentence that says that more stands where a link was."""
_LABELLED = regex.compile(
    r"(?:(?:note|tip): )?(?:please |be sure to |make sure to )?(?:also )?(?:see|read|refer to) (?:also )?(?:the )?/?"
    r"[\p{L}\p{N}_]+(?:[-/][\p{L}\p{N}_]+)+"
    r"(?: (?:section|page|guide))?(?:,? (?:for|to|on|about|if|below|above)\b.*)?[.]?",
    regex.I | regex.S,
)
"""A sentence that refers to a place by the label that it has in the text's source: "address-already-in-use"."""
_INTRODUCES = regex.compile(
    r"(?:this|the following) (?:page|guide|document|chapter|section|article|tutorial|handbook|manual) "
    r"(?:\w+ly )?(?:explains?|describes?|outlines?|covers?|shows?|lists?|contains?|provides?|gives?|documents|"
    r"discusses|details|is about|walks|will (?:explain|describe|outline|cover|show|guide|teach|walk))\b.*|"
    r"dies(?:e|er|es) (?:seite|dokument|abschnitt|kapitel|anleitung) (?:beschreibt|erklärt|erläutert|zeigt)\b.*|"
    r"bu (?:sayfa|belge|kılavuz|bölüm|rehber|doküman)\p{L}*\b.*\b(?:açıklar|anlatır|gösterir|tanımlar|içerir|"
    r"açıklanmaktadır|anlatılmaktadır|açıklamaktadır)\W*",
    regex.I | regex.S,
)
"""A sentence that says what its page is about."""
_POINTER, _LINKING = 30, 20
"""Words of one at most, and of one that says no more than that there was a link."""
_ELSEWHERE = regex.compile(
    r"(?:see also|further reading|read more|related(?: \w+)?|references|links|resources|siehe auch|weiterführendes|"
    r"ayrıca bak\w*|kaynak\w*|bağlantılar)\s*:?",
    regex.I,
)
"""The heading over a list of what may be read besides."""
_CREDITS = regex.compile(r"(?:fix )?(?:contributed|reported) by .{1,80}", regex.I)
"""A line that thanks."""
_LINKED = regex.compile(r"(?:\p{L}[^:]{0,60}: )?(?:https?://|www\.)\S+", regex.I)
"""An item that is an address, or what it is called and it."""
_ANSWER = regex.compile(r"(?:A|Answer|Cevap|Yanıt|Antwort):\s")
_FEW = 3


def refers(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether a unit only says where to read on: "See the guide.", "For more information on leave, see the policy.", or
    an address; or whom something is owed to.
    """
    said = text_of(passages, one)
    if one.unit.kind is Kind.ITEM:
        return bool(_LINKED.fullmatch(said))
    if not is_sentence(one):
        return False
    if _CREDITS.fullmatch(said):
        return True
    brief = len(one.words) < TELLING and bool(_REFERS.match(said))
    return brief or (word_count(said) <= _POINTER and bool(_POINTS.fullmatch(said) or is_labelled(said)))


def is_lost_link(said: str) -> bool:
    """Whether a sentence says that more stands where a link was: "More on that here."."""
    return word_count(said) <= _LINKING and _LOST_LINK.fullmatch(said) is not None


def is_labelled(said: str) -> bool:
    """Whether a sentence only refers to a place by a label of the text's source, which readers do not know."""
    return _LABELLED.fullmatch(said) is not None


def introduces(passages: Sequence[Passage], one: Sentence) -> bool:
    """Whether a sentence says what its page is about, and not what is to be known of it."""
    return is_sentence(one) and bool(_INTRODUCES.fullmatch(text_of(passages, one)))


def is_contents(passages: Sequence[Passage], content: Sequence[Sentence], asked: int) -> bool:
    """Whether a list names the sections of its document, or other documents: most items are headings of what was found
    there, or all are short and some are, or it has as many questions besides.
    """
    items = [one for one in content if one.unit.kind is Kind.ITEM]
    answered = any(_ANSWER.match(text_of(passages, one)) for one in items)
    if items and len(items) == len(content) and asked >= max(_FEW, len(items)) and not answered:
        return True
    if not items or len(items) < len(content):
        return False
    own = items[0].passage
    if passages[own].headings and _ELSEWHERE.fullmatch(passages[own].headings[-1]):
        return True
    if all(_LINKED.fullmatch(text_of(passages, one)) for one in items):
        return True
    if len(items) < _FEW:
        return False
    document = passages[own].document
    headings = {casefold(title) for one in passages if one.document == document for title in one.headings}
    headings |= {casefold(one.headings[0]) for one in passages if one.document != document and one.headings}
    headings |= {_stem(one.document) for one in passages if one.document != document}
    named = sum(casefold(" ".join(text_of(passages, one).split())) in headings for one in items)
    return named >= min(_FEW, len(items) / 2) or (named > 0 and all(_is_name(text_of(passages, one)) for one in items))


def _stem(document: str) -> str:
    """What a document is called by its file, written as a title: "office visitors" for "guides/office_visitors.md"."""
    return casefold(" ".join(regex.findall(r"[\p{L}\p{M}\p{N}]+", PurePosixPath(document).stem)))


def _is_name(said: str) -> bool:
    """Whether an item is a few words without an end, as titles are."""
    return len(said.split()) <= TELLING and not sentences.PAUSE.search(said)
