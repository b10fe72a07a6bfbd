"""The index as searches see it: one alias on the cluster, behind it the index of the newest generation.

Knows aliases, generations and how common terms are. Does not know how passages get in (`writer` does).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from math import log1p
from typing import Any

import orjson

from rag.errors import LibraryError
from rag.settings import IndexSettings
from rag.storage.filters import Filters
from rag.storage.opensearch import form
from rag.storage.opensearch.cluster import Cluster, RefusedError
from rag.storage.opensearch.vectors import OpenSearchVectors, takes_vectors
from rag.storage.opensearch.writer import OpenSearchWriter
from rag.storage.protocols import Clause, IndexDamagedError

_FREQUENCIES = 50_000
_COUNTED_AT_ONCE = 1_000
_ROWS_AT_ONCE = 10_000
_LONGEST_PREFIX = 200
_SEARCH = "search_type=dfs_query_then_fetch&allow_partial_search_results=false"
"""Scores count what all shards hold; where one of them does not answer, neither does the search."""


def _idf(passages: int, holding: int) -> float:
    return log1p((max(0, passages - holding) + 0.5) / (holding + 0.5))


class OpenSearchIndex:
    """Passages on a cluster, under the alias `settings.name`. Searching is safe from any thread."""

    version = form.VERSION

    def __init__(self, settings: IndexSettings, owner: str) -> None:
        """Open it, or make an empty one. `owner` is the library's own mark: an index of another library is left alone.
        Raises LibraryError."""
        self._settings = settings
        self._owner = owner
        self._cluster = Cluster(settings)
        self._count: int | None = None
        self._frequencies: dict[tuple[frozenset[str] | None, str, str], int] = {}
        self.made = False
        """Whether there was none, so that it is empty."""
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The alias."""
        return self._settings.name

    def _open(self) -> None:
        there = self._behind()
        if not there:
            self.made = True
            self._make(1, self.name)
        for name in there:
            meta = self._cluster.ask("GET", f"/{name}/_mapping")[name]["mappings"].get("_meta", {})
            if (owner := meta.get("owner")) != self._owner:
                whose = "of another library" if owner else "none of Tandem's"
                raise LibraryError(
                    f"The index {name} at {self._cluster.addresses[0]} is {whose}; give this library's index another "
                    "name (index.name)."
                )

    def _behind(self) -> list[str]:
        """The indices behind the alias: one, or none."""
        try:
            return sorted(self._cluster.ask("GET", f"/_alias/{self.name}"))
        except RefusedError as error:
            if error.status != 404:
                raise
            return []

    def _make(self, number: int, alias: str) -> str:
        """An empty index of a generation, behind an alias; its name."""
        name = f"{self.name}-{number:06}"
        own = self._settings
        body = {
            "settings": {"index": form.settings(own.shards, own.replicas)},
            "mappings": form.mapping(self._owner),
            "aliases": {alias: {}},
        }
        try:
            self._cluster.ask("PUT", f"/{name}?wait_for_active_shards=1", body, writing=True)
        except RefusedError as error:  # asked twice, or by two at once
            if error.kind != "resource_already_exists_exception" or alias not in self._aliases(name):
                raise
        return name

    def _aliases(self, name: str) -> dict[str, Any]:
        return dict(self._cluster.ask("GET", f"/{name}/_alias")[name]["aliases"])

    def generations(self) -> list[str]:
        """Every index of this library's passages, oldest first; behind the alias or not."""
        return [name for name in self._own() if name.removeprefix(f"{self.name}-").isdecimal()]

    def _own(self) -> list[str]:
        found = self._cluster.ask("GET", f"/{self.name}-*/_mapping?expand_wildcards=open")
        return sorted(
            name for name, about in found.items() if about["mappings"].get("_meta", {}).get("owner") == self._owner
        )

    def vectors(self, model: str) -> OpenSearchVectors | None:
        """Where a model's vectors are found, None where the nodes lack the plugin for it. Raises LibraryError."""
        if not takes_vectors(self._cluster):
            return None
        return OpenSearchVectors(self._cluster, self._settings, self._owner, model)

    def begin_next(self, alias: str) -> str:
        """An empty index of the next generation, behind `alias`; what an earlier attempt left behind is deleted."""
        known, behind = self.generations(), self._behind()
        for name in known:
            if name not in behind:
                self._delete(name)
        return self._make(1 + max((int(name.rpartition("-")[2]) for name in known), default=0), alias)

    def put_in_place(self, name: str, alias: str) -> None:
        """Let searches see the index `name` from now on, in place of what they saw; that is deleted."""
        actions: list[dict[str, Any]] = [{"add": {"index": name, "alias": self.name}}]
        if alias in self._aliases(name):
            actions.append({"remove": {"index": name, "alias": alias}})
        old = [one for one in self._behind() if one != name]
        actions += [{"remove": {"index": one, "alias": self.name}} for one in old]
        try:
            self._cluster.ask("POST", "/_aliases", {"actions": actions}, writing=True)
        except RefusedError:
            if self._behind() != [name]:  # else it was done, and asked again
                raise
        for one in old:
            self._delete(one)

    def _delete(self, name: str) -> None:
        try:
            self._cluster.ask("DELETE", f"/{name}", writing=True)
        except RefusedError as error:
            if error.status != 404:
                raise

    def discard(self) -> int:
        """Delete everything of this index from the cluster; returns how many bytes that were, copies included."""
        size = int(self._cluster.ask("GET", f"/{self.name}/_stats/store")["_all"]["total"]["store"]["size_in_bytes"])
        for name in (*self._own(), f"{self.name}-writer"):
            self._delete(name)
        return size

    def close(self) -> None:
        """Let go of the connections."""
        self._cluster.close()

    def hold(self, *, again: bool = False) -> None:
        """Nothing to look at: the cluster checks its own files, and says so at each search."""

    def problem(self) -> str:
        """What is wrong with it, "" if nothing. Raises LibraryError where the cluster does not answer."""
        return "" if self._behind() else "it is not on the cluster any more"

    def begin_anew(self) -> None:
        """Begin an empty index in the place of what is there. Raises LibraryError."""
        self.put_in_place(self.begin_next(f"{self.name}-next"), f"{self.name}-next")
        self.reload()

    def reload(self) -> None:
        """Make what was committed since the last call visible to searches."""
        self._count = None
        self._frequencies = {}

    @property
    def count(self) -> int:
        """Passages in the index."""
        count = self._count
        if count is None:
            count = self._count = int(self._asked("_count", {"query": {"match_all": {}}}, "")["count"])
        return count

    def _asked(self, what: str, body: dict[str, Any], how: str = _SEARCH) -> Any:
        """Raises IndexDamagedError where the index is gone, and LibraryError."""
        try:
            return self._cluster.ask("POST", f"/{self.name}/{what}?{how}", body)
        except RefusedError as error:
            if error.kind != "index_not_found_exception":
                raise
            raise IndexDamagedError(
                f"The search index {self.name} is not on the cluster any more; run `tandem index --verify` to make it "
                "anew."
            ) from error

    def frequency(self, field: str, term: str, readable: frozenset[str] | None = None) -> int:
        """Number of passages with one of the labels `readable` (None: of all) that hold `term` in `field`."""
        return self.frequencies(field, [term], readable)[0]

    def frequencies(self, field: str, terms: Sequence[str], readable: frozenset[str] | None = None) -> list[int]:
        """`frequency` of many terms at once: those not known yet are asked for together."""
        known = self._frequencies
        found = {term: known.get((readable, field, term)) for term in terms}
        missing = [term for term, count in found.items() if count is None]
        for at in range(0, len(missing), _COUNTED_AT_ONCE):
            part = missing[at : at + _COUNTED_AT_ONCE]
            answer = self._asked("_search", form.counting(field, part, readable))
            for term, bucket in zip(part, answer["aggregations"]["held"]["buckets"], strict=True):
                found[term] = known[readable, field, term] = int(bucket["doc_count"])
        if len(known) > _FREQUENCIES:
            known.clear()
        return [found[term] or 0 for term in terms]

    def beginning(
        self, field: str, prefix: str, limit: int, readable: frozenset[str] | None = None
    ) -> list[tuple[str, int]]:
        """(term, number of passages) of the `limit` commonest terms of a field that begin with `prefix`."""
        if not prefix or len(prefix) > _LONGEST_PREFIX:
            return []
        answer = self._asked("_search", form.beginning(field, prefix, limit, readable))
        return [(str(one["key"]), int(one["doc_count"])) for one in answer["aggregations"]["words"]["buckets"]]

    def _rarities(self, readable: frozenset[str], clauses: Iterable[Clause]) -> dict[tuple[str, str], float]:
        """By how much terms are rarer, in BM25's measure, among the passages that may be read than among all: a score
        says nothing of the others."""
        key = (readable, "", "")
        if (held := self._frequencies.get(key)) is None:
            answer = self._asked("_count", {"query": {"bool": {"filter": [form.readable(readable)]}}}, "")
            held = self._frequencies[key] = int(answer["count"])
        every = max(self.count, held)
        words: dict[str, list[str]] = {}
        for field, term, _ in clauses:
            words.setdefault(field, []).append(term)
        return {
            (field, term): _idf(held, own) / _idf(every, whole)
            for field, terms in words.items()
            for term, own, whole in zip(
                terms, self.frequencies(field, terms, readable), self.frequencies(field, terms), strict=True
            )
        }

    def search(self, clauses: Sequence[Clause], filters: Filters, limit: int) -> list[tuple[int, float]]:
        """(row, BM25 score) of the `limit` best passages; a clause is (field, term, boost), its BM25 scores add up."""
        if filters.labels is not None:
            rarities = self._rarities(filters.labels, clauses)
            clauses = [(field, term, boost * rarities[field, term]) for field, term, boost in clauses]
        query = form.matching(clauses, filters)
        if query is None:
            return []
        # Copies of a shard may score differently while deleted passages are being merged away: one question, one copy.
        copy = zlib.crc32(orjson.dumps(query))
        answer = self._asked("_search", {**form.ROWS, "size": limit, "query": query}, f"{_SEARCH}&preference=q{copy}")
        return [(int(hit["fields"]["row"][0]), float(hit["_score"])) for hit in answer["hits"]["hits"]]

    def rows(self) -> list[int]:
        """The row of every passage in the index (for verification; reads the whole index)."""
        found: list[int] = []
        after: dict[str, Any] = {}
        while True:
            body = {**form.ROWS, "size": _ROWS_AT_ONCE, "sort": [{"row": "asc"}], "query": {"match_all": {}}, **after}
            hits = self._asked("_search", body, "allow_partial_search_results=false")["hits"]["hits"]
            if not hits:
                return found
            found += [int(hit["sort"][0]) for hit in hits]
            after = {"search_after": [found[-1]]}

    def writer(self) -> OpenSearchWriter:
        """The one writer. Raises LibraryError while another process or thread holds it."""
        return OpenSearchWriter(self, self._cluster, self._settings.replicas)
