"""Where tables are kept, as tandem.yaml and the environment say it.

Knows names, defaults and bounds. Does not know what is kept.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from tandem.settings_sign_in import CHECKED, address


class StorageSettings(BaseModel):
    """Where conversations, traces, accounts and the audit log are kept, and the passages."""

    model_config = CHECKED

    database: SecretStr = Field(
        SecretStr(""),
        description="A PostgreSQL database, like postgresql://tandem@db.example/tandem; empty: files in data_dir.",
    )
    passages: Literal["data_dir", "database"] = Field(
        "data_dir", description="Where passages are kept; database: there, so that several machines may have them."
    )
    password: SecretStr | None = Field(None, description="Its password; environment only.")

    s3_endpoint: str = Field(
        "", description="An S3-compatible store for backups, like https://minio.example; empty: Amazon's."
    )

    @field_validator("s3_endpoint")
    @classmethod
    def _check_endpoint(cls, value: str) -> str:
        return address(value, ("https",)) if value else ""

    @field_validator("database")
    @classmethod
    def _check_database(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value().strip()
        try:
            parts = urlsplit(url)
            valid = not url or (parts.scheme == "postgresql" and len(parts.path) > 1 and parts.port != 0)
        except ValueError:
            valid = False
        if not valid:
            raise ValueError("it is no PostgreSQL database; write it like postgresql://tandem@db.example/tandem")
        return SecretStr(url)

    @model_validator(mode="after")
    def _check_passages(self) -> StorageSettings:
        if self.passages == "database" and not self.database.get_secret_value():
            raise ValueError("storage.passages is database, so that storage.database must name one")
        return self
