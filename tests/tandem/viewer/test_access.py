"""Who may open what: everybody who may use the chat the library, and a conversation's files only whose they are."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hybrid.runtimes.scripted import Script, Scripted
from tandem.auth.tickets import COOKIE
from tandem.settings import Settings
from tests.support.served import Served

CONVERSATION = "5f2b6c1e-3f0a-4c8e-9a55-6d6f3c9d1a01"


def open_served(home: Path, **server: object) -> Served:
    (home / "papers").mkdir()
    (home / "papers" / "leave.md").write_text("Everybody may read this sentence.\n", encoding="utf-8")
    settings = Settings.model_validate(
        {"data_dir": home / "data", "documents": [home / "papers"], "models": {"foundry": False}, "server": server}
    )
    return Served(settings, [Scripted({"phi-4-mini": Script("x")})])


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with open_served(tmp_path_factory.mktemp("two"), users={"ada": "a", "bob": "b"}) as served:
        served.context.library.add_upload(CONVERSATION, "secret.md", b"The safe is behind the picture.", person="ada")
        yield served


def status(served: Served, person: str, address: str) -> int:
    cookies = {COOKIE: served.context.tickets.issue(person)} if person else {}
    return httpx.get(served.url + address, cookies=cookies).status_code


def addresses(served: Served, conversation: str) -> list[str]:
    (document,) = served.context.library.documents(conversation)
    (passage,) = map(str, served.context.library.store.passage_rows(int(document.id)))
    return [f"/source/document/{document.id}", f"/source/document/{document.id}/original", f"/source/passage/{passage}"]


def test_nobody_opens_anything_without_signing_in(two: Served) -> None:
    for address in (*addresses(two, ""), *addresses(two, CONVERSATION)):
        assert status(two, "", address) == 401
        assert status(two, "ada", address) == 200
    forged = httpx.get(two.url + addresses(two, "")[0], cookies={COOKIE: "forged"})
    assert forged.status_code == 401 and "Sign in" in forged.text


def test_a_conversation_s_files_are_its_owner_s(two: Served) -> None:
    bob = {COOKIE: two.context.tickets.issue("bob")}
    for address in addresses(two, CONVERSATION):
        assert status(two, "bob", address) == 404
        answer = httpx.get(two.url + address, cookies=bob)
        nothing = httpx.get(two.url + re.sub(r"\d+", "999999", address), cookies=bob)
        assert answer.text == nothing.text, "nothing tells bob that it is there"
    for address in addresses(two, ""):
        assert status(two, "bob", address) == 200


def test_on_this_machine_the_local_user_sees_what_was_dropped(tmp_path: Path) -> None:
    with open_served(tmp_path) as served:
        served.context.library.add_upload(CONVERSATION, "mine.md", b"The safe is behind the picture.", person="local")
        for address in (*addresses(served, ""), *addresses(served, CONVERSATION)):
            assert httpx.get(served.url + address).status_code == 200
        elsewhere = httpx.get(served.url + addresses(served, "")[0], headers={"host": "evil.example"})
        assert elsewhere.status_code == 403


def test_a_folder_that_is_no_longer_named_gives_no_file(tmp_path: Path) -> None:
    with open_served(tmp_path) as served:
        document, original, _ = addresses(served, "")
        served.context.settings = served.context.settings.model_copy(update={"documents": (tmp_path / "other",)})
        assert httpx.get(served.url + original).status_code == 404
        assert "Everybody may read this sentence." in httpx.get(served.url + document).text
