"""A reader made of an encoder's file: what was learned is in it, and both texts are read as they were in learning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rag.retrieval.embedders.base import EmbedderError
from rag.retrieval.embedders.bert_graph import TABLE, held
from rag.retrieval.embedders.packed_file import PackedFile
from rag.retrieval.embedders.reading_file import ENGLISH, MANY, SCALE, ReadingFile, changed, reader_of
from tests.support.berts import says
from tests.support.encoders import readable_file
from tests.support.packed import packed_file


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, list[str]]:
    return readable_file(tmp_path / "reads.onnx")


@pytest.fixture
def path(made: tuple[Path, list[str]]) -> Path:
    return made[0]


def test_the_changes_are_in_what_the_file_holds_and_everything_else_is_as_it_was(path: Path) -> None:
    before = held(path.read_bytes())
    after = changed(before, ENGLISH)
    assert before.keys() == after.keys()
    with np.load(ENGLISH) as learnt:
        for name, value in before.items():
            if f"{name}.a" in learnt.files:
                low = learnt[f"{name}.a"].astype(np.float32) @ learnt[f"{name}.b"].astype(np.float32)
                assert np.allclose(after[name], value + low, atol=1e-6)
            else:
                assert np.allclose(after[name], learnt[name] if name in learnt.files else value)


def test_the_odds_are_those_that_an_answer_begins_in_the_passage_against_none(
    made: tuple[Path, list[str]],
) -> None:
    path, names = made
    vocabulary = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["model"]["vocab"]
    pieces = ["[CLS]", "when", "[SEP]", *"abc", "leave", "[SEP]"]
    ids, kinds = [vocabulary[one] for one in pieces], [0] * 3 + [1] * 5
    with np.load(ENGLISH) as learnt:
        starts = says(changed(held(path.read_bytes()), ENGLISH), names, ids, kinds) @ learnt["start"].astype(np.float32)
    wanted = np.logaddexp.reduce(starts[3:-1]) - starts[0]
    reader = ReadingFile(path)
    assert reader.odds("when", "a b", "c leave") == pytest.approx(float(wanted), abs=0.2)
    assert reader.odds("when", "", "a b c leave") == pytest.approx(float(wanted), abs=0.2)
    assert abs(wanted) > 0.4


def test_of_a_long_passage_what_is_near_to_the_question_is_read(path: Path) -> None:
    reader = ReadingFile(path)
    before, near, after = "a " * 200, "when leave 1 2 3 . ", "b " * 200
    text, place = before + near + after, (len(before), len(before + near))
    inside = reader.odds("when", "", text, place)
    assert inside == reader.odds("when", "", f"{'a ' * 29}{near}{'b ' * 29}")
    assert inside == reader.odds("when", "", "c " * 90 + text + "c " * 90, (place[0] + 180, place[1] + 180))
    assert reader.odds("when", "", text) == reader.odds("when", "", "a " * 64)
    assert reader.odds("when", "", text, (len(text) - 2, len(text))) == reader.odds("when", "", "b " * 64)


def test_texts_of_any_length_are_read(path: Path) -> None:
    reader = ReadingFile(path)
    for question, text in (("", ""), ("when " * 500, "leave " * 5_000), ("\ud83d", "\0"), ("?", "İzin 备份 🦊")):
        assert np.isfinite(reader.odds(question, "a " * 300, text))


def test_a_reader_is_made_of_the_encoder_that_it_was_learned_for_and_of_no_other(path: Path) -> None:
    assert reader_of(path, "another") is None
    path.write_bytes(b"no model")
    with pytest.raises(EmbedderError, match=r"cannot be used .*answers go on without it"):
        ReadingFile(path).odds("when", "", "leave")


def test_the_encoder_of_many_languages_reads_by_what_was_learned_for_it(tmp_path: Path) -> None:
    pieces = {f"\u2581{word}": -5.0 for word in ("izin", "kaç", "gün", "25")}
    path, have = packed_file(tmp_path / "many.bin", pieces, {}, layers=12, wide=1536)
    ids, kinds = [0, 4, 5, 2, 7, 6, 2], [0] * 4 + [1] * 3
    table = {f"{TABLE}_q": have["emb.word"], f"{TABLE}_scale": np.ones((len(have["emb.word"]), 1), np.float32)}
    arrays = {**changed(PackedFile(path).arrays(), MANY), **table}
    with np.load(MANY) as learnt:
        assert len([name for name in learnt.files if name.endswith(".a")]) == 36  # of the six upper layers
        starts = says(arrays, [f"val_{at}" for at in range(72)], ids, kinds) @ learnt["start"].astype(np.float32)
        times, plus = learnt[SCALE].tolist()
    wanted = times * (np.logaddexp.reduce(starts[4:-1]) - starts[0]) + plus
    assert ReadingFile(path, MANY).odds("izin kaç", "", "25 gün") == pytest.approx(float(wanted), abs=0.3 * times)
    assert np.isfinite(ReadingFile(path, MANY).odds("?", "", "izin " * 5_000))
