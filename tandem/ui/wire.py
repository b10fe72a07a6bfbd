"""What goes through the chat's sockets, packed with less work.

Knows how python-socketio packs what it sends. Does not know what is sent: Chainlit sends text, numbers and lists.
"""

from __future__ import annotations

from socketio import AsyncServer
from socketio.packet import Packet


class TextPacket(Packet):
    """A packet that holds no bytes: python-socketio would look for some in every value of every message."""

    uses_binary_events = False


def install(sio: AsyncServer) -> None:
    """Send text only. Safe to call again after a reload."""
    sio.packet_class = TextPacket
