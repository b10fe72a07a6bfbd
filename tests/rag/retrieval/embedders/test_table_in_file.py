"""An encoder whose table stays in its file gives the vectors that the whole of it gives."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime_extensions import get_library_path

from rag.retrieval.embedders import table_in_file
from rag.retrieval.embedders.onnx_file import OnnxFile
from rag.retrieval.embedders.table_in_file import TableInFile
from tests.support.encoders import hashing_file

_ROWS = 30
_TEXTS = ["When is leave granted?", "İzin ne zaman?", "备份", "a", "b", "c", "d"]


def _session(model: str | bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.register_custom_ops_library(get_library_path())
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _encoder(path: Path) -> Path:
    """A file with the results and tables of the encoder, whose only piece is what a whole text hashes to."""
    tables, width = table_in_file._TABLES, table_in_file._WIDTH
    draw = np.random.default_rng(0)
    names = [[table_in_file._TABLE.format(at + 1, part) for at in range(tables)] for part in ("quantized", "scale")]
    zeros = [table_in_file._TABLE.format(at + 1, "zero_point") for at in range(tables)]
    arrays = [numpy_helper.from_array(draw.integers(0, 256, (_ROWS, width)).astype(np.uint8), one) for one in names[0]]
    arrays += [helper.make_tensor(one, TensorProto.FLOAT, [], [draw.uniform(0.01, 0.1)]) for one in names[1]]
    arrays += [helper.make_tensor(one, TensorProto.UINT8, [], [int(draw.integers(100, 200))]) for one in zeros]
    arrays += [
        numpy_helper.from_array(np.array(value, kind), name)
        for name, value, kind in (
            ("buckets", [_ROWS * tables], np.int64), ("tables", tables, np.int64), ("rows", _ROWS, np.int64),
        )
    ]  # fmt: skip
    made = [f"table{at}" for at in range(tables)]
    node = helper.make_node
    nodes = [
        node("StringToHashBucketFast", ["inputs", "buckets"], ["bucket"], domain="ai.onnx.contrib"),
        node("Cast", ["bucket"], [table_in_file._PIECES], to=TensorProto.INT32),
        node("Shape", ["bucket"], [table_in_file._ENDS]),
        *(node("DequantizeLinear", list(one), [to]) for *one, to in zip(*names, zeros, made, strict=True)),
        node("Concat", made, ["every"], axis=0),
        node("Cast", [table_in_file._PIECES], ["piece"], to=TensorProto.INT64),
        node("Div", ["piece", "tables"], ["row"]),
        node("Mod", ["piece", "tables"], ["table"]),
        node("Mul", ["table", "rows"], ["begin"]),
        node("Add", ["begin", "row"], ["at"]),
        node("Gather", ["every", "at"], [table_in_file._ROWS], axis=0),
        node("Cast", [table_in_file._ENDS], ["count"], to=TensorProto.FLOAT),
        node("Div", [table_in_file._ROWS, "count"], ["outputs"]),
    ]
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("inputs", TensorProto.STRING, ["n"])],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, None)],
        arrays,
    )
    sets = [helper.make_opsetid("", 12), helper.make_opsetid("ai.onnx.contrib", 1)]
    onnx.save(helper.make_model(graph, opset_imports=sets, ir_version=7), str(path))
    return path


@pytest.mark.parametrize("stays_open", [True, False])
def test_the_vectors_are_those_of_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays_open: bool
) -> None:
    if not stays_open:
        monkeypatch.delattr(os, "pread", raising=False)  # as where an open file cannot be replaced
    path = _encoder(tmp_path / "encoder.onnx")
    whole, parted = _session(str(path)), TableInFile(path, _session)
    for text in _TEXTS:
        (wanted,) = whole.run(["outputs"], {"inputs": np.array([text], dtype=object)})
        assert np.array_equal(parted.vector(text), wanted)


def test_the_file_may_be_replaced_while_it_is_used(tmp_path: Path) -> None:
    path = _encoder(tmp_path / "encoder.onnx")
    encoder = OnnxFile(path, "tables")
    before = encoder.embed(_TEXTS)
    hashing_file(tmp_path / "other.onnx").replace(path)
    assert np.array_equal(encoder.embed(_TEXTS), before)
    path.unlink()
    assert np.array_equal(encoder.embed(_TEXTS), before)


def test_another_encoder_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        TableInFile(hashing_file(tmp_path / "other.onnx"), _session)
