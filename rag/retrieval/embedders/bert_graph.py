"""A BERT that reads one text, as a graph of onnxruntime's own operators that sums numbers of eight bits.

Knows the arrays of the English encoder's file (six layers; Devlin and others 2019) and of such as have the same names,
with the words' vectors among them or given with each text, and how its products are made in
eight bits: the numbers of a product's input share one scale, so the few channels that are far larger than the others
("outliers": Xiao and others 2022, "SmoothQuant") are made smaller, and their rows of the matrix larger. Does not know
texts, nor what is done with what it gives each piece.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.retrieval.embedders.onnx_graph import MICROSOFT, Graph
from rag.retrieval.embedders.onnx_weights import arrays

Arrays = Mapping[str, NDArray[Any]]
IDS, KINDS, WORDS = "input_ids", "token_type_ids", "words"
"""The inputs: the number of each piece, or its vector where the words are not among the arrays, and which of two texts
it is of."""
_WHERE, TABLE = "inner.embeddings", "inner.embeddings.word_embeddings.weight"
"""Where the words' vectors stand, as numbers and their scales."""
PARTS = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
)  # fmt: skip
"""The matrices of a layer in the order of the file, which numbers them."""
_NUMBERED = "val_"
_HEADS = 12
_APART = 2.5
"""How many times as large as the median one a channel may become before it is made smaller."""
_FULL, _HALF = 127, 63
"""The largest number of a matrix; the latter where a machine's sums of two products overflow sixteen bits."""
_LEAST = 1e-12


