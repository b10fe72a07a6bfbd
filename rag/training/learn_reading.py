"""Learns to read a question together with a passage: `python -m rag.training.learn_reading EXAMPLES... --encoder FILE`,
the English encoder's or, with `--many`, that of many languages.

Knows how the changes of low rank (Hu and others 2021) of an encoder's upper layers are learned by which it tells at
which piece of a passage an answer begins, or that none does, and writes them where `rag.retrieval.embedders` finds
them. EXAMPLES are JSON lines: {"question", "headings", "text", "answers": [[start, end], ...]}, with no answers where
the text has none; for each that has some, a text that is like the question among the others of its file is one that has
none. Needs torch, which Tandem does not. Does not make examples: what ships was learned from some 35,000, of the first
articles of SQuAD 2.0, PolicyQA, WikiQA, CLAP NQ and COVID-QA, and of the headings of public documentation with what
stands under them; and then, in three rounds, from some 32,000 of about 18,000 questions written for it, as people ask
who have not the documents, on a hundred public handbooks, manuals, rules and documentations, two fifths of them with no
answer there. None of it is of a set that anything is measured on. What ships for many languages was learned by a
script that keeps what the lower layers say, and else does the same, from some 30,000: a part of those questions, some
3,600 in English of SQuAD's development set (English questions are read by the other one), and some 1,700 in Turkish on
the rules, manuals and guides of twelve public collections.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Okapi

from rag.retrieval.embedders import reading_file
from rag.retrieval.embedders.bert_file import vocabulary
from rag.retrieval.embedders.bert_graph import PARTS, TABLE, held
from rag.retrieval.embedders.packed_file import PackedFile
from rag.retrieval.embedders.reading_file import ENGLISH, MANY, Pieces

_RANK, _SCALE, _HEADS = 16, 2.0, 12
_FROZEN = {ENGLISH: 2, MANY: 6}
"""So many of the lower layers stay as they are."""
_LONGEST = 256
_BATCH, _POOL, _RATE, _WARM = 16, 50, 1e-3, 100
_LIKEST, _SHARED = 12, 0.5
_WHERE = "inner.embeddings"
_NORMS = ("attention.output.LayerNorm", "output.LayerNorm")


@dataclass(frozen=True, slots=True)
class Example:
    """The numbers of a question's and a passage's pieces, where the passage's begin, and which are of an answer."""

    ids: NDArray[np.int64]
    begin: int
    answer: NDArray[np.bool_]


