"""What the first question would wait for is read before it is asked."""

import subprocess
import sys
from pathlib import Path

ASKED = """
from pathlib import Path

from hybrid.answering import intents, reading
from rag.retrieval import query
from rag.text import framing, reading_ahead

reading.prepare()
reading_ahead.read(("en",))


def refused(self, *args, **kwargs):
    raise AssertionError(f"{self} was read with a question")


Path.read_text = refused
for question in (
    "Hello! Can you tell me how many days of leave I had in March 2026?",
    "Kaç gün izin hakkım var, bu dosyada yazıyor mu?",
    "Wie viele Urlaubstage habe ich am 3. April?",
    "Combien de jours de congé ai-je ?",
    "Quanti giorni di ferie ho?",
    "Сколько дней отпуска у меня есть?",
):
    asked = framing.unframed(question)
    intents.recognise(asked)
    intents.of_the_file(asked)
    query.analyse(asked, ("en", "tr"), 10, lambda terms: [1] * len(terms), lambda word, stems, kind: 0.5)
"""


def test_no_list_is_read_with_a_question_in_any_language() -> None:
    subprocess.run([sys.executable, "-c", ASKED], cwd=Path(__file__).parents[3], check=True, timeout=60)
