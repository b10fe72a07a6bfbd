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

app = typer.Typer(
    name="tandem",
    help="Answers questions about your own documents with local models, and shows the sources.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

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
) -> None:
    """Take in new and changed documents, and forget those that are gone."""
    from tandem.commands import searching

    searching.index(folder)


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
