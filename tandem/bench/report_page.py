"""A report as one HTML page: the verdict first, then the table, the figures, and every number behind them.

Knows layout. The page is whole in itself: no script, no request, styles inside, light and dark by the reader's system.
Names, answers and reasons come from models and servers: all of it is escaped, and the page itself forbids scripts.
Does not know how anything was measured or judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tandem.bench import figures, plots
from tandem.bench.html_cells import bullets, number, safe
from tandem.bench.report_details import details
from tandem.bench.report_quality import quality
from tandem.bench.schema import Model, Report, Row

_STYLES = (Path(__file__).with_name("colours.css"), Path(__file__).with_name("report_page.css"))
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(report: Report) -> str:
    """The page."""
    machine = report.machine
    where = ", ".join(
        filter(None, (machine.processor, f"{machine.cores} cores" if machine.cores else "", *machine.gpus))
    )
    when = f"{report.created.replace('T', ' ')[:16]} UTC"
    body = [
        "<header><h1>Benchmark of models</h1>",
        f"<p class=soft>{safe(' · '.join(filter(None, (when, where, machine.system))))}</p>",
        "" if report.complete else "<p class=warn>Not complete: the run was interrupted; this is what it finished.</p>",
        "</header>",
        _verdict(report),
        _failed(report.models),
        _selection(report.selection),
        _plots(report),
        _changes(report),
        quality(report),
        details(report.models),
        _conditions(report),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>Benchmark of models</title><style>{_css(*_STYLES)}</style>'
        f"</head><body><main>{''.join(body)}</main></body></html>\n"
    )


def figure(svg: str) -> str:
    """One figure with the page's colours, as a piece of HTML for a notebook."""
    style = f"{_css(_STYLES[0])} svg .grid {{ stroke: var(--rule); }}"
    return f"<style>{style}</style><div style='max-width: 640px'>{svg}</div>"


def _css(*files: Path) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in files)


def _verdict(report: Report) -> str:
    found = report.recommendation
    if found is None:
        return ""
    cards = [
        _card("Draft with", found.draft or "no model", found.draft_reasons),
        _card("Refine with", found.refine or "no second model", found.pair_reasons),
        _card("Capacity", _headline(found.capacity), found.capacity) if found.capacity else "",
    ]
    more = ""
    if found.devices:
        more += f"<h3>The same model on several devices</h3>{bullets(found.devices)}"
    if found.would_change:
        more += f"<h3>What would change the verdict</h3>{bullets(found.would_change)}"
    return f"<section class=cards>{''.join(cards)}</section>{f'<section>{more}</section>' if more else ''}"


def _card(label: str, headline: str, reasons: Sequence[str]) -> str:
    return f"<article class=card><p class=soft>{safe(label)}</p><h2>{safe(headline)}</h2>{bullets(reasons)}</article>"


def _headline(capacity: Sequence[str]) -> str:
    """Who kept the aim, from the sentences about it."""
    for sentence in capacity[1:]:
        said = sentence.partition(": ")[2]
        if " kept it" in said:
            return said.partition(" kept it")[0]
        if " did not" in said:
            return f"fewer than {said.partition(' did not')[0]}"
    return "not measured"


def _failed(models: Sequence[Model]) -> str:
    bad = [model for model in models if model.status != "measured"]
    if not bad:
        return ""
    rows = "".join(
        f"<tr><td><b>{safe(m.name)}</b></td><td><span class='tag {m.status}'>{m.status}</span></td>"
        f"<td>{safe(_reasons(m))}</td></tr>"
        for m in bad
    )
    return f"<section><h2>Failures</h2><div class=scroll><table class=fails>{rows}</table></div></section>"


def _reasons(model: Model) -> str:
    said = [model.reason] if model.reason else []
    for level in model.levels:
        for failure in level.failures:
            said.append(f"{failure.count} of {level.requests} at {level.load.label}: {failure.reason}")
    return " ".join(said)


