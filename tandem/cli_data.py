"""The terminal's commands about what is kept: their names, arguments and help. Does not know what they do:
`tandem.commands.keeping` and `tandem.commands.auditing` do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

data = typer.Typer(help="What is kept: conversations, traces, the audit log.", no_args_is_help=True)
audit = typer.Typer(help="The log of who did what, which only grows.", no_args_is_help=True)


End = "A data directory, or postgresql://tandem@db.example/tandem (its password in TANDEM_STORAGE__PASSWORD)."


@data.command("move")
def move(
    source: Annotated[str, typer.Option("--from", help=End)],
    target: Annotated[str, typer.Option("--to", help=f"{End} It must hold nothing yet.")],
) -> None:
    """Copy conversations, traces and the audit log from one place to another, and compare; not while Tandem runs."""
    from tandem.commands import keeping

    keeping.move_data(source, target)


@audit.command("export")
def export(
    out: Annotated[Path | None, typer.Option(help="Write it here; without it, to the terminal.")] = None,
) -> None:
    """Print every entry as a line of JSON, oldest first."""
    from tandem.commands import auditing

    auditing.export(out)


@audit.command("verify")
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="An earlier export: the log must still begin with what it holds.")
    ] = None,
) -> None:
    """Check that no entry was changed or taken out since it was written; names the first that was."""
    from tandem.commands import auditing

    auditing.verify(file)


def backup(
    where: Annotated[
        str, typer.Argument(help="A folder that is not there yet, or s3://bucket/place (see storage.s3_endpoint).")
    ],
) -> None:
    """Save everything that is kept, also while Tandem runs; without the folders of documents."""
    from tandem.commands import keeping

    keeping.back_up(where)


def restore(
    where: Annotated[str, typer.Argument(help="The folder of a backup, or s3://bucket/place.")],
) -> None:
    """Check a backup and put it into the data directory, which must hold nothing yet; not while Tandem runs."""
    from tandem.commands import keeping

    keeping.restore(where)
