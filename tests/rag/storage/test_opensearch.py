"""What is particular to an index on a cluster: nodes that are away, writers that died, generations, another's index."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import yaml

from rag.errors import LibraryError
from rag.library import INDEX, Library
from rag.settings import IndexSettings, RetrievalSettings
from rag.storage.opening import Engines
from rag.storage.opensearch import cluster
from rag.storage.opensearch.index import OpenSearchIndex
from tests.rag.library_help import documents_of
from tests.support.opensearch_nodes import ROOT, Node, new_name, running

CORPUS = ROOT / "docs_corpus"
services = pytest.mark.services
TEXTS = {
    "nets.md": "# Nets\n\nOld Maren mends the nets in the boat house by the quay.\n",
    "lamps.md": "# Lamps\n\nThe lamps on the pier are lit by the harbour master at dusk.\n",
}


def over(addresses: tuple[str, ...], **more: object) -> IndexSettings:
    return IndexSettings.model_validate(
        {"engine": "opensearch", "addresses": addresses, "name": new_name(), "replicas": 0} | more
    )


def opened(directory: Path, engine: IndexSettings) -> Library:
    return Library.open(directory, RetrievalSettings(), write=True, engines=Engines(engine))


def first(library: Library, question: str) -> str:
    return next((one.document for one in library.search(question).passages), "")


def lose(address: str, engine: IndexSettings) -> None:
    """Delete what lies behind the alias, as somebody else would."""
    (name,) = httpx.get(f"{address}/_alias/{engine.name}").raise_for_status().json()
    httpx.delete(f"{address}/{name}").raise_for_status()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "READ_PATIENCE", 0.0)
    monkeypatch.setattr(cluster, "WRITE_PATIENCE", 0.0)


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that gives everybody the one answer (status, body)."""
    status, body = request.param

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_cluster_that_is_away_is_said_in_a_sentence(tmp_path: Path, impatient: None) -> None:
    with pytest.raises(LibraryError) as said:
        opened(tmp_path, over(("http://127.0.0.1:9", "http://127.0.0.1:10")))
    assert "http://127.0.0.1:9, http://127.0.0.1:10 does not answer; start OpenSearch there" in str(said.value)


@pytest.mark.parametrize(
    ("answering", "expected"),
    [
        ((200, b"<html>Hello</html>"), "is not OpenSearch; correct index.addresses"),
        ((401, b"Unauthorized"), "TANDEM_INDEX__PASSWORD"),
        ((503, b'{"error": {"type": "no_shard", "reason": "none"}}'), "cannot answer now (no_shard: none)"),
        ((400, b'{"error": "bad", "status": 400}'), "refused what Tandem asked (bad)"),
    ],
    indirect=["answering"],
)  # fmt: skip
def test_whatever_answers_instead_is_said_in_a_sentence(
    tmp_path: Path, impatient: None, answering: str, expected: str
) -> None:
    with pytest.raises(LibraryError) as said:
        opened(tmp_path, over((answering,)))
    assert expected in str(said.value) and "Traceback" not in str(said.value)


@services
def test_a_library_lies_on_a_cluster_and_moves_there_and_back(opensearch: str, tmp_path: Path) -> None:
    on_cluster = over((opensearch,))
    for engine in (IndexSettings(), on_cluster, IndexSettings(), on_cluster):
        library = opened(tmp_path, engine)
        library.add(documents_of(TEXTS))
        assert first(library, "Who mends the nets?") == "nets.md" and first(library, "Who lights lamps?") == "lamps.md"
        assert library.in_step()
        library.close()
    assert (tmp_path / INDEX).is_dir()


@services
def test_the_ten_best_passages_are_those_of_the_embedded_index(opensearch: str, tmp_path: Path) -> None:
    asked = [
        one["question"] for one in yaml.safe_load((CORPUS / "questions.yaml").read_text(encoding="utf-8"))["questions"]
    ]
    both = [opened(tmp_path / engine.engine, engine) for engine in (IndexSettings(), over((opensearch,)))]
    for library in both:
        library.sync([CORPUS])

    def ten(library: Library, question: str) -> set[tuple[str, int]]:
        return {(one.document, one.start) for one in library.search(question, limit=10).passages}

    same = [ten(both[0], one) == ten(both[1], one) for one in asked]
    assert len(same) > 80 and sum(same) >= 0.95 * len(same)
    for library in both:
        library.close()


