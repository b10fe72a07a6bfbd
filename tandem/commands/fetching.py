"""`tandem browser fetch` and `tandem encoder fetch`: files that are fetched once and checked.

Knows what to print; does not know the files (`tandem.browser` and `tandem.encoder_fetching` do).
"""

from __future__ import annotations

import typer

from tandem import encoder, encoder_fetching
from tandem.browser import runtime
from tandem.settings import load


def fetch() -> None:
    """Fetch what is missing, and say where it lies. Raises RuntimeFilesError."""
    settings = load()
    if runtime.installed(settings.data_dir):
        typer.echo("The files for the browser are there already.")
        return
    folder = runtime.fetch(settings.data_dir, lambda step: typer.echo(f"Fetching {step}"))
    typer.echo(f"Fetched and checked: {folder}")


def fetch_encoder() -> None:
    """Fetch what is missing of the encoders. Raises EncoderError."""
    settings = load()
    if encoder.complete(settings):
        typer.echo("The encoders are there already.")
        return
    folder = encoder_fetching.fetch(settings, lambda step: typer.echo(f"Fetching {step}"))
    typer.echo(f"Fetched and checked: {folder}. A server that runs uses it once it is started again.")
