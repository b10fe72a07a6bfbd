"""A real provider of OpenID Connect in a process of its own: it discovers, signs, and lets in whoever it is told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.support import module_server


@contextmanager
def running() -> Iterator[str]:
    """Its address, below which its discovery document lies, while the block runs."""
    with module_server.running(
        lambda port: ["oidc_provider_mock", "--port", str(port), "--require-nonce"],
        lambda address: httpx.get(f"{address}/.well-known/openid-configuration", trust_env=False),
    ) as address:
        yield address
