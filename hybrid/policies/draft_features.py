"""What a question and a finished draft show of each other, in numbers: the features a fitted policy weighs.

Knows text, numbers and stated arithmetic, in any subject: no feature looks for the format of a data set, none asks a
model. Does not know what follows for the decision (`hybrid.policies` does). Each feature is a pure function of a
`Draft`; `vector` gives them all, in the order of `NAMES`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import regex
from numpy.typing import NDArray

from hybrid.policies.arithmetic import Statement, statements
from rag.text import phrases, sentences
from rag.text.analyser import casefold, stem, stop_terms

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+")
_NUMBER = regex.compile(r"(?<![\p{L}\d.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\p{L}\d])\d+(?:\.\d+)?")
_LINE_MARKS = regex.compile(r"^[\s#>*_\-•–]+|[\s*_`]+$")
_ANNOTATION = regex.compile(r"<<[^<>\n]*>>")
_OPEN_ANNOTATION = regex.compile(r"<<[^<>\n]*$")
_OPERATOR_END = regex.compile(r"[=+*/×÷<(\[{,$-]\s*$")
_VARIABLE = regex.compile(
    r"(?<![\p{L}'’])(?:[a-wyzA-HJ-Z]|x(?=\s*[=+\-*/^)]))(?![\p{L}'’.])\s*[=+\-*/^]"
    r"|\b\d+[a-z]\b|[Ll]et (?:\w+ )?[a-zA-Z]\b"
)
_CORRECTION = regex.compile(
    r"\b(?:however|actually|wait|instead|sorry|correction|mistake|but since|not possible|impossible|assum\w+|"
    r"doesn['’]t make sense|closest|roughly|approximately|about|round(?:ed|ing)?|"
    r"ancak|aslında|pardon|düzeltme|varsay\w+|yaklaşık\w*|yuvarla\w+)\b",
    regex.I,
)
_RELATION = regex.compile(
    r"\b(?:more|less|fewer|than|twice|double|triple|half|third|quarter|times|percent|average|ratio|remaining|rest|left|"
    r"each|every|per|another|additional|older|younger|faster|slower|longer|total|difference|"
    r"fazla|az|iki kat\w*|yarı\w*|üçte|yüzde|ortalama|oran\w*|kalan|her|başka|toplam|fark\w*)\b|%",
    regex.I,
)
_COMPARISON = regex.compile(
    r"\b(?:more|less|fewer|older|younger|longer|shorter|taller|heavier|greater|higher|lower|faster|slower|larger|"
    r"smaller) than\b|\bas (?:many|much|long|old|far|fast|big|tall)\b|"
    r"(?<=[\p{L}'’])[dt][ae]n (?:daha|fazla|az)\b|\bkadar\b",
    regex.I,
)
_RATE = regex.compile(r"\b(?:each|every|per|apiece|her|başına|tanesi)\b", regex.I)
_MONEY = regex.compile(r"[$£€₺¥]|\b(?:cents?|dollars?|euros?|pounds?|lira)\b", regex.I)
_NAMED = regex.compile(r"(?<=[\p{Ll},;:] )\p{Lu}\p{Ll}+")
_PRODUCT = regex.compile(r"(?<=[\d)%])\s*\\?[*×x]\s*(?=[\d($£€.])")
_COUNT_QUESTION = regex.compile(r"\bhow many\b|\bkaç\b", regex.I)
_NUMBER_WORDS = {
    word: float(number)
    for number, names in (
        (0, "zero none"), (1, "one once single bir"), (2, "two twice double both pair half couple second iki yarı"),
        (3, "three thrice triple third thirds üç"), (4, "four quarter quarters fourth dört çeyrek"), (5, "five beş"),
        (6, "six sixth altı"), (7, "seven week weeks weekly yedi hafta"), (8, "eight eighth sekiz"), (9, "nine dokuz"),
        (10, "ten tenth on"), (11, "eleven"), (12, "twelve dozen dozens düzine"), (13, "thirteen"), (14, "fourteen"),
        (15, "fifteen"), (16, "sixteen"), (18, "eighteen"), (20, "twenty yirmi"), (30, "thirty otuz"),
        (40, "forty kırk"), (50, "fifty elli"), (100, "hundred yüz"),
    )
    for word in names.split()
}  # fmt: skip
_COMMON = frozenset({0.0, 1.0, 2.0, 7.0, 10.0, 12.0, 24.0, 30.0, 52.0, 60.0, 100.0, 365.0, 1000.0})
_NGRAM = 5
_MAX_CHARS = 20_000


@dataclass(frozen=True)
class Draft:
    """A question and its finished draft, with what the features share; texts are cut at 20 000 characters."""

    question: str
    text: str

    @cached_property
    def plain(self) -> str:
        """The draft without calculation annotations."""
        return _ANNOTATION.sub("", self.text[:_MAX_CHARS]).strip()

    @cached_property
    def words(self) -> list[str]:
        return _WORD.findall(casefold(self.plain))

    @cached_property
    def asked_words(self) -> list[str]:
        return _WORD.findall(casefold(self.question[:_MAX_CHARS]))

    @cached_property
    def content(self) -> set[str]:
        return _content(self.words)

    @cached_property
    def asked_content(self) -> set[str]:
        return _content(self.asked_words)

    @cached_property
    def numbers(self) -> list[float]:
        """The draft's numbers, in order."""
        return _numbers(self.plain)

    @cached_property
    def asked_numbers(self) -> set[float]:
        """The question's numbers in digits."""
        return set(_numbers(self.question[:_MAX_CHARS]))

    @cached_property
    def given(self) -> set[float]:
        """The question's numbers, in digits and words."""
        return self.asked_numbers | {_NUMBER_WORDS[word] for word in self.asked_words if word in _NUMBER_WORDS}

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        return statements(self.text)

    @cached_property
    def final(self) -> float | None:
        """The last number: where a draft computes, this is what it answers."""
        return self.numbers[-1] if self.numbers else None

    @cached_property
    def last_line(self) -> str:
        lines = [line for line in self.plain.splitlines() if line.strip()]
        return _LINE_MARKS.sub("", lines[-1]) if lines else ""


