"""The one protocol that everything which generates text speaks, and the types that pass through it.

Knows requests, chunks and model states. Does not know any runtime, any prompt's wording or any user interface.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from rag.types import CheckedAnswer, Likes, Message, Passage, ReadEach

CHARS_PER_TOKEN = 4
"""What a token is taken to hold where nobody counted."""


@dataclass(frozen=True, slots=True)
class Part:
    """One question of several asked at once: as it was put, as it was searched, the places of its passages, and whether
    they answer it.
    """

    question: str
    searched: str
    places: tuple[int, ...]
    answerable: bool


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a runtime is asked. `question` (as it was searched, with what a follow-up leans on; `typed` is what was
    asked) and `passages` repeat what `messages` says in words, for runtimes that quote.

    `answerable` is False where retrieval finds that the corpus holds no answer: a runtime that quotes then says so;
    `confidence` is how sure retrieval is of that, and what is quoted with less than `sure` is said with doubt. `parts`
    are what a compound question asks, `reply` is what a runtime that quotes says where nothing has to be chosen for it,
    and `topic` what a question without a question is about. `numbers` says, for each number of the messages, which of
    `passages` it is (0: none); without it they are numbered alike. `likes` has the words of the passages that are like
    the question's, and `read` gives the log odds that passages answer it, where they can be read.
    `schema` is the JSON schema that the reply is to follow, where the server can hold the model to it.
    `max_tokens` counts completion tokens; `temperature` 0 is greedy; `user` is an opaque id for fair queueing.
    """

    model: str
    messages: tuple[Message, ...]
    question: str = ""
    typed: str = ""
    passages: tuple[Passage, ...] = ()
    numbers: tuple[int, ...] = ()
    answerable: bool = True
    confidence: float = 1.0
    sure: float = 0.0
    parts: tuple[Part, ...] = ()
    reply: CheckedAnswer | None = None
    topic: str = ""
    language: str = ""
    likes: Likes = field(default_factory=dict)
    read: ReadEach | None = None
    max_tokens: int = 768
    temperature: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    user: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them; `estimated` when it did not and we did. `caching` says that the server told
    how many it had in its prefix cache, none though they be.
    """

    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    estimated: bool = False
    caching: bool = False


class Phase(StrEnum):
    """What a model call is busy with before its first token."""

    QUEUE = "queue"
    LOAD = "load"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of a stream: a phase that begins, text, reasoning, or the end.

    `phase` opens a phase (the first text or reasoning closes it); `position` is the place in the queue, 0 when next.
    `logprobs` are natural logarithms, one per token of `text`, where the server sends them. The last chunk carries
    `finish_reason` (stop, length, cancelled, other) and `usage`, and `checked` where who wrote knows where every piece
    of the text comes from.
    """

    text: str = ""
    reasoning: str = ""
    phase: Phase | None = None
    position: int | None = None
    logprobs: tuple[float, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    checked: CheckedAnswer | None = None


class ModelState(StrEnum):
    """READY answers now; CACHED is on disk and loads on first use; DOWNLOADABLE is known to the catalog only."""

    READY = "ready"
    CACHED = "cached"
    DOWNLOADING = "downloading"
    DOWNLOADABLE = "downloadable"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as its runtime reports it. Sizes in megabytes, context in tokens; None where not known.

    `note` is a sentence for people: why it is unavailable, or what to do to have it. `execution_provider` is ONNX
    Runtime's name for what computes, where the runtime says so.
    """

    id: str
    alias: str
    runtime: str
    state: ModelState
    size_mb: int | None = None
    context_length: int | None = None
    licence: str = ""
    device: str = ""
    note: str = ""
    execution_provider: str = ""


class Runtime(Protocol):
    """Who generates. One instance serves many requests; all methods are safe to call from one event loop.

    `stream` raises `hybrid.errors.ModelError`; closing the generator (or cancelling its task) stops the generation and
    returns at once, whatever the backend does. A runtime that cannot load, unload or download raises ModelError with
    kind "unavailable" and a sentence that says so.
    """

    name: str

    def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]: ...

    async def models(self) -> list[ModelInfo]: ...

    async def load(self, model: str) -> None: ...

    async def unload(self, model: str) -> None: ...

    async def download(self, model: str, progress: Callable[[float], None]) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model held in memory: how many calls run or wait, and the seconds since the last one ended."""

    model: str
    calls: int
    idle_s: float


MakeRoom = Callable[[str, int], Awaitable[None]]


@runtime_checkable
class Managed(Protocol):
    """A runtime whose models live in this machine's memory and on its disk, so that somebody must look after them.

    `make_room`, where set, is awaited with a model's id and its size in megabytes before it is loaded.
    """

    name: str
    make_room: MakeRoom | None

    def uses(self) -> list[ModelUse]: ...

    async def unload(self, model: str) -> None: ...

    async def register(self, path: Path, alias: str) -> ModelInfo: ...

    async def verify(self, model: str) -> None: ...

    async def remove(self, model: str) -> None: ...
