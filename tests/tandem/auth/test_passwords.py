import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr

from rag.errors import UserFacingError
from tandem.auth import passwords
from tandem.auth.passwords import Passwords, hashed
from tandem.settings import load


def test_only_the_right_password_of_a_known_user_is_right() -> None:
    kept = Passwords({"ada": SecretStr("şifre"), "bob": SecretStr(hashed("b:,$"))})
    assert kept.right("ada", "şifre") and kept.right("bob", "b:,$")
    wrong = [("ada", "x"), ("ada", "\ud800"), ("bob", "şifre"), ("eve", ""), ("eve", "şifre"), ("", "")]
    assert not any(kept.right(name, password) for name, password in wrong)


def test_passwords_are_not_kept() -> None:
    kept = Passwords({"ada": SecretStr("correct horse")})
    assert "horse" not in repr(vars(kept))
    assert not kept.right("ada", "wrong")
    # From its first use on, the hash alone is there.
    assert "correct horse" not in str([*(s.get_secret_value() for s in kept._plain.values()), *kept._hashes.values()])
    assert kept.right("ada", "correct horse") and not kept.right("ada", "wrong")
    assert hashed("a") != hashed("a")


def test_a_hash_is_not_a_password() -> None:
    stolen = hashed("correct horse")
    assert not Passwords({"ada": SecretStr(stolen)}).right("ada", stolen)


def test_hashes_of_earlier_days_count() -> None:
    old = "scrypt:AAECAwQFBgcICQoLDA0ODw:JbN2hANm9NOw4h5BRHZnbjzQ6Jr0QwNWojTOC2WgIbU"
    kept = Passwords({"ada": SecretStr(old), "bob": SecretStr("b")})
    assert kept.right("ada", "correct horse") and kept.right("bob", "b")
    assert not kept.right("ada", "b") and not kept.right("eve", "b")


def test_a_hash_of_another_program_counts() -> None:
    usual = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=2).hash("a")
    assert Passwords({"ada": SecretStr(usual)}).right("ada", "a")


def test_a_hash_may_stand_among_the_users() -> None:
    settings = load(env={"TANDEM_SERVER__USERS": f"ada:{hashed('a:b,c')},bob:b"})
    assert Passwords(settings.server.users).right("ada", "a:b,c")


HASH = hashed("a")


@pytest.mark.parametrize(
    "given",
    [HASH[:-1], HASH[:30], HASH + "x", "scrypt:x", "argon2id:", HASH.replace("m=19456", "m=99999999")],
    ids=["shorter", "half", "longer", "other kind", "empty", "too much memory"],
)
def test_half_a_hash_is_refused(given: str) -> None:
    with pytest.raises(UserFacingError, match="hash of ada is not whole"):
        Passwords({"ada": SecretStr(given)})


def test_a_hundred_passwords_cost_nothing_before_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hasher:
        def hash(self, words: bytes) -> str:
            raise AssertionError

    monkeypatch.setattr(passwords, "_HASHER", Hasher())
    Passwords({f"user {number}": SecretStr("x") for number in range(100)})
