"""What Chainlit 2.12 imports as it starts for parts that Tandem has switched off: stood in for, so that the chat starts
in less time and less memory.

Knows the names that Chainlit takes from there: a type for its MCP connections, which only annotations name, and the
tracer of a service's client, which is made for that service alone. Does not know Chainlit.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_TAKEN = {"mcp": ("ClientSession",), "traceloop": (), "traceloop.sdk": ("Traceloop",)}


@contextmanager
def stood_in() -> Iterator[None]:
    """Within it, what is not loaded yet is an empty stand-in; afterwards, whoever imports it gets the real one."""
    absent = [name for name in _TAKEN if name not in sys.modules]
    for name in absent:
        sys.modules[name] = ModuleType(name)
        for one in _TAKEN[name]:
            setattr(sys.modules[name], one, type(one, (), {}))
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
