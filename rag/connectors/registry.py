"""The one table of connectors: which one a kind of place calls for.

Knows the kinds, and the connectors that other packages bring (entry points of the group `tandem.connectors`, each named
by a kind). Imports a connector when the first place needs it. Does not know places.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from rag.connectors.base import Connector, Source, SourceError

GROUP = "tandem.connectors"
_OWN = {
    "git": "rag.connectors.git:Git",
    "web": "rag.connectors.web:Web",
    "webdav": "rag.connectors.webdav:WebDav",
    "imap": "rag.connectors.imap:Imap",
    "confluence": "rag.connectors.confluence:Confluence",
}


def kinds() -> dict[str, str]:
    """Where the connector of each kind lies, as "module:name"; another package's comes first."""
    return _OWN | {point.name: point.value for point in entry_points(group=GROUP)}


def connect(source: Source) -> Connector:
    """The connector of a place; nothing is reached yet. Raises SourceError where its kind or an option is none."""
    where = kinds().get(source.kind)
    if where is None:
        raise SourceError(
            f"The source {source.name!r} is of the kind {source.kind!r}, which there is none of; kinds are "
            f"{', '.join(sorted(kinds()))}."
        )
    module, _, name = where.partition(":")
    try:
        return cast(Connector, getattr(import_module(module), name)(source))
    except (ImportError, AttributeError) as error:
        raise SourceError(f"The connector for {source.kind} is not installed rightly ({error}).") from error
