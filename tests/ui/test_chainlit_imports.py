"""Chainlit starts without what Tandem has switched off, and whoever needs that afterwards has it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from tandem.ui.chainlit_imports import stood_in
with stood_in():
    import chainlit.callbacks, chainlit.server, chainlit.socket, chainlit.utils
print(sorted({name.split(".")[0] for name in sys.modules} & {"mcp", "traceloop"}))
from mcp import ClientSession
print(ClientSession.__module__)
"""


def test_what_is_switched_off_is_not_loaded_and_can_be() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["[]", "mcp.client.session"]
