"""Which questions call for which capability, and who is asked then."""

from __future__ import annotations

import pytest

from hybrid.models.catalogue import Capability, Card, Catalog
from hybrid.models.routing import kind_of, route

CATALOG = Catalog(
    [
        Card(alias="small"),
        Card(alias="coder", capabilities=(Capability.CODE,)),
        Card(alias="writer", capabilities=(Capability.SUMMARIZE, Capability.CODE)),
    ]
)


@pytest.mark.parametrize(
    ("question", "capability"),
    [
        ("Write a Python function that parses the report", Capability.CODE),
        ("Bu veriyi çeken bir sorgu yazar mısın?", Capability.CODE),
        ("Summarise the travel policy", Capability.SUMMARIZE),
        ("Seyahat politikasını özetle", Capability.SUMMARIZE),
        ("Which category does this request belong to?", Capability.CLASSIFICATION),
        ("How many days of annual leave are there?", None),
        ("Yıllık izin kaç gün?", None),
    ],
)
def test_kinds(question: str, capability: Capability | None) -> None:
    kind = kind_of(question)
    assert (kind[0] if kind else None) is capability


def test_the_first_usable_model_that_can_is_asked() -> None:
    found = route("write a bash script", "small", CATALOG, lambda model: model == "writer")
    assert found is not None and (found.model, found.words) == ("writer", "bash")


@pytest.mark.parametrize(
    ("question", "default", "usable"),
    [
        ("how many days of leave?", "small", True),
        ("write a bash script", "coder", True),
        ("write a bash script", "small", False),
        ("classify this", "small", True),
    ],
)
def test_otherwise_the_default_stays(question: str, default: str, usable: bool) -> None:
    assert route(question, default, CATALOG, lambda model: usable) is None
