"""Signing in and out of the chat: whose cookies it takes, what is left in a browser, and which sockets end.

Knows the tickets, Chainlit's hooks and its responses. Does not know passwords.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import chainlit as cl
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from tandem.auth import accounts, sign_in
from tandem.auth.tickets import DEVICE_SECONDS, TicketError, Tickets, ticket_of
from tandem.context import AppContext
from tandem.texts import language_for, say
from tandem.ui import chainlit_compat

_LOOK_SECONDS = 1.0


def install(context: AppContext, app: FastAPI) -> bool:
    """Put Tandem's tickets in the place of Chainlit's cookies; whether people sign in. Raises UserFacingError."""
    tickets = context.tickets
    tickets.ended.state()  # what lies on a server is read here, not while somebody waits
    must_sign_in = accounts.install(context.settings.server, app, context.sign_in)
    chainlit_compat.sign_with(tickets.issue, lambda token: tickets.read(token).person)
    chainlit_compat.when_signed_in(_remembering(tickets))
    cl.on_logout(_signing_out(context))
    return must_sign_in


async def end_sockets_of_the_gone(context: AppContext) -> int:
    """Disconnect every session whose cookie does not count any more, and say so on its page; how many there were."""
    tickets = context.tickets

    def ended(person: str | None, token: str | None) -> bool:
        try:
            return tickets.read(token).person != person
        except TicketError:
            return True

    def said(browser: str) -> str:
        return say("signed_out", language_for("", context.settings.display.language, browser))

    return await chainlit_compat.end_sockets(ended, said)


async def follow(context: AppContext) -> None:
    """For good: end the sockets of whoever is signed out from outside, as by `tandem sign-out`."""
    tickets = context.tickets
    seen = await asyncio.to_thread(tickets.ended.state)
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if (now := await asyncio.to_thread(tickets.ended.state)) != seen:
            seen = now
            await end_sockets_of_the_gone(context)


def _signing_out(context: AppContext) -> Callable[[Request, Response], Awaitable[dict[str, bool]]]:
    """What happens when somebody leaves: the cookie ends, with `everywhere` all of theirs, and so do open sockets."""

    tickets = context.tickets

    async def sign_out(request: Request, response: Response) -> dict[str, bool]:
        token = ticket_of(request.cookies)
        try:
            person = tickets.read(token).person
        except TicketError:
            return {"success": True}
        if request.query_params.get("everywhere") == "true":
            await asyncio.to_thread(tickets.end_all, person)
            context.audit.record(person, "sign_out.everywhere", person)
        else:
            await asyncio.to_thread(tickets.end, token)
            context.audit.record(person, "sign_out", person)
        await end_sockets_of_the_gone(context)
        return {"success": True}

    return sign_out


def _remembering(tickets: Tickets) -> Callable[[Request, Response], None]:
    def remember(request: Request, response: Response) -> None:
        if person := sign_in.just_signed_in():
            response.set_cookie(
                sign_in.DEVICE_COOKIE,
                tickets.remember(person),
                path="/",
                httponly=True,
                samesite="strict",
                max_age=DEVICE_SECONDS,
            )

    return remember
