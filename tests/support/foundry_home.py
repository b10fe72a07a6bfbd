"""A Foundry Local data directory with tiny models in it, and a catalog on loopback: the real runtime, no network.

    with FoundryHome(tmp_path) as home:
        runtime = Foundry(home.data_dir, home.catalog_urls)

Two models are always there: "phi-4-mini" (downloaded, fast) and "gpt-oss-20b" (known to the catalog only); `register`
makes more. One with SLOW_WORK takes so long for a token that prefill and generation can be caught in the act.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from hybrid.runtimes.foundry_sdk import acquire, release
from tests.support.foundry_models import make_model

PHI = "phi-4-mini-test-generic-cpu"
GPT = "gpt-oss-20b-test-generic-cpu"
TEXT = "The handbook says that annual leave is 25 days per year [1]. Unused days may be carried over until March [2]."
SLOW_TEXT = " ".join(f"w{number}" for number in range(600))
SLOW_WORK = 10


class FoundryHome:
    """The directory, the catalog and the process's one manager, held open until the end."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.data_dir = directory / "data"
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.catalog_urls = (f"http://127.0.0.1:{self._server.server_port}/asset-gallery/v1.0/models",)
        self.manager: Any = None

    def __enter__(self) -> FoundryHome:
        threading.Thread(target=self._server.serve_forever, name="catalog", daemon=True).start()
        cached = self.data_dir / "cache" / "models" / "Microsoft" / f"{PHI}-1" / "v1"
        make_model(cached, TEXT)
        (cached / "inference_model.json").write_text(json.dumps({"Name": f"{PHI}:1", "PromptTemplate": None}))
        self.manager = acquire(self.data_dir, self.catalog_urls)
        return self

    def __exit__(self, *_: object) -> None:
        release()
        self._server.shutdown()
        self._server.server_close()

    def register(self, name: str, text: str = TEXT, *, work: int = 0, context_length: int = 8192) -> str:
        """Make a model and register it; returns its id."""
        from foundry_local_sdk import CatalogType, ModelInfoBuilder

        directory = self.directory / name
        make_model(directory, text, work=work, context_length=context_length)
        with ModelInfoBuilder() as metadata:
            metadata.set_string_property("task", "chat-completion")
            self.manager.get_catalog(CatalogType.LOCAL).register_model(str(directory), f"{name}:1", metadata)
        return f"{name}:1"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        body = json.dumps(
            {"totalCount": 2, "value": [_entry(PHI, "phi-4-mini", 1), _entry(GPT, "gpt-oss-20b", 12_000)]}
        )
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                requests.append(self.path)
                data = body.encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _entry(name: str, alias: str, megabytes: int) -> dict[str, Any]:
    asset = "azureml://registries/azureml/models/{}/versions/1"
    system = {
        "publisher": "Microsoft",
        "displayName": alias,
        "license": "MIT",
        "inferenceTasks": ["chat-completion"],
        "textContextWindow": 8192,
        "maxOutputTokens": 1024,
        "inputModalities": ["text"],
        "outputModalities": ["text"],
        "deploymentOptions": ["Foundry Local on Devices"],
    }
    variant = {
        "modelType": "ONNX",
        "device": "cpu",
        "executionProvider": "CPUExecutionProvider",
        "fileSizeBytes": megabytes * 1_000_000,
    }
    properties = {
        "id": f"{name}:1",
        "name": name,
        "version": 1,
        "variantInfo": {"parents": [{"assetId": asset.format(alias)}], "variantMetadata": variant},
        "creationContext": {"createdTime": "2026-01-01T00:00:00Z"},
    }
    return {
        "assetId": asset.format(name),
        "name": name,
        "version": "1",
        "annotations": {"tags": {"alias": alias}, "systemCatalogData": system},
        "properties": properties,
    }
