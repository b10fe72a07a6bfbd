"""The questions on public documents can be asked: every file is read, and says what a good answer holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tandem.evaluate.questions import read

FILES = sorted((Path(__file__).parents[2] / "questions").glob("*.yaml"))
LATER = {"ahtapot", "basecamp_and_dxw", "bursa_university", "django", "mattermost_handbook", "scrapy"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_asked_of_public_documents_is_well_formed(file: Path) -> None:
    questions = read(file).questions
    assert len({asked.id for asked in questions}) == len(questions) > 50
    assert sum(not asked.documents for asked in questions) == (16 if file.stem in LATER else 14)
    assert all(bool(asked.key_facts) == bool(asked.documents) for asked in questions)
