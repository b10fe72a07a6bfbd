"""A backup in a bucket: sent whole and read again, put back, and nothing of it where something went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from obstore.store import S3Store

from rag.errors import UserFacingError
from tandem.keeping import buckets
from tandem.keeping.buckets import Bucket
from tests.support.buckets import KEYS, running
from tests.support.terminal import Tandem


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with running("backups") as address:
        yield address


@pytest.fixture
def bucket(store: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TANDEM_STORAGE__S3_ENDPOINT", store)
    return store


@pytest.fixture
def little(home: Path) -> Path:
    """Hardly anything to save, and what it is."""
    file = home / ".tandem" / "chat.secret"
    file.parent.mkdir()
    file.write_bytes(b"what cookies are signed with")
    return file


def names(store: str, prefix: str) -> list[str]:
    held = S3Store("backups", endpoint=store, client_options={"allow_http": True})
    return sorted(one["path"] for part in held.list(prefix) for one in part)


def test_what_was_sent_to_a_bucket_is_put_back(
    tandem: Tandem, home: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tandem("index").exit_code == 0
    sent = tandem("backup", "s3://backups/tandem/monday")
    assert sent.exit_code == 0 and "each checked" in sent.output, sent.exception
    assert "tandem/monday/backup.json" in names(bucket, "tandem/monday")
    assert not list((home / ".tandem").glob(".backup-*"))
    before = tandem("ask", "How many days of paid holiday are there?").output
    assert "25 days" in before
    again = tandem("backup", "s3://backups/tandem/monday").exception
    assert isinstance(again, UserFacingError) and "is there already" in str(again)
    monkeypatch.setenv("TANDEM_DATA_DIR", "elsewhere")
    back = tandem("restore", "s3://backups/tandem/monday/")
    assert back.exit_code == 0, back.exception
    assert [path.name for path in (home / "elsewhere").iterdir() if path.name.startswith(".")] == []
    assert tandem("ask", "How many days of paid holiday are there?").output.split("Sources")[0] in before
    assert "There is data already" in str(tandem("restore", "s3://backups/tandem/monday").exception)


def test_one_that_came_otherwise_or_broke_off_leaves_nothing(
    tandem: Tandem, little: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "checksum", lambda file: "another")
    assert "is not what was sent" in str(tandem("backup", "s3://backups/other").exception)
    assert names(bucket, "other") == []


def test_a_damaged_one_is_not_put_back(
    tandem: Tandem, home: Path, little: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tandem("backup", "s3://backups/damaged").exit_code == 0
    held = S3Store("backups", endpoint=bucket, client_options={"allow_http": True})
    file = next(name for name in names(bucket, "damaged") if name.endswith(little.name))
    held.put(file, b"x" * 100)
    monkeypatch.setenv("TANDEM_DATA_DIR", "elsewhere")
    assert "is not as it was saved" in str(tandem("restore", "s3://backups/damaged").exception)
    assert not (home / "elsewhere" / little.name).exists()
    held.delete(file)
    assert "it is not there" in str(tandem("restore", "s3://backups/damaged").exception)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("s3://backups", "names no place in a bucket"),
        ("s3:///x", "names no place in a bucket"),
        ("s3://backups/nothing-is-here", "it is not there"),
        ("s3://no-such-bucket/x", "it is not there"),
    ],
)
def test_what_is_no_backup_in_a_bucket_is_said(tandem: Tandem, bucket: str, where: str, said: str) -> None:
    error = tandem("restore", where).exception
    assert isinstance(error, UserFacingError) and said in str(error), error


def test_a_store_that_is_away_is_said(
    tandem: Tandem, little: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TANDEM_STORAGE__S3_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(buckets, "_RETRIES", buckets.timedelta(seconds=0.1))
    error = tandem("backup", "s3://backups/away").exception
    assert isinstance(error, UserFacingError) and "storage.s3_endpoint" in str(error), error


@pytest.mark.parametrize("lacking", [["AWS_ACCESS_KEY_ID"], ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]])
def test_without_keys_it_is_said_which(
    tandem: Tandem, bucket: str, monkeypatch: pytest.MonkeyPatch, lacking: list[str]
) -> None:
    for name in lacking:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(buckets, "_RETRIES", buckets.timedelta(seconds=0.1))
    assert "there are no keys; set AWS_ACCESS_KEY_ID" in str(tandem("restore", "s3://backups/x").exception)


def test_only_a_store_on_this_machine_is_spoken_to_without_tls(tandem: Tandem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_STORAGE__S3_ENDPOINT", "http://minio.example")
    assert "https" in str(tandem("backup", "s3://backups/x").exception)
    assert str(Bucket.named("s3://a/b/c/")) == "s3://a/b/c"
