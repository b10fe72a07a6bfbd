"""The vectors of one model on a cluster whose nodes have the k-NN plugin.

Knows the index of a model, and whether the nodes can hold one. It is none of the passages' generations: vectors come
long after the terms of their passages, and stay when those are sent anew. Does not know what made them nor what they
are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.settings import IndexSettings
from rag.storage.filters import Filters
from rag.storage.opensearch import form
from rag.storage.opensearch.cluster import Cluster, RefusedError
from rag.storage.opensearch.writer import send
from rag.storage.records import Entry

_PLUGIN = "org.opensearch.knn.plugin.KNNPlugin"
_FROM = (2, 9)
"""The version from which on the plugin takes a byte a number."""
_GONE = "index_not_found_exception"


def takes_vectors(cluster: Cluster) -> bool:
    """Whether every node that holds data has the plugin. Raises LibraryError where none answers."""
    wanted = "nodes.*.version,nodes.*.plugins.classname"
    try:
        nodes = cluster.ask("GET", f"/_nodes/data:true/plugins?filter_path={wanted}").get("nodes", {}).values()
    except RefusedError:  # a user who may not ask, or something that only speaks like OpenSearch
        return False
    return bool(nodes) and all(
        tuple(int(part) for part in node["version"].split(".")[:2]) >= _FROM
        and any(one["classname"] == _PLUGIN for one in node.get("plugins", ()))
        for node in nodes
    )


class OpenSearchVectors:
    """A model's vectors beside the index `settings.name`, see `protocols.VectorIndex`. Its index is made with the first
    vectors, which say how wide they are."""

    def __init__(self, cluster: Cluster, settings: IndexSettings, owner: str, model: str) -> None:
        self._cluster = cluster
        self._settings = settings
        self._owner = owner
        # What another library of that name left behind is none of ours.
        self._alias = f"{settings.name}-vectors-{sha256(f'{owner} {model}'.encode()).hexdigest()[:12]}"
        self._index = f"{self._alias}-1"
        self._made = False

    @property
    def count(self) -> int:
        try:
            return int(self._cluster.ask("GET", f"/{self._alias}/_count")["count"])
        except RefusedError as error:
            if error.kind != _GONE:
                raise
            self._made = False
            return 0

    def put(self, entries: Sequence[Entry], vectors: NDArray[np.int8]) -> None:
        if not self._made:
            self._make(vectors.shape[1])
        actions: dict[int, list[Any]] = {
            entry.row: [{"index": {"_id": str(entry.row)}}, form.vector(entry, vector)]
            for entry, vector in zip(entries, vectors, strict=True)
        }
        self._send(actions)

    def remove(self, rows: Sequence[int]) -> None:
        if self._there():
            self._send({row: [{"delete": {"_id": str(row)}}] for row in rows})

    def reload(self) -> None:
        if self._there():
            self._cluster.ask("POST", f"/{self._alias}/_refresh", writing=True)

    def nearest(self, vector: NDArray[np.int8], count: int, filters: Filters) -> list[int]:
        if not vector.any():  # of no direction, so that nothing is near
            return []
        return self._rows(form.nearest(vector, count, filters), count)

    def some(self, count: int, filters: Filters) -> list[int]:
        return self._rows(form.at_random(filters), count)

    def discard(self) -> None:
        if self._there():
            self._cluster.ask("DELETE", f"/{self._index}", writing=True)
        self._made = False

    def _rows(self, query: dict[str, Any], count: int) -> list[int]:
        body = {**form.ROWS, "size": count, "query": query}
        try:
            answer = self._cluster.ask("POST", f"/{self._alias}/_search?allow_partial_search_results=false", body)
        except RefusedError as error:
            if error.kind != _GONE:
                raise
            return []
        return [int(hit["fields"]["row"][0]) for hit in answer["hits"]["hits"]]

    def _send(self, actions: dict[int, list[Any]]) -> None:
        try:
            send(self._cluster, self._alias, actions)
        except BaseException:
            self._made = False  # it may be gone, and is looked for the next time
            raise

    def _there(self) -> bool:
        try:
            self._cluster.ask("GET", f"/_alias/{self._alias}")
        except RefusedError as error:
            if error.status != 404:
                raise
            return False
        return True

    def _make(self, width: int) -> None:
        own = self._settings
        body = {
            "settings": {"index": form.vectors_settings(own.shards, own.replicas)},
            "mappings": form.vectors_mapping(self._owner, width),
            "aliases": {self._alias: {}},
        }
        try:
            self._cluster.ask("PUT", f"/{self._index}?wait_for_active_shards=1", body, writing=True)
        except RefusedError as error:
            if error.kind != "resource_already_exists_exception":
                raise
        self._made = True
