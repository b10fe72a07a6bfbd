"""An encoder in numbers of four bits: its vocabulary and its arrays are what was packed, and other files are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag.retrieval.embedders.bert_graph import KINDS, WORDS, opened
from rag.retrieval.embedders.packed_file import PackedFile
from tests.support.berts import says
from tests.support.packed import MARKS, packed_file

PIECES = {"\u2581izin": -5.0, "\u2581": -3.0, "\u2581g\u00fcn": -6.0, "ler": -4.0, "?": -4.5}


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    return packed_file(tmp_path / "many.bin", PIECES, {"\u0130": "i"})


def test_the_vocabulary_is_the_files(made: tuple[Path, dict[str, np.ndarray]]) -> None:
    file, names = PackedFile(made[0]), [*MARKS, *PIECES]
    found = [names[number] for number in file.pieces.numbers("\u0130zin g\u00fcnler?", 20)]
    assert found == ["<s>", "\u2581izin", "\u2581g\u00fcn", "ler", "?", "</s>"]
    assert file.count == len(names)


def test_its_arrays_are_what_was_packed(made: tuple[Path, dict[str, np.ndarray]]) -> None:
    path, have = made
    file = PackedFile(path)
    found = file.arrays()
    assert np.array_equal(file.words([5, 0, 5]), have["emb.word"][[5, 0, 5]])
    assert np.array_equal(found["val_4"], have["l0.fi.w"].T)
    assert np.array_equal(found["val_11"], have["l1.fo.w"].T)
    assert np.array_equal(found["inner.encoder.layer.1.attention.output.dense.bias"], have["l1.ao.b"])
    assert np.array_equal(found["inner.embeddings.position_embeddings.weight"], have["emb.pos"])


def test_a_graph_gives_each_piece_what_plain_sums_give_it(made: tuple[Path, dict[str, np.ndarray]]) -> None:
    path, have = made
    file = PackedFile(path)
    arrays, ids = file.arrays(), [0, *range(4, 9), 2, 6, 5, 2]
    words = file.words(ids)
    found = opened(arrays, words).run(None, {WORDS: words[None], KINDS: np.zeros((1, len(ids)), np.int64)})[0][0]
    table = {"inner.embeddings.word_embeddings.weight_q": have["emb.word"]}
    table["inner.embeddings.word_embeddings.weight_scale"] = np.ones((file.count, 1), np.float32)
    wanted = says({**arrays, **table}, [f"val_{at}" for at in range(12)], ids, [0] * len(ids))
    cosines = (found * wanted).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(wanted, axis=1)
    assert cosines.min() > 0.999


@pytest.mark.parametrize("kept", [0, 3, 40, 700])
def test_another_file_and_one_that_ends_too_early_are_told(kept: int, made: tuple[Path, dict[str, np.ndarray]]) -> None:
    path, _ = made
    path.write_bytes(path.read_bytes()[:kept] if kept else b"no such file")
    with pytest.raises(ValueError):
        PackedFile(path)
