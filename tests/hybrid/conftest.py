"""A small library on disk, for questions that have an answer in it and questions that have none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hybrid.engine import Engine
from hybrid.models.catalogue import Catalog
from hybrid.runtimes.base import Runtime
from hybrid.settings import EscalationSettings, GenerationSettings, ModelSettings
from hybrid.tracing.sql_store import SqlTraceStore
from hybrid.tracing.store import TraceStore
from rag.library import Library
from rag.settings import RetrievalSettings

LEAVE = """# Annual leave

Annual leave is 25 days per year for every employee. Unused days may be carried over until the end of March.

# Parental leave

Parental leave is 16 weeks at full pay. Apply to the personnel office eight weeks before it begins.
"""
TRAVEL = """# Travel

Trains are booked in second class for journeys under four hours. Hotels may cost at most 140 euros per night.
"""

MakeEngine = Callable[..., Engine]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    root = tmp_path_factory.mktemp("library")
    documents = root / "documents"
    documents.mkdir()
    (documents / "leave.md").write_text(LEAVE, encoding="utf-8")
    (documents / "travel.md").write_text(TRAVEL, encoding="utf-8")
    opened = Library.open(root / "data", RetrievalSettings(), write=True)
    opened.sync([documents])
    yield opened
    opened.close()


@pytest.fixture
def traces(tmp_path: Path) -> Iterator[TraceStore]:
    store = SqlTraceStore(tmp_path / "traces.db")
    yield store
    store.close()


@pytest.fixture
async def make_engine(library: Library, traces: TraceStore) -> AsyncIterator[MakeEngine]:
    """Engines on the small library, with the runtimes of the test's choice; closed at the end."""
    async with AsyncExitStack() as closing:

        def make(
            *runtimes: Runtime,
            escalation: EscalationSettings | None = None,
            catalog: Catalog | None = None,
            **settings: Any,
        ) -> Engine:
            engine = Engine(
                library,
                models=ModelSettings(**settings),
                generation=GenerationSettings(max_tokens=400),
                escalation=escalation or EscalationSettings(),
                minimum_confidence=0.35,
                traces=traces,
                runtimes=runtimes,
                catalog=catalog,
            )
            closing.push_async_callback(engine.close)
            return engine

        yield make
