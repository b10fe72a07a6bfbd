"""What an OpenAI-compatible server's failures mean, in a sentence that says what to do.

Knows the client libraries' exceptions and the ways servers word things. Does not know what is tried next.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hybrid.errors import ModelError
from hybrid.runtimes.base import ChatRequest
from hybrid.runtimes.chat_events import ServerSaid, said_in

_TOO_LONG = ("context length", "context_length", "too long", "maximum context", "context size", "exceeds the", "n_ctx")


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains the failures of one endpoint."""

    name: str
    base_url: str
    key_variable: str
    connect_s: float

    def connection(self, error: Exception, *, opened: bool) -> ModelError:
        """A connection that was not made, or was lost after the answer had begun (`opened`)."""
        causes = list(_causes(error))
        where = f"{self.name} at {self.base_url}"
        if any(isinstance(cause, ssl.SSLError) for cause in causes) or "SSL" in str(causes[-1]):
            return ModelError(
                f"{where} has no certificate that this machine trusts; check the address (https or http) and the "
                "certificate.",
                kind="refused",
            )
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return ModelError(f"The host of {where} is not known; check the address.", kind="refused")
        if opened:
            return ModelError(f"{where} cut the connection; ask again.", kind="reset", retriable=True)
        names = {type(cause).__name__ for cause in causes}
        if names & {"ConnectTimeout", "PoolTimeout", "ConnectionTimeoutError"}:
            return ModelError(f"{where} did not answer within {self.connect_s:g} s; is it running?", kind="timeout")
        if names & {"ConnectError", "ConnectionRefusedError", "ClientConnectorError"}:
            return ModelError(f"Nothing answers at {self.base_url} ({self.name}); start the server.", kind="refused")
        return ModelError(f"{where} cut the connection; ask again.", kind="reset", retriable=True)

    def busy(self) -> ModelError:
        """The server lives, but this process was too busy to talk to it."""
        return ModelError(
            f"This machine is too busy to reach {self.name} at {self.base_url}; try again in a moment.",
            kind="busy",
            retriable=True,
        )

    def status(self, refusal: ServerSaid, request: ChatRequest | None) -> ModelError:
        """An HTTP status other than 200."""
        status, said = refusal.status or 0, shortened(refusal.said)
        if status in (401, 403):
            named = f"the variable {self.key_variable}" if self.key_variable else "api_key_env of this endpoint"
            return ModelError(f"{self.name} rejected the key; check {named}.", kind="unauthorised")
        if status in (400, 413, 422, 500) and _is_too_long(said):
            return self._too_long(request)
        if status == 404:
            model = request.model if request else ""
            advice = "Choose another in the settings, or see `tandem models list`."
            return ModelError(f"{self.name} has no model {model!r}: {said} {advice}", kind="not_found")
        if status == 429:
            return ModelError(
                f"{self.name} is overloaded; try again in a moment.",
                kind="overloaded",
                retriable=True,
                retry_after=refusal.retry_after,
            )
        if status == 503 and is_loading(said):
            return ModelError(
                f"{self.name} is loading its model; try again in a moment.", kind="unavailable", retriable=True
            )
        if status >= 500:
            return ModelError(f"{self.name} failed (HTTP {status}): {said}", kind="unavailable", retriable=True)
        return ModelError(f"{self.name} refused the request (HTTP {status}): {said}", kind="refused")

    def event(self, refusal: ServerSaid, request: ChatRequest) -> ModelError:
        """An error event in a stream that began well."""
        if _is_too_long(refusal.said):
            return self._too_long(request)
        return ModelError(f"{self.name} broke off: {shortened(refusal.said)}", kind="refused")

    def _too_long(self, request: ChatRequest | None) -> ModelError:
        model = request.model if request else "the model"
        return ModelError(
            f"the question and its passages are too long for {model}; ask for fewer passages or a shorter answer.",
            kind="too_long",
        )


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def shortened(said: str) -> str:
    """The server's own words, short enough for a sentence."""
    words = " ".join(said.split()) or "it gave no reason"
    if len(words) > 200:
        return words[:200] + "…"
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."


def of_library(error: Any) -> ServerSaid:
    """A status as the client library reports it."""
    return ServerSaid(said_in(error.body) or str(error.message or ""), error.status_code)


def is_loading(said: str) -> bool:
    """Whether the server says that it loads its model, as llama.cpp's does with status 503."""
    return "loading" in said.lower()


def _is_too_long(said: str) -> bool:
    lower = said.lower()
    return any(mark in lower for mark in _TOO_LONG)
