"""The terminal front door: names, arguments and help of every command.

Knows how a command is called. Does not know what it does: each one calls a room, imported only when it is run.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from rag.errors import UserFacingError
from tandem.cli_bench import bench, compare

app = typer.Typer(
    name="tandem",
    help="Answers questions about your own documents with local models, and shows the sources.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

evaluate = typer.Typer(help="Measure how good retrieval and answers are.", no_args_is_help=True)
app.add_typer(evaluate, name="evaluate")
app.add_typer(bench, name="bench")
app.command()(compare)
browser = typer.Typer(help="The page that runs a model inside the browser.", no_args_is_help=True)
app.add_typer(browser, name="browser")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of the one in tandem.yaml.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = None,
) -> None:
    """Serve the chat in the browser."""
    from tandem.commands import serving

    serving.serve(host, port)


@app.command()
def index(
    folder: Annotated[Path | None, typer.Argument(help="Folder of documents, instead of those in tandem.yaml.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Read nothing; say what became of every file.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Read the files again that could not be read.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Look for damage and repair it.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and take in every change until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Take in new and changed documents, and forget those that are gone."""
    from tandem.commands import documents

    documents.index(folder, report=report, retry=retry, verify=verify, watch=watch, json=json)


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    json: Json = False,
) -> None:
    """Find the passages that answer a question."""
    from tandem.commands import searching

    searching.search(query, json)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What to ask the documents.")],
    json: Json = False,
    draft: Annotated[str | None, typer.Option(help="Model that drafts the answer.")] = None,
    refine: Annotated[str | None, typer.Option(help="Model asked where the draft is likely wrong.")] = None,
    escalate: Annotated[
        Literal["auto", "never", "always"] | None, typer.Option(help="When the large model is asked.")
    ] = None,
) -> None:
    """Answer a question, with its sources and where its time went."""
    from tandem.commands import asking

    asking.ask(question, json=json, draft=draft, refine=refine, escalate=escalate)


@browser.command("fetch")
def browser_fetch() -> None:
    """Fetch the files that run a model inside the browser, with npm, and check them."""
    from tandem.commands import fetching

    fetching.fetch()


@evaluate.command("answers")
def evaluate_answers(
    file: Annotated[Path, typer.Argument(help="questions.yaml beside its documents, or a JSON file that holds both.")],
    json: Json = False,
    documents: Annotated[Path | None, typer.Option(help="Ask this other file's documents instead.")] = None,
    draft: Annotated[str | None, typer.Option(help="Model that drafts; without one, the documents are quoted.")] = None,
    refine: Annotated[str | None, typer.Option(help="Model asked where the draft is likely wrong.")] = None,
) -> None:
    """Ask every question of a file; count what was found, answered and refused."""
    from tandem.commands import evaluating

    evaluating.answers(file, json, documents, draft, refine)


@evaluate.command("retrieval")
def evaluate_retrieval(
    file: Annotated[Path, typer.Argument(help="JSON file of documents, questions and which documents are relevant.")],
    json: Json = False,
    typos: Annotated[int, typer.Option(help="Letters to misspell in every question.", min=0, max=20)] = 0,
    seed: Annotated[int, typer.Option(help="The same seed misspells the same letters.")] = 0,
) -> None:
    """Search for every question of a file and measure the ranking."""
    from tandem.commands import evaluating

    evaluating.retrieval(file, json, typos, seed)


@bench.command("pipeline")
def bench_pipeline(json: Json = False) -> None:
    """Time Tandem's own work before the first token, with a model that answers at once."""
    from tandem.commands import benching

    benching.pipeline(json)


@bench.command("chat")
def bench_chat(
    clients: Annotated[int, typer.Option(help="People who chat at once.", min=1, max=1000)] = 100,
    rate: Annotated[float, typer.Option(help="Tokens a second for each.", min=1, max=10_000)] = 100,
    seconds: Annotated[float, typer.Option(help="How long each answer takes.", min=1, max=3600)] = 15,
    paint: Annotated[bool, typer.Option("--paint", help="Instead, time a browser that paints 3000 tokens.")] = False,
    json: Json = False,
) -> None:
    """Let many people chat with one server at once, and measure what reaches them."""
    from tandem.commands import benching

    benching.chat(json, clients, rate, seconds, paint)


def main() -> None:
    """Run the command line; an expected failure is one sentence on stderr and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except UserFacingError as error:
        print(f"tandem: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
