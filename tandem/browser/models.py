"""Which models a browser may run: those in the folder the settings name, and a few that are known on the model hub.

Knows how a model's folder is laid out, its sizes and its context. Does not know the page or any browser.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

CATALOGUE = Path(__file__).with_name("catalogue.json")
PRECISIONS = ("q4f16", "q4")
MOST = 100
LARGEST_CONFIG = 1_000_000


@dataclass(frozen=True, slots=True)
class BrowserModel:
    """`bytes` maps each precision there is to the size of its files. `stamp` changes when the files do.

    `positions` is the context in tokens, None where the model does not say.
    """

    id: str
    name: str
    where: Literal["folder", "hub"]
    bytes: dict[str, int]
    positions: int | None = None
    licence: str = ""
    stamp: str = ""


@lru_cache(maxsize=1)
def on_the_hub() -> tuple[BrowserModel, ...]:
    """Models known to work, with sizes as the hub showed them; the browser says the exact size while it downloads."""
    return tuple(BrowserModel(where="hub", **entry) for entry in json.loads(CATALOGUE.read_text(encoding="utf-8")))


def in_folder(folder: Path | None) -> tuple[BrowserModel, ...]:
    """The models below `folder`: a folder each, or a folder each below their organisation's. Reads small files only."""
    if folder is None:
        return ()
    found: list[BrowserModel] = []
    for pattern in ("*/config.json", "*/*/config.json"):
        for config in sorted(folder.glob(pattern)):
            model = _read(folder, config)
            if model is not None and len(found) < MOST:
                found.append(model)
    return tuple(found)


def _read(folder: Path, config: Path) -> BrowserModel | None:
    sizes: dict[str, int] = {}
    stamp = hashlib.sha256()
    for precision in PRECISIONS:
        name = f"model_{precision}.onnx"
        # Large weights lie beside the graph, in files whose names go on after its own.
        files = sorted((config.parent / "onnx").glob(f"{name}*"))
        if not any(file.name == name for file in files):
            continue
        status = [file.stat() for file in files]
        sizes[precision] = sum(one.st_size for one in status)
        stamp.update(repr([(one.st_size, one.st_mtime_ns) for one in status]).encode())
    if not sizes:
        return None
    name = config.parent.relative_to(folder).as_posix()
    return BrowserModel(name, name, "folder", sizes, _positions(config), stamp=stamp.hexdigest()[:12])


def _positions(config: Path) -> int | None:
    try:
        if config.stat().st_size > LARGEST_CONFIG:
            return None
        written: Any = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    value = written.get("max_position_embeddings") if isinstance(written, dict) else None
    return value if isinstance(value, int) and value > 0 else None