def _content(words: list[str]) -> set[str]:
    return {stem(word, "en") for word in set(words) - _stop() if not word.isdigit()}


@cache
def _stop() -> frozenset[str]:
    return frozenset(stop_terms("en") | stop_terms("tr"))


def _numbers(text: str) -> list[float]:
    """Those that are numbers to count with: a model that loops writes hundreds of digits."""
    return [value for found in _NUMBER.findall(text) if math.isfinite(value := float(found.replace(",", "")))]


def _near(value: float, others: set[float]) -> bool:
    return value in others or any(abs(value - other) <= 0.005 * max(1.0, abs(other)) for other in others)


def unfinished(draft: Draft) -> float:
    """1 where the text ends neither as a sentence, a list or a quotation, nor with a line that is a value alone."""
    line = draft.last_line
    if _OPEN_ANNOTATION.search(draft.plain) or _OPERATOR_END.search(line):
        return 1.0
    return float(not (sentences.is_closed(line) or len(line.split()) <= 4))


def faulty_arithmetic(draft: Draft) -> float:
    """1 where a stated calculation does not hold."""
    return float(any(not statement.holds for statement in draft.statements))


def faulty_share(draft: Draft) -> float:
    """Share of the stated calculations that do not hold."""
    made = draft.statements
    return sum(not statement.holds for statement in made) / len(made) if made else 0.0


def calculations(draft: Draft) -> float:
    """How many calculations are stated (log)."""
    return math.log1p(len(draft.statements))


