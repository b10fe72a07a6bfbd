"""Failures in the shape of the OpenAI protocol, with the right status.

Knows statuses, types and codes. Does not know what was asked.
"""

from __future__ import annotations

import math
from typing import Any

from starlette.responses import JSONResponse

from hybrid.errors import ModelError

INVALID = "invalid_request_error"
SERVER = "server_error"

# What a model's failure is to a client: status, type, code.
_KINDS: dict[str, tuple[int, str, str]] = {
    "not_found": (404, INVALID, "model_not_found"),
    "too_long": (400, INVALID, "context_length_exceeded"),
    "pending": (503, SERVER, "models_pending"),
    "busy": (429, "rate_limit_error", "model_busy"),
    "overloaded": (429, "rate_limit_error", "model_overloaded"),
    "timeout": (504, SERVER, "model_timeout"),
    "silence": (504, SERVER, "model_timeout"),
    "unauthorised": (502, SERVER, "upstream_refused_the_key"),
    "refused": (502, SERVER, "upstream_unreachable"),
    "reset": (502, SERVER, "upstream_connection_lost"),
    "protocol": (502, SERVER, "upstream_protocol_error"),
}
_PENDING_RETRY_S = 2


class ApiError(Exception):
    """A request that gets an error instead of an answer. `param` names the field that is wrong."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = INVALID,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.type = type
        self.param = param
        self.code = code
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The protocol's error object, as in a response's body and in an event of a stream."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        return JSONResponse(self.body(), self.status, self.headers)


def from_model(error: ModelError, model: str) -> ApiError:
    """What a client hears when `model` failed."""
    status, type_, code = _KINDS.get(error.kind, (503, SERVER, "model_unavailable"))
    wait = error.retry_after if error.retry_after is not None else (_PENDING_RETRY_S if status == 503 else None)
    headers = {"retry-after": str(math.ceil(wait))} if wait is not None else {}
    sentence = str(error)
    return ApiError(
        status,
        sentence[:1].upper() + sentence[1:] if model in sentence else f"{model}: {sentence}",
        type=type_,
        param="model" if code == "model_not_found" else None,
        code=code,
        headers=headers,
    )
