"""One of several processes that answer; `tandem serve --workers` starts them.

Knows the channel over which connections come. Does not know who listens.
"""

from __future__ import annotations

import argparse
import gc
import socket
import sys
from collections.abc import Sequence

from rag.errors import UserFacingError
from tandem.cluster.parent import Command
from tandem.observability.logs import configure
from tandem.settings import ServerSettings, load


def commands(server: ServerSettings) -> Command:
    """What starts them, for a server at the address that was chosen."""

    def command(number: int, name: str, descriptor: int) -> Sequence[str]:
        given = ("--number", str(number), "--name", name, "--channel", str(descriptor), "--host", server.host)
        return (sys.executable, "-m", "tandem.worker", *given)

    return command


def main() -> None:
    """Answer what comes over the channel until it ends, or until a signal does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--channel", type=int, required=True)
    parser.add_argument("--host", required=True)
    given = parser.parse_args()
    gc.disable()  # what is loaded at the start stays; tandem.server enables it once the chat is there
    from tandem.observability import metrics
    from tandem.server import serve_handed

    try:
        settings = load().for_worker(given.number)
        metrics.share(settings.files.figures, given.number)
        server = settings.server.model_copy(update={"host": given.host})
        settings = settings.model_copy(update={"server": server})
        configure(settings.observability.log_level, settings.observability.log_format)
        serve_handed(settings, socket.socket(fileno=given.channel), given.name)
    except UserFacingError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
