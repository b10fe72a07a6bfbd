from pathlib import Path

import pytest
from pydantic import SecretStr

from tandem.settings import ServerSettings
from tandem.ui.accounts import _secret, is_local, user_with_password

SERVER = ServerSettings(host="0.0.0.0", users={"ada": SecretStr("şifre"), "bob": SecretStr("x")})


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000"])
def test_names_of_this_machine(host: str) -> None:
    assert is_local({"host": host})


@pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1.evil.example", "", "[::1", "localhost.evil.example"])
def test_other_names_get_nobody(host: str) -> None:
    assert not is_local({"host": host})


def test_passwords() -> None:
    user = user_with_password("ada", "şifre", SERVER)
    assert user is not None and user.identifier == "ada"
    for name, password in (("ada", "x"), ("bob", "şifre"), ("eve", ""), ("eve", "şifre"), ("", "")):
        assert user_with_password(name, password, SERVER) is None


def test_the_secret_is_made_once_and_is_nobody_elses_business(tmp_path: Path) -> None:
    file = tmp_path / "data" / "chat.secret"
    secret = _secret(file)
    assert len(secret) >= 32
    assert _secret(file) == secret
    assert file.stat().st_mode & 0o077 == 0 or file.drive
