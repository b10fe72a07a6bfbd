"""A real server in a process of its own, with two users and an administrator, and an attacker's tools.

One server a test module. Attacks go to loopback only.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.ui.conftest import serving

SETTINGS = "documents: papers\nmodels: {foundry: false}\n"
PEOPLE = {"ada": "ada's words", "bob": "bob's words", "chief": "chief's words"}
KEY = "a-key-for-programs-0123456789"
ENVIRONMENT = {
    "TANDEM_SERVER__USERS": ",".join(f"{name}:{words}" for name, words in PEOPLE.items()),
    "TANDEM_SERVER__ADMINISTRATORS": "chief",
    "TANDEM_SERVER__API_KEY": KEY,
}


@dataclass
class Target:
    """The server that is attacked: its address, its folder, and a cookie of everybody's."""

    address: str
    home: Path
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def client(self, name: str = "", **settings: Any) -> httpx.Client:
        """Somebody with a browser; nobody where no name is given."""
        return httpx.Client(base_url=self.address, timeout=60, cookies=self.cookies[name] if name else None, **settings)

    def sign_in(self, name: str) -> dict[str, str]:
        reply = httpx.post(
            f"{self.address}/login", data={"username": name, "password": PEOPLE[name]}, timeout=60, trust_env=False
        )
        assert reply.status_code == 200, reply.text
        return dict(reply.cookies)

    def files(self) -> dict[str, bytes | None]:
        """Everything in the folder but what the server itself keeps changing, which is not even looked into."""
        top = [path for path in sorted(self.home.iterdir()) if path.name != ".tandem"]
        return {
            str(path.relative_to(self.home)): path.read_bytes() if path.is_file() else None
            for above in top
            for path in (above, *sorted(above.rglob("*")))
        }


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    home = tmp_path_factory.mktemp("target")
    with serving(home, SETTINGS, **ENVIRONMENT) as address:
        target = Target(address, home)
        for name in PEOPLE:
            target.cookies[name] = target.sign_in(name)
        yield target


class Socket:
    """A socket of the chat, spoken by hand: `opened` says whether it was let in, `said` what came instead."""

    def __init__(self, target: Target, cookies: dict[str, str] | None, auth: Any = None, **changes: Any) -> None:
        if auth is None:
            auth = {"sessionId": str(uuid.uuid4()), "clientType": "webapp", "threadId": "", "userEnv": "{}", **changes}
        self.auth = auth
        self.session = auth.get("sessionId") if isinstance(auth, dict) else None
        self.opened, self.said = False, ""
        self._wire: ClientConnection | None = None
        url = target.address.replace("http", "ws") + "/ws/socket.io/?EIO=4&transport=websocket"
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())}
        try:
            self._wire = connect(
                url, additional_headers=headers, open_timeout=60, max_size=None, proxy=None, legacy=True
            )
            self._wire.recv(20)
            self._wire.send(f"40{json.dumps(auth)}")
            self.said = str(self._wire.recv(20))
            self.opened = self.said.startswith("40")
        except InvalidStatus as refused:
            self.said = str(refused.response.status_code)
        except ConnectionClosed as closed:
            self.said = str(closed)

    def emit(self, event: str, *sent: Any) -> None:
        self.send(f"42{json.dumps([event, *sent])}")

    def send(self, frame: str | bytes) -> None:
        assert self._wire is not None
        self._wire.send(frame)

    def hear(self, *words: str, seconds: float = 20) -> str:
        """The next frame that holds one of the words; "closed" where the server hung up."""
        assert self._wire is not None
        try:
            while True:
                frame = str(self._wire.recv(seconds))
                if frame == "2":
                    self._wire.send("3")
                elif frame in ("41", "1"):
                    return "closed"
                elif any(word in frame for word in words):
                    return frame
        except ConnectionClosed:
            return "closed"

    def begin(self) -> None:
        """Up to the moment when the conversation is there."""
        self.emit("connection_successful")
        assert "chat_settings" in self.hear("chat_settings")

    def close(self, *, clear: bool = True) -> None:
        if self._wire is not None:
            if self.opened and clear:
                try:
                    self.emit("clear_session")
                except ConnectionClosed:
                    pass
            self._wire.close()

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def message(text: str, **changes: Any) -> dict[str, Any]:
    """What the page sends for a question."""
    said = {"id": str(uuid.uuid4()), "name": "User", "type": "user_message", "output": text, "threadId": ""}
    return {"message": {**said, "createdAt": "2026-01-01T00:00:00Z", **changes}, "fileReferences": []}
