"""The server half of `tandem bench chat`: the real chat, with a model that says numbered, dated words at a known rate.

Knows how to start one. Does not know what the clients measure.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from pydantic import SecretStr

from hybrid.runtimes.base import ChatRequest, Chunk, Phase, Usage
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import Escalate, EscalationSettings, GenerationSettings, ModelSettings
from tandem import shipped
from tandem.documents import open_library
from tandem.server import serve
from tandem.settings import ServerSettings, Settings

MODEL = "metronome"
SENTENCE = 25
QUESTION = "How quickly does the Model Desk review a new release?"
WARM_UP = "Who reviews a new release?"
WARM_WORDS = 50
BEGUN, WORD = "begun", "wq"
_LETTERS = str.maketrans("0123456789", "abcdefghij")
_DIGITS = str.maketrans("abcdefghij", "0123456789")


class Metronome(Scripted):
    """Says when it begins, in milliseconds since 1970, then counts to `words` at `rate` words a second.

    To WARM_UP it says but a few. Word n is due n / rate seconds after the beginning, which is what its lag is measured
    from. Figures are spelt with letters (`spelt`): an answer full of figures would be checked figure by figure, which
    no real answer is.
    """

    def __init__(self, rate: float, words: int) -> None:
        super().__init__({MODEL: Script()})
        self.rate = rate
        self.words = words

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Chunk, None]:
        yield Chunk(phase=Phase.SEND)
        clock = asyncio.get_running_loop()
        zero = clock.time()
        yield Chunk(text=f"{BEGUN}{spelt(round(time.time() * 1000))} ")
        words = WARM_WORDS if request.question == WARM_UP else self.words
        for number in range(words):
            wait = zero + number / self.rate - clock.time()
            if wait > 0:
                await asyncio.sleep(wait)
            place = number % SENTENCE
            word = WORD.capitalize() if place == 0 else WORD
            yield Chunk(text=f"{word}{spelt(number)}{'.' if place == SENTENCE - 1 else ''} ")
        yield Chunk(finish_reason="stop", usage=Usage(0, words))


def spelt(number: int) -> str:
    """A number in the letters a to j."""
    return str(number).translate(_LETTERS)


def read(letters: str) -> int:
    """The number that `spelt` spelt."""
    return int(letters.translate(_DIGITS))


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
    given = parser.parse_args()
    settings = Settings(
        data_dir=given.data,
        documents=(shipped.corpus(),),
        models=ModelSettings(draft=MODEL, foundry=False),
        generation=GenerationSettings(max_tokens=max(16, given.words)),
        escalation=EscalationSettings(mode=Escalate.NEVER),
        server=ServerSettings(port=0, users={n: SecretStr(p) for n, p in map(user, range(given.clients))}),
    )
    library = open_library(settings)
    library.sync(settings.documents)
    library.close()
    serve(settings, lambda address: print(address, flush=True), runtimes=[Metronome(given.rate, given.words)])


if __name__ == "__main__":
    main()