def calculates_nothing(draft: Draft) -> float:
    """1 where the question gives two numbers or more and the draft states no calculation."""
    return float(len(draft.given) >= 2 and not draft.statements)


def unused_numbers(draft: Draft) -> float:
    """Share of the question's numbers that the draft never uses."""
    used = set(draft.numbers) | {operand for one in draft.statements for operand in one.operands}
    used |= {100.0 * value for value in used} | {_NUMBER_WORDS[word] for word in draft.words if word in _NUMBER_WORDS}
    asked = draft.asked_numbers
    return sum(not _near(number, used) for number in asked) / len(asked) if asked else 0.0


def invented_operands(draft: Draft) -> float:
    """Share of the numbers calculated with that neither the question gives, nor a step before found, nor all know."""
    known = draft.given | _COMMON | {number / 100.0 for number in draft.asked_numbers}
    total = invented = 0
    for made in draft.statements:
        for operand in made.operands:
            total += 1
            invented += not _near(operand, known)
        known = known | {made.result} | set(made.operands)
    return invented / total if total else 0.0


def dangling_results(draft: Draft) -> float:
    """Share of the results, the last one aside, that no later step uses."""
    made = draft.statements
    if len(made) < 2:
        return 0.0
    loose = 0
    for at, one in enumerate(made[:-1]):
        later = {operand for other in made[at + 1 :] for operand in other.operands}
        loose += not _near(one.result, later)
    return loose / (len(made) - 1)


def answer_is_given(draft: Draft) -> float:
    """1 where the final number is one that the question gives."""
    return float(draft.final is not None and draft.final in draft.given)


def answer_not_computed(draft: Draft) -> float:
    """1 where calculations are stated and the final number is not the result of the last of them."""
    if not draft.statements or draft.final is None:
        return 0.0
    return float(not _near(draft.final, {draft.statements[-1].result}))


def answer_once(draft: Draft) -> float:
    """1 where the final number stands only once in the draft: nothing leads up to it."""
    return float(draft.final is not None and draft.numbers.count(draft.final) == 1)


def uneven_count(draft: Draft) -> float:
    """1 where the question asks how many and the final number is not whole."""
    if draft.final is None or not _COUNT_QUESTION.search(draft.question):
        return 0.0
    return float(draft.final != int(draft.final))


def odd_results(draft: Draft) -> float:
    """Share of the results that are not whole to two digits (8.571…), where the question's numbers are simple."""
    made = draft.statements
    return sum(abs(m.result * 100 - round(m.result * 100)) > 1e-6 for m in made) / len(made) if made else 0.0


def fractional_results(draft: Draft) -> float:
    """Share of the results that are not whole."""
    made = draft.statements
    return sum(m.result != int(m.result) for m in made) / len(made) if made else 0.0


def negative_result(draft: Draft) -> float:
    """1 where a result is below zero."""
    return float(any(m.result < 0 for m in draft.statements))


def answer_size(draft: Draft) -> float:
    """How many orders of magnitude the final number lies from the question's largest."""
    if draft.final is None or not draft.asked_numbers:
        return 0.0
    largest = max(draft.asked_numbers)
    return math.log10((abs(draft.final) + 1.0) / (largest + 1.0))


def longest_calculation(draft: Draft) -> float:
    """The most numbers in one calculation (log)."""
    return math.log1p(max((len(m.operands) for m in draft.statements), default=0))


def steps_per_number(draft: Draft) -> float:
    """Calculations for each number the question gives (log ratio)."""
    return math.log1p(len(draft.statements)) - math.log1p(len(draft.given))


def length(draft: Draft) -> float:
    """Characters of the draft (log)."""
    return math.log1p(len(draft.plain))


def length_ratio(draft: Draft) -> float:
    """Characters of the draft for each of the question's (log)."""
    return math.log1p(len(draft.plain)) - math.log1p(len(draft.question))


def sentence_count(draft: Draft) -> float:
    """Sentences and lines of the draft (log)."""
    return math.log1p(len(sentences.ENDS.findall(draft.plain)))