def read(path: Path, pieces: Pieces, chance: random.Random) -> list[Example]:
    """The examples of a file, and one without an answer for each that has one."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = list({row["text"]: row["headings"] for row in rows}.items())
    likeness = BM25Okapi([text.lower().split() for text, _ in texts])
    found = []
    for row in rows:
        found += _example(row["question"], row["headings"], row["text"], row["answers"], pieces, chance)
        if row["answers"]:
            own = set(row["text"].split())
            scores = likeness.get_scores(row["question"].lower().split())
            other = [
                texts[at] for at in np.argsort(-scores)[:_LIKEST] if _shares(own, set(texts[at][0].split())) < _SHARED
            ]
            if other:
                text, headings = chance.choice(other)
                found += _example(row["question"], headings, text, [], pieces, chance)
    return found


def _shares(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(1, min(len(one), len(other)))


def _example(
    question: str, headings: str, text: str, answers: Sequence[Sequence[int]], pieces: Pieces, chance: random.Random
) -> list[Example]:
    """One example, cut to what is read round its answer; none where the answer has no piece."""
    begin, *asked, end = pieces.numbers(question, reading_file.QUESTION + 2)
    said: list[int] = []
    marks: list[bool] = []
    if headings and chance.random() < 0.6:
        said = pieces.numbers(f"{headings[-reading_file.HEADING :]}\n", _LONGEST)[1:-1]
        marks = [False] * len(said)
    for at, part in _cut(text, answers):
        own = pieces.numbers(part, 10_000)[1:-1]
        said += own
        marks += [at] * len(own)
    if answers and not any(marks):
        return []
    room = _LONGEST - len(asked) - 3
    if len(said) > room and any(marks):
        first = marks.index(True)
        least = max(0, first - room + min(40, room // 2))
        start = chance.randint(least, max(least, min(first, len(said) - room)))
        said, marks = said[start:], marks[start:]
    ids = np.array([begin, *asked, end, *said[:room], end], np.int64)
    answer = np.array([False] * (len(asked) + 2) + marks[:room] + [False])
    return [Example(ids, len(asked) + 2, answer)]


def _cut(text: str, answers: Sequence[Sequence[int]]) -> Iterator[tuple[bool, str]]:
    """The parts of a text in order, and whether each is of an answer."""
    at = 0
    for start, end in sorted((one[0], one[1]) for one in answers):
        if start >= at:
            yield False, text[at:start]
            yield True, text[start:end]
            at = end
    yield False, text[at:]


def opened(path: Path, learnt: Path) -> tuple[Pieces, dict[str, NDArray[Any]]]:
    """The vocabulary of the encoder that something is `learnt` for, and its arrays, words in full too. Raises OSError,
    ValueError and KeyError.
    """
    if learnt == MANY:
        file = PackedFile(path)
        return file.pieces, {**file.arrays(), TABLE: file.words(range(file.count))}
    have = held(path.read_bytes())
    return vocabulary(path), {**have, TABLE: have.pop(f"{TABLE}_q") * have.pop(f"{TABLE}_scale")}


def begun(
    have: Mapping[str, NDArray[Any]], frozen: int, torch: Any
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """What stays as it is in the encoder, what is learned, and the names of its matrices in order."""
    numbered = (name for name, value in have.items() if name.startswith("val_") and value.ndim > 1)
    names = sorted(numbered, key=lambda name: int(name[4:]))
    fixed: dict[str, Any] = {}
    learnt = {"start": torch.randn(have[TABLE].shape[1]) * 0.02}
    for name, value in have.items():
        upper = name.startswith("inner.encoder.layer.") and int(name.split(".")[3]) >= frozen
        (learnt if upper else fixed)[name] = torch.tensor(value)
    for name in names[frozen * len(PARTS) :]:
        rows, columns = fixed[name].shape
        learnt |= {f"{name}.a": torch.randn(rows, _RANK) * 0.02 * _SCALE, f"{name}.b": torch.zeros(_RANK, columns)}
    for value in learnt.values():
        value.requires_grad_(True)
    return fixed, learnt, names


def starts(
    ids: Any,
    mask: Any,
    kinds: Any,
    fixed: Mapping[str, Any],
    learnt: Mapping[str, Any],
    names: Sequence[str],
    torch: Any,
) -> Any:
    """What says of each piece (batch x pieces) that an answer begins there, and of the first that none does."""
    from torch.nn import functional

    have = {**fixed, **learnt}

    def norm(x: Any, name: str) -> Any:
        return functional.layer_norm(x, x.shape[-1:], have[f"{name}.weight"], have[f"{name}.bias"], 1e-12)

    def linear(x: Any, layer: int, part: int) -> Any:
        name = names[layer * len(PARTS) + part]
        made = x @ fixed[name] + have[f"inner.encoder.layer.{layer}.{PARTS[part]}.bias"]
        return made + x @ learnt[f"{name}.a"] @ learnt[f"{name}.b"] if f"{name}.a" in learnt else made

    count, length = ids.shape
    x = fixed[TABLE][ids] + fixed[f"{_WHERE}.position_embeddings.weight"][:length]
    x = norm(x + fixed[f"{_WHERE}.token_type_embeddings.weight"][kinds], f"{_WHERE}.LayerNorm")
    for layer in range(len(names) // len(PARTS)):
        heads = [linear(x, layer, part).view(count, length, _HEADS, -1).transpose(1, 2) for part in range(3)]
        seen = functional.scaled_dot_product_attention(*heads, attn_mask=mask[:, None, None, :])
        seen = seen.transpose(1, 2).reshape(count, length, -1)
        of = f"inner.encoder.layer.{layer}"
        x = norm(x + linear(seen, layer, 3), f"{of}.{_NORMS[0]}")
        x = norm(x + linear(functional.gelu(linear(x, layer, 4)), layer, 5), f"{of}.{_NORMS[1]}")
    may = (kinds == 1) & functional.pad(mask[:, 1:], (0, 1))  # in the passage, and before the mark at its end
    may[:, 0] = True
    return (x @ learnt["start"]).masked_fill(~may, -1e4)


def batches(examples: Sequence[Example], chance: random.Random) -> Iterator[list[Example]]:
    """All examples once in batches of some that are about as long as one another."""
    order = chance.sample(list(examples), len(examples))
    for begin in range(0, len(order), _BATCH * _POOL):
        part = sorted(order[begin : begin + _BATCH * _POOL], key=lambda one: len(one.ids))
        made = [part[at : at + _BATCH] for at in range(0, len(part), _BATCH)]
        yield from chance.sample(made, len(made))


def _together(batch: Sequence[Example], torch: Any) -> tuple[Any, Any, Any, Any]:
    longest = max(len(one.ids) for one in batch)
    ids, kinds = (torch.zeros(len(batch), longest, dtype=torch.long) for _ in range(2))
    mask, answer = (torch.zeros(len(batch), longest, dtype=torch.bool) for _ in range(2))
    for row, one in enumerate(batch):
        length = len(one.ids)
        ids[row, :length], mask[row, :length] = torch.tensor(one.ids), True
        kinds[row, one.begin : length] = 1
        answer[row, :length] = torch.tensor(one.answer)
        answer[row, 0] = not one.answer.any()
    return ids, mask, kinds, answer


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m rag.training.learn_reading", description="Learn to read.")
    parser.add_argument("examples", nargs="+", type=Path, help="files of JSON lines")
    parser.add_argument("--encoder", type=Path, required=True, help="the encoder's file")
    parser.add_argument("--many", action="store_true", help="it is the encoder of many languages")
    parser.add_argument("--minutes", type=float, default=90.0, help="how long it learns")
    arguments = parser.parse_args()
    import torch

    chance = random.Random(0)
    torch.manual_seed(0)
    where = MANY if arguments.many else ENGLISH
    pieces, have = opened(arguments.encoder, where)
    examples = [one for path in arguments.examples for one in read(path, pieces, chance)]
    fixed, learnt, names = begun(have, _FROZEN[where], torch)
    optimiser = torch.optim.AdamW(list(learnt.values()), lr=_RATE, weight_decay=0.01)
    began, step, losses = time.monotonic(), 0, [0.0]
    while (over := (time.monotonic() - began) / (60 * arguments.minutes)) < 1.0:
        for batch in batches(examples, chance):
            over = (time.monotonic() - began) / (60 * arguments.minutes)
            if over >= 1.0:
                break
            for group in optimiser.param_groups:
                group["lr"] = _RATE * min(1.0, (step + 1) / _WARM) * max(0.02, 1.0 - over)
            ids, mask, kinds, answer = _together(batch, torch)
            said = starts(ids, mask, kinds, fixed, learnt, names, torch).log_softmax(dim=1)
            loss = -said.masked_fill(~answer, -1e9).logsumexp(dim=1).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(list(learnt.values()), 1.0)
            optimiser.step()
            losses.append(float(loss))
            step += 1
            if step % 100 == 0:
                print(
                    json.dumps({"steps": step, "of_the_time": round(over, 3), "loss": np.mean(losses[-100:]).round(3)})
                )
    with torch.no_grad():
        half = {name: value.numpy().astype(np.float16) for name, value in learnt.items()}
    if where == MANY:
        half[reading_file.SCALE] = np.array([1.0, 0.0], np.float16)
    np.savez_compressed(where, **half)


if __name__ == "__main__":
    main()
