"""What the panel shows of the encoders, for administrators: those that are missing, with what they bring, size and
licence, how far fetching them is, and why it failed.

Knows the installation's `tandem.encoder_offer`. Does not know who administers (`library_panel` asks first), nor how the
panel is drawn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import chainlit as cl

from tandem import encoder
from tandem.context import AppContext
from tandem.ui.session import told

_SECONDS_BETWEEN = 0.5
_following: set[str] = set()

Tell = Callable[[dict[str, Any]], Awaitable[None]]


async def shown(context: AppContext, *, fetched: bool = False) -> dict[str, Any] | None:
    """The encoders as the panel draws them; None where nothing is missing, unless they have just been `fetched`."""
    offer = context.encoders
    missing = await asyncio.to_thread(offer.missing)
    going, problem = offer.fetching, offer.problem
    if not missing and going is None and not fetched:
        return None
    percent = 100 * going.done / going.total if going is not None and going.total else 0.0
    return {
        "missing": [_row(which, missing) for which in missing if which != encoder.VOCABULARY],
        "size_mb": sum(encoder.manifest(which).bytes for which in missing) / 1e6,
        "problem": told(context, problem) if problem is not None else "",
        "fetching": going and {"percent": percent, "mb_per_s": going.mb_per_s, "remaining_s": going.seconds_left},
    }


def _row(which: str, missing: tuple[str, ...]) -> dict[str, Any]:
    """An encoder, with its vocabulary where that is missing too."""
    parts = {which, encoder.VOCABULARY} & set(missing) if which == encoder.ENGLISH else {which}
    of = encoder.manifest(which)
    size = sum(encoder.manifest(part).bytes for part in parts) / 1e6
    return {"which": which, "model": of.model.partition(",")[0], "size_mb": size, "licence": of.licence}


async def follow(context: AppContext, tell: Tell) -> None:
    """Show how far fetching is until it is over, once for a browser; then what came of it."""
    browser = cl.context.session.id
    if browser in _following:
        return
    _following.add(browser)
    try:
        while context.encoders.fetching is not None:
            await tell({"encoders": await shown(context)})
            await asyncio.sleep(_SECONDS_BETWEEN)
    finally:
        _following.discard(browser)
    await tell({"encoders": await shown(context, fetched=context.encoders.problem is None)})


def vectors(context: AppContext) -> dict[str, Any] | None:
    """How far this process is with vectors; None where it makes none."""
    semantics = context.library.semantics
    going = semantics.progress if semantics is not None else None
    return asdict(going) if going is not None else None
