import asyncio
from collections.abc import Callable

import pytest
from fastapi import HTTPException
from fastapi.dependencies.utils import get_dependant
from pydantic import SecretStr

from tandem.auth import accounts
from tandem.auth.accounts import is_local
from tandem.auth.passwords import Passwords
from tandem.auth.sign_in import SignIn


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000"])
def test_names_of_this_machine(host: str) -> None:
    assert is_local({"host": host})


@pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1.evil.example", "", "[::1", "localhost.evil.example"])
def test_other_names_get_nobody(host: str) -> None:
    assert not is_local({"host": host})


@pytest.mark.parametrize("put_in", [accounts._sign_in_form, accounts._current_user])
def test_what_is_put_in_the_place_of_a_dependency_costs_no_request_an_analysis(put_in: Callable[..., object]) -> None:
    made = get_dependant(path="/login", call=put_in)
    assert made.request_param_name == "request"
    assert not (made.dependencies or made.body_params or made.query_params or made.header_params)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def status(people: SignIn, name: str, password: str) -> int:
    """The status that a wrong or early attempt gets."""
    with pytest.raises(HTTPException) as refused:
        await people.check(name, password)
    return refused.value.status_code


async def test_who_guesses_too_often_waits_and_is_told_how_long() -> None:
    clock = Clock()
    people = SignIn(Passwords({"ada": SecretStr("şifre"), "bob": SecretStr("x")}), clock=clock)
    for _ in range(5):
        assert await status(people, "ada", "wrong") == 401
    for _ in range(3):
        with pytest.raises(HTTPException) as refused:
            await people.check("ada", "şifre")
        assert (refused.value.status_code, refused.value.headers) == (429, {"Retry-After": "10"})
        assert refused.value.detail == "Too many failed attempts; try again in 10 s."
    assert (await people.check("bob", "x")) == "bob"
    clock.now += 10
    assert (await people.check("ada", "şifre")) == "ada"
    assert await status(people, "ada", "wrong") == 401


async def test_one_address_may_not_try_many_accounts() -> None:
    people = SignIn(Passwords({"ada": SecretStr("a")}), clock=Clock())
    for number in range(20):
        assert await status(people, f"user {number}", "guess") == 401
    assert await status(people, "ada", "a") == 429


async def test_of_many_guesses_at_once_only_a_few_are_looked_at() -> None:
    people = SignIn(Passwords({"ada": SecretStr("a")}), clock=Clock())
    replies = await asyncio.gather(*(status(people, "ada", "guess") for _ in range(30)))
    assert replies == [401] * 5 + [429] * 25
