"""What answers cost: tokens, energy, and what a cloud would have asked for them.

Knows prices and watts. Energy is measured where the machine says what it draws (RAPL for the processor, nvidia-smi for
the GPU) and is an estimate with its assumption elsewhere. Cloud prices are hypothetical: nobody was asked or paid.
Does not know what the chat answered and cost: `hybrid.tracing.cost` does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from tandem.bench.resources import gpu_watts
from tandem.bench.schema import Cost, Level

# US dollars for a million prompt and completion tokens; orders of magnitude for a small and a large hosted model.
PRICES = {"small cloud model": (0.15, 0.60), "large cloud model": (2.50, 10.00)}
ASSUMED_WATTS = 65.0
ANSWERS = 1000
_RAPL = Path("/sys/class/powercap")


class Energy:
    """Watt-hours that the whole machine spent between `start` and `stop`, whoever spent them."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._joules = _rapl_joules()
        self._gpu_watts = gpu_watts()

    def stop(self) -> tuple[float, str]:
        """Watt-hours since it was made, and where the figure comes from."""
        seconds = time.perf_counter() - self._began
        joules, source = self._processor(seconds)
        if self._gpu_watts is not None:
            watts = ((gpu_watts() or self._gpu_watts) + self._gpu_watts) / 2.0
            joules += watts * seconds
            source += f", GPU drew {watts:.0f} W"
        return joules / 3600.0, source

    def _processor(self, seconds: float) -> tuple[float, str]:
        now = _rapl_joules()
        if self._joules is not None and now is not None and now >= self._joules:
            return now - self._joules, "processor measured (RAPL)"
        return ASSUMED_WATTS * seconds, f"assumed: the machine draws {ASSUMED_WATTS:g} W while it answers"


def cost(level: Level, energy: tuple[float, str] | None, prices: Mapping[str, tuple[float, float]]) -> Cost | None:
    """Of 1000 answers like those of `level`; None where none was completed."""
    if not level.completed:
        return None
    prompt, completion = level.prompt_tokens / level.completed, level.completion_tokens / level.completed
    cloud = {
        name: significant(ANSWERS * (prompt * asked + completion * answered) / 1e6)
        for name, (asked, answered) in {**PRICES, **prices}.items()
    }
    hours, source = energy or (None, "")
    return Cost(
        energy_wh=significant(hours / level.completed * ANSWERS) if hours is not None else None,
        energy_source=source,
        cloud=cloud,
        prompt_tokens=round(prompt, 1),
        completion_tokens=round(completion, 1),
    )


def significant(value: float) -> float:
    """The value in two figures: prices are orders of magnitude, and watts are mostly assumed."""
    return float(f"{value:.2g}")


def _rapl_joules() -> float | None:
    """The processor packages' energy counters in joules; None where there are none or they may not be read."""
    try:
        files = sorted(_RAPL.glob("intel-rapl:?/energy_uj"))
        return sum(int(file.read_text()) for file in files) / 1e6 if files else None
    except (OSError, ValueError):
        return None
