"""A lean client of OpenAI-compatible servers, for measuring: no retries, little work per token, streamed or not.

Knows the protocol, at about a tenth of what a full client library spends per token, so that one core reads many fast
streams on time. Never tries twice: a retry would count as the server's speed. Does not know what is measured.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httptools

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest, Chunk, Phase, Usage
from hybrid.runtimes.reasoning_parser import Splitter
from hybrid.settings import EndpointSettings
from tandem.bench.http import Client, Cut, Response
from tandem.bench.measure import Stamped

_LONGEST_LINE = 1_000_000
_KINDS = {401: "unauthorised", 403: "unauthorised", 404: "not_found", 429: "overloaded"}


class WireError(ModelError):
    """A request failed. `status` is the HTTP status, None where there was none."""

    def __init__(self, message: str, *, kind: str, status: int | None = None) -> None:
        super().__init__(message, kind=kind)
        self.status = status


class Wire:
    """One endpoint. `streamed` False asks for the whole answer at once. Close it on its event loop."""

    def __init__(
        self, endpoint: EndpointSettings, *, api_key: str = "", streamed: bool = True, connect_s: float = 5.0
    ) -> None:
        self.name = endpoint.name
        self._address = endpoint.base_url.rstrip("/")
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = Client(f"{self._address}/chat/completions", headers, connect_s)
        self._streamed = streamed
        self._connect_s = connect_s
        self._counts_usage = True

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        """Ask once. Raises WireError."""
        body = json.dumps(self._body(request)).encode()
        yield Chunk(phase=Phase.SEND)
        try:
            async with aclosing(self._client.post(body)) as responses:
                async for response in responses:
                    if response.status != 200:
                        raise await self._refused(response, request)
                    yield Chunk()
                    if not self._streamed:
                        yield _whole(json.loads(await response.read()))
                        continue
                    async with aclosing(self._events(response)) as chunks:
                        async for chunk in chunks:
                            yield chunk
        except TimeoutError as error:
            raise WireError(f"{self.name} did not answer within {self._connect_s:g} s.", kind="timeout") from error
        except ssl.SSLError as error:
            raise WireError(f"{self.name} has no certificate that this machine trusts.", kind="refused") from error
        except (Cut, ConnectionResetError, BrokenPipeError) as error:
            raise WireError(f"{self.name} cut the connection.", kind="reset") from error
        except OSError as error:
            raise WireError(f"Nothing answers at {self._address} ({self.name}).", kind="refused") from error
        except (httptools.HttpParserError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise WireError(f"{self.name} sent something that is not the protocol.", kind="protocol") from error

    async def open(self, count: int) -> None:
        """Have `count` connections ready. Where that fails, the requests will say why."""
        await self._client.open(count)

    async def close(self) -> None:
        self._client.close()

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "max_tokens": request.max_tokens,
            "stream": self._streamed,
        }
        if self._streamed and self._counts_usage:
            body["stream_options"] = {"include_usage": True}
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.seed is not None:
            body["seed"] = request.seed
        if request.stop:
            body["stop"] = list(request.stop)
        return body

    async def _refused(self, response: Response, request: ChatRequest) -> WireError:
        said = (await response.read(2000)).decode("utf-8", "replace")
        try:
            found = json.loads(said)
            error = found.get("error", found)
            said = str(error.get("message", error) if isinstance(error, dict) else error)
        except (ValueError, AttributeError):
            pass
        said = " ".join(said.split())[:200]
        status = response.status
        if status in (400, 422) and "stream_options" in said and self._counts_usage:
            self._counts_usage = False
        kind = _KINDS.get(status, "unavailable" if status >= 500 else "refused")
        return WireError(f"{self.name}: HTTP {status} for {request.model}: {said}", kind=kind, status=status)

    async def _events(self, response: Response) -> AsyncGenerator[Chunk, None]:
        splitter = Splitter()
        finish: str | None = None
        usage: Usage | None = None
        rest = b""
        async for at, data in response.body():
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            if len(rest) > _LONGEST_LINE:
                raise ValueError("a line without an end")
            for line in lines:
                if not line.startswith(b"data:"):
                    continue
                text = line[5:].strip()
                if text == b"[DONE]":
                    continue
                event = json.loads(text)
                if "error" in event and not event.get("choices"):
                    said = event["error"]
                    said = said.get("message", said) if isinstance(said, dict) else said
                    raise WireError(f"{self.name} broke off: {str(said)[:200]}", kind="refused")
                usage = _usage(event.get("usage")) or usage
                for choice in event.get("choices") or ():
                    finish = choice.get("finish_reason") or finish
                    chunk = _chunk(choice.get("delta") or {}, splitter, at)
                    if chunk is not None:
                        yield chunk
        answer, thinking = splitter.finish()
        if answer or thinking:
            yield Chunk(text=answer, reasoning=thinking)
        yield Chunk(finish_reason=finish or "other", usage=usage)


def _chunk(delta: dict[str, Any], splitter: Splitter, at: float) -> Chunk | None:
    thought = delta.get("reasoning_content") or delta.get("reasoning") or ""
    content = delta.get("content") or ""
    answer, thinking = splitter.push(content) if content else ("", "")
    return Stamped(text=answer, reasoning=thought + thinking, at=at) if answer or thinking or thought else None


def _whole(body: dict[str, Any]) -> Chunk:
    choice = body["choices"][0]
    message = choice["message"]
    splitter = Splitter()
    answer, thinking = splitter.push(message.get("content") or "")
    rest, more = splitter.finish()
    thought = message.get("reasoning_content") or message.get("reasoning") or ""
    return Chunk(
        text=answer + rest,
        reasoning=thought + thinking + more,
        finish_reason=choice.get("finish_reason") or "other",
        usage=_usage(body.get("usage")),
    )


def _usage(counted: dict[str, Any] | None) -> Usage | None:
    if not counted or counted.get("completion_tokens") is None:
        return None
    thought = (counted.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    cached = (counted.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(int(counted.get("prompt_tokens") or 0), int(counted["completion_tokens"]), int(thought), int(cached))
