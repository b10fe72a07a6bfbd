"""`tandem brief`: a briefing on the terminal or in a file. Does not know how it is written."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from hybrid.answering.briefs import Brief, parts, write
from hybrid.question import Options
from rag.errors import UserFacingError
from rag.principal import LOCAL
from tandem import briefing
from tandem.catalogues import ENGLISH
from tandem.commands.ending import run
from tandem.commands.passages import plain
from tandem.commands.progress import bar
from tandem.context import AppContext
from tandem.settings import Settings, load

MODELS_SECONDS = 15.0


def brief(source: str, *, words: int, priority: str, out: Path | None, draft: str | None, refine: str | None) -> None:
    """Write the briefing and print it, or keep it in `out`. Raises UserFacingError."""
    ending = out.suffix.lower().removeprefix(".") if out is not None else "md"
    if ending != "md" and ending not in briefing.FORMATS:
        raise UserFacingError(f"{out} ends in none of .md, .docx and .pdf; name a file that does.")
    options = Options(draft=draft, refine=refine)
    written = run(_written(load(), source, words, priority == "high", options))
    for heading in written.quoted:
        print(f"{plain(heading)}: quoted, because what was written did not hold.", file=sys.stderr)
    for heading in written.empty:
        print(f"{plain(heading)}: left out, because nothing that was written is supported.", file=sys.stderr)
    if out is None:
        print(plain(briefing.markdown(written)), end="")
        return
    if as_file := briefing.FORMATS.get(ending):
        content = as_file(written, author=briefing.AUTHOR, moment=datetime.now(UTC), language=ENGLISH)
    else:
        content = briefing.markdown(written).encode()
    try:
        out.write_bytes(content)
    except OSError as error:
        raise UserFacingError(f"{out} could not be written ({error.strerror}).") from None
    print(f"{out}: {written.words} words, {len(written.sources)} sources; {written.left_out} claims left out.")


async def _written(settings: Settings, source: str, words: int, high: bool, options: Options) -> Brief:
    context = AppContext.open(settings)
    try:
        await context.start(index=False)
        shelf = context.library.seen_by(LOCAL)
        if not shelf.documents():
            raise UserFacingError("Nothing is indexed yet; run `tandem index` first.")
        title, passages = await asyncio.to_thread(briefing.passages_of, shelf, source)
        if (options.draft or settings.models.draft) != "extractive":
            await context.engine.models.wait_ready(MODELS_SECONDS)
        given = parts(passages, words)
        done = 0
        with bar("Writing") as advance:
            writing = write(title, given, context.engine, words=words, high=high, options=options, principal=LOCAL)
            async for made in writing:
                if isinstance(made, Brief):
                    return made
                done += 1
                advance(done, len(given), made.heading)
    finally:
        await context.close()
    raise UserFacingError("The briefing was not written; ask again.")
