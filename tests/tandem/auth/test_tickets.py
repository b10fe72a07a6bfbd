"""Whether a cookie counts: as long as the person, the password, the way to sign in and the epoch do."""

from __future__ import annotations

import time
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from rag.errors import UserFacingError
from tandem.auth.tickets import LOCAL_USER, SECONDS, TicketError, Tickets, signing_secret, ticket_of

SECRET = "s" * 64


def people(**passwords: str) -> dict[str, SecretStr]:
    return {name: SecretStr(password) for name, password in passwords.items()}


def tickets(folder: Path, *, secret: str = SECRET, now: float | None = None, **passwords: str) -> Tickets:
    return Tickets(secret, people(**passwords), folder / "signed_out.json", (lambda: now) if now else time.time)


def counts(known: Tickets, token: str) -> bool:
    try:
        return bool(known.read(token).person)
    except TicketError:
        return False


def test_a_cookie_outlives_a_restart(tmp_path: Path) -> None:
    token = tickets(tmp_path, ada="a", bob="b").issue("ada")
    assert tickets(tmp_path, ada="a").read(token).person == "ada"


@pytest.mark.parametrize(
    "passwords",
    [{"bob": "b"}, {"ada": "other"}, {}, {"bob": "a"}, {"local": "a"}],
    ids=["removed", "another password", "sign-in off", "another name", "local"],
)
def test_what_ends_a_cookie_by_settings(tmp_path: Path, passwords: dict[str, str]) -> None:
    token = tickets(tmp_path, ada="a").issue("ada")
    assert not counts(tickets(tmp_path, **passwords), token)


def test_a_cookie_from_before_sign_in_was_switched_on(tmp_path: Path) -> None:
    token = tickets(tmp_path).issue(LOCAL_USER)
    assert not counts(tickets(tmp_path, ada="a"), token)
    assert not counts(tickets(tmp_path, local="a"), token)
    assert counts(tickets(tmp_path), token)


def test_signing_out_here_and_everywhere(tmp_path: Path) -> None:
    here = tickets(tmp_path, ada="a", bob="b")
    first, second, other = here.issue("ada"), here.issue("ada"), here.issue("bob")
    browser = here.remember("ada")
    here.end(first)
    assert [counts(here, token) for token in (first, second, other)] == [False, True, True]
    # Another process of the same data directory sees it, and a restart remembers it.
    there = tickets(tmp_path, ada="a", bob="b")
    assert [counts(there, token) for token in (first, second, other)] == [False, True, True]
    there.end_all("ada")
    assert [counts(here, token) for token in (first, second, other)] == [False, False, True]
    assert not here.remembered("ada", browser)
    assert counts(here, here.issue("ada"))
    here.end(first)
    here.end("nonsense")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"base": "x"}', b"[" * 100_000])
def test_who_has_signed_out_does_not_come_back_by_a_damaged_file(tmp_path: Path, content: bytes) -> None:
    known = tickets(tmp_path, ada="a")
    ended, token = known.issue("ada"), known.issue("ada")
    known.end(ended)
    (tmp_path / "signed_out.json").write_bytes(content)
    for one in (tickets(tmp_path, ada="a"), known):
        assert not counts(one, ended) and not counts(one, token)
        assert counts(one, one.issue("ada"))
    assert list(tmp_path.glob("signed_out.json.*.damaged"))


def test_old_and_forged_cookies(tmp_path: Path) -> None:
    known = tickets(tmp_path, ada="a")
    token = known.issue("ada")
    assert not counts(tickets(tmp_path, ada="a", now=time.time() + SECONDS + 1), token)
    assert not counts(tickets(tmp_path, secret="t" * 64, ada="a"), token)
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert claims["mark"] not in ("a", "")
    forged = [
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, "x" * 64, algorithm="HS256"),
        jwt.encode({**claims, "identifier": "bob"}, SECRET, algorithm="HS256"),
        jwt.encode({key: value for key, value in claims.items() if key != "mark"}, SECRET, algorithm="HS256"),
        jwt.encode({key: value for key, value in claims.items() if key != "exp"}, SECRET, algorithm="HS256"),
        jwt.encode({**claims, "exp": "never"}, SECRET, algorithm="HS256"),
        jwt.encode({**claims, "jti": None}, SECRET, algorithm="HS256"),
        known.remember("ada"),
        token[:-2],
        f"{token}x",
    ]
    assert not any(counts(known, token) for token in forged)


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[\w-]{1,20}\.[\w-]{1,40}\.[\w-]{0,40}", fullmatch=True)))
def test_no_text_is_a_ticket(text: str) -> None:
    assert not counts(Tickets(SECRET, people(ada="a"), Path("nowhere") / "at-all.json"), text)


def test_a_ticket_may_come_in_several_cookies() -> None:
    assert ticket_of({"access_token": "abc"}) == "abc"
    assert ticket_of({"access_token_1": "c", "access_token_0": "ab", "access_token_3": "x"}) == "abc"
    assert ticket_of({"other": "x"}) is None


def test_the_secret_is_made_once_and_is_nobody_elses_business(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "data" / "chat.secret"
    made = set()
    for _ in range(2):
        monkeypatch.delenv("CHAINLIT_AUTH_SECRET", raising=False)
        made.add(signing_secret(file))
    (secret,) = made
    assert len(secret) == 64 and (file.stat().st_mode & 0o077 == 0 or file.drive)


@pytest.mark.parametrize("kept", ["", "short", "x" * 63, "x" * 32 + " " + "x" * 31, "\x00" * 64, "x" * 64_000])
def test_a_secret_that_is_not_whole_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str) -> None:
    monkeypatch.delenv("CHAINLIT_AUTH_SECRET", raising=False)
    file = tmp_path / "chat.secret"
    file.write_text(kept, encoding="utf-8")
    secret = signing_secret(file)
    assert secret != kept and len(secret) == 64 and file.read_text(encoding="utf-8") == secret


def test_a_secret_of_the_environment_must_be_long_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINLIT_AUTH_SECRET", "guess")
    with pytest.raises(UserFacingError, match="at least 32"):
        signing_secret(tmp_path / "chat.secret")
