"""`tandem cost`. Knows which answers are added up and how that is printed; does not know prices."""

from __future__ import annotations

import json as jsonlib
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table

from hybrid.tracing import cost as costs
from hybrid.tracing.sql_store import SqlTraceStore
from rag.errors import UserFacingError
from tandem import databases
from tandem.context import catalogue
from tandem.settings import load

MOST = 100_000


def cost(json: bool, conversation: str | None, days: float) -> None:
    """Print what the answers of the last days cost. Raises UserFacingError."""
    settings = load()
    since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
    traces = SqlTraceStore(databases.traces(settings))
    try:
        found = traces.recent(conversation, MOST, since)
    finally:
        traces.close()
    if not found:
        raise UserFacingError("No question was answered in that time; ask one, or name more --days.")
    prices = costs.Prices(settings.costs, catalogue().prices())
    speed = costs.speeds(found)
    each = [costs.of_trace(trace, prices, settings.models.draft, settings.models.refine, speed) for trace in found]
    blended = costs.total(each, settings.costs.currency)
    if json:
        print(jsonlib.dumps(blended.as_dict(), ensure_ascii=False, indent=2))
    else:
        Console(highlight=False).print(_table(blended))


def _table(blended: costs.Cost) -> Table:
    record = blended.as_dict()
    escalated = f"{blended.escalated} of {blended.answers} answers escalated"
    table = Table(title=escalated, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading, right in (("", False), ("calls", True), ("seconds", True), (blended.currency, True)):
        table.add_column(heading, justify="right" if right else "left")
    for name, row in record["stages"].items():
        table.add_row(name, str(row["calls"]), f"{row['seconds']:.1f}", f"{row['money']:.6f}")
    table.add_row("in all", "", f"{blended.seconds:.1f}", f"{blended.money:.6f}", style="bold")
    table.add_row("always large", "", f"{blended.always_large_seconds:.1f}", f"{blended.always_large:.6f}")
    table.add_row("always small", "", f"{blended.always_small_seconds:.1f}", f"{blended.always_small:.6f}")
    if blended.cloud is not None:
        table.add_row("same tokens elsewhere", "", "", f"{blended.cloud:.6f}")
    tokens = ", ".join(f"{count} {kind}" for kind, count in record["tokens"].items())
    table.caption = f"Tokens: {tokens}" + (" (partly estimated)" if record["estimated"] else "")
    table.caption_justify = "left"
    return table
