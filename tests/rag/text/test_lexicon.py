"""rag.text.lexicon: words of a language are known, and no question waits long for the list."""

import subprocess
import sys
from pathlib import Path

import pytest

from rag.text import lexicon

UNWAITED = """
from rag.text import lexicon
assert lexicon.is_word("olmayanbirkelime", "tr", patient=False)
assert not lexicon.ready("tr", 0)
assert lexicon.ready("tr", 60)
assert not lexicon.is_word("olmayanbirkelime", "tr", patient=False)
"""
SLOWEST = """
import time
from rag.text import lexicon
begun = time.perf_counter()
assert lexicon.is_word("olmayanbirkelime", "tr")
assert time.perf_counter() - begun < 3
"""


@pytest.mark.parametrize(
    ("word", "language", "known"),
    [("cup", "en", True), ("Prefix", "en", True), ("prefil", "en", False), ("Haus", "de", True), ("word", "xx", False)],
)
def test_words_are_known_in_any_case(word: str, language: str, known: bool) -> None:
    lexicon.prepare(language)
    assert lexicon.ready(language, 60)
    assert lexicon.is_word(word, language) is known
    assert lexicon.is_word(word, language, patient=False) is known


def test_a_question_is_answered_before_a_long_list_is_made() -> None:
    subprocess.run([sys.executable, "-c", SLOWEST], cwd=Path(__file__).parents[3], check=True, timeout=60)


def test_a_list_that_nobody_waits_for_is_made_all_the_same() -> None:
    subprocess.run([sys.executable, "-c", UNWAITED], cwd=Path(__file__).parents[3], check=True, timeout=60)
