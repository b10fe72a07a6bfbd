"""A BERT of random numbers for tests, as an ONNX file holds its arrays, and what it gives each piece by plain sums in
numpy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

HEADS = 12
PARTS = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
)  # fmt: skip
_NORMS = ("attention.output.LayerNorm", "output.LayerNorm")
_WHERE = "inner.embeddings"


def random_arrays(
    names: Sequence[str], words: int = 100, width: int = 48, wide: int = 96, seed: int = 0
) -> dict[str, np.ndarray]:
    """The arrays of as many layers as there are six `names` of matrices; these are in eight bits."""
    chance = np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}

    def small(name: str, rows: int, columns: int, scales: tuple[int, int]) -> None:
        found[f"{name}_q"] = chance.integers(-127, 128, (rows, columns), np.int8)
        found[f"{name}_scale"] = np.full(scales, 1.5 / 127 / math.sqrt(rows), np.float32)

    def even(name: str) -> None:
        found[f"{name}.weight"] = chance.uniform(0.5, 1.5, width).astype(np.float32)
        found[f"{name}.bias"] = chance.normal(0.0, 0.1, width).astype(np.float32)

    small(f"{_WHERE}.word_embeddings.weight", words, width, (words, 1))
    small(f"{_WHERE}.position_embeddings.weight", 512, width, (512, 1))
    found[f"{_WHERE}.token_type_embeddings.weight"] = chance.normal(0.0, 0.05, (2, width)).astype(np.float32)
    even(f"{_WHERE}.LayerNorm")
    for at, name in enumerate(names):
        of, part = f"inner.encoder.layer.{at // len(PARTS)}", PARTS[at % len(PARTS)]
        rows, columns = (wide if part == PARTS[5] else width), (wide if part == PARTS[4] else width)
        small(name, rows, columns, (1, columns))
        found[f"{of}.{part}.bias"] = chance.normal(0.0, 0.1, columns).astype(np.float32)
        if part == PARTS[5]:
            for norm in _NORMS:
                even(f"{of}.{norm}")
    return found


def written(path: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    """An ONNX file with these arrays. It gives each piece its row of the words: what a BERT makes of them is not in
    it.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node("Gather", [f"{_WHERE}.word_embeddings.weight_q", "input_ids"], ["last_hidden_state"])],
        "bert",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "pieces"])],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.INT8, None)],
        [numpy_helper.from_array(value, name) for name, value in arrays.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def says(have: Mapping[str, np.ndarray], names: Sequence[str], ids: Sequence[int], kinds: Sequence[int]) -> np.ndarray:
    """What each piece is given, matrices being in full under their `names`."""

    def even(x: np.ndarray, name: str) -> np.ndarray:
        apart = x - x.mean(axis=1, keepdims=True)
        spread = np.sqrt((apart**2).mean(axis=1, keepdims=True) + 1e-12)
        made: np.ndarray = apart / spread * have[f"{name}.weight"] + have[f"{name}.bias"]
        return made

    words = have[f"{_WHERE}.word_embeddings.weight_q"] * have[f"{_WHERE}.word_embeddings.weight_scale"]
    x = words[list(ids)] + have[f"{_WHERE}.position_embeddings.weight"][: len(ids)]
    x = even(x + have[f"{_WHERE}.token_type_embeddings.weight"][list(kinds)], f"{_WHERE}.LayerNorm")
    for at in range(len(names) // len(PARTS)):
        of = f"inner.encoder.layer.{at}"
        made = [have[name] for name in names[at * len(PARTS) : (at + 1) * len(PARTS)]]
        biases = [have[f"{of}.{part}.bias"] for part in PARTS]
        asked, key, value = (
            (x @ made[part] + biases[part]).reshape(len(x), HEADS, -1).transpose(1, 0, 2) for part in range(3)
        )
        near = asked @ key.transpose(0, 2, 1) / math.sqrt(asked.shape[2])
        share = np.exp(near - near.max(axis=2, keepdims=True))
        share /= share.sum(axis=2, keepdims=True)
        seen = (share @ value).transpose(1, 0, 2).reshape(len(x), -1)
        x = even(x + seen @ made[3] + biases[3], f"{of}.{_NORMS[0]}")
        inner = x @ made[4] + biases[4]
        inner = inner * (1.0 + np.vectorize(math.erf)(inner / math.sqrt(2.0))) / 2.0
        x = even(x + inner @ made[5] + biases[5], f"{of}.{_NORMS[1]}")
    return x
