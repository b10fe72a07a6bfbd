"""Questions with the libraries that they are asked of, as a learner's command line names them: QUESTIONS=LIBRARY, a
questions.yaml (the head of the one in docs_corpus/ says how it is written) and the library that `tandem index` made of
its documents.

Knows the command line, the encoders and how such a library is opened. Does not know what is learned.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from rag.library import Library
from rag.retrieval.embedders.bert_file import BertFile
from rag.retrieval.embedders.onnx_file import OnnxFile
from rag.retrieval.embedders.paired import Paired
from rag.retrieval.embedders.reading_file import reader_of
from rag.settings import RetrievalSettings
from rag.training.key_facts import WHOLE
from rag.types import SearchResult


def arguments(prog: str, description: str) -> argparse.Namespace:
    """What the command line says: `sets`, `encoder`, `second`, `check`."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("sets", nargs="+", metavar="QUESTIONS=LIBRARY", help="questions and where their library is")
    take_encoders(parser)
    return parser.parse_args()


def take_encoders(parser: argparse.ArgumentParser) -> None:
    """Have a command line say `encoder`, `second` and `check`."""
    parser.add_argument("--encoder", type=Path, required=True, help="the encoder's ONNX file")
    parser.add_argument("--second", type=Path, required=True, help="the second encoder's, for English")
    parser.add_argument("--reader", type=Path, help="the file that reads passages in other languages")
    parser.add_argument("--check", action="store_true", help="write nothing")


def encoders(given: argparse.Namespace) -> Paired:
    """Both encoders, with the readers where there are any."""
    name = _named(given.second)
    first, second = OnnxFile(given.encoder, _named(given.encoder)), BertFile(given.second, name)
    others = reader_of(given.reader, _named(given.reader)) if given.reader else None
    return Paired(first, second, "en", reader_of(given.second, name), others)


def opened(given: argparse.Namespace) -> Iterator[tuple[Path, Library]]:
    """Each file of questions with its library, which has its vectors, and is closed when the next one is asked for."""
    encoder = encoders(given)
    for one in given.sets:
        questions, _, directory = one.partition("=")
        library = Library.open(Path(directory), RetrievalSettings(), write=True, embedder=encoder)
        try:
            if library.semantics is not None:
                library.semantics.make()
            yield Path(questions), library
        finally:
            library.close()


def asked(questions: Path) -> Iterator[tuple[Mapping[str, Any], tuple[tuple[str, str], ...]]]:
    """The questions of a file that are answered from a ranking, each with the conversation before it."""
    for entry in yaml.safe_load(questions.read_text(encoding="utf-8"))["questions"]:
        if entry.get("kind") not in WHOLE:
            yield entry, tuple((before, said) for before, said in entry.get("history") or ())


def searched(questions: Path, library: Library) -> Iterator[tuple[Mapping[str, Any], SearchResult]]:
    """The questions of `asked`, and what is found for each."""
    for entry, history in asked(questions):
        yield entry, library.search(entry["question"], history=history)


def _named(encoder: Path) -> str:
    """The name that its vectors are kept under."""
    return hashlib.sha256(encoder.read_bytes()).hexdigest()[:16]
