"""What a user may set about retrieval, each with its default and its meaning.

Knows names, defaults and bounds. Does not know where the values come from (`tandem.settings` does).
"""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


class RetrievalSettings(BaseModel):
    """How documents are cut, searched and checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    passages: int = Field(5, ge=1, le=20, description="Passages handed to the model.")
    candidates: int = Field(96, ge=10, le=1000, description="Passages the index hands to the re-ranking, at most.")
    passage_chars: int = Field(900, ge=200, le=4000, description="Aimed length of a passage, in characters.")
    ocr: bool = Field(True, description="Read scanned pages and pictures, where a program for it is installed.")
    minimum_confidence: float = Field(
        0.14, ge=0.0, le=1.0, description="Below this confidence the corpus is taken to hold no answer."
    )
    sure_confidence: float = Field(
        0.35, ge=0.0, le=1.0, description="Below this confidence a quoted answer says that it is not sure."
    )
    semantic: bool = Field(
        True, description="Find passages that are near in meaning too, where an encoder is on this machine."
    )
    encoder: Path | None = Field(
        None, description="An encoder of your own, an ONNX file that takes strings; without one, the fetched one."
    )
    english_encoder: Path | None = Field(
        None,
        description="A second encoder of your own for English, an ONNX file with its tokenizer.json of the same name.",
    )
    reader: Path | None = Field(
        None, description="Where the file lies that reads passages in other languages; without one, the fetched one."
    )
    embeddings: str = Field(
        "",
        pattern=r"^$|^[^/\s]+/\S+$",
        description="An embeddings model of an endpoint instead of the encoder, as NAME OF THE ENDPOINT/MODEL.",
    )


class UploadSettings(BaseModel):
    """How much people may drop into their conversations."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_person_mb: int = Field(
        1_000, ge=0, description="Most megabytes of files in one person's conversations; 0: no limit."
    )
    total_mb: int = Field(
        20_000, ge=0, description="Most megabytes of files in all conversations together; 0: no limit."
    )
    library_mb: int = Field(
        5_000, ge=0, description="Most megabytes of files that are added to the library itself; 0: no limit."
    )


class IndexSettings(BaseModel):
    """Which engine finds the passages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["embedded", "opensearch"] = Field(
        "embedded", description="embedded: files in data_dir; opensearch: a cluster at the addresses."
    )
    addresses: tuple[str, ...] = Field((), description="Of the cluster's nodes; another is asked where one is away.")
    name: str = Field(
        "tandem", pattern=r"^[a-z][a-z0-9_]{0,59}$", description="The index's name there; one for each library."
    )
    user: str = Field("", description="Who signs in there; empty: nobody does.")
    password: SecretStr | None = Field(None, description="Their password; environment only.")
    certificate: Path | None = Field(
        None, description="File of the authorities that the nodes' certificates are of; without one, the usual."
    )
    shards: int = Field(1, ge=1, le=1024, description="Parts that the index is cut into, at its next making.")
    replicas: int = Field(1, ge=0, le=10, description="Copies of each part besides the first, at its next making.")

    @field_validator("addresses")
    @classmethod
    def _check_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            try:
                parts = urlsplit(address)
                valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            except ValueError:
                valid = False
            if not valid or parts.path.strip("/") or parts.query:
                raise ValueError(f"{address!r} is no address of a node; write it like https://search.example.org:9200")
            if parts.username or parts.password:
                raise ValueError(
                    "an address holds no user; write index.user, and the password as TANDEM_INDEX__PASSWORD"
                )
        return value

    @model_validator(mode="after")
    def _check_engine(self) -> "IndexSettings":
        if self.engine == "opensearch" and not self.addresses:
            raise ValueError("index.engine is opensearch, so that index.addresses must name the cluster's nodes")
        return self