def _selection(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    columns = (
        ("first token", "ms", [row.first_token_ms for row in rows], False),
        ("answer", "ms", [row.total_ms for row in rows], False),
        ("one request", "tokens/s", [row.tokens_per_s for row in rows], True),
        ("most in all", "tokens/s", [row.most_tokens_per_s for row in rows], True),
        ("memory", "MB", [row.memory_mb for row in rows], False),
        ("disk", "MB", [row.size_mb for row in rows], False),
        ("quality", "0 to 1", [row.quality for row in rows], True),
    )
    head = "".join(f"<th class=num>{safe(name)}<br><span class=soft>{unit}</span></th>" for name, unit, _, _ in columns)
    lines = []
    for place, row in enumerate(rows):
        cells = "".join(_bar_cell(values, place, more_is_better) for _, _, values, more_is_better in columns)
        device = f" <span class=soft>{safe(row.device)}</span>" if row.device else ""
        if row.status != "measured":
            device += f" <span class='tag {row.status}'>{row.status}</span>"
        span = f" title='{row.quality_low:.2f} to {row.quality_high:.2f}'" if row.quality_low is not None else ""
        lines.append(
            f"<tr{span}><th scope=row>{plots.legend_mark(place)}{safe(row.name)}{device}</th>{cells}"
            f"<td>{safe(row.licence or '-')}</td></tr>"
        )
    rests = {row.quality_of for row in rows if row.quality_of}
    note = f"<p class=soft>Quality rests on {safe('; '.join(sorted(rests)))}.</p>" if rests else ""
    return (
        f"<section><h2>Selection</h2><div class=scroll><table class=selection><thead><tr><th>model</th>{head}"
        f"<th>licence</th></tr></thead><tbody>{''.join(lines)}</tbody></table></div>{note}</section>"
    )


def _bar_cell(values: Sequence[float | None], place: int, more_is_better: bool) -> str:
    value = values[place]
    if value is None:
        return "<td class=num>-</td>"
    known = [one for one in values if one is not None]
    most = max(known) or 1.0
    best = value == (max(known) if more_is_better else min(known)) and len(known) > 1
    shown = f"{value:.2f}" if most <= 1.0 else plots.number(value)
    return (
        f"<td class=num>{'<b>' if best else ''}{shown}{'</b>' if best else ''}"
        f"<span class=meter><span style='width:{100 * value / most:.0f}%'></span></span></td>"
    )


def _plots(report: Report) -> str:
    first = next((m.levels[0].load.label for m in report.models if m.levels), "")
    drawn = (
        ("Whole answer", f"every request, {first}; box: the middle half, line: median", figures.latencies(report)),
        ("First token", f"every request, {first}", figures.first_tokens(report)),
        ("Where the time goes", "the answer of median length in time, ms", figures.waterfalls(report)),
        ("Quality against time", "up and to the left is better; bars: 95 % interval", figures.trade_off(report)),
        (
            "Throughput",
            "all requests together; bars: 95 % interval",
            figures.throughput(report) if _many(report) else "",
        ),
        ("Waiting under load", "median time to the first token", figures.waiting(report) if _many(report) else ""),
    )
    names = "".join(
        f"<span>{plots.legend_mark(place)}{safe(model.name)}</span>"
        for place, model in enumerate(report.models)
        if model.levels
    )
    keys = "".join(
        f"<span><i style='background:var(--w{n})'></i>{safe(name)}</span>" for n, name in enumerate(plots.WATERFALL)
    )
    parts = []
    for title, note, svg in drawn:
        if not svg:
            continue
        legend = {"Throughput": names, "Waiting under load": names, "Where the time goes": keys}.get(title, "")
        legend = f"<p class=legend>{legend}</p>" if legend else ""
        parts.append(
            f"<figure><figcaption><b>{title}</b> <span class=soft>{safe(note)}</span></figcaption>"
            f"{legend}{svg}</figure>"
        )
    return f"<section class=plots>{''.join(parts)}</section>" if parts else ""


def _many(report: Report) -> bool:
    return any(len(model.levels) > 1 for model in report.models)


def _changes(report: Report) -> str:
    found = report.baseline
    if found is None:
        return ""
    shown = [change for change in found.changes if change.verdict != "same"]
    rows = "".join(
        f"<tr><td><span class='tag {c.verdict}'>{c.verdict}</span></td><td>{safe(c.model)}</td><td>{safe(c.load)}</td>"
        f"<td>{safe(c.metric)}</td><td class=num>{number(c.before)}</td><td class=num>{number(c.now)}</td>"
        f"<td class=num>{'-' if c.p_value is None else f'{c.p_value:.3g}'}</td></tr>"
        for c in shown
    )
    head = "<tr><th></th><th>model</th><th>load</th><th>figure</th><th>before</th><th>now</th><th>p</th></tr>"
    table = f"<div class=scroll><table>{head}{rows}</table></div>" if rows else "<p>Nothing changed significantly.</p>"
    same = len(found.changes) - len(shown)
    return (
        f"<section><h2>Against the baseline</h2><p class=soft>{safe(found.file)} of {safe(found.created[:16])}; "
        f"{same} figures are the same within chance.</p>{table}</section>"
    )


def _conditions(report: Report) -> str:
    c, machine = report.conditions, report.machine
    loads = ", ".join(load.label for load in c.loads) if not c.sweep else "a sweep up to saturation"
    asked = (("at most {} tokens", c.max_tokens), ("temperature {}", c.temperature), ("seed {}", c.seed))
    named = [text.format(value) for text, value in asked if value is not None]
    named.append("streamed" if c.stream else "not streamed")
    known = (
        ("Python {}", machine.python or None),
        ("load before the run {}", machine.load_average),
        ("{} MB of memory", plots.number(machine.memory_mb) if machine.memory_mb is not None else None),
    )
    facts = [
        f"{len(report.prompts)} prompts, {c.rounds} rounds, {c.warmup} warm-up requests; {loads or 'no load'}.",
        f"{', '.join(named)}.".capitalize(),
        ", ".join(text.format(value) for text, value in known if value is not None),
        "Intervals are at 95 %. A percentile that the sample cannot carry is left out: p50 needs 6 values, p90 29, "
        "p95 59, p99 299. Tokens are completion tokens as the server counts them.",
        *report.notes,
    ]
    return f"<section><h2>How it was measured</h2>{bullets(filter(None, facts))}</section>"
