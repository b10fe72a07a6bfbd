"""The report's page, its part with every figure of every model.

Knows tables. Does not know the rest of the page, nor how the figures came about.
"""

from __future__ import annotations

from collections.abc import Sequence

from tandem.bench import plots
from tandem.bench.html_cells import milliseconds, number, safe
from tandem.bench.schema import Distribution, Level, Model

_FIGURES = (
    ("first_token_ms", "first token"),
    ("first_content_ms", "first content token"),
    ("queue_ms", "queue"),
    ("itl_ms", "between arrivals"),
    ("tpot_ms", "per output token"),
    ("total_ms", "whole answer"),
    ("request_tokens_per_s", "tokens/s, whole answer"),
    ("decode_tokens_per_s", "tokens/s after the first"),
)


def details(models: Sequence[Model]) -> str:
    """Every figure of every model that was measured, folded."""
    return "".join(_detail(model) for model in models if model.levels)


def _detail(model: Model) -> str:
    facts = [
        ("id", model.id),
        ("runtime", " ".join(filter(None, (model.runtime, model.device, model.execution_provider)))),
        ("cold load", milliseconds(model.cold_load_ms)),
        ("warm-up", milliseconds(model.warm_up_ms)),
        ("context", f"{model.context_length} tokens" if model.context_length else ""),
        ("saturation", model.saturation.reason if model.saturation else ""),
    ]
    if model.resources is not None:
        memory = f"{number(model.resources.rss_mb)} MB ({model.resources.process})" if model.resources.rss_mb else ""
        facts.append(("resident memory", memory or model.resources.process))
        facts.append(
            ("GPU memory", f"{number(model.resources.gpu_memory_mb)} MB" if model.resources.gpu_memory_mb else "")
        )
    if model.cost is not None:
        facts.append(("1000 answers", _cost(model)))
    shown = "".join(f"<dt>{safe(name)}</dt><dd>{safe(text)}</dd>" for name, text in facts if text)
    levels = "".join(_level(level) for level in model.levels)
    return f"<details><summary>{safe(model.name)}: every figure</summary><dl>{shown}</dl>{levels}</details>"


def _cost(model: Model) -> str:
    assert model.cost is not None
    parts = (
        [f"{number(model.cost.energy_wh)} Wh ({model.cost.energy_source})"] if model.cost.energy_wh is not None else []
    )
    parts += [f"{name}: {price:.2f} (hypothetical)" for name, price in model.cost.cloud.items()]
    return "; ".join(parts)


def _level(level: Level) -> str:
    rows = []
    for field, name in _FIGURES:
        found: Distribution | None = getattr(level, field)
        if found is None:
            continue
        cells = "".join(_figure(found, figure) for figure in ("mean", "p50", "p90", "p95", "p99"))
        rows.append(f"<tr><td>{name} <span class=soft>{found.unit}</span></td>{cells}<td class=num>{found.n}</td></tr>")
    tokens = f"{level.prompt_tokens} prompt, {level.completion_tokens} completion tokens"
    tokens += f" ({level.reasoning_tokens} of them thinking)" if level.reasoning_tokens else ""
    tokens += ", estimated by the client" if level.estimated else ""
    rate = f"{plots.number(level.tokens_per_s.value)} tokens/s in all; " if level.tokens_per_s else ""
    good = f" {level.goodput.share.value or 0:.0%} within the limits." if level.goodput else ""
    heads = "".join(f"<th class=num>{name}</th>" for name in ("mean", "p50", "p90", "p95", "p99", "n"))
    own = f" The client took {level.client_cpu_share:.0%} of a core." if level.client_cpu_share is not None else ""
    return (
        f"<h4>{safe(level.load.label)}</h4><p>{level.completed} of {level.requests} requests in "
        f"{level.duration_s:.1f} s; {rate}{tokens}.{good}{own}</p><div class=scroll><table><tr><th></th>{heads}</tr>"
        f"{''.join(rows)}</table></div>"
    )


def _figure(found: Distribution, name: str) -> str:
    estimate = getattr(found, name)
    if estimate is None:
        return f"<td class=num title='{safe(found.refused.get(name, ''))}'>-</td>"
    span = (
        f"<br><span class=soft>{number(estimate.low)} to {number(estimate.high)}</span>"
        if estimate.low is not None
        else ""
    )
    return f"<td class=num>{number(estimate.value)}{span}</td>"
