"""The types that retrieval hands out: passages, search results, checked sentences.

Knows the shape of what is found and checked. Does not know how it is found, nor that models exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from rag.labels import PUBLIC

Role = Literal["system", "user", "assistant"]
Likes = Mapping[str, tuple[tuple[str, float], ...]]
"""Word of a question, in one case -> the stems of words of the library that are like it in meaning, in whatever
language, the likest first, each with its likeness in (0, 1]."""
NO_LIKES: Likes = MappingProxyType({})
ReadEach = Callable[[Sequence["Passage"]], Sequence[float | None]]
"""Gives the log odds, as a reader says, that each of some passages answers the question, or None."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat, as a model sees it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near a passage is to a question in meaning: the cosine of the `whole`, and (start, end, cosine) of its
    pieces, with offsets into its text. `second` is whether a second encoder says so, which knows the language better
    than the first: their cosines do not compare.
    """

    whole: float
    pieces: tuple[tuple[int, int, float], ...]
    second: bool = True


_GAP = 8
"""Characters between two passages of which one comes right after the other, at most."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document that is retrieved and cited as one.

    `document` is the path relative to its library folder, with `/` on every system. `start` and `end` are character
    offsets into the document's extracted text, such that `document_text[start:end] == text`. `page` counts from 1 and
    is None where the format has no pages. `headings` goes from the outermost heading to the innermost.
    `score` is the re-ranked score: higher is better, comparable only within one search. `picture` says how sure the
    reader is, in [0, 1], of a page that was read from a picture; None where the page's own text was read. `near` is
    how near it is to the question that found it, where an encoder says so. `edges` are the item or line right before it
    in its section and the line right after, with the blank line between and as far in as it stands, "" where there is
    none; of passages that begin with an item, and that end with one or with code, only.
    """

    id: str
    document: str
    text: str
    start: int
    end: int
    page: int | None = None
    headings: tuple[str, ...] = ()
    score: float = 0.0
    language: str = ""
    picture: float | None = None
    near: Nearness | None = None
    edges: tuple[str, str] = ("", "")

    def is_before(self, other: Passage) -> bool:
        """Whether the other passage comes right after this one in their document."""
        return self.document == other.document and 0 <= other.start - self.end <= _GAP


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document of the library. `name` is what `Passage.document` shows; `modified` counts seconds since 1970.

    `labels` say who may find it (`rag.labels`).
    """

    id: str
    name: str
    title: str
    kind: str
    language: str
    modified: float
    characters: int
    passages: int
    pages: int
    labels: frozenset[str] = PUBLIC


@dataclass(frozen=True, slots=True)
class FileReceipt:
    """What became of one file. `state` is "indexed" or "failed"; `reason` says why it failed, or notes what was left
    out.

    `root` is the library folder, `path` the file's path in it, `seconds` the time that reading and cutting took.
    """

    root: str
    path: str
    state: str
    reason: str
    pages: int
    passages: int
    characters: int
    seconds: float
    size: int
    mtime_ns: int
    digest: str


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far an indexing run is: files `done` of `total`, the `current` path, and the `seconds_left` where known."""

    done: int
    total: int
    current: str
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What an indexing run did, in files. `receipts` has those that were read in this run; `cancelled` says it
    stopped early.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    failed: int = 0
    seconds: float = 0.0
    cancelled: bool = False
    receipts: tuple[FileReceipt, ...] = ()

    def followed_by(self, later: SyncReport) -> SyncReport:
        """This run and a later one that went on where it stopped, as one."""
        return replace(
            later,
            added=self.added + later.added,
            changed=self.changed + later.changed,
            removed=self.removed + later.removed,
            failed=self.failed + later.failed,
            unchanged=later.unchanged - len(self.receipts),
            seconds=self.seconds + later.seconds,
            receipts=self.receipts + later.receipts,
        )


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence quoted from a passage. `passage` is its 0-based place among the passages; `start`/`end` lie in its
    text.
    """

    passage: int
    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What one search found, best first.

    `query` is what was searched: the question, with terms of the conversation where the question needed them.
    `confidence` in [0, 1] estimates that the passages answer the question. `corrections` pairs each word that no
    document holds with the nearest one, which was searched too. `notes` are sentences a person may read (an ignored
    filter, a word left out). `resolved` is the question as it is to be answered: with the words of the conversation
    where it does not stand alone, else as it was asked. `likes` has what is like its words.
    """

    passages: tuple[Passage, ...]
    query: str
    confidence: float
    language: str = ""
    corrections: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    resolved: str = ""
    likes: Likes = field(default_factory=dict)


class Support(StrEnum):
    """How well a sentence is backed by the passages. NEUTRAL makes no claim: a greeting, a refusal, a heading."""

    SUPPORTED = "supported"
    DOUBTFUL = "doubtful"
    UNSUPPORTED = "unsupported"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class CheckedSentence:
    """One sentence of an answer. `start`/`end` are offsets into `CheckedAnswer.text` and include the markers.

    `passages` are ids, best first; empty unless the verdict is SUPPORTED or DOUBTFUL. `score` in [0, 1] is the share of
    the sentence's idf weight that its best passage covers. `evidence` is the (start, end) span, in the best passage's
    text, of the sentence that supports it most.
    """

    text: str
    start: int
    end: int
    support: Support
    score: float
    passages: tuple[str, ...] = ()
    evidence: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """An answer after the citation check: `text` carries only markers `[n]` that are valid (1-based into the passages
    that were checked against), at least one on every supported sentence. `dropped` are the invalid markers' numbers.
    It is `doubtful` where it says of itself that it may not answer.
    """

    text: str
    sentences: tuple[CheckedSentence, ...]
    dropped: tuple[int, ...] = ()
    doubtful: bool = False

    @property
    def supported_share(self) -> float:
        """Share of the claim-making sentences that are supported, in [0, 1]; 1.0 when none makes a claim."""
        claims = [s for s in self.sentences if s.support is not Support.NEUTRAL]
        if not claims:
            return 1.0
        return sum(s.support is Support.SUPPORTED for s in claims) / len(claims)
