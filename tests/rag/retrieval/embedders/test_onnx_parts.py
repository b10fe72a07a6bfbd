"""Part of a model computes what the whole of it does, and what is no model is an error of one kind."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from rag.retrieval.embedders.onnx_parts import Parts

_MATRIX = np.arange(6, dtype=np.float32).reshape(2, 3)
_FLOAT = 1


def _model() -> bytes:
    graph = helper.make_graph(
        [
            helper.make_node("Neg", ["x"], ["negative"]),
            helper.make_node("MatMul", ["negative", "matrix"], ["product"]),
            helper.make_node("Add", ["product", "half"], ["y"]),
            helper.make_node("Mul", ["x", "unused"], ["z"]),
        ],
        "whole",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "yz"],
        [
            numpy_helper.from_array(_MATRIX, "matrix"),
            helper.make_tensor("half", TensorProto.FLOAT, [], [0.5]),
            helper.make_tensor("byte", TensorProto.UINT8, [], [200]),
            numpy_helper.from_array(np.ones(2, np.float32), "unused"),
        ],
    )
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    )


@given(st.lists(st.floats(-9.0, 9.0, width=32), min_size=2, max_size=2))
def test_the_parts_one_after_the_other_compute_what_the_whole_does(given: list[float]) -> None:
    whole, x = _model(), np.array([given], np.float32)
    parts = Parts(whole)
    first = parts.part({"x": (_FLOAT, ("n", "two"))}, {"negative": _FLOAT})
    last = parts.part({"negative": (_FLOAT, ("n", "two"))}, {"y": _FLOAT})
    assert [one.name for one in onnx.load_from_string(last).graph.initializer] == ["half", "matrix"]
    negative = onnxruntime.InferenceSession(first).run(None, {"x": x})[0]
    (y,) = onnxruntime.InferenceSession(last).run(None, {"negative": negative})
    assert np.array_equal(y, onnxruntime.InferenceSession(whole).run(["y"], {"x": x})[0])


def test_arrays_are_found_in_the_file() -> None:
    whole = _model()
    parts = Parts(whole)
    begin, size = parts.place("matrix")
    assert np.array_equal(np.frombuffer(whole[begin : begin + size], np.float32), _MATRIX.ravel())
    assert parts.number("half") == 0.5 and parts.number("byte") == 200.0


def test_what_a_model_has_not_is_a_key_error() -> None:
    parts = Parts(_model())
    with pytest.raises(KeyError):
        parts.part({}, {"w": _FLOAT})
    with pytest.raises(KeyError):
        parts.part({"product": (_FLOAT, ("n", "three"))}, {"z": _FLOAT})  # it is made of x
    with pytest.raises(KeyError):
        parts.place("product")


@given(data=st.data())
def test_a_file_that_is_cut_or_none_at_all_is_an_error_of_one_kind(data: st.DataObject) -> None:
    whole = _model()
    file = data.draw(st.one_of(st.binary(max_size=200), st.integers(0, len(whole)).map(lambda end: whole[:end])))
    try:
        Parts(file)
    except ValueError:
        pass
