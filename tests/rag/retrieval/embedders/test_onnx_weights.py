"""The named arrays of an ONNX file: those that the field's own library wrote, and nothing but an error of others."""

from __future__ import annotations

import string

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from onnx import TensorProto, helper, numpy_helper

from rag.retrieval.embedders.onnx_weights import arrays

_ARRAYS = st.dictionaries(
    st.text(string.ascii_letters + "._é", min_size=1, max_size=20),
    st.sampled_from([np.float32, np.int8, np.int64]).flatmap(
        lambda kind: arrays_of.arrays(kind, arrays_of.array_shapes(max_dims=3, max_side=9))
    ),
    max_size=4,
)


def _file(given: dict[str, np.ndarray]) -> bytes:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "named",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
        [numpy_helper.from_array(value, name) for name, value in given.items()],
    )
    return bytes(helper.make_model(graph).SerializeToString())


@given(_ARRAYS)
def test_what_was_written_is_found_by_its_name(written: dict[str, np.ndarray]) -> None:
    found = arrays(_file(written))
    wanted = {name: value for name, value in written.items() if value.dtype != np.int64}
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype
        assert np.array_equal(found[name], value, equal_nan=value.dtype == np.float32)


def test_what_is_changed_is_changed_in_the_file() -> None:
    file = bytearray(_file({"kept": np.ones(3, np.float32), "changed": np.zeros((2, 2), np.int8)}))
    arrays(file)["changed"][...] = 7
    model = onnx.load_from_string(bytes(file))
    read = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    assert read["changed"].tolist() == [[7, 7], [7, 7]] and read["kept"].tolist() == [1.0, 1.0, 1.0]


@given(data=st.data())
def test_a_file_that_is_cut_or_none_at_all_is_an_error_of_one_kind(data: st.DataObject) -> None:
    whole = _file({"table": np.ones((40, 3), np.float32)})
    file = data.draw(st.one_of(st.binary(max_size=200), st.integers(0, len(whole)).map(lambda end: whole[:end])))
    try:
        found = arrays(file)
    except ValueError:
        return
    assert all(value.size for value in found.values())


def test_an_array_that_is_longer_than_the_file_is_refused() -> None:
    with pytest.raises(ValueError, match="too early"):
        arrays(_file({"table": np.ones((40, 3), np.float32)})[:-40])
