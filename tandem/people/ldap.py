"""Signing in by a directory: one binds as the person, with their password, and reads who they are and their groups.

Knows LDAP. Does not know sessions or brakes. Whoever cannot bind is nobody; a directory that does not answer is said to
be away, in one sentence.
"""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING, Any

from rag.errors import UserFacingError
from tandem.people.accounts import People
from tandem.people.providers import LDAP, mapped
from tandem.settings_sign_in import LdapSettings

if TYPE_CHECKING:
    from ldap3 import Connection

log = logging.getLogger(__name__)

_LONGEST = 200


class DirectoryError(UserFacingError):
    """The directory cannot be asked."""


class Directory:
    """The directory that the settings name. For any thread."""

    def __init__(self, settings: LdapSettings, people: People) -> None:
        self._settings = settings
        self._people = people

    def person(self, name: str, password: str) -> str | None:
        """Whose password this is there; None for nobody's. Blocks. Raises DirectoryError, or AccountsError where the
        person may not have an account here."""
        from ldap3.core.exceptions import LDAPException

        # A bind without a password succeeds as nobody in particular: RFC 4513, 5.1.2.
        if not password or not name.strip() or len(name) > _LONGEST or "\0" in name + password:
            return None
        try:
            found = self._asked(name, password)
        except (LDAPException, OSError, ValueError) as error:
            log.warning("The directory %s cannot be asked: %s", self._settings.url, error)
            raise DirectoryError("The directory of people does not answer; try again in a minute.") from None
        if found is None:
            return None
        dn, own, groups = found
        return self._people.welcome(LDAP, dn, own, mapped(groups, self._settings.groups))

    def _asked(self, name: str, password: str) -> tuple[str, str, list[str]] | None:
        """The person's DN, their own name, and their groups by DN and cn."""
        from ldap3 import AUTO_BIND_NONE, SUBTREE, Connection, Server, Tls
        from ldap3.utils.conv import escape_filter_chars
        from ldap3.utils.dn import escape_rdn

        kept = self._settings
        trusted = str(kept.ca_file) if kept.ca_file else None
        checked = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=trusted)
        tls = checked if kept.url.startswith("ldaps:") or kept.start_tls else None
        server = Server(kept.url, tls=tls, connect_timeout=kept.seconds)
        bind = kept.bind.replace("{name}", escape_rdn(name) if "=" in kept.bind else name)
        link = Connection(
            server,
            bind,
            password,
            auto_bind=AUTO_BIND_NONE,
            receive_timeout=max(1, round(kept.seconds)),
            auto_referrals=False,
            read_only=True,
        )
        try:
            link.open()
            if kept.start_tls and not link.start_tls():
                raise OSError("TLS was refused")
            if not link.bind():
                return None
            one = f"({kept.name_attribute}={escape_filter_chars(name)})"
            link.search(kept.base, one, SUBTREE, attributes=[kept.name_attribute, "memberOf"], size_limit=2)
            entries = _entries(link)
            if len(entries) != 1:
                return None
            dn, values = entries[0]
            own = next(iter(_texts(values, kept.name_attribute)), "")
            groups = _texts(values, "memberOf")
            if kept.group_base:
                mine = escape_filter_chars(dn)
                member = f"(|(member={mine})(uniqueMember={mine})(memberUid={escape_filter_chars(own)}))"
                link.search(kept.group_base, member, SUBTREE, attributes=["cn"])
                groups += [group for group, _ in _entries(link)]
        finally:
            link.unbind()
        return (dn.casefold(), own, groups + [_first(group) for group in groups]) if own else None


def _entries(link: Connection) -> list[tuple[str, dict[str, Any]]]:
    found = link.response or []
    return [(str(one["dn"]), dict(one["attributes"])) for one in found if one.get("type") == "searchResEntry"]


def _texts(values: dict[str, Any], name: str) -> list[str]:
    found: Any = next((value for key, value in values.items() if key.casefold() == name.casefold()), [])
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str)]


def _first(dn: str) -> str:
    """The value of a DN's first part: its cn."""
    from ldap3.core.exceptions import LDAPException
    from ldap3.utils.dn import parse_dn

    try:
        return str(parse_dn(dn)[0][1])
    except (LDAPException, IndexError):
        return ""
