"""A model that is written: the field's own library reads it, and onnxruntime runs it as numpy does."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from rag.retrieval.embedders.onnx_graph import MICROSOFT, Graph


def _model() -> bytes:
    graph = Graph()
    table = graph.array(np.arange(12, dtype=np.float32).reshape(4, 3))
    (rows,) = graph.node("Gather", (table, "ids"), axis=0)
    (high,) = graph.node("Gelu", (rows,), domain=MICROSOFT)
    thirds = graph.array(np.array([1, 1, 1], np.int64))
    first, _, last = graph.node("Split", (high, thirds), 3, axis=-1)
    (steep,) = graph.node("LeakyRelu", (last,), alpha=0.25)
    small = graph.array(np.array([-3, 7], np.int8))
    (cast,) = graph.node("Cast", (small,), to=1)
    (mean,) = graph.node("ReduceMean", ("shares",), axes=(0, 1), keepdims=1)
    return graph.model(("ids",), (first, steep, cast, mean), {"shares": ("rows", "columns")})


def test_the_library_of_the_field_reads_what_was_written() -> None:
    model = onnx.load_from_string(_model())
    assert {one.domain: one.version for one in model.opset_import} == {"": 17, MICROSOFT: 1}
    assert [node.op_type for node in model.graph.node] == ["Gather", "Gelu", "Split", "LeakyRelu", "Cast", "ReduceMean"]
    settings = {one.name: helper.get_attribute_value(one) for node in model.graph.node for one in node.attribute}
    assert settings == {"axis": -1, "alpha": 0.25, "to": 1, "axes": [0, 1], "keepdims": 1}
    first, *_, last = (numpy_helper.to_array(one) for one in model.graph.initializer)
    assert first.tolist() == np.arange(12.0).reshape(4, 3).tolist()
    assert (last.dtype, last.tolist()) == (np.int8, [-3, 7])


def test_it_runs() -> None:
    session = onnxruntime.InferenceSession(_model(), providers=["CPUExecutionProvider"])
    given = {"ids": np.array([[3, 0]], np.int64), "shares": np.array([[1.0, 2.0], [3.0, 8.0]], np.float32)}
    first, last, cast, mean = session.run(None, given)
    assert first[0, :, 0] == pytest.approx([9.0, 0.0], abs=1e-4)
    assert last[0, :, 0] == pytest.approx([11.0, 1.9545], abs=1e-4)
    assert cast.tolist() == [-3.0, 7.0]
    assert mean.tolist() == [[3.5]]
