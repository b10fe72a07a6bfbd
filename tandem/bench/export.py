"""A report as JSON, CSV and Markdown. Knows the formats; does not know what the figures mean
(`tandem.bench.schema` does).

The JSON is the whole report. The CSV has one row for each model and load, for spreadsheets; the Markdown is for reading
and for pull requests.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from rag.errors import UserFacingError
from tandem.bench import report_page
from tandem.bench.schema import Distribution, Estimate, Level, Model, Report, Share

_MS = ("queue_ms", "first_token_ms", "first_content_ms", "itl_ms", "tpot_ms", "total_ms")
_RATES = ("request_tokens_per_s", "decode_tokens_per_s")
_FIGURES = ("mean", "p50", "p90", "p95", "p99")
LARGEST_REPORT = 200_000_000


def write(report: Report, folder: Path) -> list[Path]:
    """Write all four formats; returns the files. Raises UserFacingError."""
    contents = {
        "report.json": as_json(report),
        "report.csv": as_csv(report),
        "report.md": as_markdown(report),
        "report.html": report_page.render(report),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_text(content, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserFacingError(f"{folder} cannot be written ({error.strerror}); choose another with --out.") from None
    return [folder / name for name in contents]


def read(file: Path) -> Report:
    """Read a report back. Raises UserFacingError."""
    try:
        if file.stat().st_size > LARGEST_REPORT:
            raise UserFacingError(f"{file.name} is too large to be a report.")
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserFacingError(f"{file} cannot be read ({error.strerror}); check the path.") from None
    except (ValueError, RecursionError):
        raise UserFacingError(f"{file.name} is no JSON; name the report.json of an earlier run.") from None
    try:
        return Report.model_validate(content)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UserFacingError(
            f"{file.name} is no report of `tandem bench`: {place} is not right ({first['msg']})."
        ) from None


def as_json(report: Report) -> str:
    return report.model_dump_json(indent=1, exclude_none=False) + "\n"


def as_csv(report: Report) -> str:
    """One row for each model and load; a model without any has one row with its reason."""
    columns = [
        *("model", "id", "runtime", "device", "licence", "size_mb", "context_length", "status", "reason"),
        *("cold_load_ms", "warm_up_ms", "memory_mb", "gpu_memory_mb"),
        *("load", "concurrency", "rate_per_s", "requests", "completed", "failed", "duration_s"),
        *("tokens_per_s", "tokens_per_s_low", "tokens_per_s_high", "requests_per_s"),
        *(f"{metric}_{figure}" for metric in (*_MS, *_RATES) for figure in _FIGURES),
        *("prompt_tokens", "completion_tokens", "reasoning_tokens", "tokens_estimated"),
        *("goodput_share", "goodput_per_s", "failures"),
        *("rubric", "key_facts", "citation_precision", "abstention", "judged", "manual"),
    ]
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    for model in report.models:
        levels: Sequence[Level | None] = model.levels or [None]
        for level in levels:
            writer.writerow({key: _cell(value) for key, value in {**_model_row(model), **_level_row(level)}.items()})
    return out.getvalue()


def _model_row(model: Model) -> dict[str, object]:
    quality, resources = model.quality, model.resources
    grounded = quality.grounded
    return {
        **{key: getattr(model, key) for key in ("id", "runtime", "device", "licence", "size_mb", "context_length")},
        **{key: getattr(model, key) for key in ("status", "reason", "cold_load_ms", "warm_up_ms")},
        "model": model.name,
        "memory_mb": resources.rss_mb if resources else None,
        "gpu_memory_mb": resources.gpu_memory_mb if resources else None,
        "rubric": quality.rubric.value if quality.rubric else None,
        "key_facts": grounded.key_facts.value if grounded else None,
        "citation_precision": grounded.citation_precision.value if grounded else None,
        "abstention": grounded.abstention.value if grounded else None,
        "judged": quality.judged.overall.value if quality.judged and quality.judged.overall else None,
        "manual": quality.manual.overall.value if quality.manual and quality.manual.overall else None,
    }


def _level_row(level: Level | None) -> dict[str, object]:
    if level is None:
        return {}
    row: dict[str, object] = {
        "load": level.load.label,
        "concurrency": level.load.concurrency,
        "rate_per_s": level.load.rate_per_s,
        "tokens_estimated": level.estimated,
        "failures": "; ".join(f"{f.count} x {f.reason}" for f in level.failures),
    }
    for key in ("requests", "completed", "failed", "duration_s", "requests_per_s"):
        row[key] = getattr(level, key)
    for key in ("prompt_tokens", "completion_tokens", "reasoning_tokens"):
        row[key] = getattr(level, key)
    if level.tokens_per_s is not None:
        row["tokens_per_s"] = level.tokens_per_s.value
        row["tokens_per_s_low"], row["tokens_per_s_high"] = level.tokens_per_s.low, level.tokens_per_s.high
    if level.goodput is not None:
        row["goodput_share"], row["goodput_per_s"] = level.goodput.share.value, level.goodput.per_s
    for metric in (*_MS, *_RATES):
        found: Distribution | None = getattr(level, metric)
        for figure in _FIGURES if found is not None else ():
            estimate: Estimate | None = getattr(found, figure)
            row[f"{metric}_{figure}"] = estimate.value if estimate is not None else None
    return row


def _cell(value: object) -> object:
    """Spreadsheets run a text that begins like a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def as_markdown(report: Report) -> str:
    """The verdict, the selection table, each model's loads, the failures and the conditions."""
    parts = ["# Benchmark of models", "", f"{report.created}, {report.machine.system}, {report.machine.processor}", ""]
    if not report.complete:
        parts += ["**Not complete:** the run was interrupted; what it had finished is here.", ""]
    parts += _verdict(report) + _selection(report)
    for model in report.models:
        parts += _loads(model)
    if report.verdicts is not None:
        parts += [f"## Judge: {_md(report.verdicts.judge)}", ""]
        rows = [
            [p.first, p.second, p.first_better, p.second_better, p.ties, p.inconsistent, p.first_place, p.unreadable]
            for p in report.verdicts.pairs
        ]
        head = [
            "first",
            "second",
            "first better",
            "second better",
            "ties",
            "inconsistent",
            "for the first shown",
            "unreadable",
        ]
        parts += _table(head, rows)
        for one in report.verdicts.agreement:
            parts.append(
                f"Agreement with manual scores, {one.aspect}: weighted kappa {_plain(one.kappa)}, "
                f"Spearman {_plain(one.spearman)} on {one.n} answers."
            )
        parts.append("")
    if report.baseline is not None:
        parts += [f"## Against {_md(report.baseline.file)}", ""]
        changes = [c for c in report.baseline.changes if c.verdict != "same"]
        rows = [[c.verdict, c.model, c.load, c.metric, _plain(c.before), _plain(c.now)] for c in changes]
        parts += _table(["verdict", "model", "load", "figure", "before", "now"], rows) if rows else ["No change.", ""]
    parts += [f"- {_md(note)}" for note in report.notes]
    return "\n".join(parts).rstrip() + "\n"


