"""Which document is meant by what it is called."""

from __future__ import annotations

import pytest

from rag.grounding.outlines import named
from rag.types import DocumentRecord

_DOCUMENTS = {
    "travel-and-leave/guide-4.md": "Get reimbursed",
    "travel-and-leave/carry-over.md": "Carry-over",
    "staying-or-changing/leaving-us.md": "Leaving us",
    "expenses/gifting-policy.md": "Gifting policy",
    "purchasing/gifts-and-entertainment-policy.md": "Gifts and entertainment policy",
}


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("leaving",), "staying-or-changing/leaving-us.md"),  # a folder's name says less than a document's own
        (("gifts", "policy"), "purchasing/gifts-and-entertainment-policy.md"),  # as it is written
        (("gifting", "policy"), "expenses/gifting-policy.md"),
        (("carry",), "travel-and-leave/carry-over.md"),
        (("expenses",), "expenses/gifting-policy.md"),
        (("parking",), None),
    ],
)
def test_a_document_is_told_by_its_own_name_before_its_folders(words: tuple[str, ...], meant: str | None) -> None:
    records = [
        DocumentRecord(str(at), name, title, "md", "en", 0.0, 100, 1, 0)
        for at, (name, title) in enumerate(_DOCUMENTS.items())
    ]
    found = named(words, records)
    assert (found and found.name) == meant
