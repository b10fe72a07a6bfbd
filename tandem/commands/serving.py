"""`tandem serve`. Knows what to print while the server runs; does not know the server."""

from __future__ import annotations

import gc
from typing import Any

from tandem.commands.documents import EXAMPLE
from tandem.observability.logs import configure
from tandem.settings import load


def serve(host: str | None, port: int | None) -> None:
    """Serve until interrupted. Raises UserFacingError."""
    gc.disable()  # what is loaded at the start stays; tandem.server enables it once the chat is there
    from tandem.server import serve as run

    settings = load()
    given: dict[str, Any] = {"host": host, "port": port}
    server = settings.server.model_copy(update={key: value for key, value in given.items() if value is not None})
    settings = settings.model_copy(update={"server": server})
    configure(settings.observability.log_level, settings.observability.log_format)
    if settings.example:
        print(EXAMPLE, flush=True)
    run(settings, _started)


def _started(address: str, first: str) -> None:
    print(f"Tandem answers at {address} (Ctrl-C stops it)", flush=True)
    if first:
        print(f"Nobody has an account yet. Make the first administrator's, within a day, at {first}", flush=True)
