"""A made document and a long answer that rests on it, word for word known: what the metronome says.

Knows the stations of a railway line, what each does, and all the sentences that name two of them. Does not know how
fast they are said. Every stream answers the question, then goes on with another sentence, so a reader knows from the
first words which it is; no sentence comes twice in thousands of words, and none says again what one shortly before it
said: an answer that did would rightly be cut off.
"""

from __future__ import annotations

from collections.abc import Sequence

QUESTION = "Which station of the northern relay line keeps the amber ledgers until spring?"
WARM_UP = "Which station keeps the amber ledgers until spring?"
HEADING = "The stations of the northern relay line"

_PLACE_NAMES = """
Arden Belton Corby Dunmow Elsdon Farley Gosford Hadlow Ilkley Jarrow Kelso Lydney Malton Newbury Otley Penrith Quorn
Ripley Selby Tetbury Ulverston Ventnor Wooler Yarm Alford Brecon Cromer Denholm Eyam Fowey Girvan Helston Ivybridge
Kington Louth Maldon Neath Oakham Pewsey Rothbury
"""
_PLACES = _PLACE_NAMES.split()
_DOES = ("keeps", "mends", "counts", "paints", "stores", "weighs", "sorts", "seals")
_LIKE = ("amber", "copper", "hollow", "narrow")
_WHAT = ("ledgers", "lamps", "barrels", "bells", "ropes", "lanterns", "crates", "anchors", "mirrors", "blankets")
_WHEN = ("until spring", "before noon", "after rain", "each autumn", "by candlelight", "during fairs", "at dusk")
_NEAREST, _STRIDE = 10, 29
_KNOWN_BY = 40
_FACT_WORDS = 7


def _fact(number: int) -> str:
    does, when = _DOES[number % len(_DOES)], _WHEN[number % len(_WHEN)]
    return f"{_PLACES[number]} {does} the {_LIKE[number // len(_WHAT)]} {_WHAT[number % len(_WHAT)]} {when}"


# All of one length, seven words.
_FACTS = [_fact(number) for number in range(len(_PLACES))]
_ANSWER = f"{_FACTS[0]}.".split()
_SENTENCES = [
    f"{_FACTS[at]} and {_FACTS[(at + apart) % len(_FACTS)]}.".split()
    for apart in range(_NEAREST, len(_FACTS) // 2)
    for at in range(len(_FACTS))
]
_WORDS = [word for sentence in _SENTENCES for word in sentence]
DIFFERENT = len(_SENTENCES)
"""So many streams in a row are told apart."""
_STARTS = [sum(map(len, _SENTENCES[:at])) for at in range(len(_SENTENCES))]


def document() -> str:
    """The document, as Markdown."""
    return f"# {HEADING}\n\n" + " ".join(f"{fact}." for fact in _FACTS) + "\n"


def word(stream: int, number: int) -> str:
    """The word of that number in that stream."""
    if number < len(_ANSWER):
        return _ANSWER[number]
    return _WORDS[(_STARTS[stream * _STRIDE % len(_STARTS)] + number - len(_ANSWER)) % len(_WORDS)]


def words(stream: int, count: int) -> list[str]:
    """The first words of a stream."""
    return [word(stream, number) for number in range(count)]


def whole(count: int) -> int:
    """At most so many words, but whole sentences: an unfinished last one would rightly be left out."""
    each = len(_SENTENCES[0])
    return len(_ANSWER) + max(0, count - len(_ANSWER)) // each * each


def stream_of(read: Sequence[str], streams: Sequence[int]) -> int | None:
    """Which of the streams begins with these words; None where none does."""
    begun = list(read[:_KNOWN_BY])
    return next((stream for stream in streams if begun and words(stream, len(begun)) == begun), None)


def landmarks(count: int) -> tuple[str, str]:
    """Words near the beginning and the end of the first stream's first `count` that stand nowhere else, not in the
    document either: one station's deed and the next one's name.
    """
    spoken = words(0, count)
    joints = [at for at in range(_FACT_WORDS, count - 1) if spoken[at] == "and"]
    first, last = (" ".join(spoken[at - _FACT_WORDS : at + 2]) for at in (joints[0], joints[-1]))
    return first, last
