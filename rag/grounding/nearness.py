"""What an encoder's sense of nearness to a question adds to what a unit's words say.

Knows the pieces of a passage that get a vector of their own, and how a piece's cosine counts beside a unit's score.
Does not know encoders: who searches brings the cosines with the passages.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.grounding.unit_features import Sentence, split
from rag.types import Nearness, Passage

_WORDS = 0.7
_PIECE, _WHOLE = {True: 7.0, False: 8.0}, {True: 4.0, False: 0.0}
"""What a score by words counts, and the cosines of a unit and of its passage where these are known: by a second encoder
or by the first, which tells less of passages that were found by it.
"""


def pieces(passage: Passage) -> list[tuple[int, int, str]]:
    """The units of a passage that may be quoted: where each begins and ends in its text, and what it says under the
    heading it stands under.
    """
    heading = passage.headings[-1] if passage.headings else ""
    return [
        (
            one.start,
            one.end,
            f"{heading}: {passage.text[one.start : one.end]}" if heading else passage.text[one.start : one.end],
        )
        for one in split([passage])
    ]


def cosines(passages: Sequence[Passage], found: Sequence[Sentence]) -> NDArray[np.float64] | None:
    """How near each unit is to the question, NaN where its passage does not know; None where none does."""
    if not any(one.near for one in passages):
        return None
    known = [passages[one.passage].near for one in found]
    return np.array([_of(near, one) if near else np.nan for near, one in zip(known, found, strict=True)])


def weighed(
    scores: NDArray[np.float64],
    passages: Sequence[Passage],
    found: Sequence[Sentence],
    piece: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """The units' scores with how near they (`piece`, as `cosines` has them) and their passages are to the question; as
    they are where no passage knows.

    A unit of a passage that does not know counts as one that is as near as the others are on the mean, and the units of
    which either encoder says something count the same on the mean.
    """
    if piece is None:
        return scores
    known = [passages[one.passage].near for one in found]
    whole = np.array([near.whole if near else np.nan for near in known])
    counted = _WORDS * scores
    for second in (True, False):
        says = np.array([near is not None and near.second is second for near in known])
        if says.any():
            for column, weight in ((piece, _PIECE[second]), (whole, _WHOLE[second])):
                counted[says] += weight * (column[says] - column[says].mean())
    return counted


def _of(near: Nearness, one: Sentence) -> float:
    """The cosine of the piece that a unit is, or has most in common with; the whole passage's where there is none."""
    best, cosine = 0, near.whole
    for start, end, own in near.pieces:
        shared = min(end, one.end) - max(start, one.start)
        if shared > best:
            best, cosine = shared, own
    return cosine
