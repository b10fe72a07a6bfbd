"""`tandem search`. Knows what to print; does not know how passages are found."""

from __future__ import annotations

import json as jsonlib

from rich.console import Console

from rag.errors import UserFacingError
from rag.principal import LOCAL
from tandem.commands.passages import as_record, place
from tandem.documents import open_library
from tandem.settings import load


def search(query: str, json: bool) -> None:
    """Print the passages found, best first. Raises UserFacingError."""
    library = open_library(load())
    try:
        if not library.documents(principal=LOCAL):
            raise UserFacingError("Nothing is indexed yet; run `tandem index` first.")
        found = library.search(query, principal=LOCAL)
    finally:
        library.close()
    if json:
        record = {
            "query": found.query,
            "language": found.language,
            "confidence": found.confidence,
            "corrections": [list(pair) for pair in found.corrections],
            "notes": list(found.notes),
            "passages": [as_record(passage) for passage in found.passages],
        }
        print(jsonlib.dumps(record, ensure_ascii=False, indent=2))
        return
    console = Console(highlight=False, soft_wrap=True)
    for typed, corrected in found.corrections:
        console.print(
            f'No document holds "{typed}", so {corrected} was searched too; '
            f'write "{typed}" in quotation marks to search for it alone.',
            markup=False,
        )
    for note in found.notes:
        console.print(note, markup=False)
    if not found.passages:
        console.print("No passage was found.")
    for number, passage in enumerate(found.passages, 1):
        console.print(f"\n[{number}] {place(passage)} (score {passage.score:.2f})", style="bold", markup=False)
        console.print(passage.text.strip(), markup=False)
