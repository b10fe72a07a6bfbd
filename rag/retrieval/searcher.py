"""One search, from a question to ranked passages.

Knows the order of the steps: read the question, correct its words, take candidates from the index, re-rank them, read
the best from the store. Does not know files or how documents get in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from threadpoolctl import threadpool_limits

from rag.labels import PUBLIC
from rag.retrieval import confidence, follow_ups, matching, query, quoted, rerank_features, reranker, second_stage
from rag.retrieval.edges import with_edges
from rag.retrieval.evidence import DEPTH, lacking
from rag.retrieval.matching import Floats
from rag.retrieval.meaning import Meaning
from rag.retrieval.neighbours import Among
from rag.retrieval.ranked import Ranked
from rag.retrieval.semantics import Semantics
from rag.retrieval.view import View
from rag.retrieval.weights import Weights, learned
from rag.settings import RetrievalSettings
from rag.storage.filters import Filters
from rag.storage.passage_terms import unpack
from rag.storage.protocols import CandidateIndex, PassageStore
from rag.storage.totals import Sizes, Totals
from rag.text import framing, lexicon, reading_ahead, sentences
from rag.text.analyser import casefold, stem
from rag.types import Likes, SearchResult

_CACHED_BYTES, _PHRASE_CANDIDATES = 32_000_000, 1_000
_BORROWED, _BORROWED_ALONE = 0.5, 0.25
"""What words of the question before count beside a turn's own, where the turn leans on it and where it stands alone;
those of the one before that count half."""
_NEAREST, _NEAREST_FILTERED = 30, 400
_LANGUAGES, _VIEWS = 100_000, 64
_VECTORS_MISSING = 0.1
"""Share of candidates without a vector above which words alone decide."""
_NEAR = 0.4
"""What a word counts in the index that may stand for the question's own."""
_FAR_BEHIND, _AT_LEAST = 0.33, 20
"""Below this share of the best score in the index, the first few alone are re-ranked: the others hardly ever win."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A question as it is searched: its `own` terms, and these with what it takes from the conversation (`talk`; the
    same object where it takes nothing). `text` has all the words, `resolved` is what to answer, `meaning` waits for
    what it means, `likes` for which words are like its own.
    """

    text: str
    resolved: str
    own: query.Query
    talk: query.Query
    meaning: Callable[[], Meaning | None]
    likes: Callable[[], Likes]
    in_talk: bool


