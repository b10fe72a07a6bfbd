"""Mail messages (EML): who wrote to whom and when, and what.

Knows MIME. Names the attachments but does not read them, and fetches nothing.
"""

from __future__ import annotations

import email
from email import policy
from email.message import EmailMessage
from typing import cast

from rag.errors import DocumentError
from rag.formats.encodings import decode
from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.html import add_html

_HEADERS = ("From", "To", "Cc", "Date")


def read_eml(data: bytes) -> Extracted:
    """A message: its subject as title and heading, its correspondents, its text, the names of its attachments."""
    message = cast(EmailMessage, email.message_from_bytes(data, policy=policy.default))
    builder = Builder()
    try:
        if not any(message.get(name) for name in ("From", "Subject", "Date", "To", "Message-ID")):
            raise DocumentError("The file is not a mail message; export it again as EML.")
        subject = one_line(str(message.get("Subject") or ""))
        builder.title = subject
        builder.heading(subject, 1)
        builder.add("\n".join(f"{name}: {one_line(str(message[name]))}" for name in _HEADERS if message.get(name)))
        body = message.get_body(("plain", "html"))
        if body is not None:
            text = _text(cast(EmailMessage, body))
            if body.get_content_type() == "text/html":
                add_html(builder, text)
            else:
                builder.add(text)
        attachments = [name for part in message.iter_attachments() if (name := part.get_filename())]
    except (LookupError, ValueError, AttributeError, IndexError, TypeError) as error:
        raise DocumentError("The mail message is damaged; export it again as EML.") from error
    if attachments:
        builder.add("Attachments: " + ", ".join(one_line(name) for name in attachments[:50]) + ".")
        builder.notes.append("The attachments were not read.")
    return builder.build()


def _text(part: EmailMessage) -> str:
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):  # a character set that does not exist, or is not the one it says
        return decode(part.get_payload(decode=True) or b"")  # type: ignore[arg-type]
