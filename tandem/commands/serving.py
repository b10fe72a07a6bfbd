"""`tandem serve`. Knows what to print while the server runs; does not know the server."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import sys
from typing import Any

from rag.database.places import Place
from rag.errors import UserFacingError
from tandem.commands.documents import EXAMPLE
from tandem.observability.logs import configure
from tandem.settings import Settings, load

_CONNECTIONS = 25
"""What a process needs at most of a database server, besides one for each of its threads."""


def serve(host: str | None, port: int | None, workers: int = 1) -> None:
    """Serve until interrupted, in so many processes. Raises UserFacingError."""
    gc.disable()  # what is loaded at the start stays; tandem.server enables it once the chat is there
    from tandem.server import serve as run

    settings = load()
    given: dict[str, Any] = {"host": host, "port": port}
    server = settings.server.model_copy(update={key: value for key, value in given.items() if value is not None})
    settings = settings.model_copy(update={"server": server})
    configure(settings.observability.log_level, settings.observability.log_format)
    if settings.example:
        print(EXAMPLE, flush=True)
    if workers > 1:
        _serve_in_several(settings, workers)
    else:
        run(settings, _started)


def _serve_in_several(settings: Settings, workers: int) -> None:
    from tandem import databases, worker
    from tandem.auth.tickets import signing_secret
    from tandem.cluster.handing import can_hand_over
    from tandem.cluster.parent import Parent
    from tandem.data_lock import hold
    from tandem.listening import listen
    from tandem.people.entrance import Entrance
    from tandem.server import address_of, first_link

    if settings.storage.passages != "database":
        raise UserFacingError(
            "Several workers know of one another through PostgreSQL: set storage.database to a database there and "
            "storage.passages to database in tandem.yaml, or leave --workers out."
        )
    if not can_hand_over():
        raise UserFacingError(
            "This system cannot hand connections from one process to another, so there are no workers here; leave "
            "--workers out, or start several servers behind a proxy that keeps each browser with one."
        )
    databases.passages(settings)  # says what to install where the driver is missing
    listener = listen(settings.server)
    address = address_of(listener)
    lock = hold(settings.files, address)
    shutil.rmtree(settings.files.figures, ignore_errors=True)
    signing_secret(settings.files.secret)  # made once, for all of them
    entrance = Entrance(settings, databases.people(settings))
    first = first_link(settings, address, entrance)
    if said := _too_few_connections(entrance.store.place, workers):
        print(said, file=sys.stderr, flush=True)
    entrance.close()
    try:
        asyncio.run(Parent(listener, workers, worker.commands(settings.server), lambda: _started(address, first)).run())
    finally:
        lock.release()


def _too_few_connections(place: Place, workers: int) -> str:
    """What to do where the server takes fewer connections than so many processes may need, "" where it takes enough."""
    from sqlalchemy.exc import SQLAlchemyError

    needed = workers * (_CONNECTIONS + min(32, (os.cpu_count() or 1) + 4))
    try:
        with place.engine.connect() as db:
            taken = int(str(db.exec_driver_sql("SHOW max_connections").scalar()))
    except (OSError, SQLAlchemyError, ValueError):  # it is waited for later
        return ""
    if taken >= needed:
        return ""
    return (
        f"The database server takes {taken} connections, and {workers} processes may need {needed}: people would be "
        f"told that it does not answer; set its max_connections to at least {needed}."
    )


def _started(address: str, first: str) -> None:
    print(f"Tandem answers at {address} (Ctrl-C stops it)", flush=True)
    if first:
        print(f"Nobody has an account yet. Make the first administrator's, within a day, at {first}", flush=True)
