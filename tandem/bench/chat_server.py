"""The server half of `tandem bench chat`: the real chat and API, with the metronome as its model.

Knows how to start one. Does not know what the clients measure, nor what the metronome says.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
from pathlib import Path

from pydantic import SecretStr

from hybrid.settings import EndpointSettings, Escalate, EscalationSettings, GenerationSettings, ModelSettings
from tandem import server, shipped
from tandem.auth.tickets import signing_secret
from tandem.bench import relay
from tandem.bench.metronome import MODEL, Metronome
from tandem.cluster.parent import Parent
from tandem.documents import open_library
from tandem.listening import listen
from tandem.settings import ServerSettings, Settings
from tandem.settings_storage import StorageSettings

# The metronome ends by itself, before its limit.
MARGIN = 16
API_KEY = "key-of-the-benchmark"


def user(number: int) -> tuple[str, str]:
    """Name and password of one of the users who may sign in."""
    return f"reader{number}", f"pass-{number}"


def main() -> None:
    """Index the shipped documents and the metronome's in `--data`, then serve on a free port and print its address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--words", type=int, required=True)
    parser.add_argument("--log", type=Path, help="File in which the metronome notes when its streams begin.")
    parser.add_argument(
        "--endpoint", default="", help="Address of the metronome; without it, it ticks in this process."
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--database", default="", help="Where several workers know of one another.")
    for name, kind in (("--number", int), ("--name", str), ("--channel", int)):
        parser.add_argument(name, type=kind, help="Of one of several workers.")
    given = parser.parse_args()
    endpoints = (EndpointSettings(name="bench", base_url=given.endpoint),) if given.endpoint else ()
    made = given.data / "made"
    if given.channel is None:
        made.mkdir(parents=True)
        (made / "northern-line.md").write_text(relay.document(), encoding="utf-8")
    settings = Settings(
        data_dir=given.data,
        documents=(shipped.corpus(), made),
        models=ModelSettings(draft=MODEL, foundry=False, endpoints=endpoints),
        generation=GenerationSettings(max_tokens=given.words + MARGIN),
        escalation=EscalationSettings(mode=Escalate.NEVER),
        storage=StorageSettings(
            database=SecretStr(given.database), passages="database" if given.database else "data_dir"
        ),
        server=ServerSettings(
            port=0,
            users={n: SecretStr(p) for n, p in map(user, range(given.clients))},
            api_key=SecretStr(API_KEY),
        ),
    )
    if given.channel is not None:
        server.serve_handed(settings.for_worker(given.number), socket.socket(fileno=given.channel), given.name)
        return
    library = open_library(settings)
    library.sync(settings.documents)
    library.close()
    if given.workers > 1:
        _listen(settings, given.workers)
        return
    runtimes = None if given.endpoint else [Metronome(given.rate, given.words, given.log)]
    server.serve(settings, lambda address, _: print(address, flush=True), runtimes=runtimes)


def _listen(settings: Settings, workers: int) -> None:
    """Have several processes answer, each started as this one was."""
    listener = listen(settings.server)

    def command(number: int, name: str, descriptor: int) -> list[str]:
        more = ["--number", str(number), "--name", name, "--channel", str(descriptor)]
        return [sys.executable, "-m", "tandem.bench.chat_server", *sys.argv[1:], *more]

    signing_secret(settings.files.secret)
    address = server.address_of(listener)
    asyncio.run(Parent(listener, workers, command, lambda: print(address, flush=True)).run())


if __name__ == "__main__":
    main()
