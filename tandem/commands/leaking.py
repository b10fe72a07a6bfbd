"""`tandem evaluate leaks`: a throw-away installation with secrets in it, and what people hear of them.

Knows where it lies and how long it lives. Does not know how it is pried into.
"""

from __future__ import annotations

import random
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from rag.labels import PUBLIC
from rag.library import Library
from rag.settings import RetrievalSettings
from rag.storage.records import NewDocument
from tandem.commands.ending import run
from tandem.commands.evaluating import print_record
from tandem.commands.progress import bar
from tandem.context import AppContext
from tandem.evaluate import leaks as prying


def leaks(json: bool, questions: int, seed: int) -> None:
    """Print what leaked. Raises UserFacingError."""
    print_record(run(measured(questions, seed)), json)


async def measured(count: int, seed: int) -> dict[str, Any]:
    """What leaks in so many questions."""
    with tempfile.TemporaryDirectory(prefix="tandem-", ignore_cleanup_errors=True) as name, ExitStack() as open_ones:
        folder = Path(name)
        secrets, documents = prying.plant(random.Random(seed))
        twins = {
            own: open_ones.enter_context(closing(_twin(folder / "-".join(("only", *own)), own, documents)))
            for own in prying.readings()
        }
        context = AppContext.open(prying.settings_for(folder / "whole"))
        try:
            await context.start(index=False)
            context.collecting.keep(prying.made_in_chat(context.settings), [])
            context.library.add(documents)
            with bar("Asking") as advance:
                tally = await prying.evaluate(context, twins, secrets, count, seed, advance)
        finally:
            await context.close()
    return tally.as_dict()


def _twin(folder: Path, own: tuple[str, ...], documents: list[NewDocument]) -> Library:
    """A library of what the collections `own` hold, and what is for everybody, all of it open."""
    library = Library.open(folder, RetrievalSettings(), write=True)
    readable = PUBLIC | {prying.label_of(name) for name in own}
    library.add([prying.opened(one) for one in documents if not one.labels.isdisjoint(readable)])
    return library
