"""Requests to an OpenSearch cluster: another of its addresses is asked where one does not answer.

Knows HTTP, what may be asked again, and a sentence for each kind of failure. Does not know what is asked. A client of
our own, since the official one brings gRPC and a second HTTP library with it, for a handful of requests.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import httpx
import orjson

from rag.errors import LibraryError
from rag.settings import IndexSettings
from rag.storage.protocols import IndexAwayError

CONNECT_SECONDS, ANSWER_SECONDS, WRITE_SECONDS = 2.0, 15.0, 60.0
READ_PATIENCE, WRITE_PATIENCE = 4.0, 30.0
"""How long a question, and a batch of passages, wait for a cluster that is choosing another node for one it lost."""
_PAUSE = 0.1
_AGAIN = frozenset({429, 500, 502, 503, 504})
_CONNECTIONS = 32


class ClusterError(IndexAwayError):
    """The cluster does not answer, or did not do what was asked. Nothing that it had acknowledged is lost by that."""


class RefusedError(ClusterError):
    """The cluster answered no: `kind` is its name for the reason, `status` HTTP's."""

    def __init__(self, message: str, kind: str, status: int) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status


class Cluster:
    """The nodes at some addresses. Safe from any thread; `close` it."""

    def __init__(self, settings: IndexSettings) -> None:
        password = settings.password.get_secret_value() if settings.password else ""
        self.addresses = tuple(address.rstrip("/") for address in settings.addresses)
        self._client = httpx.Client(
            auth=httpx.BasicAuth(settings.user, password) if settings.user else None,
            verify=_trusting(settings),
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=_CONNECTIONS),
            trust_env=False,
        )
        self._answering = 0

    def close(self) -> None:
        self._client.close()

    def ask(self, method: str, path: str, body: Any = None, *, writing: bool = False) -> Any:
        """What the cluster answers. `body` is made JSON; several lines of JSON where it is a list. What is asked may be
        asked again, so that it must be such that twice is once. Raises ClusterError, and RefusedError for a no.
        """
        content = None if body is None else _lines(body) if isinstance(body, list) else orjson.dumps(body)
        kind = "application/x-ndjson" if isinstance(body, list) else "application/json"
        seconds, patience = (WRITE_SECONDS, WRITE_PATIENCE) if writing else (ANSWER_SECONDS, READ_PATIENCE)
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        until = time.monotonic() + patience
        while True:
            failed: LibraryError | None = None
            for _ in self.addresses:
                at = self._answering
                address = self.addresses[at]
                try:
                    answer = self._client.request(
                        method, f"{address}{path}", content=content, headers={"content-type": kind}, timeout=timeout
                    )
                    if answer.status_code not in _AGAIN:
                        return self._said(answer, address)
                    failed = _refused(answer, address)
                except httpx.HTTPError as error:
                    failed = ClusterError(_silent(self.addresses, error))
                    failed.__cause__ = error
                self._answering = (at + 1) % len(self.addresses)
            if time.monotonic() >= until:
                assert failed is not None
                raise failed
            time.sleep(_PAUSE)

    def _said(self, answer: httpx.Response, address: str) -> Any:
        if answer.status_code in (401, 403):
            raise RefusedError(
                f"OpenSearch at {address} does not let Tandem in; correct index.user and TANDEM_INDEX__PASSWORD, or "
                "what that user may do there.",
                "security_exception",
                answer.status_code,
            )
        if answer.is_error:
            raise _refused(answer, address)
        try:
            return orjson.loads(answer.content) if answer.content else {}
        except ValueError:
            raise ClusterError(
                f"What answers at {address} is not OpenSearch; correct index.addresses in tandem.yaml."
            ) from None


def _trusting(settings: IndexSettings) -> Any:
    if settings.certificate is None:
        return True
    import ssl

    try:
        return ssl.create_default_context(cafile=str(settings.certificate))
    except OSError as error:
        raise LibraryError(
            f"The certificate {settings.certificate} cannot be read ({error}); correct index.certificate."
        ) from error


def _lines(parts: Sequence[Any]) -> bytes:
    return b"".join(orjson.dumps(part, option=orjson.OPT_APPEND_NEWLINE) for part in parts)


def _refused(answer: httpx.Response, address: str) -> RefusedError:
    kind, reason = "", ""
    try:
        error = orjson.loads(answer.content)["error"]
        kind, reason = (str(error["type"]), str(error["reason"])) if isinstance(error, dict) else ("", str(error))
    except (ValueError, KeyError, TypeError):
        pass
    said = f"{kind}: {reason}" if kind else reason or f"HTTP {answer.status_code}"
    if answer.status_code in _AGAIN:
        what = "cannot answer now"
        then = "look at its health and its log, and try again"
    else:
        what, then = (
            "refused what Tandem asked",
            "look at its log, or run `tandem index --verify` to make the index anew",
        )
    return RefusedError(f"OpenSearch at {address} {what} ({said[:300]}); {then}.", kind, answer.status_code)


def _silent(addresses: Sequence[str], error: httpx.HTTPError) -> str:
    where = ", ".join(addresses)
    if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
        return f"The search index at {where} takes too long to answer; look at the cluster's health, and try again."
    return f"The search index at {where} does not answer; start OpenSearch there, or correct index.addresses."
