import pytest
from pydantic import SecretStr

from rag.errors import UserFacingError
from tandem.auth.passwords import Passwords, hashed


def test_only_the_right_password_of_a_known_user_is_right() -> None:
    kept = Passwords({"ada": SecretStr("şifre"), "bob": SecretStr(hashed("b:,$"))})
    assert kept.right("ada", "şifre") and kept.right("bob", "b:,$")
    wrong = [("ada", "x"), ("ada", "\ud800"), ("bob", "şifre"), ("eve", ""), ("eve", "şifre"), ("", "")]
    assert not any(kept.right(name, password) for name, password in wrong)


def test_passwords_are_not_kept() -> None:
    kept = Passwords({"ada": SecretStr("correct horse")})
    assert "horse" not in repr(vars(kept))
    assert hashed("a") != hashed("a")


def test_a_hash_is_not_a_password() -> None:
    stolen = hashed("correct horse")
    assert not Passwords({"ada": SecretStr(stolen)}).right("ada", stolen)


def test_half_a_hash_is_refused() -> None:
    with pytest.raises(UserFacingError, match="hash of ada is not whole"):
        Passwords({"ada": SecretStr(hashed("a")[:-1])})
