"""A request's body -> what is asked, or the protocol's error that names the field.

Knows the fields of a chat completion, their bounds, and which ones Tandem cannot honour. Does not know any model.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from rag.types import Message, Role
from tandem.api.errors import ApiError

LARGEST_BODY = 4_000_000
MOST_MESSAGES = 1_000
MOST_TOKENS = 32_768
_LARGE = 100_000

STRICT = ConfigDict(strict=True, extra="allow", hide_input_in_errors=True)


class TextPart(BaseModel):
    model_config = STRICT

    type: Literal["text"]
    text: str


class SentMessage(BaseModel):
    model_config = STRICT

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(max_length=MOST_MESSAGES)] | None = None

    def message(self) -> Message:
        text = self.content if isinstance(self.content, str) else "".join(p.text for p in self.content or ())
        role: Role = "system" if self.role == "developer" else self.role
        return Message(role, text)


class StreamOptions(BaseModel):
    model_config = STRICT

    include_usage: bool = False


class Wishes(BaseModel):
    """What the protocol has no field for. `content` "as_written" streams the answer while it is being written; what is
    taken back then comes as an event of its own (`sources.Revised`). "final" waits for what stands in the end.
    `collections` are the only ones to answer from, "" for what belongs to none.
    """

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    content: Literal["final", "as_written"] = "final"
    collections: list[Annotated[str, Field(max_length=60)]] | None = Field(None, max_length=500)


class Asked(BaseModel):
    """The body of POST /v1/chat/completions. Fields that change nothing here are let pass, and named in the answer."""

    model_config = STRICT

    model: str = Field(min_length=1, max_length=300)
    messages: list[SentMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    seed: int | None = Field(None, ge=0, le=2**63 - 1)
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    user: str | None = Field(None, max_length=512)
    n: int | None = Field(1, ge=1)
    logprobs: bool | None = False
    tools: list[dict[str, Any]] | None = None
    functions: list[dict[str, Any]] | None = None
    response_format: dict[str, Any] | None = None
    tandem: Wishes | None = None

    @property
    def longest(self) -> int | None:
        """Most tokens of the answer, or None where the request leaves it to the settings."""
        wanted = self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens
        return None if wanted is None else min(wanted, MOST_TOKENS)

    @property
    def stops(self) -> tuple[str, ...]:
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(text for text in stop if text)

    @property
    def as_written(self) -> bool:
        return bool(self.stream) and self.tandem is not None and self.tandem.content == "as_written"

    @property
    def collections(self) -> tuple[str, ...] | None:
        """What is to be answered from, as far as the asker may read it; None: all of that."""
        chosen = self.tandem.collections if self.tandem is not None else None
        return None if chosen is None else tuple(chosen)

    @property
    def include_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def ignored(self) -> list[str]:
        """The fields that were sent and have no effect here."""
        effectless = ("top_p", "presence_penalty", "frequency_penalty")
        return sorted([*(name for name in effectless if getattr(self, name) is not None), *(self.model_extra or {})])

    def history(self) -> tuple[Message, ...]:
        return tuple(sent.message() for sent in self.messages)


async def read(request: Request) -> Asked:
    """What the request asks. Raises ApiError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(415, f"The content type is {kind or 'missing'}; send JSON with Content-Type: application/json.")
    body = await _body(request)
    return _asked(body) if len(body) < _LARGE else await asyncio.to_thread(_asked, body)


def _asked(body: bytes) -> Asked:
    asked = _validated(_parsed(body))
    _honourable(asked)
    return asked


async def _body(request: Request) -> bytes:
    too_large = ApiError(
        413, f"The request has more than {LARGEST_BODY:,} bytes; send less text.", code="request_too_large"
    )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > LARGEST_BODY:
        raise too_large
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST_BODY:
            raise too_large
        pieces.append(piece)
    return b"".join(pieces)


def _parsed(body: bytes) -> dict[str, Any]:
    if not body:
        raise ApiError(400, "The request has no body; send a JSON object with `model` and `messages`.")
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        if b"\\ud" in body.lower():
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ApiError(400, "A text holds half of a surrogate pair, which is no character; correct it.") from None
    except UnicodeDecodeError:
        raise ApiError(400, "The body is not UTF-8; encode it as UTF-8.") from None
    except RecursionError:
        raise ApiError(400, "The body nests too deeply; send a plain chat completion.") from None
    except ValueError as problem:
        raise ApiError(400, f"The body is not valid JSON: {str(problem)[:200]}.") from None
    if not isinstance(value, dict):
        raise ApiError(400, "The body is not a JSON object; send one with `model` and `messages`.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _validated(value: dict[str, Any]) -> Asked:
    try:
        return Asked.model_validate(value)
    except ValidationError as problem:
        raise _explained(problem.errors()) from None
    except RecursionError:
        raise ApiError(400, "The body nests too deeply; send a plain chat completion.") from None


def _explained(errors: list[ErrorDetails]) -> ApiError:
    """The first error, named by the path that a person would write: messages[0].content."""
    error = errors[0]
    param = str(error["loc"][0])
    for part in error["loc"][1:]:
        if isinstance(part, int) and param == "messages":
            param += f"[{part}]"
        elif part in ("role", "content", "include_usage"):
            param += f".{part}"
        else:
            # Under a field of several types pydantic names each type it tried.
            break
    if error["type"] == "missing":
        return ApiError(400, f"`{param}` is missing; add it.", param=param, code="missing_required_parameter")
    reason = error["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
    if param.startswith("messages") and param.endswith("content"):
        reason = "it should be text, or a list of text parts; Tandem reads no images or sounds"
    code = "invalid_type" if error["type"].endswith("_type") else "invalid_value"
    return ApiError(400, f"`{param}` is not right: {reason}.", param=param, code=code)


def _honourable(asked: Asked) -> None:
    """Refuse what would change the answer and cannot be done, rather than answer something else."""
    if (asked.n or 1) > 1:
        raise _unsupported("n", "Tandem gives one answer to a request; ask again for another.")
    if asked.logprobs:
        raise _unsupported("logprobs", "Tandem returns no log probabilities.")
    if asked.tools or asked.functions:
        raise _unsupported("tools" if asked.tools else "functions", "Tandem calls no tools.")
    if asked.response_format and asked.response_format.get("type", "text") != "text":
        raise _unsupported("response_format", "Tandem answers in text only.")
    if asked.stream_options is not None and not asked.stream:
        raise ApiError(400, "`stream_options` is only allowed with `stream: true`.", param="stream_options")
    last = asked.history()[-1]
    if last.role == "assistant" or not last.content.strip():
        raise ApiError(
            400, "The last message holds no question; end `messages` with the user's text.", param="messages"
        )


def _unsupported(param: str, message: str) -> ApiError:
    return ApiError(400, message, param=param, code="unsupported_parameter")
