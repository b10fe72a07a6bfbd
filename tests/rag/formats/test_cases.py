"""Questions about small documents, each of which once lost the answer on its way from the file.

A folder a case: its files, a question, and what the answer without a model must contain. The folders are handed data,
not part of the project: without them these tests are skipped.
"""

import json
import shutil
from pathlib import Path

import pytest

from tests.rag.formats.answers import answered

CASES = Path(__file__).parents[4] / "shared" / "cases" / "documents"
NAMES = sorted(path.parent.name for path in CASES.glob("*/case.json"))


@pytest.mark.skipif(not NAMES, reason=f"the cases are not at {CASES}")
@pytest.mark.parametrize("name", NAMES)
def test_the_answer_says_what_the_file_says(name: str, tmp_path: Path) -> None:
    case = json.loads((CASES / name / "case.json").read_text(encoding="utf-8"))
    folder = tmp_path / "documents"
    folder.mkdir()
    for file in case["files"]:
        shutil.copy(CASES / name / file, folder / file)
    answer = answered(folder, tmp_path / "library", case["question"])
    assert case["must_contain"].casefold() in answer.casefold()
