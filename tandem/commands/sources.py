"""`tandem sources`: what it prints about the other places that documents come from. Does not know how they are read."""

from __future__ import annotations

import json as jsonlib
import sys
from dataclasses import asdict
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rag.errors import UserFacingError
from tandem.settings import load
from tandem.sources import Place, Sources


def sources(name: str | None, *, visit: bool, json: bool) -> None:
    """Print every place with its last visit; with `visit`, visit them (or the one called `name`) first. Raises
    UserFacingError."""
    settings = load()
    known = [one.name for one in settings.sources]
    if name is not None and name not in known:
        raise UserFacingError(
            f"There is no source {name!r}; those under 'sources' are {', '.join(known) or 'none yet'}."
        )
    found = Sources(settings)
    if visit:
        for one in [name] if name is not None else known:
            found.visit(one)
    places = [place for place in found.places() if name in (None, place.name)]
    if json:
        print(jsonlib.dumps([asdict(place) for place in places], ensure_ascii=False, indent=2))
    elif not places:
        print("Documents come from folders alone; name other places under 'sources' in tandem.yaml.")
    else:
        _print(places)
    if visit and any(place.visit.problem for place in places):
        sys.exit(1)


def _print(places: list[Place]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("source", "kind", "last visit", "files", "new", "changed", "gone"):
        table.add_column(title, justify="right" if title in ("files", "new", "changed", "gone") else "left")
    for place in places:
        visit = place.visit
        when = datetime.fromtimestamp(visit.at).strftime("%Y-%m-%d %H:%M") if visit.at else "never"
        counts = map(str, (visit.files, visit.added, visit.changed, visit.removed))
        table.add_row(escape(place.name), escape(place.kind), when, *counts)
    Console().print(table)
    for place in places:
        if place.visit.problem:
            print(f"{place.name}: {place.visit.problem}")
