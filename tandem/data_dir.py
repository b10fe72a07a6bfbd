"""What lies where in the data directory: every file and folder that Tandem keeps, by name.

Knows names. Does not know what is in the files, nor who opens them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataDir:
    """The data directory at `path`. None of what it names need exist. What a process has for itself is named after its
    number, where several have one directory."""

    path: Path
    worker: int = 0

    @property
    def library(self) -> Path:
        """The folder of the documents: passages, index, uploads."""
        return self.path / "library"

    @property
    def index(self) -> str:
        """The name of the index's folder in the library's."""
        return f"index{self._own}"

    @property
    def _own(self) -> str:
        return f"-{self.worker}" if self.worker else ""

    @property
    def sources(self) -> Path:
        """The folder of what was fetched from other places, a folder each."""
        return self.path / "sources"

    @property
    def sources_state(self) -> Path:
        """The folder of what is known about those places: when they were visited, and what they held."""
        return self.path / "sources_state"

    @property
    def history(self) -> Path:
        """Conversations, a SQLite file."""
        return self.path / "history.db"

    @property
    def traces(self) -> Path:
        """Traces of answers, a SQLite file."""
        return self.path / "traces.db"

    @property
    def audit(self) -> Path:
        """The audit log, a SQLite file."""
        return self.path / "audit.db"

    @property
    def people(self) -> Path:
        """Accounts, what is granted to them, and keys, a SQLite file."""
        return self.path / "people.db"

    @property
    def policy(self) -> Path:
        """The policy that was fitted here."""
        return self.path / "policy.json"

    @property
    def chosen_models(self) -> Path:
        """The models that an administrator chose in the chat, and the server that they answer on."""
        return self.path / "chosen_models.json"

    @property
    def secret(self) -> Path:
        """What the chat's cookies are signed with."""
        return self.path / "chat.secret"

    @property
    def signed_out(self) -> Path:
        """Which of the chat's cookies do not count any more."""
        return self.path / "signed_out.json"

    @property
    def lock(self) -> Path:
        """What the server that uses this directory holds locked."""
        return self.path / "server.lock"

    @property
    def lock_holder(self) -> Path:
        """Which server that is."""
        return self.path / "server.json"

    @property
    def arriving(self) -> Path:
        """Files that browsers are sending; emptied at every start."""
        return self.path / f"arriving{self._own}"

    @property
    def figures(self) -> Path:
        """What several processes have counted for Prometheus; made anew when they are started."""
        return self.path / "figures"

    @property
    def page(self) -> Path:
        """The chat's page as it is served: a copy of what ships, made anew at every start."""
        return self.path / f"page{self._own}"

    @property
    def foundry(self) -> Path:
        """What Foundry Local downloads and registers."""
        return self.path / "foundry"

    @property
    def encoder(self) -> Path:
        """The encoder that finds what is near in meaning."""
        return self.path / "encoder"

    @property
    def browser(self) -> Path:
        """The files that run a model inside a browser."""
        return self.path / "browser"
