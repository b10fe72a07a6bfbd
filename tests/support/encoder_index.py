"""An index of packages on this machine that pip fetches small encoders from, and the manifest that names them.

Knows what pip asks of an index, and how to hold an archive back in the middle. Does not know who fetches, nor why.
"""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tandem import encoder
from tests.support.encoders import bert_file, hashing_file

_BESIDE = 2_000_000
_PLATFORM = "win_arm64"
"""The machines that the reader's package is for; its file is for all."""


class EncoderIndex:
    """The packages. `manifest` is the file that names them. While `held`, half of each archive comes and no more."""

    def __init__(self, folder: Path) -> None:
        first = hashing_file(folder / "first.onnx")
        english = bert_file(folder / "english.onnx")
        reader = folder / "reader.bin"
        reader.write_bytes(b"no reader that anything was learned for")
        files = {
            encoder.ALL: first,
            encoder.ENGLISH: english,
            encoder.VOCABULARY: english.with_suffix(".json"),
            encoder.READER: reader,
        }
        self.archives: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.url = ""
        self._going = threading.Event()
        self._going.set()
        written = {which: self._packed(folder, which, file) for which, file in files.items()}
        for which, name in ((encoder.ALL, "A small one"), (encoder.ENGLISH, "A small one for English")):
            written[which]["model"] = name
        written[encoder.READER]["platform"] = _PLATFORM
        self.manifest = folder / "encoder.json"
        self.manifest.write_text(json.dumps(written), encoding="utf-8")

    def _packed(self, folder: Path, which: str, file: Path) -> dict[str, object]:
        package, content = f"tandem-{which.replace('_', '-')}", file.read_bytes()
        name = f"{package.replace('-', '_')}-1.0-py3-none-{_PLATFORM if which == encoder.READER else 'any'}.whl"
        self.write(folder / name, content)
        return {
            "package": package,
            "version": "1.0",
            "archive": len(self.archives[name]),
            "path": "inside/file",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "model": which,
            "licence": "Apache-2.0",
        }

    def write(self, wheel: Path, content: bytes) -> None:
        """Have the package of this archive hold `content`."""
        package, version, tag = wheel.stem.split("-", 2)
        about = f"{package}-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as packed:
            packed.writestr("inside/file", content)
            packed.writestr("inside/other", bytes(_BESIDE))  # pip writes down what comes in large pieces
            packed.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
            packed.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
            packed.writestr(f"{about}/RECORD", "")
        self.archives[wheel.name] = wheel.read_bytes()

    def spoil(self, which: str, folder: Path) -> None:
        """Have the package of an encoder hold another file than the manifest says."""
        self.write(folder / f"tandem_{which}-1.0-py3-none-any.whl", b"something else")

    def hold(self) -> None:
        self._going.clear()

    def go(self) -> None:
        self._going.set()

    @property
    def environment(self) -> dict[str, str]:
        """What has pip fetch from here and nowhere else."""
        return {"PIP_INDEX_URL": f"{self.url}/simple/", "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1", "NO_PROXY": "*"}

    def handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/").rpartition("/")[2]
                index.asked.append(name)
                if name in index.archives:
                    self._send(index.archives[name], "application/octet-stream", held=True)
                    return
                own = [one for one in index.archives if one.startswith(f"{name.replace('-', '_')}-")]
                links = "".join(f'<a href="/files/{one}">{one}</a>' for one in own)
                self._send(f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), "text/html")

            def _send(self, body: bytes, kind: str, *, held: bool = False) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                middle = len(body) // 2 if held else len(body)
                self.wfile.write(body[:middle])
                self.wfile.flush()
                if held:
                    index._going.wait()
                    self.wfile.write(body[middle:])

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (BrokenPipeError, ConnectionResetError):  # whoever fetched was stopped
                    self.close_connection = True

        return Handler


@contextmanager
def serving(folder: Path) -> Iterator[EncoderIndex]:
    """The index while the block runs; its files lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    index = EncoderIndex(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), index.handler())
    server.daemon_threads = True
    server.block_on_close = False
    index.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        index.go()
        server.shutdown()
        server.server_close()
        thread.join()
