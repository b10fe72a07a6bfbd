"""Kind 1: an identifier chosen by the client becomes a path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.security.conftest import Socket, Target

NO_IDS: list[Any] = [
    "",
    ".",
    "..",
    "../added",
    "../../papers",
    "..\\..\\papers",
    "/usr",
    "/etc/passwd",
    "C:\\Windows",
    "\\\\server\\share",
    "papers",
    "public",
    "0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f11/../../papers",
    "../0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f11",
    "0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f11\n",
    "0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f11\x00",
    " 0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f11",
    "0B7E0AD4-7A53-4F6B-9F65-0D0E6A3F2F11",
    "{0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f11}",
    "urn:uuid:0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f11",
    "0b7e0ad47a534f6b9f650d0e6a3f2f11",
    "0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f1１",
    "%2e%2e%2fadded",
    "a" * 10_000,
    "session",
    "😀",
    0,
    -1,
    True,
    1.5,
    [],
    ["0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f11"],
    {},
    {"$ne": ""},
]
NO_AUTH: list[Any] = [None, "", "x", 1, [], ["sessionId"], {}, {"sessionId": None}, {"clientType": "webapp"}]
STRINGS = [value for value in NO_IDS if isinstance(value, str)]


@pytest.fixture(autouse=True)
def nothing_changes_on_disk(target: Target) -> Iterator[None]:
    before = target.files()
    yield
    assert target.files() == before


@pytest.mark.parametrize("value", NO_IDS, ids=ascii)
def test_no_session_is_opened_under_what_is_no_id(target: Target, value: Any) -> None:
    with Socket(target, target.cookies["bob"], sessionId=value) as socket:
        assert not socket.opened


@pytest.mark.parametrize("value", [value for value in NO_IDS if value], ids=ascii)
def test_no_conversation_is_opened_under_what_is_no_id(target: Target, value: Any) -> None:
    with Socket(target, target.cookies["bob"], threadId=value) as socket:
        assert not socket.opened


@pytest.mark.parametrize("auth", NO_AUTH, ids=ascii)
def test_no_socket_is_opened_with_something_else(target: Target, auth: Any) -> None:
    with Socket(target, target.cookies["bob"], auth=auth if auth is not None else "null") as socket:
        assert not socket.opened


@pytest.mark.parametrize(
    "changes",
    [
        {"clientType": "copilot"},
        {"clientType": "../x"},
        {"clientType": 1},
        {"chatProfile": "x" * 10_000},
        {"chatProfile": ["x"]},
        {"userEnv": "["},
        {"userEnv": "[1]"},
        {"userEnv": "[" * 9_000},
        {"userEnv": {"a": 1}},
        {"userEnv": '{"a": "' + "x" * 50_000 + '"}'},
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_no_socket_is_opened_with_other_words(target: Target, changes: dict[str, Any]) -> None:
    with Socket(target, target.cookies["bob"], **changes) as socket:
        assert not socket.opened
