"""Holds the benchmark's figures against a server whose timing is known. Run by hand, on a quiet machine:

    python -m tests.tandem.bench.accuracy

Prints, for each load, every figure beside the truth (the times that were drawn, from which the server does not stray
unless the machine is too busy) and how far they are apart; a line outside 2 % and 1 ms ends in "FAR". The exact
arithmetic is tested with a virtual clock in test_accuracy.py, where no machine can disturb it.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np

from hybrid.runtimes.base import ChatRequest
from hybrid.settings import EndpointSettings, TimeoutSettings
from rag.types import Message
from tandem.bench.client import Wire
from tandem.bench.level import level
from tandem.bench.load import run
from tandem.bench.measure import Job, Sample, measure
from tandem.bench.schema import Level, Load
from tests.support.timed_server import TimedServer, Timing


async def take(address: str, model: str, load: Load, count: int) -> Level:
    """One level against the server at `address`."""
    wire = Wire(EndpointSettings(name="timed", base_url=address))
    request = ChatRequest(model, (Message("user", "Say something."),), max_tokens=4096)

    async def ask(job: Job, due: float | None) -> Sample:
        return await measure(wire, job, TimeoutSettings(), due=due)

    try:
        await measure(wire, Job("warm", 0, request), TimeoutSettings())
        await wire.open(load.concurrency or 1)
        found = await run(load, (Job("p", n, request) for n in range(count)), count, ask)
    finally:
        await wire.close()
    return level(found, None, client=True)[0]


def truth(records: Sequence[dict[str, Any]], written: bool) -> dict[str, float]:
    """The same figures from the server's own log: the times drawn, or those at which it really wrote."""
    good = [r for r in records if not r["failure"]]
    times = [np.asarray(r["written"]) - r["arrived"] if written else np.asarray(r["due"]) + r["waited"] for r in good]
    gaps = np.concatenate([np.diff(t) for t in times]) * 1000
    first = np.array([t[0] for t in times]) * 1000
    total = np.array([t[-1] for t in times]) * 1000
    tpot = np.array([(t[-1] - t[0]) / (len(t) - 1) for t in times]) * 1000
    tokens = np.array([len(t) for t in times])
    found = {"failed": float(len(records) - len(good))}
    for name, values in (("first_token", first), ("total", total), ("tpot", tpot), ("itl", gaps)):
        found[f"{name} mean"] = float(values.mean())
        for percentile in (50, 90, 95, 99):
            found[f"{name} p{percentile}"] = float(np.percentile(values, percentile))
    found["request tokens/s"] = float((tokens / total * 1000).mean())
    return found


def reported(found: Level) -> dict[str, float | None]:
    """The same figures from the report."""
    figures: dict[str, float | None] = {"failed": float(found.failed)}
    parts = {
        "first_token": found.first_token_ms,
        "total": found.total_ms,
        "tpot": found.tpot_ms,
        "itl": found.itl_ms,
    }
    for name, part in parts.items():
        assert part is not None and part.mean is not None
        figures[f"{name} mean"] = part.mean.value
        for percentile in (50, 90, 95, 99):
            estimate = getattr(part, f"p{percentile}")
            figures[f"{name} p{percentile}"] = estimate.value if estimate else None
    rates = found.request_tokens_per_s
    figures["request tokens/s"] = rates.mean.value if rates and rates.mean else None
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jitter", type=float, default=0.1)
    parser.add_argument("--concurrency", default="1,8,32")
    parser.add_argument("--requests", type=int, default=64)
    given = parser.parse_args()
    for concurrency in map(int, given.concurrency.split(",")):
        timing = Timing(0.2, 0.01, 100, jitter=given.jitter, fail_every=10)
        count = max(given.requests, 4 * concurrency)
        with TimedServer({"known": timing}) as server:
            load = Load(kind="closed", concurrency=concurrency)
            found = asyncio.run(take(server.base_url, "known", load, count))
            records = [r for r in server.truth() if r["number"]]
        drawn, wrote, ours = truth(records, False), truth(records, True), reported(found)
        print(f"\n{concurrency} at once, {found.requests} requests, client {found.client_cpu_share:.2f} of a core, "
              f"lag p99 {found.client_lag_ms} ms; {found.tokens_per_s}")  # fmt: skip
        print(f"{'':20}{'drawn':>10}{'written':>10}{'reported':>10}{'off drawn':>10}{'off written':>12}")
        for name, known in drawn.items():
            value = ours[name]
            if value is None:
                print(f"{name:20}{known:10.2f}{wrote[name]:10.2f}{'refused':>10}")
                continue
            off, off_written = value - known, value - wrote[name]
            far = abs(off) > max(0.02 * known, 0.0 if "tokens/s" in name else 1.0)
            print(f"{name:20}{known:10.2f}{wrote[name]:10.2f}{value:10.2f}{off:10.2f}{off_written:12.2f}"
                  f"{'  FAR' if far else ''}")  # fmt: skip


if __name__ == "__main__":
    main()
