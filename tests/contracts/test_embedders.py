"""What every embedder keeps: one row a text, of length 1, the same for the same text, whatever the text holds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.retrieval.embedders.base import Embedder, EmbedderError, packed
from rag.retrieval.embedders.bert_file import BertFile, Pieces
from rag.retrieval.embedders.endpoint import Endpoint
from rag.retrieval.embedders.onnx_file import OnnxFile
from rag.retrieval.embedders.paired import Paired
from tests.support.encoders import WordEncoder, bert_file, hashing_file, serving

_TEXTS = ["When is leave granted?", "", " ", "\0", "İzin ne zaman?", "备份", "a" * 100_000, "\ud83d", "🦊"]


@pytest.fixture(params=["onnx file", "bert file", "pair", "words", "endpoint"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Embedder]]:
    path = hashing_file(tmp_path / "encoder.onnx")
    bert = bert_file(tmp_path / "bert.onnx")
    with serving(WordEncoder()) as url:
        makers: dict[str, Callable[[], Embedder]] = {
            "onnx file": lambda: OnnxFile(path, "hashing"),
            "bert file": lambda: BertFile(bert, "pieces"),
            "pair": lambda: Paired(OnnxFile(path, "hashing"), BertFile(bert, "pieces"), "en"),
            "words": WordEncoder,
            "endpoint": lambda: Endpoint(url, "some-model"),
        }
        yield makers[request.param]


def test_every_text_has_one_row_of_length_one_or_none(make: Callable[[], Embedder]) -> None:
    rows = make().embed(_TEXTS)
    assert rows.shape[0] == len(_TEXTS)
    assert rows.dtype == np.float32
    length = np.linalg.norm(rows, axis=1)
    assert np.all(np.isclose(length, 1.0, atol=1e-4) | (length == 0.0))


def test_a_text_has_the_same_row_alone_and_among_others(make: Callable[[], Embedder]) -> None:
    embedder = make()
    many = [f"text {number}" for number in range(40)]
    assert np.allclose(embedder.embed(many)[33], embedder.embed(["text 33"])[0], atol=1e-5)
    assert embedder.name


def test_threads_embed_at_the_same_time(make: Callable[[], Embedder]) -> None:
    embedder = make()
    found: list[bool] = []
    expected = embedder.embed(["text"])[0]
    threads = [
        threading.Thread(target=lambda: found.append(np.allclose(embedder.embed(["text"])[0], expected)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


def test_no_text_is_no_row(make: Callable[[], Embedder]) -> None:
    assert len(make().embed([])) == 0


@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_a_file_that_is_no_encoder_says_so_in_one_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "encoder.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EmbedderError, match=r"cannot be opened .*tandem encoder fetch"):
        OnnxFile(path, "none").embed(["text"])


def test_an_encoder_without_its_vocabulary_says_so_in_one_sentence(tmp_path: Path) -> None:
    path = bert_file(tmp_path / "bert.onnx")
    path.with_suffix(".json").unlink()
    with pytest.raises(EmbedderError, match=r"cannot be used .*tandem encoder fetch"):
        BertFile(path, "none").embed(["text"])


def test_a_text_is_cut_into_the_longest_pieces_of_the_vocabulary() -> None:
    pieces = ["[UNK]", "[CLS]", "[SEP]", "grant", "##ed", "##s", "cafe", "?", "東", "a", "##b", "-"]
    cut = Pieces({piece: at for at, piece in enumerate(pieces)})

    def told(text: str) -> list[str]:
        return [pieces[at] for at in cut.numbers(text)]

    assert told("Granted grants?") == ["[CLS]", "grant", "##ed", "grant", "##s", "?", "[SEP]"]
    assert told("CAFÉ東") == ["[CLS]", "cafe", "東", "[SEP]"]
    assert told("a-ab\x00 xyz " + "a" * 101) == ["[CLS]", "a", "-", "a", "##b", "[UNK]", "[UNK]", "[SEP]"]
    assert len(cut.numbers("a " * 1_000)) == 128
    assert told("") == ["[CLS]", "[SEP]"]


def test_an_endpoint_is_given_its_key_and_says_what_to_do_without_it() -> None:
    with serving(WordEncoder(), key="secret") as url:
        assert len(Endpoint(url, "some-model", "secret").embed(["text"])) == 1
        with pytest.raises(EmbedderError, match=r"some-model at .* gave no vectors .*check that the server runs"):
            Endpoint(url, "some-model").embed(["text"])
    with pytest.raises(EmbedderError, match="gave no vectors"):
        Endpoint(url, "some-model").embed(["text"])


def test_a_byte_a_number_keeps_the_angles() -> None:
    rows = np.random.default_rng(1).normal(size=(50, 512)).astype(np.float32)
    small = packed(rows).astype(np.float32)
    for one, other in zip(rows, small, strict=True):
        assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.999
