"""The process that listens: what comes slowly, says nothing, is too long, or comes when nobody answers."""

from __future__ import annotations

import asyncio
import socket
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rag.errors import UserFacingError
from tandem.cluster import parent as parents
from tandem.cluster.handing import COOKIE, instead_of, named_in
from tandem.cluster.parent import Parent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows hands no connections to another process")

ECHO = """
import socket, sys, threading
from pathlib import Path
sys.path.insert(0, {root!r})
from tandem.cluster import handing
end, name, waits = socket.socket(fileno=int(sys.argv[1])), sys.argv[2], sys.argv[3]
while waits and not Path(waits).exists():
    threading.Event().wait(0.02)
handing.ready(end)
while (Path(__file__).parent / "stuck").exists():
    threading.Event().wait(0.02)
def answer(connection):
    connection.setblocking(True)
    came = b""
    while b"\\r\\n\\r\\n" not in came and not came.endswith(b"end"):
        came += connection.recv(65536)
    connection.sendall(b"%s %d" % (name.encode(), len(came)))
    connection.close()
try:
    while True:
        if (connection := handing.take(end)) is not None:
            handing.taken(end, 1)
            threading.Thread(target=answer, args=(connection,)).start()
except EOFError:
    pass
"""
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


@asynccontextmanager
async def listening(
    tmp_path: Path, count: int = 2, waits: str = "", started: Callable[[Parent], None] = lambda parent: None
) -> AsyncIterator[int]:
    """A parent whose processes say who they are; its port."""
    script = tmp_path / "echo.py"
    script.write_text(textwrap.dedent(ECHO).format(root=str(Path(__file__).parents[3])), encoding="utf-8")
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port, begun = listener.getsockname()[1], asyncio.Event()

    def command(number: int, name: str, descriptor: int) -> list[str]:
        return [sys.executable, str(script), str(descriptor), name, waits]

    parent = Parent(listener, count, command, begun.set)
    started(parent)
    running = asyncio.create_task(parent.run())
    try:
        if not waits:
            await asyncio.wait_for(begun.wait(), 60)
        else:
            await asyncio.sleep(0)
        yield port
    finally:
        parent._ending.set()
        await running


async def said(port: int, *parts: bytes, pause: float = 0.0) -> str:
    """What comes back for a request that is sent in parts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(pause)
    try:
        return (await asyncio.wait_for(reader.read(), 60)).decode()
    finally:
        writer.close()


async def test_a_head_that_comes_in_parts_is_handed_on_whole_and_to_whom_it_names(tmp_path: Path) -> None:
    async with listening(tmp_path) as port:
        names = {(await said(port, HEAD, b"\r\n")).split()[0] for _ in range(6)}
        while len(names) < 2:  # the second may still be starting
            names.add((await said(port, HEAD + b"\r\n")).split()[0])
        for name in sorted(names):
            cookie = f"Cookie: a=b; {COOKIE}={name}\r\n\r\n".encode()
            assert (await said(port, HEAD[:9], HEAD[9:], cookie, pause=0.03)) == f"{name} {len(HEAD + cookie)}"
        gone = f"Cookie: {COOKIE}=0123abcd\r\n\r\n".encode()
        assert {(await said(port, HEAD, gone)).split()[0] for _ in range(4)} == {instead_of("0123abcd", names)}
        endless = await said(port, HEAD + b"x-long: " + b"x" * 80_000 + b"end")
        assert endless.split()[0] in names


async def test_who_says_nothing_is_let_go_and_many_of_them_hold_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parents, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(parents, "MOST_WAITING", 20)
    async with listening(tmp_path) as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(30)]
        assert await said(port, HEAD, b"\r\n")
        ended = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in silent)), 60)
        assert ended == [b""] * 30
        for _, writer in silent:
            writer.close()


async def test_who_comes_before_anybody_answers_waits_for_them(tmp_path: Path) -> None:
    go = tmp_path / "go"
    async with listening(tmp_path, waits=str(go)) as port:
        early = asyncio.create_task(said(port, HEAD, b"\r\n"))
        await asyncio.wait((early,), timeout=0.3)
        assert not early.done()
        go.touch()
        assert (await early).endswith(str(len(HEAD) + 2))


async def test_where_nobody_can_be_started_it_ends_and_says_so(tmp_path: Path) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    parent = Parent(listener, 2, lambda number, name, descriptor: [sys.executable, "-c", "exit(3)"], lambda: None)
    with pytest.raises(UserFacingError, match="what it said above says why"):
        await asyncio.wait_for(parent.run(), 60)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"GET / HTTP/1.1\r\nCookie: tandem_at=ab12\r\n\r\n", "ab12"),
        (b"GET / HTTP/1.1\r\ncookie: x=1; tandem_at=ab12; y=2\r\n\r\n", "ab12"),
        (b"GET /?Cookie:tandem_at=ab12 HTTP/1.1\r\nHost: x\r\n\r\n", ""),
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n\r\nCookie: tandem_at=ab12\r\n", ""),
        (b"GET / HTTP/1.1\r\nCookie: tandem_at=../../x\r\n\r\n", ""),
        (b"GET / HTTP/1.1\r\nX-Cookie: tandem_at=ab12\r\n\r\n", ""),
        (b"\x16\x03\x01", ""),
    ],
)
def test_only_the_cookie_of_the_head_names_anybody(head: bytes, name: str) -> None:
    assert named_in(head) == name


async def test_what_a_process_was_given_and_has_not_taken_when_it_dies_is_answered_by_another(tmp_path: Path) -> None:
    (tmp_path / "stuck").touch()
    parents: list[Parent] = []
    async with listening(tmp_path, count=1, started=parents.append) as port:
        asked = [asyncio.create_task(said(port, HEAD, b"\r\n")) for _ in range(5)]
        (dying,) = parents[0]._live.values()
        while len(dying.handed) < 5:  # noqa: ASYNC110  # they are handed over by themselves
            await asyncio.sleep(0)
        dying.process.kill()
        (tmp_path / "stuck").unlink()
        answers = await asyncio.gather(*asked)
        assert {answer.split()[1] for answer in answers} == {str(len(HEAD) + 2)}
        (other,) = parents[0]._live.values()
        assert {answer.split()[0] for answer in answers} == {other.name} != {dying.name} and not other.handed
