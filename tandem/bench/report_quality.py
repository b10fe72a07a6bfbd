"""The report's page, its part on quality: answers from documents, expected aspects, a judge's scores.

Knows tables. Does not know the rest of the page, nor how quality was measured.
"""

from __future__ import annotations

from tandem.bench.html_cells import bullets, number, safe, share
from tandem.bench.schema import Report


def quality(report: Report) -> str:
    """The section on quality, or nothing where none was measured."""
    parts = []
    rows = []
    for model in report.models:
        found = model.quality
        if found.grounded is not None:
            g = found.grounded
            shares = (g.key_facts, g.citation_precision, g.abstention, g.false_refusals)
            cells = "".join(f"<td class=num>{share(one)}</td>" for one in shares)
            rows.append(f"<tr><th scope=row>{safe(model.name)}</th>{cells}<td class=num>{g.questions}</td></tr>")
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
    head = "".join(f"<th class=num>{safe(model.name)}</th>" for model in models)
    rows = []
    for prompt in report.prompts:
        cells, shown = [], False
        for model in models:
            one = next((rubric for rubric in model.quality.rubrics if rubric.prompt == prompt.id), None)
            shown = shown or one is not None
            missing = f" title='missing: {safe(', '.join(one.missing))}'" if one is not None and one.missing else ""
            cells.append(f"<td class=num{missing}>{'-' if one is None else f'{one.score:.2f}'}</td>")
        if shown:
            rows.append(f"<tr><td>{safe(prompt.id)}</td>{''.join(cells)}</tr>")
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
        scores.append(f"<tr><th scope=row>{safe(model.name)}</th>{cells}</tr>")
    pairs = "".join(
        f"<tr><td>{safe(p.first)} : {safe(p.second)}</td><td class=num>{p.first_better} : {p.second_better}</td>"
        f"<td class=num>{p.ties}</td><td class=num>{p.inconsistent}</td><td class=num>{p.first_place}</td>"
        f"<td class=num>{p.unreadable}</td></tr>"
        for p in found.pairs
    )
    agreement = bullets(
        f"{one.aspect}: weighted kappa {number(one.kappa)}, Spearman {number(one.spearman)} on {one.n} answers "
        "scored by people"
        for one in found.agreement
    )
    failures = bullets(f"{f.count} times: {f.reason}" for f in found.failures)
    heads = "".join(f"<th class=num>{name}</th>" for name in ("coherence", "factuality", "brevity", "overall"))
    more = "".join(
        f"<th class=num>{name}</th>"
        for name in ("wins", "ties", "inconsistent", "of these for the first shown", "unreadable")
    )
    return (
        f"<h3>Judged by {safe(found.judge)}, 1 to 5</h3><div class=scroll><table><tr><th>model</th>{heads}</tr>"
        f"{''.join(scores)}</table></div><div class=scroll><table><tr><th>pair</th>{more}</tr>{pairs}</table></div>"
        f"{agreement}{failures}"
    )
