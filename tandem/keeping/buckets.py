"""A backup in a bucket of an S3-compatible store: sent file by file, read again, and fetched back into a folder.

Knows buckets and prefixes. What is sent is a finished backup, its manifest last, so that one that broke off is none.
Does not know what a backup holds, nor keys: those are looked for where all programs for S3 look (AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION, a machine's role). Needs the package of the extra `s3`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import UserFacingError
from tandem.keeping.files import BackupError, checksum

if TYPE_CHECKING:
    from obstore.store import S3Store

SCHEME = "s3://"
_NO_KEYS = ("/latest/api/token", "Missing AccessKeyId", "Missing SecretAccessKey")
_LEAST_PART = 8 << 20
_MOST_PARTS = 9_000
_CONNECT, _REQUEST, _RETRIES = timedelta(seconds=10), timedelta(minutes=10), timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where in which bucket, like s3://backups/tandem/monday."""

    name: str
    prefix: str
    endpoint: str = ""

    @classmethod
    def named(cls, address: str, endpoint: str = "") -> Bucket:
        """Raises UserFacingError where the address names no place in a bucket."""
        name, _, prefix = address.removeprefix(SCHEME).partition("/")
        if not name or not (prefix := prefix.strip("/")):
            raise UserFacingError(f"{address} names no place in a bucket; write it like s3://backups/tandem/monday.")
        return cls(name, prefix, endpoint)

    def __str__(self) -> str:
        return f"{SCHEME}{self.name}/{self.prefix}"

    def send(self, folder: Path, last: str) -> None:
        """Send every file below `folder`, the one called `last` at the end, and read all of them again. Raises
        BackupError; then nothing of it is left there."""
        with self._in_words(f"The backup cannot be sent to {self}"):
            store = self._store()
            if self._listed(store):
                raise BackupError(f"{self} is there already and is not written over; name another place.")
            files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
            sent: list[str] = []
            try:
                for name in sorted(files, key=lambda name: name.as_posix() == last):
                    sent.append(name.as_posix())
                    self._send(store, folder / name, name.as_posix())
            except BaseException:
                self._withdraw(store, sent)
                raise

    def fetch(self, name: str, target: Path) -> None:
        """Fetch one file. Raises BackupError where it is not there or cannot be had."""
        with self._in_words(f"The backup {self} cannot be fetched"):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as stream:
                for part in self._store().get(name).stream(min_chunk_size=_LEAST_PART):
                    stream.write(part)

    def _send(self, store: S3Store, file: Path, name: str) -> None:
        store.put(name, file, chunk_size=max(_LEAST_PART, file.stat().st_size // _MOST_PARTS))
        came = hashlib.sha256()
        for part in store.get(name).stream(min_chunk_size=_LEAST_PART):
            came.update(part)
        if came.hexdigest() != checksum(file):
            raise BackupError(f"{self}/{name} is not what was sent there; nothing is kept of it. Try again.")

    def _withdraw(self, store: S3Store, names: list[str]) -> None:
        from obstore.exceptions import BaseError

        for name in names:
            try:
                store.delete(name)
            except BaseError:  # never came to be, or stays behind: without the manifest it is no backup
                continue

    def _listed(self, store: S3Store) -> bool:
        return any(True for part in store.list(chunk_size=1) for _ in part)

    def _store(self) -> S3Store:
        try:
            from obstore.store import S3Store
        except ImportError:
            raise UserFacingError(
                "Buckets need a package that is not installed; run pip install 'tandem-assistant[s3]'."
            ) from None
        given: dict[str, Any] = {"endpoint": self.endpoint} if self.endpoint else {}
        client: Any = {
            "connect_timeout": _CONNECT,
            "timeout": _REQUEST,
            "allow_http": self.endpoint.startswith("http://"),
        }
        return S3Store(
            self.name,
            prefix=self.prefix,
            client_options=client,
            retry_config={"max_retries": 3, "retry_timeout": _RETRIES},
            **given,
        )

    @contextmanager
    def _in_words(self, what: str) -> Iterator[None]:
        try:
            from obstore import exceptions as known
        except ImportError:
            yield
            return
        try:
            yield
        except (known.NotFoundError, FileNotFoundError):
            raise BackupError(f"{what}: it is not there; look at the name and at the bucket.") from None
        except (known.PermissionDeniedError, known.UnauthenticatedError):
            raise BackupError(
                f"{what}: the store does not let us; look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION."
            ) from None
        except known.BaseError as error:
            if any(said in str(error) for said in _NO_KEYS):  # else a machine is asked for its role
                raise BackupError(
                    f"{what}: there are no keys; set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION."
                ) from None
            raise BackupError(
                f"{what}: {_first_line(error)}; look at storage.s3_endpoint and AWS_REGION, and try again."
            ) from error
        except OSError as error:
            raise BackupError(f"{what} ({error.strerror or error}); look at the disk, and try again.") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
