"""An installation with three small documents and scripted models, served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hybrid.runtimes.scripted import Script, Scripted
from tandem.settings import Settings
from tests.support.served import Served

DRAFT = "Every employee has 25 days of paid holiday a year [1]."
LONG = " ".join(f"word{number}" for number in range(200))

Serve = Callable[..., Served]


def scripts() -> Scripted:
    return Scripted(
        {
            "phi-4-mini": Script(DRAFT),
            "gpt-oss-20b": Script(
                "Every employee has 25 days of paid holiday a year, refined [1].", reasoning="Let me see. "
            ),
            "thousand": Script(LONG, tokens_per_second=1000.0),
            "slow": Script(LONG, tokens_per_second=20.0),
            "never": Script("nothing", first_token_s=3600.0),
        }
    )


@pytest.fixture
def settings(tmp_path: Path, corpus: Path) -> Settings:
    return Settings.model_validate({"data_dir": tmp_path / "data", "documents": [corpus], "models": {"foundry": False}})


@pytest.fixture
def runtime() -> Scripted:
    return scripts()


@pytest.fixture
def served(settings: Settings, runtime: Scripted) -> Iterator[Served]:
    with Served(settings, [runtime]) as running:
        yield running
