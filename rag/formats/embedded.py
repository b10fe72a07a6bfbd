"""Documents that were put into an office document as objects: a sheet within a text, a text within a slide.

Knows packages and which of their parts are such documents. Does not know the formats, nor old binary objects.
"""

from __future__ import annotations

from rag.formats.extracted import Builder
from rag.formats.package import Package
from rag.formats.parts import Parts

_MOST = 50


def add_embedded(builder: Builder, package: Package, part: str) -> None:
    """Append the documents embedded in a part, each under a heading; a chart's own sheet is none of them."""
    parts = Parts(builder)
    for name in package.related(part, "package")[:_MOST]:
        data = package.read(name)
        if data:
            short = name.rpartition("/")[2]
            parts.add(data, short, f"Embedded: {short}", 2)
    note = "Embedded objects of an old format were not read; what they hold is in their own programs alone."
    if package.related(part, "oleObject") and note not in builder.notes:
        builder.notes.append(note)
