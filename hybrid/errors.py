"""Errors of the model side, in the family whose message is written for the person at the screen.

Knows what can go wrong with a model or an endpoint. Does not know who shows it or what is tried next.
"""

from rag.errors import UserFacingError


class ModelError(UserFacingError):
    """A model call failed. `retriable` says that the same call may succeed; `kind` is a short stable word for tests,
    metrics and the API (refused, reset, timeout, silence, protocol, too_long, not_found, unauthorised, overloaded,
    unavailable, memory, disk, busy, cancelled, pending). `retry_after` is how many seconds the server asked to wait,
    `deficit` by how many tokens a prompt is too long; None where nobody said."""

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        retriable: bool = False,
        retry_after: float | None = None,
        deficit: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retriable = retriable
        self.retry_after = retry_after
        self.deficit = deficit


class PolicyError(UserFacingError):
    """A fitted policy cannot be read, written or fitted."""
