"""How many people one process holds, and how many several do: more and more of them ask at once, until words come late.

Knows the bound and how the number is looked for. Does not know how people chat, nor what is measured of them (`chat`
does). Both are measured in one run on the same machine, over the same database, with the model's endpoint and the
people in processes of their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tandem.bench import chat
from tandem.bench.relay import DIFFERENT, whole

FIRST = 64
_STEP = 1.4
"""So many times as many are asked for next, or as few."""
_FIGURES = ("clients", "tokens_per_s_median", "lag_p50_ms", "lag_p95_ms", "server_cpu_share", "client_cpu_share")


@dataclass(frozen=True, slots=True)
class Bound:
    """What counts as held: 95 of 100 words come at most so late, and the median person reads at this share of the rate
    or faster."""

    lag_ms: float
    rate_share: float = 0.95

    def holds(self, level: dict[str, Any], rate: float) -> bool:
        """Whether it was held in a measurement of `chat.level`."""
        sound = level["complete"] and level["in_order"]
        in_time = level["lag_p95_ms"] <= self.lag_ms and level["tokens_per_s_median"] >= self.rate_share * rate
        return bool(sound and in_time)


async def measure(
    workers: int,
    database: str,
    rate: float,
    seconds: float,
    lag_ms: float,
    most: int,
    progress: Callable[[str], None] = lambda said: None,
) -> dict[str, Any]:
    """How many streams one process and `workers` of them hold, up to `most`, and how many times as many that is. Raises
    BenchError."""
    most = min(most, DIFFERENT)
    bound, words, first = Bound(lag_ms), whole(int(rate * seconds)), FIRST
    found: dict[str, dict[str, Any]] = {}
    for count in (1, workers):
        found[str(count)] = await _held(chat.Several(count, database), bound, rate, words, first, most, progress)
        first = max(1, int(_STEP * found[str(count)]["streams"]))
    one, many = (found[str(count)]["streams"] for count in (1, workers))
    return {
        "rate": rate,
        "lag_p95_ms_at_most": lag_ms,
        "rate_share_at_least": bound.rate_share,
        "processes": found,
        "ratio": round(many / one, 2) if one else None,
        "more_was_not_tried": many >= most,
    }


async def _held(
    several: chat.Several,
    bound: Bound,
    rate: float,
    words: int,
    first: int,
    most: int,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    levels: list[dict[str, Any]] = []

    async def held(clients: int) -> bool:
        level = await chat.level(running, clients, rate, words)
        level["held"] = bound.holds(level, rate)
        levels.append(level)
        lag, speed = level["lag_p95_ms"], level["tokens_per_s_median"]
        progress(f"{several.workers} processes, {clients} people: {lag:.0f} ms late, {speed:.0f} words a second")
        return bool(level["held"])

    async with chat.server(most, rate, words, instant=False, several=several) as running:
        await climb(held, first, most)
    told = [{name: level[name] for name in (*_FIGURES, "held")} for level in levels]
    return {"streams": between(levels, bound.lag_ms), "memory_mb": levels[-1]["memory_end_mb"], "levels": told}


async def climb(held: Callable[[int], Awaitable[bool]], first: int, most: int) -> None:
    """Try more and more, up to `most`, until one number is held and the next one is not; fewer and fewer where already
    the first is not."""
    trying = min(first, most)
    up = await held(trying)
    while (up and trying < most) or (not up and trying > 1):
        trying = min(most, max(trying + 1, int(trying * _STEP))) if up else int(trying / _STEP)
        if await held(trying) != up:
            return


def between(levels: Sequence[Mapping[str, Any]], lag_ms: float) -> int:
    """How many are held: between the largest number that was and the next one, as far as the lag has room, in a
    straight line."""
    low = max((level for level in levels if level["held"]), key=lambda level: level["clients"], default=None)
    if low is None:
        return 0
    above = [level for level in levels if level["clients"] > low["clients"]]
    high = min(above, key=lambda level: level["clients"], default=None)
    if high is None or high["lag_p95_ms"] <= lag_ms:
        return int(low["clients"])
    share = (lag_ms - low["lag_p95_ms"]) / (high["lag_p95_ms"] - low["lag_p95_ms"])
    return int(low["clients"] + share * (high["clients"] - low["clients"]))
