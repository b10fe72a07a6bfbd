"""How words and meaning are weighed together, learned from made-up candidates."""

from __future__ import annotations

import numpy as np

from rag.retrieval import rerank_features, second_stage
from rag.training.learn_meaning import Example, fit, hits

_NAMES = second_stage.NAMES


def _examples(count: int, *, in_talk: bool) -> list[Example]:
    """Questions whose answer a second encoder and the column `local` tell, each not always, and nothing else."""
    chance = np.random.default_rng(3)
    found = []
    for number in range(count):
        columns = chance.normal(size=(12, len(_NAMES))) * 0.5
        right = number % 12
        for name in ("second", "local"):
            columns[right, _NAMES.index(name)] += chance.uniform(1.0, 3.0)
        found.append(Example(str(number), in_talk, columns, np.arange(12) == right))
    return found


def test_what_words_tell_and_a_second_encoder_are_weighed_at_once_and_neither_is_needed() -> None:
    learnt = fit([*_examples(240, in_talk=False), *_examples(240, in_talk=True)])
    alone = learnt["alone"]
    assert min(alone["second"], alone["local"]) > 3 * max(
        abs(weight) for name, weight in alone.items() if name not in ("second", "local")
    )
    assert not set(learnt["talk"]) & set(rerank_features.NAMES)
    asked = _examples(60, in_talk=False)
    assert hits(asked, learnt)[0] > 55
    for missing in ("second", "local"):
        for one in asked:
            one.columns[:, _NAMES.index(missing)] = 0.0
        assert hits(asked, learnt)[0] > 35
        asked = _examples(60, in_talk=False)
