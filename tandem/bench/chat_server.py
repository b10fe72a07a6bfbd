"""The server half of `tandem bench chat`: the real chat and API, with the metronome as its model.

Knows how to start one. Does not know what the clients measure, nor what the metronome says.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from hybrid.events import Event
from hybrid.question import Question
from hybrid.settings import EndpointSettings, Escalate, EscalationSettings, GenerationSettings, ModelSettings
from tandem import server, shipped
from tandem.bench.metronome import MODEL, Metronome
from tandem.context import House
from tandem.documents import open_library
from tandem.settings import ServerSettings, Settings

API_KEY = "key-of-the-benchmark"


class _Accepting(House):
    """Shows what the metronome says, which no document supports: what is timed is the way of the words to people."""

    def answer(self, question: Question) -> AsyncGenerator[Event, None]:
        return super().answer(replace(question, options=replace(question.options, accept_all=True)))


def user(number: int) -> tuple[str, str]:
    """Name and password of one of the users who may sign in."""
    return f"reader{number}", f"pass-{number}"


def main() -> None:
    """Index the shipped documents in `--data`, then serve on a free port and print its address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--words", type=int, required=True)
    parser.add_argument(
        "--endpoint", default="", help="Address of the metronome; without it, it ticks in this process."
    )
    given = parser.parse_args()
    endpoints = (EndpointSettings(name="bench", base_url=given.endpoint),) if given.endpoint else ()
    settings = Settings(
        data_dir=given.data,
        documents=(shipped.corpus(),),
        models=ModelSettings(draft=MODEL, foundry=False, endpoints=endpoints),
        generation=GenerationSettings(max_tokens=max(16, given.words)),
        escalation=EscalationSettings(mode=Escalate.NEVER),
        server=ServerSettings(
            port=0,
            users={n: SecretStr(p) for n, p in map(user, range(given.clients))},
            api_key=SecretStr(API_KEY),
        ),
    )
    library = open_library(settings)
    library.sync(settings.documents)
    library.close()
    server.House = _Accepting  # type: ignore[misc]
    runtimes = None if given.endpoint else [Metronome(given.rate, given.words)]
    server.serve(settings, lambda address: print(address, flush=True), runtimes=runtimes)


if __name__ == "__main__":
    main()
