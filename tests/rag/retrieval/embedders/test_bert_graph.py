"""A BERT summed in eight bits: it gives each piece what plain sums do, also where single channels are large."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from rag.retrieval.embedders import bert_graph
from rag.retrieval.embedders.bert_graph import IDS, KINDS, held, opened
from tests.support.berts import random_arrays, says, written

NAMES = [f"val_{at}" for at in (7, 9, 11, 40, 41, 60, 100, 101, 102, 130, 131, 140)]
SAMPLE = [2, *range(10, 50), 3]


def _cosines(path: Path, arrays: dict[str, np.ndarray], length: int) -> np.ndarray:
    have = held(written(path, arrays).read_bytes())
    ids = [2, *np.random.default_rng(length).integers(4, 100, length).tolist(), 3]
    kinds = [0] * 4 + [1] * (len(ids) - 4)
    given = {IDS: np.array([ids], np.int64), KINDS: np.array([kinds], np.int64)}
    found, wanted = opened(have, SAMPLE).run(None, given)[0][0], says(have, NAMES, ids, kinds)
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(wanted, axis=1)
    cosines: np.ndarray = (found * wanted).sum(axis=1) / lengths
    return cosines


@pytest.mark.parametrize("length", [3, 20, 190])
def test_each_piece_is_given_what_plain_sums_give_it(tmp_path: Path, length: int) -> None:
    assert _cosines(tmp_path / "bert.onnx", random_arrays(NAMES), length).min() > 0.999


@pytest.mark.parametrize("length", [3, 60])
def test_a_channel_that_is_far_larger_than_the_others_takes_nothing_from_them(tmp_path: Path, length: int) -> None:
    arrays = random_arrays(NAMES)
    for at, matrix in enumerate(("val_60", "val_140")):
        arrays[f"inner.encoder.layer.{at}.intermediate.dense.bias"][5] = 300.0
        arrays[f"{matrix}_q"][5] //= 100  # what is large counts little, as in one that was learned
    assert _cosines(tmp_path / "bert.onnx", arrays, length).min() > 0.995


def test_machines_whose_sums_overflow_are_given_smaller_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bert_graph._most() in (63, 127)
    monkeypatch.setattr(bert_graph, "_most", lambda: 63)
    assert _cosines(tmp_path / "bert.onnx", random_arrays(NAMES), 20).min() > 0.998


def test_of_two_that_share_their_words_one_stays_as_it_is_when_the_other_goes(tmp_path: Path) -> None:
    arrays = random_arrays(NAMES)
    have = held(written(tmp_path / "bert.onnx", arrays).read_bytes())
    other = {**have, "val_140": have["val_140"] * 0.5}
    given = {IDS: np.array([SAMPLE], np.int64), KINDS: np.zeros((1, len(SAMPLE)), np.int64)}
    one, two = opened(have, SAMPLE), opened(other, SAMPLE)
    before = two.run(None, given)[0]
    assert not np.allclose(before, one.run(None, given)[0], atol=0.05)
    del one, have
    gc.collect()
    assert np.array_equal(two.run(None, given)[0], before)


def test_another_encoder_is_an_error_that_can_be_told(tmp_path: Path) -> None:
    arrays = random_arrays(NAMES)
    del arrays["inner.embeddings.LayerNorm.weight"]
    with pytest.raises(KeyError):
        opened(held(written(tmp_path / "bert.onnx", arrays).read_bytes()), SAMPLE)
    with pytest.raises(ValueError):
        held(b"no model")