class Searcher:
    """Searches one store through one index. Safe from any thread."""

    def __init__(self, store: PassageStore, index: CandidateIndex, settings: RetrievalSettings) -> None:
        # The matrices of one search are small: waking a second thread for them takes longer than multiplying them.
        threadpool_limits(limits=1, user_api="blas")
        self._store = store
        self._index = index
        self._settings = settings
        self.semantics: Semantics | None = None
        """What finds the near in meaning, once it is there; it may come at any time, and stays."""
        self._weights = learned()
        self._lock = threading.Lock()
        self._features: dict[int, tuple[int, bytes, bytes]] = {}
        self._cached = 0
        self._spoken: dict[int, str] = {}
        self._versions: dict[int, int] = {}
        self._state: tuple[Sizes, dict[frozenset[str] | None, View]] | None = None

    def refresh(self) -> None:
        """Forget what a committed change has made stale. Called at each search; cheap when nothing changed."""
        thread, version = threading.get_ident(), self._store.data_version()
        if self._state is not None and self._versions.get(thread) == version:
            return
        with self._lock:
            self._index.reload()
            self._state = self._store.sizes(), {}
            if len(self._versions) > 256:  # thread numbers come and go
                self._versions.clear()
            self._versions[thread] = version

    def forget(self) -> None:
        """Drop everything read so far, after a change by this process."""
        with self._lock:
            self._versions.clear()  # a search that is under way goes on with the totals it began with
            self._features.clear()
            self._spoken = {}
            self._cached = 0

    def warm(self, seconds: float = 0.0) -> None:
        """Read what the first search in any language would otherwise wait for: word lists, vectors, the encoder. The
        words by which spelling is told are made beside it for the library's languages; they are waited for at most
        `seconds`.
        """
        languages = tuple(dict.fromkeys((*self.totals.languages[:3], "en")))
        reading_ahead.read(languages)
        if self.semantics is not None:
            self.semantics.warm()
        for language in languages:  # last: what they take while they are made is given back where nothing lies above it
            lexicon.prepare(language)
        for language in languages:
            lexicon.ready(language, seconds)

    def view(self, labels: frozenset[str] | None) -> View:
        """What a search sees of the library as it is now: the passages with one of the labels, or all with None."""
        self.refresh()
        assert self._state is not None
        sizes, views = self._state
        if labels is not None and sizes.covers(labels):
            labels = None
        known = views.get(labels)
        if known is None:
            if len(views) >= _VIEWS:
                views.clear()
            known = views[labels] = View(labels, sizes.of(labels), self._index)
        return known

    @property
    def totals(self) -> Totals:
        """Of all there is."""
        return self.view(None).totals

    def search(
        self,
        question: str,
        *,
        labels: frozenset[str] = PUBLIC,
        history: Sequence[tuple[str, str]] = (),
        limit: int | None = None,
        documents: Collection[str] | None = None,
    ) -> SearchResult:
        """See `rag.retrieval.retriever.Retriever.search`; of passages without one of the labels, nothing is told."""
        view = self.view(labels)
        wanted = self._settings.passages if limit is None else limit
        parsed = query.parse(question)
        if not (wanted or parsed.phrases or history):
            own, known = framing.unframed(parsed.text), view.totals.languages
            return SearchResult((), own, 0.0, query.spoken(own, known), notes=parsed.notes, resolved=own)
        filters = self._filters(parsed, documents, view)
        reading = self._read_question(parsed.text, history, view, parsed.phrases)
        ranked = self._rank(reading, filters, view, self._weights)
        notes, rows, scores, most = list(parsed.notes), list(ranked.rows), ranked.rounded(), second_stage.BY_PIECES
        if parsed.phrases:
            rows = quoted.holding(self._store, rows, parsed.phrases, wanted, labels)
            most = len(rows) or most  # what holds the words stays first, and its scores are told among it alone
            if not rows:
                notes.append("No passage holds the quoted words in that order; the words were searched one by one.")
            # A question may quote a name in passing; without a question mark the quoted words are the condition.
            if not rows or (len(rows) < wanted and question.rstrip().endswith(sentences.QUESTION_MARKS)):
                ranked = self._rank(reading, replace(filters, required=()), view, self._weights)
                scores = ranked.rounded() | {row: scores[row] for row in rows}
                rows.extend(row for row in ranked.rows if row not in rows)
        first = rows[: second_stage.BY_PIECES] if ranked.columns else []
        near = self.semantics.nearness(reading.meaning(), first, reading.own.language) if self.semantics else {}
        first[:most] = second_stage.by_pieces(first[:most], scores, near, ranked.unsaid)
        rows = (first + rows[len(first) :])[:wanted]
        # The index may be behind the store, which has the last word.
        found = with_edges(self._store, self._store.passages(rows, scores, labels), labels)
        passages = tuple(replace(found[row], near=near.get(row)) for row in rows if row in found)
        return SearchResult(
            passages=passages,
            query=reading.text,
            confidence=confidence.confidence(ranked, self._weights) if passages else 0.0,
            language=reading.own.language,
            corrections=tuple((t.word, t.corrected) for t in reading.own.terms if t.corrected),
            notes=tuple(notes),
            resolved=reading.resolved,
            likes=reading.likes(),
        )

    def _read_question(
        self,
        own: str,
        history: Sequence[tuple[str, str]],
        view: View,
        exact: Collection[str] = (),
        weights: Weights | None = None,
    ) -> _Reading:
        """Both readings of a question: as it stands, and with what it takes from the conversation."""
        own = framing.unframed(own)
        turn = follow_ups.turn(own, history)
        semantics = self.semantics if own.strip() else None
        later = semantics.means_later(own, turn.before) if semantics is not None else lambda: None
        begun = semantics.likes_later(query.words(own, view.totals.languages), later) if semantics is not None else None

        def likes(asked: query.Query) -> Callable[[], Likes]:
            """What is like its words among those of the view's passages."""
            if begun is None:
                return dict
            return cache(lambda: begun([term.word for term in asked.content], view.vocabulary.frequencies))

        asked = self.analyse(own, weights, exact, view)
        if not turn.borrowed and not turn.before:
            return _Reading(own, own, asked, asked, later, likes(asked), in_talk=False)
        meaning = later()
        if not turn.borrowed or (meaning is not None and turn.stands_alone and meaning.apart):
            alone = meaning and meaning.alone()
            return _Reading(own, own, asked, asked, lambda: alone, likes(asked), in_talk=False)
        borrowed = [self.analyse(words, weights, view=view).terms for words in turn.borrowed]
        held = {one for term in asked.terms for one in term.stems}
        terms = list(asked.terms)
        share = _BORROWED_ALONE if turn.stands_alone else _BORROWED
        for words in borrowed:
            for term in words:
                if held.isdisjoint(term.stems) and not term.stop:
                    terms.append(term._replace(weight=share * term.weight))
                    held.update(term.stems)
            share /= 2
        text = " ".join((own, *turn.borrowed))
        talk = replace(asked, terms=tuple(terms))
        resolved = own if turn.stands_alone else text
        return _Reading(text, resolved, asked, talk, lambda: meaning, likes(talk), in_talk=True)

    def rank(
        self,
        question: str,
        *,
        weights: Weights | None = None,
        without: Collection[int] = (),
        history: Sequence[tuple[str, str]] = (),
    ) -> Ranked:
        """The candidates of a plain question with all their features, for learning: with other weights, or as if some
        passages, by row, were not there.
        """
        own, view = weights or self._weights, self.view(PUBLIC)
        reading = self._read_question(question, history, view, weights=own)
        return self._rank(reading, Filters(labels=view.labels), view, own, without)

    def analyse(
        self, text: str, weights: Weights | None = None, exact: Collection[str] = (), view: View | None = None
    ) -> query.Query:
        """The terms of a plain question as the library knows them; words that it does not know, in other spellings, but
        for those of the phrases `exact`. What is not in `view` (what is for everybody) is not known.
        """
        view = view or self.view(PUBLIC)
        totals, vocabulary, chance = view.totals, view.vocabulary, (weights or self._weights).chance
        asked = query.analyse(text, totals.languages, totals.passages, vocabulary.frequencies, chance)
        return vocabulary.known(asked, totals.passages, exact)

    def _filters(self, parsed: query.Parsed, documents: Collection[str] | None, view: View) -> Filters:
        names: tuple[str, ...] | None = None
        if documents is not None or parsed.documents:
            names = tuple(documents) if documents is not None else ()
            if parsed.documents:
                named = query.meant(self._store.names_like(parsed.documents), parsed.documents)
                names = tuple(n for n in named if documents is None or n in set(documents))
        ways = view.totals.languages[:3] or ("",)
        excluded = {stem(casefold(word), way) for word in parsed.excluded for way in ways}
        required: list[tuple[str, ...]] = []
        for phrase in parsed.phrases:
            required.extend(t.stems for t in self.analyse(phrase, view=view).terms if t.frequency)
        return Filters(
            labels=view.labels,
            documents=names,
            folders=parsed.folders,
            kinds=parsed.kinds,
            after=parsed.after,
            before=parsed.before,
            required=tuple(required),
            excluded=tuple(sorted(excluded)),
        )

    def _rank(
        self, reading: _Reading, filters: Filters, view: View, weights: Weights, without: Collection[int] = ()
    ) -> Ranked:
        hits, dropped = self._by_words(reading.talk, filters)
        if reading.talk is not reading.own:
            # A turn that changes the subject finds its passages by its own words.
            hits = list(dict.fromkeys((*hits, *self._by_words(reading.own, filters)[0])))
        sought = matching.wanted(reading.talk)  # this, and what else needs no encoder, while these are at work
        self._read(hits)
        meaning = reading.meaning() if weights.meaning else None
        if meaning is not None:
            hits = list(dict.fromkeys((*hits, *self._by_meaning(reading, meaning, filters, view))))
        features = self._read(hits)
        rows = [row for row in hits if row in features and features[row][1] and row not in without]
        batch = unpack([features[row][1:] for row in rows])
        numbers: dict[int, int] = {}
        documents = np.array([numbers.setdefault(features[row][0], len(numbers)) for row in rows], np.int64)
        average = view.totals.tokens / max(1, view.totals.passages)
        found = rerank_features.describe(reading.talk, sought, batch, np.array(rows, np.int64), documents, average)
        columns = lacks = None
        if meaning is not None:
            dropped = 0  # with what is near in meaning among them, the candidates are no longer the best by words
            said = matching.likeness(batch, matching.alike(reading.talk.content, reading.likes()))
            alike = *rerank_features.alike(reading.talk, batch, said), rerank_features.has_asked(found)
            columns = self._columns(rows, reading, meaning, view, reranker.weighed(found.features, weights), alike)
        if columns is not None:
            scores = second_stage.score(columns, weights.meaning)
        else:
            scores = reranker.score(found.features, weights, dropped)
        order = np.argsort(-scores, kind="stable")
        if columns is not None:
            best = order[:DEPTH]
            lacks = lacking(reading.talk, unpack([features[rows[i]][1:] for i in best]), said[batch.sentences(best)])
        return Ranked(tuple(rows[i] for i in order), scores[order], found, order, dropped, reading.talk, columns, lacks)

    def _by_words(self, asked: query.Query, filters: Filters) -> tuple[list[int], int]:
        """The rows that the index finds, best first, and how many were too far behind."""
        clauses: list[tuple[str, str, float]] = []
        for term in asked.content:
            if term.frequency:
                clauses.extend(("terms", one, 1.0) for one in term.stems)
                clauses.extend(("title", one, 0.5) for one in term.stems)
                if term.folded not in term.stems and not any(
                    self._index.frequencies("terms", term.stems, filters.labels)
                ):
                    clauses.append(("surface", term.folded, 1.0))
            clauses.extend(("terms", one, _NEAR) for one in term.near)
        limit = _PHRASE_CANDIDATES if filters.required else self._settings.candidates
        hits = self._index.search(clauses, filters, limit)
        met = len(hits)
        if hits and not filters.required:
            least = _FAR_BEHIND * hits[0][1]
            hits = [hit for place, hit in enumerate(hits) if place < _AT_LEAST or hit[1] >= least]
        return [row for row, _ in hits], met - len(hits)

    def _by_meaning(self, reading: _Reading, meaning: Meaning, filters: Filters, view: View) -> list[int]:
        """The rows nearest in meaning that the filters let through."""
        assert self.semantics is not None
        if filters.required or filters.excluded:
            return []  # which words a passage holds is known to the index alone
        count = _NEAREST_FILTERED if filters.narrow else _NEAREST
        among = Among(filters, partial(view.rows, self._store))
        near = self.semantics.nearest(meaning, count, among)
        self._read(near)
        if meaning.second is not None:
            reading.likes()  # while the second encoder is at work
        second = self.semantics.nearest_second(meaning, among, reading.own.language)
        rows = list(dict.fromkeys((*second, *near)))
        if rows and (filters.narrow or filters.labels is not None):
            allowed = self._store.allowed(rows, filters)
            rows = [row for row in rows if row in allowed][: 2 * _NEAREST]
        return rows

    def _columns(
        self,
        rows: Sequence[int],
        reading: _Reading,
        meaning: Meaning,
        view: View,
        words: tuple[Floats, Floats],
        alike: tuple[Floats, Floats, Floats, Floats],
    ) -> second_stage.Columns | None:
        """The candidates' meaning; None while too few of them have their vectors."""
        assert self.semantics is not None
        near, language = self.semantics.near, reading.own.language
        own = near.cosines(meaning.own, rows)
        if not len(rows) or np.isnan(own).mean() > _VECTORS_MISSING:
            return None
        talk = own if meaning.talk is meaning.own else near.cosines(meaning.talk, rows)
        foreign = np.zeros(len(rows), bool)
        if language and view.totals.languages != (language,):
            spoken = self._spoken
            if unknown := [row for row in rows if row not in spoken]:
                spoken |= self._store.languages_of(unknown)
            foreign = np.array([spoken.get(row, "") not in ("", language) for row in rows], bool)
            if len(spoken) > _LANGUAGES:
                self._spoken = {}
        return second_stage.Columns(
            *words,
            second_stage.spread(own),
            second_stage.spread(talk),
            near.usual(meaning.talk, Among(Filters(labels=view.labels), partial(view.rows, self._store))),
            foreign,
            reading.in_talk,
            *alike,
            self.semantics.second(meaning, rows, language, foreign),
        )

    def _read(self, rows: Sequence[int]) -> dict[int, tuple[int, bytes, bytes]]:
        cache = self._features
        found = {row: known for row in rows if (known := cache.get(row)) is not None}
        if len(found) < len(rows):
            read = self._store.features([row for row in rows if row not in found])
            fresh = {row: (document, tokens, grams) for row, document, tokens, grams in read}
            found |= fresh
            with self._lock:
                if self._cached > _CACHED_BYTES:
                    cache.clear()
                    self._cached = 0
                cache.update(fresh)
                self._cached += sum(len(tokens) + len(grams) for _, tokens, grams in fresh.values())
        return found