def line_count(draft: Draft) -> float:
    """Lines of the draft (log)."""
    return math.log1p(sum(bool(line.strip()) for line in draft.plain.splitlines()))


def question_length(draft: Draft) -> float:
    """Words of the question (log)."""
    return math.log1p(len(draft.asked_words))


def question_numbers(draft: Draft) -> float:
    """Distinct numbers that the question gives (log)."""
    return math.log1p(len(draft.given))


def question_relations(draft: Draft) -> float:
    """Words in the question that relate quantities: more than, half, each, per cent (log)."""
    return math.log1p(len(_RELATION.findall(draft.question)))


def question_comparisons(draft: Draft) -> float:
    """How often the question compares: more than, as many as (log)."""
    return math.log1p(len(_COMPARISON.findall(draft.question)))


def question_rates(draft: Draft) -> float:
    """How often the question speaks of each, every or per (log)."""
    return math.log1p(len(_RATE.findall(draft.question)))


def question_money(draft: Draft) -> float:
    """How often the question speaks of money (log)."""
    return math.log1p(len(_MONEY.findall(draft.question)))


def question_names(draft: Draft) -> float:
    """Distinct names in the question (log)."""
    return math.log1p(len(set(_NAMED.findall(draft.question))))


def multiplies(draft: Draft) -> float:
    """1 where the draft multiplies."""
    return float(bool(_PRODUCT.search(draft.plain)))


def number_density(draft: Draft) -> float:
    """Numbers for each word of the draft."""
    return len(draft.numbers) / max(1, len(draft.words))


def algebra(draft: Draft) -> float:
    """How often the draft works with letters for unknowns (log)."""
    return math.log1p(len(_VARIABLE.findall(draft.plain)))


def corrections(draft: Draft) -> float:
    """Phrases by which a text takes back, assumes or rounds (log)."""
    return math.log1p(len(_CORRECTION.findall(draft.plain)))


def hedging(draft: Draft) -> float:
    """Hedging phrases, as `rag/text/phrases.yaml` lists them (log)."""
    return math.log1p(phrases.hedges(draft.plain))


def question_coverage(draft: Draft) -> float:
    """Share of the question's content words that the draft uses."""
    asked = draft.asked_content
    return len(asked & draft.content) / len(asked) if asked else 0.0


def new_words(draft: Draft) -> float:
    """Share of the draft's content words that the question does not have."""
    return len(draft.content - draft.asked_content) / max(1, len(draft.content))


def repetition(draft: Draft) -> float:
    """Share of the word 5-grams that occur again ("rep-n" of Welleck et al. 2020, arXiv:1908.04319)."""
    words = draft.words
    grams = Counter(tuple(words[i : i + _NGRAM]) for i in range(len(words) - _NGRAM + 1))
    total = sum(grams.values())
    return 1.0 - len(grams) / total if total else 0.0


FEATURES: tuple[Callable[[Draft], float], ...] = (
    unfinished, faulty_arithmetic, faulty_share, calculations, calculates_nothing, unused_numbers, invented_operands,
    dangling_results, answer_is_given, answer_not_computed, answer_once, uneven_count, odd_results, fractional_results,
    negative_result, answer_size, longest_calculation, steps_per_number, length, length_ratio, sentence_count,
    line_count, question_length, question_numbers, question_relations, number_density, algebra, corrections, hedging,
    question_coverage, new_words, repetition, question_comparisons, question_rates, question_money, question_names,
    multiplies,
)  # fmt: skip
NAMES: tuple[str, ...] = tuple(feature.__name__ for feature in FEATURES)


def vector(question: str, text: str) -> NDArray[np.float64]:
    """All features of one draft, shape (len(NAMES),), finite."""
    draft = Draft(question, text)
    return np.array([feature(draft) for feature in FEATURES], dtype=np.float64)
