"""An installation with collections in it, everybody who may come to its doors, and the table of who may do what.

Knows the table in tandem/auth/README.md and how an address in it is asked. Does not know what is right: the table says.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from tandem.auth.tickets import COOKIE, Tickets
from tandem.data_dir import DataDir
from tests.security.conftest import KEY, Target
from tests.support.documents import pdf
from tests.support.terminal import start
from tests.ui.conftest import answering, index

TABLE = Path(__file__).parents[2] / "tandem" / "auth" / "README.md"
PEOPLE = ("ayse", "ben", "cem", "dora")
SCOPED = ("ask", "search", "files", "models", "metrics")
PERSONAS = ("nobody", "member", "outsider", "curator", "administrator", "key", "removed", *SCOPED)
"""The columns of the table: ayse is of the group that reads Personnel, ben of another one, cem looks after it, dora
administers, and zoe was removed. The last ones are keys, each with one scope: ayse's, and for the metrics dora's."""
NAMES = dict(zip(PERSONAS, ("", "ayse", "ben", "cem", "dora", "", "zoe", *[""] * len(SCOPED)), strict=True))
METHODS = ("GET", "POST", "PUT", "DELETE")
SETTINGS = """
documents: [papers]
models: {foundry: false, draft: extractive}
collections:
  - {name: Personnel, folders: [papers/hr], readers: [hr], curators: [cem]}
  - {name: Network, folders: [papers/it], readers: [it]}
groups:
  hr: [ayse]
  it: [ben]
"""
DOCUMENTS = {
    "open.md": b"# House rules\n\n## Doors\n\nThe door code is seven and changes in spring.",
    "hr/pay.md": b"# Pay\n\n## Bonuses\n\nThe bonus code is heronshaw and changes in spring.",
    "hr/plan.pdf": pdf("The restructuring code is ospreyline and changes in spring."),
    "hr/broken.pdf": b"%PDF-1.4 broken",
    "it/net.md": b"# Network\n\n## Routers\n\nThe router code is ploverine and changes in spring.",
}
SECRETS = {"hr": ("heronshaw", "ospreyline", "pay.md", "broken.pdf"), "it": ("ploverine", "net.md")}
_ROW = re.compile(r"^\| `([A-Z ]+)` \| `([^`]+)` \| (.+) \|$", re.M)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: the methods and the address, and by persona the status that answers."""

    methods: tuple[str, ...]
    address: str
    statuses: dict[str, int]


def rows() -> list[Row]:
    found = []
    for methods, address, cells in _ROW.findall(TABLE.read_text(encoding="utf-8")):
        values = [int(cell) for cell in cells.split("|")]
        found.append(Row(tuple(methods.split()), address, dict(zip(PERSONAS, values, strict=True))))
    return found


_EVENT = re.compile(r"^\| `([a-z_]+ \w+)` \| ((?:yes|no) .+) \|$", re.M)


def events() -> dict[str, dict[str, bool]]:
    """By event of the chat, which of those who may open a socket may have it done."""
    found = _EVENT.findall(TABLE.read_text(encoding="utf-8"))
    return {
        event: dict(zip(PERSONAS[1:5], (cell.strip() == "yes" for cell in cells.split("|")), strict=True))
        for event, cells in found
    }


@dataclass
class Place:
    """A running chat with its people. `ids` fill the names in braces in the table's addresses."""

    target: Target
    ids: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def client(self, persona: str) -> httpx.Client:
        key = KEY if persona == "key" else self.keys.get(persona)
        headers = {"authorization": f"Bearer {key}"} if key else None
        name = NAMES[persona]
        cookies = self.target.cookies[name] if name else None
        return httpx.Client(base_url=self.target.address, timeout=60, headers=headers, cookies=cookies, trust_env=False)

    def ask(self, client: httpx.Client, method: str, address: str) -> httpx.Response:
        """A request with the body that the address takes, where it takes one."""
        forms = address.startswith(_FORMS)
        sent = {} if method == "GET" else {"data": {"x": ""}} if forms else {"json": _BODIES.get(address, {})}
        return client.request(method, address.format(**self.ids), **sent)


