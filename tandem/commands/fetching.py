"""`tandem browser fetch`: the runtime files of the page at /browser.

Knows what to print; does not know the files (`tandem.browser` does).
"""

from __future__ import annotations

import typer

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
