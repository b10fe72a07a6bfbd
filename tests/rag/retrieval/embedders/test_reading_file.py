"""A reader made of an encoder's file: what was learned is in it, and both texts are read as they were in learning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from rag.retrieval.embedders.base import EmbedderError
from rag.retrieval.embedders.reading_file import LEARNT, ReadingFile, changed, reader_of
from tests.support.encoders import readable_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return readable_file(tmp_path / "reads.onnx")


def test_the_changes_are_in_the_file_and_everything_else_is_as_it_was(path: Path) -> None:
    before = {one.name: numpy_helper.to_array(one) for one in onnx.load(str(path)).graph.initializer}
    made = onnx.load_from_string(changed(path.read_bytes()))
    after = {one.name: numpy_helper.to_array(one) for one in made.graph.initializer}
    assert np.array_equal(before["table"], after["table"])
    with np.load(LEARNT) as learnt:
        for name in learnt.files:
            if name.endswith(".a"):
                matrix = name.removesuffix(".a")
                low = learnt[name].astype(np.float32) @ learnt[f"{matrix}.b"].astype(np.float32)
                wanted = before[f"{matrix}_q"] * before[f"{matrix}_scale"] + low
                off = np.abs(after[f"{matrix}_q"] * after[f"{matrix}_scale"] - wanted)
                assert (off <= after[f"{matrix}_scale"] * 0.51).all()
            elif name.startswith("inner."):
                assert np.allclose(after[name], learnt[name])


def test_the_odds_are_those_that_an_answer_begins_in_the_passage_against_none(path: Path) -> None:
    vocabulary = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["model"]["vocab"]
    table = next(one for one in onnx.load(str(path)).graph.initializer if one.name == "table")
    with np.load(LEARNT) as learnt:
        bias, start = learnt["inner.encoder.layer.5.output.dense.bias"].astype(np.float32), learnt["start"]
    says = (numpy_helper.to_array(table) + bias) @ start.astype(np.float32)
    passage = [*"abc", "leave", "[SEP]"]
    wanted = np.logaddexp.reduce([says[vocabulary[one]] for one in passage]) - says[vocabulary["[CLS]"]]
    reader = ReadingFile(path)
    assert reader.odds("when", "a b", "c leave") == pytest.approx(float(wanted), abs=1e-3)
    assert reader.odds("when", "", "a b c leave") == pytest.approx(float(wanted), abs=1e-3)


def test_texts_of_any_length_are_read(path: Path) -> None:
    reader = ReadingFile(path)
    for question, text in (("", ""), ("when " * 500, "leave " * 5_000), ("\ud83d", "\0"), ("?", "İzin 备份 🦊")):
        assert np.isfinite(reader.odds(question, "a " * 300, text))


def test_a_reader_is_made_of_the_encoder_that_it_was_learned_for_and_of_no_other(path: Path) -> None:
    assert reader_of(path, "another") is None
    path.write_bytes(b"no model")
    with pytest.raises(EmbedderError, match=r"cannot be used .*answers go on without it"):
        ReadingFile(path).odds("when", "", "leave")
