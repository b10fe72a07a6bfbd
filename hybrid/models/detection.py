"""Which model servers answer on this machine, and what a server says of itself when it is tried.

Knows the ports on which such servers usually listen, and how long they are waited for. Does not know who asks, what is
chosen, or where a key comes from.
"""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from hybrid.errors import ModelError
from hybrid.runtimes.openai_compatible import OpenAICompatible
from hybrid.settings import EndpointSettings, TimeoutSettings

USUAL: tuple[tuple[str, int], ...] = (
    ("Foundry Local", 5273), ("Ollama", 11434), ("LM Studio", 1234), ("llama.cpp", 8080), ("vLLM", 8000),
)  # fmt: skip
"""What usually listens where."""
_LOOK_S, _TRY_S = 3.0, 8.0
_MOST = 200
# Tandem itself answers on a port that others use too.
_OURS = "tandem"
# They turn text into figures, or sound into text.
_WRITES_NOTHING = re.compile(r"embed|rerank|whisper|(?<![a-z])(?:bge|tts|clip)(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answering:
    """A server that answers, and the models it lists that write text."""

    name: str
    base_url: str
    models: tuple[str, ...]


async def detect(places: Sequence[tuple[str, int]] | None = None) -> list[Answering]:
    """The servers that answer on this machine's `places` (name and port; the usual ones by default), in that order."""
    async with asyncio.TaskGroup() as group:
        looking = [group.create_task(_at(name, port)) for name, port in (USUAL if places is None else places)]
    return [found for task in looking if (found := task.result()) is not None]


async def tried(endpoint: EndpointSettings, api_key: str, seconds: float = _TRY_S) -> Answering:
    """What a server says when it is asked for its models. Raises ModelError with what is amiss and what to do."""
    # The first time its import takes a while, which is not the server's fault.
    await asyncio.to_thread(importlib.import_module, "openai")
    runtime = OpenAICompatible(endpoint, api_key=api_key, timeouts=TimeoutSettings(connect=min(5.0, seconds)))
    try:
        async with asyncio.timeout(seconds):
            listed = await runtime.models()
    except TimeoutError as error:
        raise ModelError(
            f"{endpoint.base_url} did not answer within {seconds:g} s; is it running?", kind="timeout"
        ) from (error)
    finally:
        await runtime.close()
    names = [info.id for info in listed if len(info.id) <= _MOST and not _WRITES_NOTHING.search(info.id)]
    if not names:
        raise ModelError(
            f"A server answers at {endpoint.base_url}, but it lists no model that writes; load or pull one there, then "
            "try again.",
            kind="not_found",
        )
    return Answering(endpoint.name, endpoint.base_url, tuple(names[:_MOST]))


def address_of(written: str) -> str:
    """The address of a server as somebody writes it, made whole: with http:// where nothing stands before the host, and
    with /v1 where nothing stands behind it. Raises ModelError for one that is none, or where no model can be."""
    before, _, behind = written.strip().rpartition("://")
    url = f"{before or 'http'}://{behind.rstrip('/')}"
    for ending in ("/chat/completions", "/models"):
        url = url.removesuffix(ending)
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment or any(sign.isspace() for sign in url):
        raise ModelError("This is no address of a server; write it like http://127.0.0.1:11434/v1.", kind="refused")
    if parts.username or parts.password:
        raise ModelError(
            "A key does not belong into the address; name the variable that holds it instead.", kind="refused"
        )
    if _serves_machines(parts.hostname or ""):
        raise ModelError("No model answers at this address; write that of your model's server.", kind="refused")
    return url if parts.path else f"{url}/v1"


async def _at(name: str, port: int) -> Answering | None:
    try:
        found = await tried(EndpointSettings(name=name, base_url=f"http://127.0.0.1:{port}/v1"), "", _LOOK_S)
    except ModelError:
        return None
    return None if _OURS in found.models else found


def _serves_machines(host: str) -> bool:
    """Whether it is where clouds tell their machines secrets, or an address of nobody."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_link_local or address.is_multicast or address.is_unspecified
