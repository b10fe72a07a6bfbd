"""Two servers over one PostgreSQL, each with a data directory of its own, as on two machines.

Knows what they share: the database, the secret of the cookies, the documents. Does not know what is asked of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.security.conftest import Target
from tests.support import warm
from tests.support.terminal import start
from tests.support.waiting import within
from tests.ui.conftest import address_of

PEOPLE = {name: f"{name}'s words" for name in ("ada", "bob", "cem", "dan", "eve", "chief")}
SECRET = "the-secret-that-all-machines-have-in-common-0123456789"


@dataclass
class Machine:
    """One of them."""

    home: Path
    process: warm.Process
    address: str
    database: str
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def target(self) -> Target:
        return Target(self.address, self.home)

    def cookies(self) -> dict[str, str]:
        """An administrator's."""
        if not self.kept:
            self.kept.update(self.sign_in("chief").cookies)
        return self.kept

    def sign_in(self, name: str, password: str = "") -> httpx.Response:
        given = {"username": name, "password": password or PEOPLE[name]}
        return httpx.post(f"{self.address}/login", data=given, timeout=60, trust_env=False)


def environment(database: str, **more: str) -> dict[str, str]:
    """What all machines are told."""
    return {
        "TANDEM_SERVER__USERS": ",".join(f"{name}:{words}" for name, words in PEOPLE.items()),
        "TANDEM_SERVER__ADMINISTRATORS": "chief",
        "TANDEM_STORAGE__DATABASE": database,
        "TANDEM_STORAGE__PASSAGES": "database",
        "CHAINLIT_AUTH_SECRET": SECRET,
        **more,
    }


@contextmanager
def machine(home: Path, settings: str, database: str, *arguments: str, **more: str) -> Iterator[Machine]:
    """A server in `home`, up to the moment when people may be sent to it; killed in the end."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "tandem.yaml").write_text(settings, encoding="utf-8")
    process = start(home, "serve", "--port", "0", *arguments, **environment(database, **more))
    try:
        address = address_of(process)
        assert within(60, lambda: httpx.get(f"{address}/readyz", timeout=60).status_code == 200)
        yield Machine(home, process, address, database)
    finally:
        process.kill()
        process.communicate(timeout=120)


def settings_for(papers: Path, more: str = "", models: str = "") -> str:
    """The settings of a machine whose documents lie in `papers`; `models` is the address of those that it asks."""
    endpoints = f"[{{name: local, base_url: '{models}'}}]" if models else "[]"
    return f"documents: {papers}\nmodels: {{foundry: false, endpoints: {endpoints}}}\n{more}"
