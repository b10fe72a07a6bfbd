"""Who may look at a document: whoever may read its collection, and at a conversation's file only the one who dropped it
there.

Knows the chat's cookie and people's keys. Does not know what is shown.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from rag import labels
from rag.ingest.uploads import Uploads
from rag.types import DocumentRecord
from tandem.auth.tickets import LOCAL_USER, TicketError, ticket_of
from tandem.context import AppContext
from tandem.people.keys import PREFIX


async def holder(context: AppContext, request: Request) -> str | None:
    """Whose key for files a request brings; None for nobody's. Raises AccountsError where keys cannot be read."""
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not sent.startswith(PREFIX) or not context.settings.server.login_required:
        return None
    key = await asyncio.to_thread(context.entrance.keys.find, sent.strip())
    return key.person if key is not None and "files" in key.scopes and context.tickets.knows(key.person) else None


def person(context: AppContext, request: Request) -> str | None:
    """Who asks: whom the chat's cookie names, the local user where nobody signs in; None for nobody."""
    try:
        return context.tickets.read(ticket_of(request.cookies)).person
    except TicketError:
        return None if context.settings.server.login_required else LOCAL_USER


def may_see(context: AppContext, who: str, document: DocumentRecord) -> bool:
    """Whether `who` may read one of the document's labels, or its conversation's files are theirs. Touches the disk."""
    conversation = labels.thread_of(document.labels)
    if not conversation:
        return not document.labels.isdisjoint(context.rights.labels(context.rights.principal(who)))
    owner = Uploads(context.library.data_dir).person(conversation)
    return owner == who or (not owner and not context.settings.server.login_required)
