"""The terminal's commands about models: their names, arguments and help. Does not know what they do:
`tandem.commands.models` does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

models = typer.Typer(help="See, download and look after models.", no_args_is_help=True)

Alias = Annotated[str, typer.Argument(help="Alias or id, as `tandem models list` shows it.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@models.command("list")
def list_models(json: Json = False) -> None:
    """Every model that models.yaml, the runtimes and the endpoints know, with its state."""
    from tandem.commands import models as room

    room.list_models(json)


@models.command()
def show(alias: Alias, json: Json = False) -> None:
    """Everything that is known of one model."""
    from tandem.commands import models as room

    room.show(alias, json)


@models.command()
def download(
    alias: Alias,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask about size and licence.")] = False,
) -> None:
    """Fetch a model from the catalog. Ctrl-C stops; the same command goes on or starts again."""
    from tandem.commands import models as room

    room.download(alias, yes)


@models.command()
def load(alias: Alias) -> None:
    """Load a model, have it write two tokens, and say how long both took."""
    from tandem.commands import models as room

    room.load(alias)


@models.command()
def unload(alias: Alias) -> None:
    """Take a model out of memory, where its endpoint can."""
    from tandem.commands import models as room

    room.unload(alias)


@models.command()
def verify(alias: Alias) -> None:
    """Check that a model on this machine answers."""
    from tandem.commands import models as room

    room.verify(alias)


@models.command()
def remove(
    alias: Alias, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether you are sure.")] = False
) -> None:
    """Delete a model from this machine."""
    from tandem.commands import models as room

    room.remove(alias, yes)


@models.command()
def register(
    path: Annotated[Path, typer.Argument(help="Folder of an ONNX Runtime GenAI model.")],
    alias: Annotated[str, typer.Option(help="How the model is to be called.")],
) -> None:
    """Take in a model of your own; it is checked before it is accepted."""
    from tandem.commands import models as room

    room.register(path, alias)


def doctor(json: Json = False) -> None:
    """Examine what answers depend on; every line says what to do."""
    from tandem.commands import models as room

    room.doctor(json)
