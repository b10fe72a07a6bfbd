"""Candidates of which nothing is known but what a test says."""

from __future__ import annotations

from typing import Any

import numpy as np

from rag.retrieval import rerank_features
from rag.retrieval.second_stage import Columns


def columns_of(count: int, **known: Any) -> Columns:
    """So many candidates of a question asked alone, in its language, every column zero but those that are `known`."""
    zeros = np.zeros(count)
    columns = ("words", "own", "talk", "alike", "alike_near", "gap", "has")
    told = np.zeros((count, len(rerank_features.NAMES)))
    plain = {**dict.fromkeys(columns, zeros), "told": told, "foreign": np.zeros(count, bool)}
    return Columns(**{**plain, "usual": (0.0, 0.1), "in_talk": False, **known})
