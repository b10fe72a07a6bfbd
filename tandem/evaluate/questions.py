"""Files of questions with known answers -> questions and the documents they are asked of.

Knows two formats: the questions.yaml beside a folder of documents (docs_corpus/ has one, its head explains it), and a
JSON file that holds documents and questions. Does not know how a question is answered or counted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.errors import UserFacingError


class QuestionsError(UserFacingError):
    """A file of questions cannot be used; the sentence says what is wrong with it."""


class Asked(BaseModel):
    """One question. `documents` hold its answer, none when nothing does; a key fact is one or several wordings."""

    model_config = ConfigDict(frozen=True)

    id: str
    question: str = Field(min_length=1)
    language: str = ""
    documents: tuple[str, ...] = ()
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

    def asked_elsewhere(self, other: QuestionSet) -> QuestionSet:
        """The same questions, to be asked of another set's documents, where none of them has an answer."""
        stripped = (asked.model_copy(update={"documents": (), "key_facts": ()}) for asked in self.questions)
        return QuestionSet(tuple(stripped), other.source)


def read(file: Path) -> QuestionSet:
    """Read either format, told apart by the file's name (.json or not). Raises QuestionsError."""
    data = _parsed(file)
    entries = data.get("questions") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not entries:
        raise QuestionsError(f"{file.name} has no list of questions; see the head of docs_corpus/questions.yaml.")
    try:
        if file.suffix == ".json":
            return QuestionSet(tuple(_from_json(entry) for entry in entries), file)
        return QuestionSet(tuple(Asked.model_validate(entry) for entry in entries), file.resolve().parent)
    except (ValidationError, KeyError, TypeError, AttributeError) as problem:
        reason = problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else repr(problem)
        raise QuestionsError(f"{file.name} holds a question that is not as it should be ({reason}).") from None


def _from_json(entry: dict[str, Any]) -> Asked:
    answers = tuple(answer for answer in entry.get("answers", ()) if answer.strip())
    return Asked(
        id=str(entry["id"]),
        question=entry["question"],
        documents=tuple(str(document) for document in entry.get("relevant", ())),
        key_facts=(answers,) if answers else (),
    )


def _parsed(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise QuestionsError(f"{file} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise QuestionsError(f"{file.name} is not written in UTF-8.") from None
    try:
        return json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as problem:
        raise QuestionsError(f"{file.name} cannot be read: {str(problem).splitlines()[0]}.") from None
