"""Puts the benchmark beside GuideLLM on one server in one session. Run by hand, on a quiet machine:

    python -m venv other && other/bin/pip install guidellm
    python -m tests.tandem.bench.beside_guidellm other/bin/guidellm

For every load GuideLLM and `tandem bench` ask the same server in turn, ours before and after theirs, and the figures
that both define alike stand side by side, with the truth from the server's own log of that run. GuideLLM's inter-token
latency is our mean gap; its output tokens per second span the whole run, so ours is taken over the whole run too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tandem.bench.schema import Level, Load
from tests.support.timed_server import TimedServer, Timing
from tests.tandem.bench.accuracy import take, truth

FIGURES = ("first token ms", "between tokens ms", "answer ms", "tokens/s")


def ours(found: Level) -> list[float]:
    """Means of the four figures."""
    parts = (found.first_token_ms, found.itl_ms, found.total_ms)
    means = [part.mean.value for part in parts if part is not None and part.mean is not None]
    return [*means, found.completion_tokens / found.duration_s]


def theirs(program: str, address: str, streams: int, count: int, folder: Path) -> list[float]:
    """GuideLLM's means of the same figures."""
    data, out = folder / "data.jsonl", folder / "out.json"
    data.write_text("".join(json.dumps({"prompt": f"Say something {n}."}) + "\n" for n in range(count * 2)))
    command = [program, "run", "--backend", f"kind=openai_http,target={address.removesuffix('/v1')},model=known"]
    command += ["--profile", f"kind=concurrent,streams={streams}", "--constraint", f"kind=max_requests,count={count}"]
    command += ["--data", f"kind=json_file,path={data}", "--output", f"kind=json,path={out}", "--disable-console"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    metrics = json.loads(out.read_text())["benchmarks"][0]["metrics"]
    names = ("time_to_first_token_ms", "inter_token_latency_ms", "request_latency", "output_tokens_per_second")
    means = [metrics[name]["successful"]["mean"] for name in names]
    return [means[0], means[1], means[2] * 1000.0, means[3]]


def known(records: Sequence[dict[str, Any]]) -> list[float]:
    """The truth of the first three, as the server wrote; the throughput has no truth but both tools' own span."""
    found = truth(records, True)
    return [found["first_token mean"], found["itl mean"], found["total mean"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("guidellm", help="path of the program")
    parser.add_argument("--concurrency", default="1,8,32")
    given = parser.parse_args()
    timing = Timing(0.2, 0.01, 100, jitter=0.1)
    with tempfile.TemporaryDirectory() as folder, TimedServer({"known": timing}) as server:
        for streams in map(int, given.concurrency.split(",")):
            count = max(60, 4 * streams)
            load = Load(kind="closed", concurrency=streams)
            seen = len(server.truth())
            print(f"\n{streams} at once, {count} requests each", flush=True)
            print(f"{'':16}" + "".join(f"{name:>20}" for name in FIGURES))
            for name in ("tandem", "guidellm", "tandem again"):
                if name == "guidellm":
                    figures = theirs(given.guidellm, server.base_url, streams, count, Path(folder))
                else:
                    figures = ours(asyncio.run(take(server.base_url, "known", load, count)))
                records = server.truth()
                written = known(records[seen:][-count:])
                seen = len(records)
                print(f"{name:16}" + "".join(f"{figure:20.3f}" for figure in figures))
                print(f"{'  server wrote':16}" + "".join(f"{figure:20.3f}" for figure in written), flush=True)


if __name__ == "__main__":
    main()
