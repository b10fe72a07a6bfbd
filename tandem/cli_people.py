"""The terminal's commands about people: their names, arguments and help. Does not know what they do:
`tandem.commands.people` and `tandem.commands.keys` do."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

people = typer.Typer(help="Accounts, and what is granted to them.", no_args_is_help=True)
keys = typer.Typer(help="Keys with which somebody's programs ask /v1.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Whose account.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON array.")]


@people.command("list")
def people_list(json: Json = False) -> None:
    """List everybody with an account, and what is granted to them."""
    from tandem.commands import people as room

    room.list_people(json=json)


@people.command("add")
def people_add(
    name: Name,
    group: Annotated[list[str] | None, typer.Option(help="A group to be in; may be given several times.")] = None,
    way: Annotated[str, typer.Option(help="How they sign in: local, oidc:NAME or ldap.")] = "local",
) -> None:
    """Make an account. Somebody with a password gets a link that works once, to choose it."""
    from tandem.commands import people as room

    room.add(name, group or [], way)


@people.command("invite")
def people_invite(name: Name) -> None:
    """Print a new link for an account whose password is not chosen yet; the one of before ends."""
    from tandem.commands import people as room

    room.invite(name)


@people.command("reset")
def people_reset(name: Name) -> None:
    """Print a link by which a password is chosen anew, once, and with it a new two-factor code."""
    from tandem.commands import people as room

    room.reset(name)


@people.command("remove")
def people_remove(name: Name) -> None:
    """Take an account away: what it holds counts no more, a second later at most."""
    from tandem.commands import people as room

    room.remove(name)


@people.command("forget")
def people_forget(
    name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether this is meant.")] = False
) -> None:
    """Delete what is kept of somebody: their conversations, traces, usage, keys and account; the audit log stays."""
    from tandem.commands import people as room

    room.forget(name, sure=yes)


@people.command("role")
def people_role(
    name: Name,
    role: Annotated[
        Literal["member", "curator", "administrator"], typer.Argument(help="member takes every role away.")
    ],
    collection: Annotated[str, typer.Option(help="The collection that a curator looks after.")] = "",
) -> None:
    """Grant somebody a role, or take it away."""
    from tandem.commands import people as room

    room.role(name, role, collection)


@people.command("join")
def people_join(name: Name, group: Annotated[str, typer.Argument(help="The group.")]) -> None:
    """Put somebody into a group."""
    from tandem.commands import people as room

    room.join(name, group)


@people.command("leave")
def people_leave(name: Name, group: Annotated[str, typer.Argument(help="The group.")]) -> None:
    """Take somebody out of a group that they were put into here."""
    from tandem.commands import people as room

    room.leave(name, group)


@keys.command("list")
def keys_list(
    name: Annotated[str | None, typer.Argument(help="Whose keys; without it, everybody's.")] = None, json: Json = False
) -> None:
    """List keys: whose, what for, what they open, until when, and when they were last used."""
    from tandem.commands import keys as room

    room.list_keys(name, json=json)


@keys.command("add")
def keys_add(
    name: Annotated[str, typer.Argument(help="Whose program it is for.")],
    purpose: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="What it opens: ask, search, files, models, metrics; several times.")
    ] = None,
    days: Annotated[float, typer.Option(help="For how many days it counts; 0: until it is revoked.", min=0)] = 365,
) -> None:
    """Make a key and print it, once: only its hash is kept."""
    from tandem.commands import keys as room

    room.add(name, purpose, scope or ["ask", "models"], days or None)


@keys.command("revoke")
def keys_revoke(key: Annotated[str, typer.Argument(help="The key's id, as the list has it.")]) -> None:
    """End a key, at once."""
    from tandem.commands import keys as room

    room.revoke(key)
