"""The settings of what is seen from outside: logs, figures, traces and the audit log's copy.

Knows these settings with their defaults and meanings. Does not know what is done with them.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator

from tandem.settings_sign_in import CHECKED


class ObservabilitySettings(BaseModel):
    """What is seen from outside, apart from the chat."""

    model_config = CHECKED

    log_level: Literal["debug", "info", "warning", "error"] = Field("warning", description="From which level on.")
    log_format: Literal["text", "json"] = Field("text", description="For people, or one JSON object a line.")
    otlp_endpoint: str = Field(
        "", pattern=r"^(https?://\S+)?$", description="OpenTelemetry collector that traces are sent to; empty: none."
    )
    question_text: bool = Field(False, description="Whether those traces carry the questions' and answers' texts.")
    audit_syslog: str = Field(
        "", description="Where the audit log is passed on to, like udp://log.example:514 or tcp://...; empty: nowhere."
    )

    @field_validator("audit_syslog")
    @classmethod
    def _check_syslog(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            valid = parts.scheme in ("udp", "tcp") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if value and (not valid or parts.path.strip("/") or parts.query or parts.username):
            raise ValueError(
                f"{value!r} is no syslog server; write it like udp://log.example:514 or tcp://log.example:601"
            )
        return value
