"""Encoders for tests: one of words in plain Python, a server of its vectors, and an ONNX file that runs as the fetched
one does.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zlib import crc32

import numpy as np

from rag.retrieval.embedders.base import EmbedderError, Vectors, unit
from tests.support.berts import PARTS, random_arrays, written

WIDTH = 64
_SAME = {"holiday": "leave", "vacation": "leave", "urlaub": "leave", "izin": "leave", "notebook": "laptop"}


class WordEncoder:
    """A text is the sum of its words' directions; some words of several languages mean the same. `broken` fails."""

    def __init__(self, name: str = "words", *, broken: bool = False) -> None:
        self.name = name
        self.broken = broken
        self.embedded = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        if self.broken:
            raise EmbedderError("The encoder is broken; mend it.")
        self.embedded += len(texts)
        rows = np.zeros((len(texts), WIDTH), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().replace("?", " ").replace(".", " ").split():
                direction = np.random.default_rng(crc32(_SAME.get(word, word).encode("utf-8", "replace")))
                row += direction.normal(size=WIDTH).astype(np.float32)
        return unit(rows)


def hashing_file(path: Path) -> Path:
    """An ONNX file whose vector of a text depends on the whole text, through an operator of the extensions. It counts
    in eight bits, with one scale for all that it is given together, as the encoder that ships does.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    table = np.random.default_rng(0).normal(size=(512, WIDTH)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("StringToHashBucketFast", ["inputs", "buckets"], ["bucket"], domain="ai.onnx.contrib"),
            helper.make_node("Gather", ["table", "bucket"], ["rows"], axis=0),
            helper.make_node("DynamicQuantizeLinear", ["rows"], ["small", "scale", "zero"]),
            helper.make_node("DequantizeLinear", ["small", "scale", "zero"], ["outputs"]),
        ],
        "hashing",
        [helper.make_tensor_value_info("inputs", TensorProto.STRING, ["n"])],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["n", WIDTH])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([512], np.int64), "buckets"),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.contrib", 1)], ir_version=9
    )
    onnx.save(model, str(path))
    return path


def bert_file(path: Path) -> Path:
    """An ONNX file that takes numbers of pieces and gives each a vector, with its `tokenizer.json` beside it."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz0123456789.,?!"]
    pieces += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789"] + ["leave", "grant", "##ed", "when"]
    written = {"model": {"type": "WordPiece", "vocab": {piece: at for at, piece in enumerate(pieces)}}}
    path.with_suffix(".json").write_text(json.dumps(written), encoding="utf-8")
    table = np.random.default_rng(0).normal(size=(len(pieces), WIDTH)).astype(np.float32)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "pieces"])
        for name in ("input_ids", "attention_mask")
    ]
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"], axis=0)],
        "pieces",
        inputs,
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["n", "pieces", WIDTH])],
        [numpy_helper.from_array(table, "table")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def readable_file(path: Path) -> tuple[Path, list[str]]:
    """An ONNX file with every array that a reader changes and those that it leaves as they are, all small, with its
    vocabulary beside it; and the names of its matrices in order.
    """
    from rag.retrieval.embedders.reading_file import ENGLISH

    bert_file(path)
    with np.load(ENGLISH) as learnt:
        upper = [name.removesuffix(".a") for name in learnt.files if name.endswith(".a")]
    names = [*(f"val_{at}" for at in range(len(PARTS) * 2)), *sorted(upper, key=lambda name: int(name[4:]))]
    return written(path, random_arrays(names, width=384, wide=1536)), names


@contextmanager
def serving(embedder: WordEncoder, key: str = "") -> Iterator[str]:
    """The base address of a real server whose embeddings are an encoder's, in no order, for who has the `key`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            allowed = not key or self.headers["Authorization"] == f"Bearer {key}"
            status = 404 if self.path != "/v1/embeddings" else 200 if allowed else 401
            rows = embedder.embed(asked["input"]).tolist() if status == 200 else []
            entries = [{"index": place, "embedding": row} for place, row in enumerate(rows)]
            body = json.dumps({"data": entries[::-1], "model": asked["model"]}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