_FORMS = ("/account/", "/administration/", "/shared/", "/sign-in/link/")
_ID = "0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f11"
_BODIES: dict[str, Any] = {
    "/v1/chat/completions": {"model": "tandem", "messages": [{"role": "user", "content": "What is the door code?"}]},
    "/project/threads": {"pagination": {"first": 5}, "filter": {}},
    "/project/thread": {"threadId": _ID, "name": "x"},
    "/project/action": {"sessionId": _ID, "action": {"id": _ID, "name": "promote", "payload": {}}},
    "/set-session-cookie": {"session_id": _ID},
}


@contextmanager
def serving(home: Path) -> Iterator[Place]:
    """The chat with the collections, indexed, and everybody's cookie; of who was removed too."""
    for name, content in DOCUMENTS.items():
        file = home / "papers" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (home / "tandem.yaml").write_text(SETTINGS, encoding="utf-8")
    environment = {
        "TANDEM_SERVER__USERS": ",".join(f"{name}:{name}s-words" for name in PEOPLE),
        "TANDEM_SERVER__ADMINISTRATORS": "dora",
        "TANDEM_SERVER__API_KEY": KEY,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": "",
    }
    index(home, **environment)
    with answering(start(home, "serve", "--port", "0", **environment)) as address:
        target = Target(address, home)
        for name in PEOPLE:
            reply = httpx.post(
                f"{address}/login", data={"username": name, "password": f"{name}s-words"}, timeout=60, trust_env=False
            )
            assert reply.status_code == 200, reply.text
            target.cookies[name] = dict(reply.cookies)
        gone = Tickets.open({"zoe": SecretStr("zoes-words")}, DataDir(home / ".tandem"))
        target.cookies["zoe"] = {COOKIE: gone.issue("zoe")}
        yield Place(target, {**_ids(home), "shared": _shared(home)}, _keys(home))


def _shared(home: Path) -> str:
    """The id of something that ayse shares with ben."""
    from rag.database.places import Sqlite
    from tandem.people.revisions import TABLES as ACCOUNTS
    from tandem.people.shares import Shares
    from tandem.people.store import Store as Accounts

    with closing(sqlite3.connect(DataDir(home / ".tandem").history)) as db, db:
        add = "INSERT INTO threads (id, user_id, created, updated) SELECT ?, id, ?, ? FROM users WHERE identifier = ?"
        assert db.execute(add, ("shared", "2026-01-01", "2026-01-01", "ayse")).rowcount == 1
    accounts = Accounts(Sqlite(DataDir(home / ".tandem").people, ACCOUNTS))
    content = {"title": "t", "conversation": "shared", "turns": [], "labels": []}
    made = Shares(accounts).make("ayse", "shared", content, title="t", people=["ben"])
    accounts.close()
    return made.id


def _keys(home: Path) -> dict[str, str]:
    """A key with each scope."""
    from rag.database.places import Sqlite
    from tandem.people.keys import Keys
    from tandem.people.revisions import TABLES as ACCOUNTS
    from tandem.people.store import Store as Accounts

    accounts = Accounts(Sqlite(DataDir(home / ".tandem").people, ACCOUNTS))
    keys = Keys(accounts)
    found = {one: keys.make("dora" if one == "metrics" else "ayse", one, [one])[1] for one in SCOPED}
    accounts.close()
    return found


def _ids(home: Path) -> dict[str, str]:
    """The ids of the documents and of their first passages, as the library on disk has them."""
    from rag.storage.sqlite_store import Store

    store = Store(DataDir(home / ".tandem").library / "library.sqlite")
    found = {"thread": _ID}
    for record in store.documents():
        name = record.name.rsplit("/", 1)[-1].split(".")[0]
        found[name] = record.id
        found[f"{name}_passage"] = str(store.passage_rows(int(record.id))[0])
    store.close()
    return found
