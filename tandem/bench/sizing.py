"""What an organisation needs of each engine: by formulas over measured figures, and hours that are simulated.

Knows what one person, one question, one passage and one token cost, where that was measured (`sizing.json`, or a file
of your own with the same names), and what follows. Does not know which machines there are. A figure far beyond what
was measured is extrapolated and says so.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from rag.errors import UserFacingError

SHIPPED = Path(__file__).with_name("sizing.json")
HOUR = 3600
_BUSY = 0.6
"""A processor that is busier than this makes people wait for one another."""
_BATCHES = 10
"""Batches of tokens a second that a browser gets at most (display.flush_ms)."""
_SHARD = 20_000_000
_MERGING = 1.5
"""Room that an index needs while its segments are merged, besides its own."""
_WORKING_DAYS = 250
_FAR = 10.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured, on how many passages and people at once at most. Times are of one core of that machine."""

    machine: str
    passages: int
    store_bytes: float
    """Of a passage with its document's share, in the passage store."""
    index_bytes: float
    """Of a passage in the search index."""
    vector_bytes: float
    """Of a passage's vector, where there is an encoder."""
    build_per_second: float
    query_ms: float
    """Of a search on almost no passages: analysing the question and ranking the best anew."""
    query_ms_per_million: float
    """What every million passages adds."""
    streams: int
    batch_ms: float
    """Of the server, for one batch of tokens that reaches one browser."""
    process_mb: float
    person_mb: float
    """Of a person whose page is open."""
    question_bytes: float
    """Of a question with its answer, sources and trace, in the database."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The organisation. `per_hour` is what a person asks in the busiest hour, `online` the share of people whose page
    is open then; tokens are those of a whole answer, `rate` those a second that a person gets; `large` is the share
    of answers that the large model writes too."""

    people: int = 10_000
    passages: int = 100_000_000
    per_hour: float = 4.0
    per_day: float = 10.0
    online: float = 0.3
    prompt: int = 1_500
    tokens: int = 250
    rate: float = 50.0
    large: float = 0.25
    replicas: int = 1


def measured(file: Path | None = None) -> Measured:
    """The figures of a file, else those that ship. Raises UserFacingError."""
    try:
        return Measured(**json.loads((file or SHIPPED).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        names = ", ".join(field.name for field in fields(Measured))
        raise UserFacingError(f"{file} cannot be read ({error}); it is one JSON object with {names}.") from None


def simulated(asked: Asked, hours: int = 20, seed: int = 0) -> dict[str, float]:
    """Answers under way at once in a busy hour: people ask at random times, and answers differ in length. Mean, and
    what is not exceeded 99 % and all of the time."""
    chance = np.random.default_rng(seed)
    seconds = hours * HOUR
    count = chance.poisson(asked.people * asked.per_hour * hours)
    begins = np.sort(chance.uniform(0, seconds, count))
    lengths = chance.lognormal(math.log(_seconds(asked)) - 0.18, 0.6, count)  # of that mean
    # More at every beginning, fewer at every end; the first minutes fill the room and do not count.
    moments = np.concatenate((begins, begins + lengths))
    order = np.argsort(moments, kind="stable")
    under_way = np.cumsum(np.concatenate((np.ones(count), -np.ones(count)))[order])
    times = moments[order]
    counted = (times > 10 * _seconds(asked)) & (times < seconds)
    weights = np.diff(times, append=times[-1])[counted]
    levels = under_way[counted]
    ranked = np.argsort(levels)
    share = np.cumsum(weights[ranked]) / weights.sum()
    return {
        "mean": float((levels * weights).sum() / weights.sum()),
        "p99": float(levels[ranked][np.searchsorted(share, 0.99)]),
        "most": float(levels.max()),
    }


def _seconds(asked: Asked) -> float:
    """How long an answer takes: the small model writes it, and now and then the large one once more."""
    return asked.tokens * (1 + asked.large) / asked.rate


def size(asked: Asked, known: Measured) -> dict[str, Any]:
    """What each engine needs; every number follows from those of `asked` and `known` as sizing.md says. GB are 10^9
    bytes, cores those of the machine that was measured."""
    questions = asked.people * asked.per_hour / HOUR
    under_way = simulated(asked)
    online = math.ceil(asked.people * asked.online)
    tokens = questions * asked.tokens * (1 + asked.large)
    peak = under_way["p99"] * asked.rate
    query_ms = known.query_ms + known.query_ms_per_million * asked.passages / 1e6
    search = questions * query_ms / 1000
    writing = under_way["p99"] * min(asked.rate, _BATCHES) * known.batch_ms / 1000
    processes = max(1, math.ceil((writing + questions * known.query_ms / 1000) / _BUSY))
    index = asked.passages * known.index_bytes * _MERGING / 1e9
    shards = max(1, math.ceil(asked.passages / _SHARD))
    copies = 1 + asked.replicas
    return {
        "asked": asdict(asked),
        "measured": asdict(known),
        "people": {
            "questions_per_second": round(questions, 2),
            "answers_under_way": {name: round(value) for name, value in under_way.items()},
            "answers_under_way_on_paper": round(questions * _seconds(asked)),
            "extrapolated": under_way["p99"] > known.streams,
        },
        "tandem": {
            "processes": processes,
            "cores": round(writing + questions * known.query_ms / 1000, 1),
            "memory_gb": round((processes * known.process_mb + online * known.person_mb) / 1000, 1),
            "open_pages": online,
        },
        "embedded_index": {
            "disk_gb": round(index, 1),
            "query_ms": round(query_ms, 1),
            "cores": round(search, 1),
            "build_hours_one_process": round(asked.passages / known.build_per_second / HOUR, 1),
            "extrapolated": asked.passages > _FAR * known.passages,
            "enough": search <= 16 * _BUSY and query_ms <= 500,
        },
        "opensearch": {
            "shards": shards,
            "copies": copies,
            "nodes_at_least": 3 if asked.replicas else 1,
            "disk_gb": round(index * copies, 1),
            "memory_gb": round(asked.passages * known.index_bytes * copies * 0.5 / 1e9 + 3 * 8, 1),
            "cores": round(search / _BUSY, 1),
            "extrapolated": asked.passages > _FAR * known.passages,
        },
        "passage_store": {
            "disk_gb": round(asked.passages * known.store_bytes / 1e9, 1),
            "vectors_gb": round(asked.passages * known.vector_bytes / 1e9, 1),
        },
        "database": {
            "gb_a_year": round(asked.people * asked.per_day * _WORKING_DAYS * known.question_bytes / 1e9, 1),
            "writes_per_second": round(questions * 6, 1),
        },
        "models": {
            "prompt_tokens_per_second": round(questions * asked.prompt * (1 + asked.large)),
            "tokens_per_second_mean": round(tokens),
            "tokens_per_second_p99": round(peak),
            "small_share": round(1 / (1 + asked.large), 2),
        },
    }
