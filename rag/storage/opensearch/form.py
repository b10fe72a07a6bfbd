"""A passage as a document of the cluster, and what a search asks of one, in OpenSearch's words.

Knows fields, filters, clauses and how vectors lie there. Terms come as the analyser made them and are taken as they
are: `terms` is a list of whole words, counted as they repeat. Does not know the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag import labels
from rag.storage.filters import Filters
from rag.storage.protocols import Clause
from rag.storage.records import Entry

VERSION = "opensearch-1"
FIELDS = ("terms", "title", "surface")
_NOTHING = " "
"""Stands in a field without words, since BM25 counts only the documents that have the field; no term holds a space."""
ROWS: dict[str, Any] = {
    "_source": False,
    "stored_fields": "_none_",
    "docvalue_fields": ["row"],
    "track_total_hits": False,
}
"""What a search tells of each passage."""
_LONGEST_LISTED = 100
_MOST_NAMES = 1_000_000
_WORD: dict[str, Any] = {"type": "keyword", "doc_values": False}
_ABOUT: dict[str, Any] = {
    "row": {"type": "long", "index": False},
    "modified": {"type": "long", "doc_values": False},
    "document": {"type": "long", "doc_values": False},
    **dict.fromkeys(("name", "folder", "kind", "label"), _WORD),
}
_CONNECTIVITY, _EXPANSION = 16, 96
_LOOKED_AT = 200
"""So many are looked for in a graph at least: among them the few that are asked for are seldom missed."""


def settings(shards: int, replicas: int) -> dict[str, Any]:
    """Of an index that nothing is in yet; nothing is seen there before it is asked for."""
    return {
        "number_of_shards": shards,
        "number_of_replicas": replicas,
        "refresh_interval": "-1",
        "max_terms_count": _MOST_NAMES,
    }


def mapping(owner: str) -> dict[str, Any]:
    """The fields, and whose index it is. Texts are not kept: the store has them."""
    fields = dict(_ABOUT)
    for name in FIELDS:
        how = "docs" if name == "surface" else "freqs"
        fields[name] = {"type": "text", "analyzer": "keyword", "index_options": how, "copy_to": f"{name}_listed"}
        fields[f"{name}_listed"] = {"type": "keyword", "index": False, "ignore_above": _LONGEST_LISTED}
    return _mapped(owner, fields)


def _mapped(owner: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "dynamic": "strict",
        "_meta": {"tandem": VERSION, "owner": owner},
        "_source": {"enabled": False},
        "properties": fields,
    }


def vectors_settings(shards: int, replicas: int) -> dict[str, Any]:
    """Of an index of vectors: what is newly there is found within seconds."""
    return {**settings(shards, replicas), "refresh_interval": "5s", "knn": True}


def vectors_mapping(owner: str, width: int) -> dict[str, Any]:
    """The fields of an index of vectors, a byte a number. Lucene holds them, since it needs no native library and asks
    the filters while it walks its graph."""
    method = {
        "name": "hnsw",
        "engine": "lucene",
        "parameters": {"m": _CONNECTIVITY, "ef_construction": _EXPANSION},
    }
    kept = {"type": "knn_vector", "dimension": width, "data_type": "byte", "space_type": "cosinesimil"}
    return _mapped(owner, {**_ABOUT, "vector": {**kept, "method": method}})


def vector(entry: Entry, numbers: NDArray[np.int8]) -> dict[str, Any]:
    """A passage's vector as it is sent; one without a direction is near to nothing, and is not taken there."""
    return {**_about(entry), **({"vector": numbers.tolist()} if numbers.any() else {})}


def nearest(numbers: NDArray[np.int8], count: int, filters: Filters) -> dict[str, Any]:
    """The query for the vectors nearest to this one among what the filters let through."""
    asked: dict[str, Any] = {"vector": numbers.tolist(), "k": max(count, _LOOKED_AT)}
    if parts := limits(filters):
        asked["filter"] = {"bool": parts}
    return {"knn": {"vector": asked}}


def at_random(filters: Filters) -> dict[str, Any]:
    """The query for some of what the filters let through, whichever: the same ones each time."""
    chosen = {"query": {"bool": limits(filters)}, "random_score": {"seed": 1, "field": "row"}, "boost_mode": "replace"}
    return {"function_score": chosen}


def _about(entry: Entry) -> dict[str, Any]:
    return {
        "row": entry.row,
        "modified": max(0, int(entry.modified)),
        "document": entry.document,
        "name": entry.name,
        "folder": list(entry.folders),
        "kind": entry.kind,
        "label": [labels.tag(one) for one in sorted(entry.labels)],
    }


def document(entry: Entry) -> dict[str, Any]:
    """A passage as it is sent."""
    return {
        **_about(entry),
        "terms": entry.terms.split() or _NOTHING,
        "title": entry.title.split() or _NOTHING,
        "surface": entry.surfaces.split() or _NOTHING,
    }


def limits(filters: Filters) -> dict[str, Any]:
    """What the filters ask, as parts of a boolean query that count for no score."""
    must: list[dict[str, Any]] = [] if filters.labels is None else [readable(filters.labels)]

    def any_of(field: str, values: Iterable[str]) -> None:
        must.append({"terms": {field: list(values)}})

    if filters.documents is not None:
        any_of("name", filters.documents)
    if filters.folders:
        any_of("folder", filters.folders)
    if filters.kinds:
        any_of("kind", filters.kinds)
    for group in filters.required:
        any_of("terms", group)
    if filters.after is not None or filters.before is not None:
        times = {
            sign: max(0, int(time))
            for sign, time in (("gte", filters.after), ("lt", filters.before))
            if time is not None
        }
        must.append({"range": {"modified": times}})
    parts: dict[str, Any] = {"filter": must} if must else {}
    if filters.excluded:
        parts["must_not"] = [{"terms": {"terms": list(filters.excluded)}}]
    return parts


def readable(own: Iterable[str]) -> dict[str, Any]:
    """Passages with one of these labels."""
    return {"terms": {"label": [labels.tag(one) for one in sorted(own)]}}


def matching(clauses: Sequence[Clause], filters: Filters) -> dict[str, Any] | None:
    """The query for what the clauses find among what the filters let through; None where nothing is asked."""
    if not clauses and not filters.narrow:
        return None
    asked = [{"term": {field: {"value": word, "boost": boost}}} for field, word, boost in clauses]
    return {"bool": {"should": asked, "minimum_should_match": 1 if asked else 0, **limits(filters)}}


def counting(field: str, terms: Sequence[str], own: frozenset[str] | None) -> dict[str, Any]:
    """How many passages with one of the labels (None: all) hold each of the terms."""
    return {
        "size": 0,
        "track_total_hits": False,
        "query": {"match_all": {}} if own is None else {"bool": {"filter": [readable(own)]}},
        "aggs": {"held": {"filters": {"filters": [{"term": {field: {"value": term}}} for term in terms]}}},
    }


def beginning(field: str, prefix: str, limit: int, own: frozenset[str] | None) -> dict[str, Any]:
    """The commonest words of a field that begin with a prefix, in passages with one of the labels (None: in all)."""
    among = [{"prefix": {field: {"value": prefix}}}, *([] if own is None else [readable(own)])]
    escaped = re.sub(r"([^\w])", r"\\\1", prefix)
    listed = {"field": f"{field}_listed", "include": f"{escaped}.*", "size": limit, "shard_size": 50 + 10 * limit}
    return {
        "size": 0,
        "track_total_hits": False,
        "query": {"bool": {"filter": among}},
        "aggs": {"words": {"terms": listed}},
    }
