"""A store that speaks S3 in a process of its own, and keeps what it is given in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.support import module_server

KEYS = {"AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": "a-secret", "AWS_REGION": "us-east-1"}


@contextmanager
def running(bucket: str) -> Iterator[str]:
    """Its address while the block runs; it has one bucket."""
    with module_server.running(
        lambda port: ["moto.server", "-H", "127.0.0.1", "-p", str(port)],
        lambda address: httpx.put(f"{address}/{bucket}", trust_env=False),
    ) as address:
        yield address
