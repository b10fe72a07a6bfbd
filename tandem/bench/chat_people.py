"""One person who chats: signs in, asks, reads every word, looks the answer up in the history.

Knows the chat's wire protocol (engine.io 4 and socket.io 5 frames over a web socket) and what a reader notes. Does not
know the server's process, nor how many people there are.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from rag.errors import UserFacingError
from tandem.bench.chat_server import user
from tandem.bench.relay import QUESTION, WARM_UP, stream_of
from tandem.bench.relay import words as said_by
from tandem.bench.web_socket import Frame, WebSocket, connect
from tandem.markdown import PROVISIONAL, without_definitions

START_SECONDS = 60
HISTORY_SECONDS = 20
STAGGER_SECONDS = 0.003
_SOCKET = "/ws/socket.io/?EIO=4&transport=websocket"
_REFUSED = b"44"
# What the check adds to a text.
_MARKER = re.compile(r"\s*\[(?:\d{1,3}|\?)\]")


class BenchError(UserFacingError):
    """The benchmark could not be carried out."""


def said(shown: str) -> list[str]:
    """The words of a checked answer, as the model said them."""
    return _MARKER.sub("", without_definitions(shown)).split()


@dataclass(slots=True)
class Reader:
    """What one client has read: words as they came, and when each of them did.

    `due` is the rate at which the words are due, in words a second; `told` whether the server said that it is busy.
    Which of the model's streams it read, and how late each word was, is known when it has been `placed`.
    """

    due: float
    words: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    thread: str = ""
    in_history: bool = False
    told: bool = False
    stream: int | None = None
    lags_ms: list[float] = field(default_factory=list)
    in_order: bool = False
    _unread: str = ""

    def read(self, text: str, at: float | None = None) -> None:
        """Take in the next piece of the answer, which came at that time, or now; a word may be cut in two. Before the
        first one it is said where the markers lead."""
        text = text if self.words else PROVISIONAL.sub("", text, count=1)
        *whole, self._unread = re.split(r"\s+", self._unread + text)
        self._note([word for word in whole if word], at)

    def read_whole(self, text: str, at: float | None = None) -> None:
        """Take in the checked answer as a whole: the words that no piece has brought."""
        self._unread = ""
        self._note(said(text)[len(self.words) :], at)

    def end(self) -> None:
        """Nothing more comes: what is left is a word."""
        self.read(" ")

    def _note(self, words: list[str], at: float | None) -> None:
        self.words += words
        self.times += [time.time() if at is None else at] * len(words)

    @property
    def rate(self) -> float:
        """Words a second, from the first to the last."""
        wall = self.times[-1] - self.times[0] if self.times else 0.0
        return (len(self.times) - 1) / wall if wall > 0 else 0.0

    def place(self, begun_ms: Mapping[int, float]) -> None:
        """Find out which stream was read, by when each of them began, and whether it was read word for word."""
        self.stream = stream_of(self.words, list(begun_ms))
        if self.stream is None:
            return
        zero = begun_ms[self.stream]
        self.in_order = self.words == said_by(self.stream, len(self.words))
        self.lags_ms = [at * 1000.0 - zero - number / self.due * 1000.0 for number, at in enumerate(self.times)]


async def chat(
    address: str, number: int, reader: Reader, words: int, gate: asyncio.Barrier, door: asyncio.Semaphore
) -> None:
    """Sign in, connect, warm up, ask, read to the end, then look the answer up in the history.

    All ask at the same time; nobody looks at what came, nor looks anything up, until what it took is measured.
    """
    name, password = user(number)
    session = str(uuid.uuid4())
    async with httpx.AsyncClient(base_url=address, timeout=START_SECONDS) as http:
        # A crowd that signs in at once from one address looks like somebody who guesses passwords.
        async with door:
            reply = await http.post("/login", data={"username": name, "password": password})
        if reply.status_code != 200:
            raise BenchError(f"{name} could not sign in ({reply.status_code}).")
        await http.post("/set-session-cookie", json={"session_id": session})
        # The client keeps the cookies of a plain-http loopback server even where they are marked secure.
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in http.cookies.jar)
        try:
            socket = await connect(address, _SOCKET, cookies)
            try:
                await _enter(socket, session)
                _read_out(await _ask(socket, name, WARM_UP), warm := Reader(reader.due))
                reader.thread = warm.thread
                await gate.wait()
                await asyncio.sleep(number * STAGGER_SECONDS)
                frames = await _ask(socket, name, QUESTION)
                await gate.wait()
                await gate.wait()
                _read_out(frames, reader)
            finally:
                socket.close()
        except ConnectionError as error:
            raise BenchError(str(error)) from None
        reader.in_history = len(reader.words) == words and await _stored(http, reader)


async def _enter(socket: WebSocket, session: str) -> None:
    auth = {"clientType": "webapp", "sessionId": session, "threadId": "", "userEnv": "{}", "chatProfile": ""}
    await _until(socket, b"0")
    socket.send("40" + json.dumps(auth))
    await _until(socket, b"40")
    socket.send('42["connection_successful"]')
    await _until(socket, b'42["clear_call_fn"')


async def _until(socket: WebSocket, opening: bytes) -> None:
    *_, (_, last) = await socket.until(opening, _REFUSED)
    if last.startswith(_REFUSED):
        raise BenchError(f"The chat refused a client: {last[2:200].decode('utf-8', 'replace')}")


async def _ask(socket: WebSocket, name: str, question: str) -> list[Frame]:
    """Send a question and wait for the end of the answer; all that was said meanwhile."""
    socket.send("42" + json.dumps(["client_message", _message(name, question)]))
    said: list[Frame] = []
    while not _is_complete(said):
        said += await socket.until(b'42["task_end"')
    return said


def _is_complete(said: Sequence[Frame]) -> bool:
    """Whether the checked answer is among what was said."""
    begun = next((orjson.loads(frame[2:]) for _, frame in said if frame.startswith(b'42["stream_start"')), None)
    if begun is None:
        return False
    answer = begun[1]["id"].encode()
    return any(frame.startswith(b'42["update_message"') and answer in frame for _, frame in said)


def _read_out(said: Sequence[Frame], reader: Reader) -> None:
    """Have the reader read what was said, as of when it came."""
    answer = ""
    for at, frame in said:
        if not frame.startswith(b"42"):
            continue
        event, *arguments = orjson.loads(frame[2:])
        if event == "stream_start":
            reader.read(arguments[0]["output"], at)
            answer = arguments[0]["id"]
        elif event == "stream_token":
            reader.read(arguments[0]["token"], at)
        elif event == "update_message" and arguments[0]["id"] == answer:
            reader.read_whole(arguments[0].get("output") or "", at)
        elif event == "first_interaction":
            reader.thread = arguments[0]["thread_id"]
        elif event == "element":
            reader.told = reader.told or _busy(arguments[0])


def _busy(element: dict[str, Any]) -> bool:
    """Whether what stands under the answer says that the server is busy."""
    props = element.get("props") or {}
    return bool((orjson.loads(props) if isinstance(props, str) else props).get("busy"))


def _message(name: str, question: str) -> dict[str, Any]:
    message = {
        "id": str(uuid.uuid4()),
        "threadId": "",
        "name": name,
        "type": "user_message",
        "output": question,
        "createdAt": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "metadata": {},
    }
    return {"message": message, "fileReferences": []}


async def _stored(http: httpx.AsyncClient, reader: Reader) -> bool:
    """Whether the whole answer stands in the thread's history; it is written in the background, so look again."""
    deadline = time.monotonic() + HISTORY_SECONDS
    while time.monotonic() < deadline:
        try:
            reply = await http.get(f"/project/thread/{reader.thread}")
        except (httpx.RemoteProtocolError, httpx.ReadError):
            continue  # the connection was kept for the whole answer, which is longer than promised
        if reply.status_code == 200:
            outputs = [step.get("output") or "" for step in reply.json().get("steps", [])]
            if any(said(text) == reader.words for text in outputs):
                return True
        await asyncio.sleep(0.2)
    return False
