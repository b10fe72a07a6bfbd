"""A report as one HTML page: the verdict first, then the table, the figures, and every number behind them.

Knows layout. The page is whole in itself: no script, no request, styles inside, light and dark by the reader's system.
Names, answers and reasons come from models and servers: all of it is escaped, and the page itself forbids scripts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from tandem.bench import figures, plots
from tandem.bench.schema import Distribution, Level, Model, Report, Row, Share

_STYLES = (Path(__file__).with_name("colours.css"), Path(__file__).with_name("page.css"))
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
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


def render(report: Report) -> str:
    """The page."""
    machine = report.machine
    where = ", ".join(
        filter(None, (machine.processor, f"{machine.cores} cores" if machine.cores else "", *machine.gpus))
    )
    when = f"{report.created.replace('T', ' ')[:16]} UTC"
    body = [
        "<header><h1>Benchmark of models</h1>",
        f"<p class=soft>{_e(' · '.join(filter(None, (when, where, machine.system))))}</p>",
        "" if report.complete else "<p class=warn>Not complete: the run was interrupted; this is what it finished.</p>",
        "</header>",
        _verdict(report),
        _failed(report.models),
        _selection(report.selection),
        _plots(report),
        _changes(report),
        _quality(report),
        _details(report.models),
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
        more += f"<h3>The same model on several devices</h3>{_list(found.devices)}"
    if found.would_change:
        more += f"<h3>What would change the verdict</h3>{_list(found.would_change)}"
    return f"<section class=cards>{''.join(cards)}</section>{f'<section>{more}</section>' if more else ''}"


def _card(label: str, headline: str, reasons: Sequence[str]) -> str:
    return f"<article class=card><p class=soft>{_e(label)}</p><h2>{_e(headline)}</h2>{_list(reasons)}</article>"


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
        f"<tr><td><b>{_e(m.name)}</b></td><td><span class='tag {m.status}'>{m.status}</span></td>"
        f"<td>{_e(_reasons(m))}</td></tr>"
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
    head = "".join(f"<th class=num>{_e(name)}<br><span class=soft>{unit}</span></th>" for name, unit, _, _ in columns)
    lines = []
    for place, row in enumerate(rows):
        cells = "".join(_bar_cell(values, place, more_is_better) for _, _, values, more_is_better in columns)
        device = f" <span class=soft>{_e(row.device)}</span>" if row.device else ""
        if row.status != "measured":
            device += f" <span class='tag {row.status}'>{row.status}</span>"
        span = f" title='{row.quality_low:.2f} to {row.quality_high:.2f}'" if row.quality_low is not None else ""
        lines.append(
            f"<tr{span}><th scope=row>{plots.legend_mark(place)}{_e(row.name)}{device}</th>{cells}"
            f"<td>{_e(row.licence or '-')}</td></tr>"
        )
    rests = {row.quality_of for row in rows if row.quality_of}
    note = f"<p class=soft>Quality rests on {_e('; '.join(sorted(rests)))}.</p>" if rests else ""
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
        f"<span>{plots.legend_mark(place)}{_e(model.name)}</span>"
        for place, model in enumerate(report.models)
        if model.levels
    )
    keys = "".join(
        f"<span><i style='background:var(--w{n})'></i>{_e(name)}</span>" for n, name in enumerate(plots.WATERFALL)
    )
    parts = []
    for title, note, svg in drawn:
        if not svg:
            continue
        legend = {"Throughput": names, "Waiting under load": names, "Where the time goes": keys}.get(title, "")
        legend = f"<p class=legend>{legend}</p>" if legend else ""
        parts.append(
            f"<figure><figcaption><b>{title}</b> <span class=soft>{_e(note)}</span></figcaption>{legend}{svg}</figure>"
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
        f"<tr><td><span class='tag {c.verdict}'>{c.verdict}</span></td><td>{_e(c.model)}</td><td>{_e(c.load)}</td>"
        f"<td>{_e(c.metric)}</td><td class=num>{_n(c.before)}</td><td class=num>{_n(c.now)}</td>"
        f"<td class=num>{'-' if c.p_value is None else f'{c.p_value:.3g}'}</td></tr>"
        for c in shown
    )
    head = "<tr><th></th><th>model</th><th>load</th><th>figure</th><th>before</th><th>now</th><th>p</th></tr>"
    table = f"<div class=scroll><table>{head}{rows}</table></div>" if rows else "<p>Nothing changed significantly.</p>"
    same = len(found.changes) - len(shown)
    return (
        f"<section><h2>Against the baseline</h2><p class=soft>{_e(found.file)} of {_e(found.created[:16])}; "
        f"{same} figures are the same within chance.</p>{table}</section>"
    )


def _quality(report: Report) -> str:
    parts = []
    rows = []
    for model in report.models:
        found = model.quality
        if found.grounded is not None:
            g = found.grounded
            shares = (g.key_facts, g.citation_precision, g.abstention, g.false_refusals)
            cells = "".join(f"<td class=num>{_share(share)}</td>" for share in shares)
            rows.append(f"<tr><th scope=row>{_e(model.name)}</th>{cells}<td class=num>{g.questions}</td></tr>")
    if rows:
        head = "".join(
            f"<th class=num>{name}</th>"
            for name in ("key facts", "citations hold", "abstains rightly", "false refusals", "n")
        )
        parts.append(
            "<h3>Answers from documents</h3><div class=scroll><table>"
            f"<tr><th>model</th>{head}</tr>{''.join(rows)}</table></div>"
        )
    parts.append(_rubrics(report))
    parts.append(_judge(report))
    return f"<section><h2>Quality</h2>{''.join(parts)}</section>" if any(parts) else ""


def _rubrics(report: Report) -> str:
    models = [model for model in report.models if model.quality.rubrics]
    if not models:
        return ""
    head = "".join(f"<th class=num>{_e(model.name)}</th>" for model in models)
    rows = []
    for prompt in report.prompts:
        cells, shown = [], False
        for model in models:
            one = next((rubric for rubric in model.quality.rubrics if rubric.prompt == prompt.id), None)
            shown = shown or one is not None
            missing = f" title='missing: {_e(', '.join(one.missing))}'" if one is not None and one.missing else ""
            cells.append(f"<td class=num{missing}>{'-' if one is None else f'{one.score:.2f}'}</td>")
        if shown:
            rows.append(f"<tr><td>{_e(prompt.id)}</td>{''.join(cells)}</tr>")
    return (
        "<h3>Expected aspects found, by prompt</h3><div class=scroll><table>"
        f"<tr><th>prompt</th>{head}</tr>{''.join(rows)}</table></div>"
    )


def _judge(report: Report) -> str:
    found = report.verdicts
    if found is None:
        return ""
    scores = []
    for model in report.models:
        judged = model.quality.judged
        if judged is None:
            continue
        points = (judged.coherence, judged.factuality, judged.brevity, judged.overall)
        cells = "".join(f"<td class=num>{'-' if p is None else f'{p.value:.2f}'}</td>" for p in points)
        scores.append(f"<tr><th scope=row>{_e(model.name)}</th>{cells}</tr>")
    pairs = "".join(
        f"<tr><td>{_e(p.first)} : {_e(p.second)}</td><td class=num>{p.first_better} : {p.second_better}</td>"
        f"<td class=num>{p.ties}</td><td class=num>{p.inconsistent}</td><td class=num>{p.unreadable}</td></tr>"
        for p in found.pairs
    )
    agreement = _list(
        f"{one.aspect}: weighted kappa {_n(one.kappa)}, Spearman {_n(one.spearman)} on {one.n} answers scored by people"
        for one in found.agreement
    )
    failures = _list(f"{f.count} times: {f.reason}" for f in found.failures)
    heads = "".join(f"<th class=num>{name}</th>" for name in ("coherence", "factuality", "brevity", "overall"))
    more = "".join(f"<th class=num>{name}</th>" for name in ("wins", "ties", "inconsistent", "unreadable"))
    return (
        f"<h3>Judged by {_e(found.judge)}, 1 to 5</h3><div class=scroll><table><tr><th>model</th>{heads}</tr>"
        f"{''.join(scores)}</table></div><div class=scroll><table><tr><th>pair</th>{more}</tr>{pairs}</table></div>"
        f"{agreement}{failures}"
    )


def _details(models: Sequence[Model]) -> str:
    return "".join(_detail(model) for model in models if model.levels)


def _detail(model: Model) -> str:
    facts = [
        ("id", model.id),
        ("runtime", " ".join(filter(None, (model.runtime, model.device, model.execution_provider)))),
        ("cold load", _ms(model.cold_load_ms)),
        ("warm-up", _ms(model.warm_up_ms)),
        ("context", f"{model.context_length} tokens" if model.context_length else ""),
        ("saturation", model.saturation.reason if model.saturation else ""),
    ]
    if model.resources is not None:
        memory = f"{_n(model.resources.rss_mb)} MB ({model.resources.process})" if model.resources.rss_mb else ""
        facts.append(("resident memory", memory or model.resources.process))
        facts.append(("GPU memory", f"{_n(model.resources.gpu_memory_mb)} MB" if model.resources.gpu_memory_mb else ""))
    if model.cost is not None:
        facts.append(("1000 answers", _cost(model)))
    shown = "".join(f"<dt>{_e(name)}</dt><dd>{_e(text)}</dd>" for name, text in facts if text)
    levels = "".join(_level(level) for level in model.levels)
    return f"<details><summary>{_e(model.name)}: every figure</summary><dl>{shown}</dl>{levels}</details>"


def _cost(model: Model) -> str:
    assert model.cost is not None
    parts = [f"{_n(model.cost.energy_wh)} Wh ({model.cost.energy_source})"] if model.cost.energy_wh is not None else []
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
        f"<h4>{_e(level.load.label)}</h4><p>{level.completed} of {level.requests} requests in "
        f"{level.duration_s:.1f} s; {rate}{tokens}.{good}{own}</p><div class=scroll><table><tr><th></th>{heads}</tr>"
        f"{''.join(rows)}</table></div>"
    )


def _figure(found: Distribution, name: str) -> str:
    estimate = getattr(found, name)
    if estimate is None:
        return f"<td class=num title='{_e(found.refused.get(name, ''))}'>-</td>"
    span = f"<br><span class=soft>{_n(estimate.low)} to {_n(estimate.high)}</span>" if estimate.low is not None else ""
    return f"<td class=num>{_n(estimate.value)}{span}</td>"


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
    return f"<section><h2>How it was measured</h2>{_list(filter(None, facts))}</section>"


def _share(found: Share) -> str:
    if found.value is None:
        return "-"
    return f"{found.value:.2f}<br><span class=soft>{found.low:.2f} to {found.high:.2f}</span>"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{_n(value)} ms"


def _n(value: float | None) -> str:
    return "-" if value is None else plots.number(value)


def _list(sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{_e(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _e(text: str) -> str:
    return escape(text, quote=True)
