"""Who writes to an index: one at a time, by a note on the cluster that says until when.

Knows the note, and that a process of this machine that is gone no longer writes. Does not know what is written.
"""

from __future__ import annotations

import os
import platform
import time
import uuid
from collections.abc import Callable
from typing import Any

import psutil

from rag.errors import LibraryError
from rag.storage.opensearch.cluster import Cluster, RefusedError

SECONDS = 60.0
"""How long a writer on another machine that died keeps others waiting."""
_BUSY = "Another process is indexing this library; wait until it is done and try again."


class Lease:
    """The right to write to the index `name`, from `take` to `release`."""

    def __init__(self, cluster: Cluster, name: str, replicas: int) -> None:
        self._cluster = cluster
        self._index = f"{name}-writer"
        self._replicas = replicas
        self._holder = uuid.uuid4().hex
        self._noted: dict[str, int] = {}
        self._until = 0.0

    def take(self) -> None:
        """Raises LibraryError while another holds it."""
        self._make()
        try:
            self._note(f"/{self._index}/_create/writer")
            return
        except RefusedError as error:
            if error.status != 409:
                raise
        if not self._adopt(_over):
            raise LibraryError(_BUSY)
        self._renew()

    def keep(self) -> None:
        """Hold on to it, where that is about to end. Raises LibraryError where another has it by now."""
        if time.monotonic() > self._until - SECONDS / 2:
            self._renew()

    def release(self) -> None:
        """Let another write. Raises LibraryError where the cluster cannot be told; then it ends by itself."""
        try:
            self._cluster.ask("DELETE", f"/{self._index}/_doc/writer?{_condition(self._noted)}", writing=True)
        except RefusedError as error:
            if error.status not in (404, 409):  # another has it by now
                raise

    def _renew(self) -> None:
        try:
            self._note(f"/{self._index}/_doc/writer?{_condition(self._noted)}")
        except RefusedError as error:
            if error.status != 409:
                raise
            if not self._adopt(lambda said: False):  # else it was noted, and asked again
                raise LibraryError(_BUSY) from error

    def _adopt(self, over: Callable[[dict[str, Any]], bool]) -> bool:
        """Go by the note that is there, where it is our own or that of somebody whose time is over."""
        try:
            found = self._cluster.ask("GET", f"/{self._index}/_doc/writer")
        except RefusedError as error:
            if error.status != 404:
                raise
            return False  # another gave it back meanwhile
        if found["_source"]["holder"] != self._holder and not over(found["_source"]):
            return False
        self._noted = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
        return True

    def _note(self, path: str) -> None:
        self._until = time.monotonic() + SECONDS
        said = {
            "holder": self._holder,
            "machine": platform.node(),
            "process": os.getpid(),
            "began": psutil.Process().create_time(),
            "until": time.time() + SECONDS,
        }
        answer = self._cluster.ask("PUT", path, said, writing=True)
        self._noted = {"if_seq_no": answer["_seq_no"], "if_primary_term": answer["_primary_term"]}

    def _make(self) -> None:
        kept: dict[str, Any] = {"index.number_of_shards": 1, "index.number_of_replicas": self._replicas}
        body = {"settings": {**kept, "index.hidden": True}, "mappings": {"dynamic": False}}
        try:
            self._cluster.ask("PUT", f"/{self._index}?wait_for_active_shards=1", body, writing=True)
        except RefusedError as error:
            if error.kind != "resource_already_exists_exception":
                raise


def _condition(noted: dict[str, int]) -> str:
    return "&".join(f"{name}={value}" for name, value in noted.items())


def _over(said: dict[str, Any]) -> bool:
    """Whether whoever wrote this no longer writes."""
    if time.time() > said["until"]:
        return True
    if said["machine"] != platform.node():
        return False
    try:
        return abs(psutil.Process(said["process"]).create_time() - float(said["began"])) > 1.0
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
