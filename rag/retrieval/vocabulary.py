"""What the library's own words make of a question's: how many passages hold them, and what else may be meant.

Knows the words of the index, and where a question's word that it lacks may be found: without its diacritics, in parts,
in a compound, or spelt otherwise. A word of a language is never replaced. Does not know passages or scores.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from rag.retrieval import query
from rag.retrieval.query import Query, Term
from rag.storage.protocols import CandidateIndex
from rag.text import lexicon, spelling
from rag.text.analyser import COMPOUND, COMPOUNDING, casefold, fold, from_behind, stem, tokens
from rag.text.written_forms import parts

_SPELLINGS = 10_000
_COMPOUNDS = 8
_SHORTEST_STEM, _SHORTEST_PART, _SHORTEST_NAME = 5, 4, 6
_LINKS = ("", "s", "es", "n", "en", "er", "e", "ens")
"""What may stand between the parts of a compound."""


class Vocabulary:
    """The words of one state of an index whose documents are in `languages`, commonest first, as far as passages with
    one of the labels `readable` hold them (None: all passages). Safe from any thread.
    """

    def __init__(
        self, index: CandidateIndex, languages: tuple[str, ...], readable: frozenset[str] | None = None
    ) -> None:
        self._index = index
        self._languages = languages
        self._readable = readable
        self._spellings: dict[str, str] = {}

    def frequency(self, field: str, term: str) -> int:
        """Number of passages that hold a term, or inherit it from their headings or their document's name."""
        own = self._readable
        return self._index.frequency(field, term, own) or self._index.frequency("title", term, own)

    def frequencies(self, terms: Sequence[str]) -> list[int]:
        """`frequency` of many of the passages' own terms at once."""
        held = self._index.frequencies("terms", terms, self._readable)
        lacking = [term for term, count in zip(terms, held, strict=True) if not count]
        if not lacking:
            return held
        inherited = dict(zip(lacking, self._index.frequencies("title", lacking, self._readable), strict=True))
        return [count or inherited[term] for term, count in zip(terms, held, strict=True)]

    def known(self, asked: Query, passages: int, quoted: Collection[str] = ()) -> Query:
        """The question with what the library knows in place of the words that it does not.

        `passages` is the number of passages; words of the phrases `quoted` are taken as they are.
        """
        exact = {token.folded for phrase in quoted for token in tokens(phrase, "")}
        terms: list[Term] = []
        for place, term in enumerate(asked.terms):
            if term.stop or not term.weight:
                terms.append(term)
            elif term.frequency:
                terms.append(self._with_compounds(term, asked.language))
            else:
                terms += self._found(term, asked.language, passages, place > 0, term.folded in exact)
        if tuple(terms) == asked.terms:
            return asked
        mended = {term.word: term.folded for term in terms if term.corrected}
        plain = {fold(casefold(word)): corrected for word, corrected in mended.items()}
        return replace(asked, terms=tuple(terms), sequence=tuple(plain.get(word, word) for word in asked.sequence))

    def _found(self, term: Term, language: str, passages: int, inside: bool, exact: bool) -> list[Term]:
        """What stands for a word that no passage holds; the word itself where nothing does."""
        count = self._surface(term.folded)
        if count:
            return [self._spelt(term, term.folded, count, language, passages)]
        split = self._parts(term, language, passages) or self._split(term, language, passages)
        if split:
            return split
        compounds = self._compounds(term, language)
        if compounds:
            count = min(passages, sum(n for _, n in compounds))
            weight = query.term_weight(term.chance, passages, count)
            return [term._replace(stems=tuple(one for one, _ in compounds), frequency=count, weight=weight)]
        if exact or self._is_word(term.word, language):
            return [term]
        surface = self._spelled(term.folded)
        if not surface:
            return [term]
        if inside and term.word[:1].isupper():
            near = self._stems(surface, language) if len(surface) >= _SHORTEST_NAME else ()
            return [term._replace(near=near)]
        spelt = self._spelt(term, surface, self._surface(surface), language, passages)
        return [spelt._replace(stems=(*term.stems, *spelt.stems), corrected=surface)]

    def _is_word(self, word: str, language: str) -> bool:
        """Whether it is a word of the question's language or of one of the library's. The list of a language that the
        library does not have is made when first somebody asks in it, and nobody waits for that.
        """
        own = tuple(dict.fromkeys((*self._languages, "en")))
        return any(lexicon.is_word(word, way) for way in own) or (
            language not in own and lexicon.is_word(word, language, patient=False)
        )

    def _spelt(self, term: Term, surface: str, count: int, language: str, passages: int) -> Term:
        """The term as `surface`, which `count` passages hold."""
        stems = self._stems(surface, language)
        count = max([count, *self.frequencies(stems)])
        weight = query.term_weight(term.chance, passages, count)
        return term._replace(stems=stems, folded=surface, frequency=count, weight=weight)

    def _stems(self, surface: str, language: str) -> tuple[str, ...]:
        ways = dict.fromkeys((language, *self._languages))
        stems = tuple(dict.fromkeys((*(stem(surface, way) for way in ways), surface)))
        return tuple(one for one, n in zip(stems, self.frequencies(stems), strict=True) if n) or stems[:1]

    def _surface(self, folded: str) -> int:
        """Number of passages that hold a folded word, or words of which it is the term."""
        return self._surfaces([folded])[0]

    def _surfaces(self, folded: Sequence[str]) -> list[int]:
        surfaces, terms, titles = (
            self._index.frequencies(field, folded, self._readable) for field in ("surface", "terms", "title")
        )
        return [max(one, two or three) for one, two, three in zip(surfaces, terms, titles, strict=True)]

    def _spelled(self, surface: str) -> str:
        known = self._spellings.get(surface)
        if known is None:
            known = spelling.correct(surface, self._surfaces)
            if len(self._spellings) < _SPELLINGS:
                self._spellings[surface] = known
        return known

    def _parts(self, term: Term, language: str, passages: int) -> list[Term]:
        """The parts of a word that was written together, where the library holds them all."""
        found = []
        for part in parts(term.word):
            stems = self._stems(fold(casefold(part)), language)
            count = max(self.frequencies(stems))
            if not count:
                return []
            kind = "number" if part.isdecimal() else term.kind
            found.append(self._part(term, part, stems, kind, count, passages))
        return found

    def _split(self, term: Term, language: str, passages: int) -> list[Term]:
        """The two parts of a compound, where the library holds both; the cut nearest to the middle."""
        if not self._compounding(language) or len(term.folded) < 2 * _SHORTEST_PART or not term.word.isalpha():
            return []
        word, best = term.folded, None
        cuts = [
            (cut, word[: cut - len(link)])
            for cut in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)
            for link in _LINKS
            if cut - len(link) >= _SHORTEST_PART and word[:cut].endswith(link)
        ]
        ends = dict.fromkeys(part for cut, left in cuts for part in (word[cut:], left))
        ways = dict.fromkeys((language, *self._languages))
        # All that is asked below, at once.
        self.frequencies(list(dict.fromkeys(one for part in ends for one in (*(stem(part, w) for w in ways), part))))
        for cut, left in cuts:
            right, stems = self._stems(word[cut:], language), self._stems(left, language)
            if self.frequency("terms", right[0]) and self.frequency("terms", stems[0]):
                middle = abs(2 * cut - len(word))
                if best is None or middle < best[0]:
                    best = (middle, (left, stems), (word[cut:], right))
        if best is None:
            return []
        return [
            self._part(term, part, stems, "other", self.frequency("terms", stems[0]), passages)
            for part, stems in best[1:]
        ]

    def _part(self, term: Term, part: str, stems: tuple[str, ...], kind: str, count: int, passages: int) -> Term:
        weight = query.term_weight(term.chance, passages, count)
        return term._replace(
            word=part, stems=stems, folded=fold(casefold(part)), kind=kind, frequency=count, weight=weight, related=()
        )

    def _with_compounds(self, term: Term, language: str) -> Term:
        """A term with the compounds that begin or end with it."""
        found = self._compounds(term, language) if term.kind != "number" else []
        return term._replace(near=tuple(one for one, _ in found)) if found else term

    def _compounds(self, term: Term, language: str) -> list[tuple[str, int]]:
        """(stem, passages) of the commonest words that begin or end with a word, and are more than it."""
        if not self._compounding(language):
            return []
        found: dict[str, int] = {}
        for one in term.stems:
            if len(one) < _SHORTEST_STEM or not one.isalpha():
                continue
            for behind, count in self._index.beginning("surface", from_behind(one), _COMPOUNDS, self._readable):
                found[behind[1:][::-1]] = count
            for longer, count in self._index.beginning("terms", one, _COMPOUNDS, self._readable):
                if len(longer) >= max(COMPOUND, len(one) + 3):
                    found[longer] = count
        return [(one, count) for one, count in found.items() if one not in term.stems]

    def _compounding(self, language: str) -> bool:
        return language in COMPOUNDING or (not language and not COMPOUNDING.isdisjoint(self._languages))
