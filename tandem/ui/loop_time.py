"""Chainlit and its socket made to take less of the event loop, which everybody's tokens go through.

Knows where they take more than they need, and mends it from outside. Does not know what is sent.
"""

from __future__ import annotations

from types import ModuleType

import chainlit.message
import chainlit.step
from socketio import AsyncServer
from socketio.packet import Packet


class TextPacket(Packet):  # type: ignore[misc]
    """A packet that holds no bytes: python-socketio would look for some in every value of every message."""

    uses_binary_events = False


class _Unhurried(ModuleType):
    """Stands for `time` where Chainlit sleeps a millisecond, on the event loop, for every message and step it makes, so
    that no two have the same time. They have microseconds, and the history keeps their order besides.
    """

    @staticmethod
    def sleep(seconds: float) -> None:
        return None


def install(sio: AsyncServer) -> None:
    """Safe to call again after a reload."""
    sio.packet_class = TextPacket
    for module in (chainlit.message, chainlit.step):
        vars(module)["time"] = _Unhurried("time")
