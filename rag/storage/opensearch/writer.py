"""Passages on their way into the cluster, in batches.

Knows what was sent and not yet seen, and what a batch's answer says of each passage. A passage is told by its row, so
that a batch may be sent twice. Does not know searches.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rag.errors import LibraryError
from rag.storage.opensearch import form
from rag.storage.opensearch.cluster import WRITE_PATIENCE, Cluster, ClusterError
from rag.storage.opensearch.lease import Lease
from rag.storage.records import Entry

if TYPE_CHECKING:
    from rag.storage.opensearch.index import OpenSearchIndex

_PASSAGES_AT_ONCE, _CHARACTERS_AT_ONCE = 2_000, 4_000_000
_DOCUMENTS_AT_ONCE, _ROWS_AT_ONCE = 500, 10_000
_BUSY = frozenset({429, 503})
_PAUSE = 0.25


class OpenSearchWriter:
    """Adds and deletes documents; searches see nothing of it before `commit`. Use as a context manager."""

    def __init__(self, index: OpenSearchIndex, cluster: Cluster, replicas: int) -> None:
        self._index = index
        self._cluster = cluster
        self._lease = Lease(cluster, index.name, replicas)
        self._waiting: dict[int, dict[int, Entry]] = {}
        """Document -> row -> what is to be sent of it."""
        self._count = self._size = 0
        self._gone: dict[int, None] = {}
        self._sent: dict[int, list[int]] = {}
        """Document -> rows that were sent since the last commit, and that no search can tell yet."""
        self._next = f"{index.name}-next"
        self._target = index.name
        self._new = ""
        """The index that is being filled in place of the one behind the alias, "" where that one is written to."""
        self._held = False
        self._lease.take()
        self._held = True
        try:
            # What a writer that died had sent is to be found, so that it can be deleted.
            self._refresh()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> OpenSearchWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another writer in. What was not committed is not seen until a writer that follows has dealt with it."""
        if not self._held:
            return
        self._held = False
        self._forget()
        self._sent = {}
        try:
            self._lease.release()
        except ClusterError:
            pass  # it ends by itself, and whoever asks for it meanwhile is told to wait

    def add(self, entry: Entry) -> None:
        self._waiting.setdefault(entry.document, {})[entry.row] = entry
        self._count += 1
        self._size += len(entry.terms) + len(entry.title) + len(entry.surfaces)
        if self._count >= _PASSAGES_AT_ONCE or self._size >= _CHARACTERS_AT_ONCE:
            self._send()

    def delete(self, document: int) -> None:
        """Delete all passages of a document that were added before this call."""
        self._waiting.pop(document, None)
        self._gone[document] = None
        if len(self._gone) >= _DOCUMENTS_AT_ONCE:
            self._send()

    def clear(self) -> None:
        """Begin anew; searches go on with what there was until a whole commit."""
        self._forget()
        self._sent = {}
        self._new = self._index.begin_next(self._next)
        self._target = self._next

    def commit(self, *, partial: bool = False) -> None:
        """Make everything since the last commit durable and visible; while an index is filled anew, with `partial`,
        durable alone."""
        self._send()
        self._refresh()
        self._sent = {}
        if self._new and not partial:
            self._index.put_in_place(self._new, self._next)
            self._target, self._new = self._index.name, ""
        self._index.reload()

    def _forget(self) -> None:
        self._waiting, self._gone, self._count, self._size = {}, {}, 0, 0

    def _refresh(self) -> None:
        self._cluster.ask("POST", f"/{self._target}/_refresh", writing=True)

    def _send(self) -> None:
        if not self._held:
            raise LibraryError("The writer of the search index is closed; open it again.")
        self._lease.keep()
        rows = self._rows_of(list(self._gone)) if self._gone else []
        actions: dict[int, list[Any]] = {row: [{"delete": {"_id": str(row)}}] for row in rows}
        for document, entries in self._waiting.items():
            for row, entry in entries.items():
                actions[row] = [{"index": {"_id": str(row)}}, form.document(entry)]
            self._sent.setdefault(document, []).extend(entries)
        self._forget()
        if actions:
            send(self._cluster, self._target, actions)

    def _rows_of(self, documents: list[int]) -> list[int]:
        """The rows of these documents that were sent before, seen by searches or not."""
        rows = [row for document in documents for row in self._sent.pop(document, [])]
        asked = {"terms": {"document": documents}}
        after: dict[str, Any] = {}
        while True:
            body = {
                "_source": False, "stored_fields": "_none_", "track_total_hits": False, "size": _ROWS_AT_ONCE,
                "query": {"bool": {"filter": [asked]}}, "sort": [{"row": "asc"}], **after,
            }  # fmt: skip
            path = f"/{self._target}/_search?allow_partial_search_results=false"
            hits = self._cluster.ask("POST", path, body, writing=True)["hits"]["hits"]
            if not hits:
                return rows
            rows += [int(hit["sort"][0]) for hit in hits]
            after = {"search_after": hits[-1]["sort"]}


def send(cluster: Cluster, alias: str, actions: dict[int, list[Any]]) -> None:
    """Send what is to be done with passages, by row, until each is acknowledged. Raises LibraryError."""
    until = time.monotonic() + WRITE_PATIENCE
    while actions:
        lines = [line for action in actions.values() for line in action]
        path = f"/{alias}/_bulk?require_alias=true&filter_path=items.*._id,items.*.status,items.*.error.*"
        answer = cluster.ask("POST", path, lines, writing=True)
        again, refused = {}, ""
        for item in answer["items"]:
            ((what, said),) = item.items()
            status = int(said["status"])
            if status < 300 or (status == 404 and what == "delete"):
                continue
            if status in _BUSY:
                again[int(said["_id"])] = actions[int(said["_id"])]
            refused = f"{said['error'].get('type')}: {said['error'].get('reason')}"
            if status not in _BUSY:
                raise ClusterError(
                    f"OpenSearch does not take a passage ({refused[:300]}); run `tandem index --verify` to make "
                    "the index anew."
                )
        if again and time.monotonic() >= until:
            raise ClusterError(
                f"OpenSearch takes no more passages now ({refused[:300]}); look at its health, and try again."
            )
        if again:
            time.sleep(_PAUSE)
        actions = again