def _verdict(report: Report) -> list[str]:
    found = report.recommendation
    if found is None:
        return []
    parts = ["## Recommendation", "", f"**Draft:** {_md(found.draft or 'none')}", ""]
    parts += [f"- {_md(reason)}" for reason in found.draft_reasons]
    parts += ["", f"**Refine:** {_md(found.refine or 'none')}", "", *(f"- {_md(r)}" for r in found.pair_reasons)]
    for heading, sentences in (
        ("Capacity", found.capacity),
        ("Devices", found.devices),
        ("What would change the verdict", found.would_change),
    ):
        if sentences:
            parts += ["", f"**{heading}**", "", *(f"- {_md(sentence)}" for sentence in sentences)]
    return [*parts, ""]


def _selection(report: Report) -> list[str]:
    head = ["model", "first token ms", "answer ms", "tokens/s", "most tokens/s", "memory MB", "disk MB", "quality"]
    rows = [
        [
            *(row.name, _plain(row.first_token_ms), _plain(row.total_ms), _plain(row.tokens_per_s)),
            *(_plain(row.most_tokens_per_s), _plain(row.memory_mb), _plain(row.size_mb)),
            _with_interval(row.quality, row.quality_low, row.quality_high),
            *(row.licence or "-", row.status if not row.note else f"{row.status}: {row.note}"),
        ]
        for row in report.selection
    ]
    return ["## Selection", "", *_table([*head, "licence", "status"], rows)]


def _loads(model: Model) -> list[str]:
    parts = [f"## {_md(model.name)}", ""]
    if model.reason:
        parts += [f"{model.status}: {_md(model.reason)}", ""]
    rows = []
    for level in model.levels:
        tokens = level.tokens_per_s
        row: list[object] = [level.load.label, f"{level.completed}/{level.requests}"]
        row.append(_with_interval(tokens.value, tokens.low, tokens.high) if tokens else "-")
        for metric in ("first_token_ms", "itl_ms", "tpot_ms", "total_ms"):
            row.append(_figures(getattr(level, metric)))
        rows.append(row)
    if rows:
        head = ["load", "completed", "tokens/s", "first token ms", "between tokens ms", "per token ms", "answer ms"]
        parts += _table(head, rows)
        parts += ["Each cell: p50 / p95 / p99; a percentile that the sample cannot carry is left out as -.", ""]
    parts += [f"- {f.count} failed: {_md(f.reason)}" for level in model.levels for f in level.failures]
    if model.quality.grounded is not None:
        grounded = model.quality.grounded
        named = (("key facts", grounded.key_facts), ("citation precision", grounded.citation_precision))
        more = (("abstention", grounded.abstention), ("false refusals", grounded.false_refusals))
        shares = "; ".join(f"{name} {_share(share)}" for name, share in (*named, *more))
        parts += [f"On {grounded.questions} questions: {shares}.", ""]
    return [*parts, ""] if parts[-1] else parts


def _figures(found: Distribution | None) -> str:
    if found is None:
        return "-"
    return " / ".join(_plain(e.value if e is not None else None) for e in (found.p50, found.p95, found.p99))


def _share(found: Share) -> str:
    return _with_interval(found.value, found.low, found.high)


def _with_interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "-"
    return _plain(value) if low is None else f"{_plain(value)} ({_plain(low)} to {_plain(high)})"


def _plain(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(_md(str(cell)) for cell in row)} |" for row in rows]
    return [*lines, ""]


def _md(text: str) -> str:
    """Text that stays text in a table: names and reasons come from elsewhere."""
    for sign in "\\|*_`[]<>#":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
