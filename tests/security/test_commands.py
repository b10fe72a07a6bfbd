"""Whom each command may be about and what it shows: every line of the table in tandem/auth/README.md, called."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from rag.errors import UserFacingError
from tandem import databases
from tandem.audit.log import AuditLog
from tandem.cli import app
from tandem.commands.auditing import CONSOLE
from tandem.people.accounts import People
from tandem.people.keys import Keys
from tandem.people.store import Store
from tandem.settings import load
from tests.security.access_table import DOCUMENTS, TABLE

COMMAND = typer.main.get_command(app)
PERSONAS = ("nobody", "user", "invited", "member", "outsider", "curator", "administrator", "removed")
"""The columns: a name that nobody has, a user of the settings, somebody who was only invited, accounts, and one that
was taken away."""
GROUPS = {"member": ["hr"], "outsider": ["it"]}
SETTINGS = """
documents: [papers]
models: {foundry: false, draft: extractive}
retrieval: {semantic: false}
collections:
  - {name: Personnel, folders: [papers/hr], readers: [hr]}
  - {name: Network, folders: [papers/it], readers: [it]}
server: {sign_in: {accounts: true}}
"""
_NAMED = re.compile(r"^\| `([^`]+)` \| ([a-z_.]*) ?\| ((?:(?:yes|no) \| ){7}(?:yes|no)) \|$", re.M)
_OTHERS = re.compile(r"^\| (`[^|{]+`) \| ([a-z_.]*) ?\| (nothing|everything|what .+) \|$", re.M)
GIVEN = {
    "index": (),
    "index --report": (),
    "search": ("bonus code",),
    "ask": ("What is the bonus code?",),
    "brief": ("pay.md",),
    "sources": (),
    "cost": (),
    "people list": (),
    "keys list": (),
    "audit export": (),
    "audit verify": (),
    "models list": (),
    "doctor": (),
}
"""Those that are called here, with what each is given; others need a network, a model or a place, and have tests of
their own."""


@dataclass
class Place:
    """An installation, and the accounts in it, put back before every command."""

    home: Path
    keys: dict[str, str]
    log: AuditLog
    known: int = 0

    @property
    def accounts(self) -> Path:
        return self.home / ".tandem" / "people.db"

    def call(self, *words: str) -> tuple[str, UserFacingError | None]:
        """What a command says, and why it was refused."""
        for left in self.accounts.parent.glob("people.db*"):
            left.unlink()
        shutil.copyfile(self.home / "people.db", self.accounts)
        said = io.StringIO()
        with redirect_stdout(said):
            try:
                COMMAND.main(list(words), standalone_mode=False)
            except UserFacingError as error:
                return said.getvalue(), error
        return said.getvalue(), None

    def noted(self) -> list[tuple[str, str]]:
        """What is new in the audit log since this was asked the last time."""
        new = [(one.actor, one.action) for one in self.log.entries()][self.known :]
        self.known += len(new)
        return new


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("commands")
    for name, content in DOCUMENTS.items():
        file = home / "papers" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (home / "tandem.yaml").write_text(SETTINGS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("TANDEM_SERVER__USERS", "user:users-words")
        store = Store(databases.people(load()))
        people, keys = People(store, {"user"}), {"nobody": "0123456789ab"}
        for name in PERSONAS[1:]:
            if name != "user":
                people.add(name, groups=GROUPS.get(name, []))
            if name not in ("user", "invited"):
                people.set(name, hash="of a password")
            keys[name] = Keys(store).make(name, "a script", ["ask"])[0].id
        people.grant("curator", "curator", "Personnel")
        people.grant("administrator", "administrator")
        people.remove("removed")
        store.close()
        log = AuditLog(databases.audit(load()))
        running = Place(home, keys, log)
        running.accounts.rename(home / "people.db")
        assert running.call("index")[1] is None
        yield running
        log.close()


def test_a_command_does_to_everybody_what_the_table_says(place: Place) -> None:
    wrong, pairs = [], 0
    for command, action, cells in _NAMED.findall(TABLE.read_text(encoding="utf-8")):
        for persona, cell in zip(PERSONAS, cells.split(" | "), strict=True):
            words = command.format(name=persona, key=place.keys[persona]).split()
            (said, error), new, pairs = place.call(*words), place.noted(), pairs + 1
            if (error is None) != (cell == "yes") or new != ([(CONSOLE, action)] if action and error is None else []):
                wrong.append(f"{' '.join(words)}: {said}{error}, noted {new}, not {cell}")
    assert wrong == []
    assert pairs >= 140


@pytest.mark.parametrize("command", GIVEN)
def test_a_command_shows_and_notes_what_the_table_says(place: Place, command: str) -> None:
    noted, shows = others()[command]
    said, _ = place.call(*command.split(), *GIVEN[command])
    assert place.noted() == ([(CONSOLE, noted)] if noted else [])
    assert ("heronshaw" in said or "pay.md" in said) == (shows == "everything"), said


def others() -> dict[str, tuple[str, str]]:
    """The commands that are about nobody: what each notes and shows."""
    return {
        command: (noted, shows)
        for commands, noted, shows in _OTHERS.findall(TABLE.read_text(encoding="utf-8"))
        for command in re.findall(r"`([^`]+)`", commands)
    }


def test_every_command_is_in_the_table(place: Place) -> None:
    named = {command for command, _, _ in _NAMED.findall(TABLE.read_text(encoding="utf-8"))}
    known = {" ".join(re.split(r" [{-]", command)[0].split()) for command in named} | set(others())
    missing = [words for words in every(COMMAND) if not known & _beginnings(words)]
    assert missing == []


def _beginnings(words: str) -> set[str]:
    parts = words.split()
    return {" ".join(parts[:count]) for count in range(1, len(parts) + 1)}


def every(command: object, above: tuple[str, ...] = ()) -> Iterator[str]:
    """The words of every command."""
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(above)
    for name, one in (below or {}).items():
        yield from every(one, (*above, name))
