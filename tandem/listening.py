"""The address that is listened on, and who has it where it cannot be had.

Knows sockets and ports. Does not know what is served.
"""

from __future__ import annotations

import errno
import os
import socket

import psutil

from rag.errors import UserFacingError
from tandem.settings import ServerSettings

_KNOCK_S = 0.5
_TRIED = 50


def listen(server: ServerSettings) -> socket.socket:
    """A socket at the address of the settings. Raises UserFacingError where it cannot be had, or where somebody answers
    there already: some systems let two programs have one port, and people would meet either."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    if server.port and answers(server.host, server.port):
        raise UserFacingError(_taken(server))
    listener = socket.socket(family)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", ~socket.SO_REUSEADDR), 1)
        listener.bind((server.host, server.port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UserFacingError(_taken(server)) from None
        said = f"{error.strerror}; check server.host and server.port"
        raise UserFacingError(f"Cannot listen on {server.host}, port {server.port}: {said}.") from None
    return listener


def nearby(address: str) -> str:
    """An address as somebody on this machine opens it: one that stands for all of the machine's opens in no browser."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _taken(server: ServerSettings) -> str:
    free = next((port for port in range(server.port + 1, min(server.port + _TRIED, 65_536)) if _is_free(port)), 0)
    return (
        f"Cannot listen on {server.host}, port {server.port}: {_holder(server.port)} listens there; stop it, or choose "
        f"a port that is free, as with --port {free}."
    )


def answers(host: str, port: int) -> bool:
    """Whether somebody takes connections there now."""
    near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        with socket.create_connection((near, port), timeout=_KNOCK_S):
            return True
    except OSError:
        return False


def _is_free(port: int) -> bool:
    try:
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", port))
        return not answers("127.0.0.1", port)
    except OSError:
        return False


def _holder(port: int) -> str:
    """Who listens on a port, by name where the system tells."""
    try:
        for one in psutil.net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid:
                return f"{psutil.Process(one.pid).name()} (process {one.pid})"
    except (psutil.Error, OSError):
        pass
    return "another program"
