"""A file of numbers of four bits with a small encoder of many languages in it, for tests."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

MARKS = ["<s>", "<pad>", "</s>", "<unk>"]
_BLOCK = 32


def packed(values: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Values (as many as there are in whole blocks) in four bits, and what they are once they were read again."""
    blocks = values.reshape(-1, _BLOCK)
    scales = (np.abs(blocks).max(axis=1, keepdims=True) / 7).astype(np.float16)
    numbers = np.clip(np.round(blocks / np.maximum(scales.astype(np.float32), 1e-9)), -8, 7).astype(np.int8)
    kept = (numbers + 8).astype(np.uint8)
    file = np.concatenate([scales.view(np.uint8), kept[:, :16] | kept[:, 16:] << 4], axis=1).tobytes()
    return file, (numbers * scales.astype(np.float32)).reshape(values.shape)


def packed_file(
    path: Path,
    pieces: Mapping[str, float],
    written: Mapping[str, str],
    layers: int = 2,
    width: int = 384,
    wide: int = 64,
) -> tuple[Path, dict[str, np.ndarray]]:
    """A file with these pieces and how likely they are, and random arrays; and the arrays by their names in it, as
    they are read.
    """
    chance = np.random.default_rng(0)
    names = [*MARKS, *pieces]
    made: dict[str, tuple[int, bytes]] = {}
    have: dict[str, np.ndarray] = {}

    def floats(name: str, *shape: int, about: float = 0.0) -> None:
        have[name] = chance.normal(about, 0.1, shape).astype(np.float32)
        made[name] = 0, have[name].tobytes()

    def small(name: str, rows: int, columns: int) -> None:
        file, have[name] = packed(chance.normal(0.0, 0.8 / np.sqrt(columns), (rows, columns)).astype(np.float32))
        made[name] = 1, file

    small("emb.word", len(names), width)
    floats("emb.pos", 512, width)
    floats("emb.type", 2, width)
    norms = ["emb.ln", *(f"l{layer}.{part}" for layer in range(layers) for part in ("aln", "oln"))]
    for norm in norms:
        floats(f"{norm}.w", width, about=1.0)
        floats(f"{norm}.b", width)
    for layer in range(layers):
        for part, rows, columns in (
            *((one, width, width) for one in ("q", "k", "v", "ao")),
            ("fi", wide, width),
            ("fo", width, wide),
        ):
            small(f"l{layer}.{part}.w", rows, columns)
            floats(f"l{layer}.{part}.b", rows)
    path.write_bytes(
        _file(names, [-20.0] * len(MARKS) + list(pieces.values()), written, made, (width, layers, 12, wide))
    )
    return path, have


def _file(
    names: Sequence[str],
    likely: Sequence[float],
    written: Mapping[str, str],
    arrays: Mapping[str, tuple[int, bytes]],
    sizes: tuple[int, int, int, int],
) -> bytes:
    said = [name.encode() for name in names]
    ends = np.cumsum([0, *map(len, said)]).astype(np.uint32)
    head = b"E5S1" + struct.pack("<8ifi", 1, *sizes, len(names), 512, 2, 1e-12, _BLOCK)
    head += struct.pack("<5iQ", len(names), 0, 2, 1, 3, int(ends[-1])) + ends.tobytes()
    head += np.array(likely, np.float32).tobytes() + b"".join(said)
    forms = b"".join(struct.pack(f"<IB{len(to)}I", ord(one), len(to), *map(ord, to)) for one, to in written.items())
    head += struct.pack("<iI", len(written), len(forms)) + forms + struct.pack("<i", len(arrays))
    at = len(head) + sum(2 + len(name) + 21 for name in arrays)
    for name, (kind, value) in arrays.items():
        head += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, 0, at, len(value))
        at += len(value)
    return head + b"".join(value for _, value in arrays.values())
