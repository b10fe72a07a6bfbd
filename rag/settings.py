"""What a user may set about retrieval, each with its default and its meaning.

Knows names, defaults and bounds. Does not know where the values come from (`tandem.settings` does).
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


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