@services
def test_searches_go_on_while_the_index_is_made_anew(opensearch: str, tmp_path: Path) -> None:
    engine = over((opensearch,))
    library = opened(tmp_path, engine)
    library.add(documents_of(TEXTS))
    index = OpenSearchIndex(engine, str(library.store.meta("library")))
    with index.writer() as writer:
        writer.clear()
        writer.commit(partial=True)
        assert first(library, "Who mends the nets?") == "nets.md"
    library.rebuild_index()
    assert first(library, "Who mends the nets?") == "nets.md" and library.in_step()
    assert len(index.generations()) == 1
    index.close()
    library.close()


@services
def test_an_index_that_is_gone_from_the_cluster_is_made_anew(opensearch: str, tmp_path: Path) -> None:
    engine = over((opensearch,))
    library = opened(tmp_path, engine)
    library.add(documents_of(TEXTS))
    for _ in range(2):
        lose(opensearch, engine)
        assert first(library, "Who mends the nets?") == "nets.md"
    library.close()
    lose(opensearch, engine)
    library = opened(tmp_path, engine)
    assert first(library, "Who mends the nets?") == "nets.md" and library.in_step()
    library.close()


@services
def test_another_librarys_index_is_left_alone(opensearch: str, tmp_path: Path) -> None:
    engine = over((opensearch,))
    opened(tmp_path / "one", engine).close()
    with pytest.raises(LibraryError, match=r"of another library; give .* another name"):
        opened(tmp_path / "two", engine)
    httpx.put(f"{opensearch}/{engine.name}x", json={"aliases": {f"{engine.name}y": {}}}).raise_for_status()
    with pytest.raises(LibraryError, match=r"none of Tandem's"):
        opened(tmp_path / "two", engine.model_copy(update={"name": f"{engine.name}y"}))


@services
def test_a_writer_that_died_keeps_nobody_waiting(opensearch: str, tmp_path: Path) -> None:
    engine = over((opensearch,))
    library = opened(tmp_path, engine)
    owner = library.store.meta("library")
    program = f"""
import os
from rag.settings import IndexSettings
from rag.storage.opening import Engines
from rag.storage.opensearch.index import OpenSearchIndex
engine = IndexSettings(engine="opensearch", addresses=("{opensearch}",), name="{engine.name}")
OpenSearchIndex(engine, "{owner}").writer()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
    library.add(documents_of(TEXTS))
    assert first(library, "Who mends the nets?") == "nets.md"
    library.close()


@services
def test_a_node_that_is_killed_costs_nothing_acknowledged_and_no_answer(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with running(3) as nodes, closing(opened(tmp_path, over(_all(nodes), replicas=1, shards=2))) as library:
        library.add(documents_of(TEXTS))
        _settled(nodes[0])
        stop = threading.Event()
        answers: list[str] = []

        def ask() -> None:
            while not stop.is_set():
                try:
                    answers.append(first(library, "Who mends the nets?"))
                except LibraryError as error:
                    answers.append(str(error))

        asking = threading.Thread(target=ask)
        asking.start()
        before = 0
        for batch in range(10):
            if batch == 4:
                before = len(answers)
                nodes[0].kill()
            library.add(documents_of({f"b{batch}-{n}.md": f"Crate {batch}x{n} holds rope." for n in range(20)}))
        stop.set()
        asking.join()
        assert set(answers) == {"nets.md"} and len(answers) > before + 1
        assert library.in_step() and len(library.store.all_rows()) == 202
        for node in nodes[1:]:
            node.kill()
        request.getfixturevalue("impatient")
        with pytest.raises(LibraryError, match="does not answer; start OpenSearch there"):
            library.add(documents_of({"late.md": "The last crate holds oil."}))
        assert library.problem.startswith("Documents are not taken in: the search index does not answer")


def _all(nodes: list[Node]) -> tuple[str, ...]:
    return tuple(node.address for node in nodes)


def _settled(node: Node) -> None:
    """Return when every copy is where it belongs."""
    httpx.get(f"{node.address}/_cluster/health?wait_for_status=green&timeout=30s", timeout=40).raise_for_status()
