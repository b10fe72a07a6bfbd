"""Files of questions with known answers -> questions and the documents they are asked of.

Knows two formats: the questions.yaml beside a folder of documents (the head of the one in docs_corpus/ explains it),
and the JSON of `rag.training.evaluation_files`, which holds its documents itself. Does not know how a question is
answered or counted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rag.errors import UserFacingError
from rag.training import evaluation_files


class QuestionsError(UserFacingError):
    """A file of questions cannot be used; the sentence says what is wrong with it."""


class Asked(BaseModel):
    """One question. `documents` hold its answer, none when nothing does; a key fact is one or several wordings.

    `history` is the conversation before it, oldest first: questions and their answers. `kind` says what makes it hard.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str = "plain"
    history: tuple[tuple[str, str], ...] = ()
    question: str = Field(min_length=1)
    language: str = ""
    documents: tuple[str, ...] = ()
    answer: str = ""
    key_facts: tuple[str | tuple[str, ...], ...] = ()

    @property
    def facts(self) -> tuple[tuple[str, ...], ...]:
        """The key facts, each as its accepted wordings."""
        return tuple((fact,) if isinstance(fact, str) else fact for fact in self.key_facts)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions, and what they are asked of: `source` is a folder of documents, or a file that holds them itself."""

    questions: tuple[Asked, ...]
    source: Path

    def of_kinds(self, kinds: Collection[str]) -> QuestionSet:
        """The questions of these kinds; all where none is named. Raises UserFacingError where a kind has none."""
        known = {asked.kind for asked in self.questions}
        unknown = sorted(set(kinds) - known)
        if unknown:
            raise QuestionsError(f"There is no question of kind {unknown[0]}; there are: {', '.join(sorted(known))}.")
        return QuestionSet(tuple(q for q in self.questions if not kinds or q.kind in kinds), self.source)

    def asked_elsewhere(self, other: QuestionSet) -> QuestionSet:
        """The same questions, to be asked of another set's documents, where none of them has an answer."""
        stripped = (asked.model_copy(update={"documents": (), "key_facts": ()}) for asked in self.questions)
        return QuestionSet(tuple(stripped), other.source)


def read(file: Path) -> QuestionSet:
    """Read either format, told apart by the file's name (.json or not). Raises UserFacingError."""
    if file.suffix == ".json":
        return QuestionSet(tuple(_with_answers(question) for question in evaluation_files.read(file).questions), file)
    data = _parsed(file)
    entries = data.get("questions") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not entries:
        raise QuestionsError(f"{file.name} has no list of questions; see the head of docs_corpus/questions.yaml.")
    try:
        return QuestionSet(TypeAdapter(tuple[Asked, ...]).validate_python(entries), file.resolve().parent)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "entry"
        number = int(first["loc"][0]) + 1
        raise QuestionsError(f"{file.name}: the {place} of question {number} is not right: {first['msg']}.") from None


def _with_answers(question: evaluation_files.JudgedQuestion) -> Asked:
    answers = tuple(answer for answer in question.answers if answer.strip())
    return Asked(
        id=question.id,
        question=question.text,
        documents=tuple(sorted(question.relevant)),
        key_facts=(answers,) if answers else (),
    )


def _parsed(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise QuestionsError(f"{file} cannot be read ({error.strerror}); check the path.") from None
    except UnicodeDecodeError:
        raise QuestionsError(f"{file.name} is not written in UTF-8.") from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, TypeError) as problem:
        raise QuestionsError(f"{file.name} cannot be read as YAML: {' '.join(str(problem).split())}.") from None
