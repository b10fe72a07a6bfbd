"""A folder that a WebDAV server offers (Nextcloud, SharePoint's old door, many others): its files, however deep.

Knows PROPFIND. Never leaves the address it was given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpx
from lxml import etree

from rag.connectors.base import LARGEST, Item, Source, SourceError
from rag.formats.registry import readable

_ASKED = (
    b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getetag/><getlastmodified/><getcontentlength/>'
    b"</prop></propfind>"
)
_MOST_FOLDERS = 50_000
_SECONDS = 60.0


class WebDav:
    """No options."""

    def __init__(self, source: Source) -> None:
        parts = urlsplit(source.address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SourceError(
                f"The source {source.name!r} has no address of a WebDAV folder; write it like https://…/dav/."
            )
        self._source = source
        self._root = source.address if source.address.endswith("/") else f"{source.address}/"
        self._host = parts.netloc.lower()
        self._path = unquote(urlsplit(self._root).path)

    def items(self, known: Mapping[str, str]) -> Iterator[Item]:
        """The files of the folder and those below it; a version is the server's mark, or date and size."""
        auth = httpx.BasicAuth(self._source.user, self._source.secret) if self._source.user else None
        with httpx.Client(timeout=_SECONDS, auth=auth, follow_redirects=False, trust_env=False) as client:
            waiting = deque([self._root])
            seen: set[str] = set()
            while waiting:
                folder = waiting.popleft()
                if folder in seen or len(seen) > _MOST_FOLDERS:
                    continue
                seen.add(folder)
                for address, is_folder, version, size in self._listed(client, folder):
                    path = unquote(urlsplit(address).path)
                    if is_folder:
                        if path.rstrip("/") != unquote(urlsplit(folder).path).rstrip("/"):
                            waiting.append(address if address.endswith("/") else f"{address}/")
                    elif readable(path.rpartition("/")[2]) and size <= LARGEST:
                        name = path.removeprefix(self._path)
                        yield Item(name, version, lambda at=address: self._file(client, at))  # type: ignore[misc]

    def _listed(self, client: httpx.Client, folder: str) -> Iterator[tuple[str, bool, str, int]]:
        """(address, whether it is a folder, version, size) of what lies in a folder. Raises SourceError."""
        try:
            answer = client.request(
                "PROPFIND", folder, headers={"depth": "1", "content-type": "application/xml"}, content=_ASKED
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceError(f"The folder {self._source.name} does not answer ({type(error).__name__}).") from error
        if answer.status_code in (401, 403):
            raise SourceError(f"The folder {self._source.name} does not let Tandem in; check user and password_env.")
        if answer.status_code != 207:
            raise SourceError(f"The folder {self._source.name} is no WebDAV folder (it answers {answer.status_code}).")
        try:
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            root = etree.fromstring(answer.content, parser)
        except etree.XMLSyntaxError as error:
            raise SourceError(f"The folder {self._source.name} answers in a way that cannot be read.") from error
        for one in root.iter("{DAV:}response"):
            address = urljoin(folder, quote(unquote(one.findtext("{DAV:}href") or ""), safe="/:%@"))
            inside = urlsplit(address).netloc.lower() == self._host and unquote(urlsplit(address).path).startswith(
                self._path
            )
            if not inside:
                continue
            size = next((e.text for e in one.iter("{DAV:}getcontentlength") if e.text), "0")
            mark = next((e.text for e in one.iter("{DAV:}getetag") if e.text), "")
            date = next((e.text for e in one.iter("{DAV:}getlastmodified") if e.text), "")
            is_folder = any(True for _ in one.iter("{DAV:}collection"))
            yield address, is_folder, mark or f"{date} {size}", int(size) if size.isdecimal() else 0

    def _file(self, client: httpx.Client, address: str) -> bytes:
        try:
            answer = client.get(address)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceError(f"A file of {self._source.name} cannot be fetched ({type(error).__name__}).") from error
        if answer.status_code != 200:
            raise SourceError(
                f"A file of {self._source.name} cannot be fetched (the server answers {answer.status_code})."
            )
        return answer.content
