"""A real LDAP server of this test run's own: OpenLDAP's slapd, on loopback, with a few people and groups.

Needs slapd (Debian: `slapd`); tests that ask for it are skipped where it is missing.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BASE = "dc=example,dc=org"
PEOPLE = {"lena": "lenas-words", "Mo+Jr": "mos-words", "nils": "nils-words"}
_SETTINGS = """\
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
modulepath {modules}
moduleload back_mdb
moduleload memberof
pidfile {folder}/pid
database mdb
suffix "{base}"
rootdn "cn=root,{base}"
rootpw rootwords
directory {folder}/data
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by users read
"""


def program() -> str | None:
    return shutil.which("slapd") or next(
        (p for p in ("/usr/sbin/slapd", "/usr/libexec/slapd") if Path(p).exists()), None
    )


def _there(*folders: str) -> Path | None:
    return next((Path(folder) for folder in folders if Path(folder).is_dir()), None)


def _ldif() -> str:
    entries = [
        f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example",
        f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people",
        f"dn: ou=groups,{BASE}\nobjectClass: organizationalUnit\nou: groups",
    ]
    for name, words in PEOPLE.items():
        escaped = name.replace("+", "\\+")
        entries.append(
            f"dn: uid={escaped},ou=people,{BASE}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\n"
            f"userPassword: {words}"
        )
    entries.append(f"dn: cn=hr,ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: hr\nmember: uid=lena,ou=people,{BASE}")
    return "\n\n".join(entries) + "\n"


@contextmanager
def running() -> Iterator[str]:
    """The server's address, ldap://..., while the block runs. Skips the test where there is no slapd."""
    slapd = program()
    schema = next((p for p in map(Path, ("/etc/ldap/schema", "/etc/openldap/schema")) if p.is_dir()), None)
    modules = next(
        (p for p in map(Path, ("/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap")) if p.is_dir()), None
    )
    if slapd is None or schema is None or modules is None:
        pytest.skip("slapd is not installed")
    folder = Path(tempfile.mkdtemp(prefix="tandem-ldap-"))
    try:
        (folder / "data").mkdir()
        settings = folder / "slapd.conf"
        settings.write_text(_SETTINGS.format(schema=schema, modules=modules, folder=folder, base=BASE))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        address = f"ldap://127.0.0.1:{port}"
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen([slapd, "-d", "0", "-f", settings, "-h", address], stdout=said, stderr=said)
        try:
            _fill(address, folder)
            yield address
        finally:
            process.terminate()
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(address: str, folder: Path) -> None:
    from ldap3 import Connection, Server
    from ldap3.core.exceptions import LDAPException

    until = time.monotonic() + 60
    while True:
        try:
            link = Connection(Server(address), f"cn=root,{BASE}", "rootwords", auto_bind=True)
            break
        except LDAPException:
            assert time.monotonic() < until, (folder / "said").read_text(encoding="utf-8", errors="replace")
            time.sleep(0.05)
    for entry in _ldif().strip().split("\n\n"):
        dn, *lines = entry.split("\n")
        values: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            values.setdefault(name, []).append(value)
        classes = values.pop("objectClass")
        assert link.add(dn.removeprefix("dn: "), classes, values), link.result
    link.unbind()