def held(file: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of a file by their names, matrices in full, but words' as they are in the file. Raises ValueError and
    KeyError where it is no such file.
    """
    known = arrays(file)
    found: dict[str, NDArray[Any]] = {}
    for name, value in known.items():
        full, _, kind = name.rpartition("_")
        if kind == "q" and full != TABLE:
            found[full] = value * known[f"{full}_scale"]
        elif kind != "scale" or full == TABLE:
            found[name] = value
    return found


def opened(have: Arrays, sample: Sequence[int] | NDArray[np.float32]) -> Any:
    """A session of the encoder with these arrays, on one core. The pieces of a `sample` text, or their vectors, are
    read once, by which it is known which channels are large. Raises KeyError where it is another encoder, and
    onnxruntime's errors.
    """
    graph = _Bert(have, {})
    first = _session(graph.model(list(graph.entries.values())))
    met = first.run(None, {graph.given: np.array([sample]), KINDS: np.zeros((1, len(sample)), np.int64)})[1:]
    del first
    large = {}
    for entry, values in zip(graph.entries, met, strict=True):
        most = np.abs(values[0]).max(axis=0)
        large[entry] = np.maximum(1.0, most / (_APART * np.median(most) + _LEAST)).astype(np.float32)
    graph = _Bert(have, large)
    words = have.get(f"{TABLE}_q")
    return _session(graph.model([]), {} if words is None else {graph.words: _kept(words.tobytes(), words.shape)})


class _Bert:
    """The graph of one encoder. `large` says by how much the channels of each product's input are made smaller."""

    def __init__(self, have: Arrays, large: Arrays) -> None:
        self._graph = Graph()
        self._have = have
        self._large = large
        self.entries: dict[str, str] = {}
        """Product -> the name of its input."""
        self.given = IDS if f"{TABLE}_q" in have else WORDS
        self.words = self._graph.array(have[f"{TABLE}_q"]) if self.given == IDS else ""
        self._at = [self._graph.array(np.array([at], np.int64)) for at in range(2)]
        self._thirds = self._graph.array(np.array([len(have[f"{_WHERE}.LayerNorm.weight"])] * 3, np.int64))
        names = [name for name, value in have.items() if name.startswith(_NUMBERED) and value.ndim > 1]
        names.sort(key=lambda name: int(name.removeprefix(_NUMBERED)))
        piece = self._pieces()
        for at in range(len(names) // len(PARTS)):
            matrices = names[at * len(PARTS) : (at + 1) * len(PARTS)]
            piece = self._layer(f"inner.encoder.layer.{at}", [have[name] for name in matrices], piece)
        self._last = piece

    def model(self, also: Sequence[str]) -> bytes:
        """The model; its outputs are what it gives each piece, and the results that are named."""
        if self.given == WORDS:
            return self._graph.model((KINDS,), (self._last, *also), {WORDS: ("texts", "pieces", "size")})
        return self._graph.model((IDS, KINDS), (self._last, *also))

    def _one(self, operator: str, *inputs: str, domain: str = "", **settings: float) -> str:
        return self._graph.node(operator, inputs, domain=domain, **settings)[0]

    def _pieces(self) -> str:
        """What each piece is before anything was read."""
        words = WORDS
        if self.given == IDS:
            words = self._one("Cast", self._one("Gather", self.words, IDS), to=1)
            scales = self._graph.array(self._have[f"{TABLE}_scale"])
            words = self._one("Mul", words, self._one("Gather", scales, IDS))
        count = self._one("Slice", self._one("Shape", KINDS), self._at[1], self._graph.array(np.array([2], np.int64)))
        places = self._graph.array(self._have[f"{_WHERE}.position_embeddings.weight"])
        places = self._one("Slice", places, self._at[0], count, self._at[0])
        kinds = self._graph.array(self._have[f"{_WHERE}.token_type_embeddings.weight"])
        both = self._one("Add", words, self._one("Gather", kinds, KINDS))
        return self._even(self._one("Add", both, places), f"{_WHERE}.LayerNorm")

    def _layer(self, of: str, matrices: Sequence[NDArray[np.float32]], piece: str) -> str:
        biases = [self._have[f"{of}.{part}.bias"] for part in PARTS]
        three = self._product(f"{of}.three", piece, np.concatenate(matrices[:3], axis=1), np.concatenate(biases[:3]))
        parts = self._graph.node("Split", (three, self._thirds), 3, axis=-1)
        seen = self._one("MultiHeadAttention", *parts, domain=MICROSOFT, num_heads=_HEADS)
        seen = self._product(f"{of}.seen", seen, matrices[3], biases[3])
        piece = self._even(self._one("Add", seen, piece), f"{of}.attention.output.LayerNorm")
        wide = self._one("Gelu", self._product(f"{of}.wide", piece, matrices[4], biases[4]), domain=MICROSOFT)
        narrow = self._product(f"{of}.narrow", wide, matrices[5], biases[5])
        return self._even(self._one("Add", narrow, piece), f"{of}.output.LayerNorm")

    def _product(self, name: str, entry: str, matrix: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        self.entries[name] = entry
        large = self._large.get(name)
        if large is not None and (large > 1.0).any():
            entry = self._one("Mul", entry, self._graph.array((1.0 / large).astype(np.float32)))
            matrix = matrix * large[:, None]
        scale = (np.abs(matrix).max(axis=0) / _most() + _LEAST).astype(np.float32)
        small = np.round(matrix / scale).astype(np.int8)
        constants = self._graph.array(small), self._graph.array(scale), "", self._graph.array(bias)
        return self._one("DynamicQuantizeMatMul", entry, *constants, domain=MICROSOFT)

    def _even(self, piece: str, name: str) -> str:
        constants = (self._graph.array(self._have[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self._one("LayerNormalization", piece, *constants, axis=-1, epsilon=1e-12)


@cache
def _kept(words: bytes, shape: tuple[int, ...]) -> Any:
    """The words of an encoder for the sessions to share: half of what it takes. No session may outlive them."""
    import onnxruntime

    return onnxruntime.OrtValue.ortvalue_from_numpy(np.frombuffer(words, np.int8).reshape(shape))


def _session(model: bytes, shared: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """A session of a model, with arrays of it that are `shared` with others."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    for name, value in shared.items():
        options.add_initializer(name, value)
    # A sum and its evening out as one operator take nine times as long as one after the other.
    slow = ["SkipLayerNormFusion"]
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"], disabled_optimizers=slow)
    session._model_bytes = b""  # a copy for who changes providers, which would be kept as long as the session
    return session


@cache
def _most() -> int:
    """The largest number that matrices may have on this machine."""
    graph = Graph()
    entry = graph.node("Cast", (IDS,), to=1)[0]
    constants = graph.array(np.full((64, 1), _FULL, np.int8)), graph.array(np.ones(1, np.float32))
    (summed,) = graph.node("DynamicQuantizeMatMul", (entry, *constants), domain=MICROSOFT)
    found = _session(graph.model((IDS,), (summed,))).run(None, {IDS: np.ones((1, 64), np.int64)})[0]
    return _FULL if float(found[0, 0]) > 0.99 * 64 * _FULL else _HALF
