"""A web site: the pages that its sitemap names, or else those that its links lead to, of its own host only.

Knows robots.txt, sitemaps, links, conditional requests. Runs no scripts. Never leaves the host it was given: neither a
link nor a redirect leads to another machine, be it a private one.
"""

from __future__ import annotations

import gzip
import hashlib
import time
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import httpx
from bs4 import BeautifulSoup
from lxml import etree

from rag.connectors.base import Item, Source, SourceError
from rag.formats.registry import readable
from rag.formats.registry import suffix as suffix_of

AGENT = "Tandem"
_MOST_PAGES = 5_000
_LARGEST = 20_000_000
_MOST_REDIRECTS = 5
_MOST_SITEMAPS = 200
_SLOWEST = 10.0
_SECONDS = 30.0
_PAGES = ("text/html", "application/xhtml+xml")


class Web:
    """Options: `pages`, how many at most; `pause`, seconds between two requests; `under`, what all paths begin with."""

    def __init__(self, source: Source) -> None:
        parts = urlsplit(source.address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SourceError(
                f"The source {source.name!r} has no address of a web site; write it like https://example.org/."
            )
        self._source = source
        self._most = min(_whole(source, "pages", 1_000), _MOST_PAGES)
        self._pause = min(float(_whole(source, "pause", 1)), _SLOWEST)
        self._under = source.options.get("under", "/")
        self._host = parts.netloc.lower()
        self._last = 0.0
        self._robots = RobotFileParser()

    def items(self, known: Mapping[str, str]) -> Iterator[Item]:
        """The pages and documents of the site; a version is the server's mark, or a digest where it has none."""
        with httpx.Client(
            headers={"user-agent": AGENT}, timeout=_SECONDS, follow_redirects=False, auth=self._auth(), trust_env=False
        ) as client:
            self._ask_robots(client)
            waiting = deque([*self._sitemap(client), self._source.address])
            follow = len(waiting) == 1
            seen: set[str] = set()
            names: set[str] = set()
            reached = False
            while waiting and len(names) < self._most:
                address = urldefrag(waiting.popleft())[0]
                if address in seen or not self._may(address):
                    continue
                seen.add(address)
                name = _name(address)
                # A page whose links are followed is fetched whole.
                leads = follow or address == self._source.address
                found = self._get(client, address, "" if leads else known.get(name, ""))
                if found is None:
                    if not reached and address == self._source.address:
                        raise SourceError(f"The web site {self._source.name} does not answer; check its address.")
                    continue
                reached = True
                status, headers, body, final = found
                if status == 304:
                    names.add(name)
                    yield Item(name, known[name], _unread)
                    continue
                kind = headers.get("content-type", "").partition(";")[0].strip().lower()
                soup = BeautifulSoup(body, "lxml") if kind in _PAGES else None
                if soup is not None and leads:
                    waiting.extend(self._links(soup, final))
                if name in names or (soup is not None and _not_to_be_kept(soup)):
                    continue
                names.add(name)
                yield Item(name, _version(headers, body), lambda data=body: data)  # type: ignore[misc]

    def _auth(self) -> httpx.BasicAuth | None:
        return httpx.BasicAuth(self._source.user, self._source.secret) if self._source.user else None

    def _ask_robots(self, client: httpx.Client) -> None:
        found = self._get(client, urljoin(self._source.address, "/robots.txt"), "", asking=True)
        lines = found[2].decode("utf-8", "replace").splitlines() if found is not None and found[0] == 200 else []
        self._robots.parse(lines)
        with suppress(ValueError, TypeError):
            self._pause = min(max(self._pause, float(self._robots.crawl_delay(AGENT) or 0)), _SLOWEST)

    def _may(self, address: str) -> bool:
        parts = urlsplit(address)
        own = parts.scheme in ("http", "https") and parts.netloc.lower() == self._host
        return (own and parts.path.startswith(self._under) and self._robots.can_fetch(AGENT, address)) or (
            own and address == self._source.address and self._robots.can_fetch(AGENT, address)
        )

    def _sitemap(self, client: httpx.Client) -> list[str]:
        """The pages that sitemaps name; empty where there is none."""
        waiting = deque([*(self._robots.site_maps() or ()), urljoin(self._source.address, "/sitemap.xml")])
        pages: list[str] = []
        seen: set[str] = set()
        while waiting and len(seen) < _MOST_SITEMAPS and len(pages) < _MOST_PAGES:
            address = waiting.popleft()
            if address in seen or urlsplit(address).netloc.lower() != self._host:
                continue
            seen.add(address)
            found = self._get(client, address, "", asking=True)
            root = _xml(found[2]) if found is not None and found[0] == 200 else None
            if root is None:
                continue
            places = [one.text.strip() for one in root.iter("{*}loc") if one.text]
            if str(root.tag).endswith("sitemapindex"):
                waiting.extend(places)
            else:
                pages += places
        return [page for page in dict.fromkeys(pages) if self._may(page)]

    def _get(
        self, client: httpx.Client, address: str, version: str, *, asking: bool = False
    ) -> tuple[int, httpx.Headers, bytes, str] | None:
        """What a page answers, or None where it does not; redirects are followed within the host."""
        headers = {}
        if version.startswith('"') or version.startswith("W/"):
            headers["if-none-match"] = version
        elif version.endswith("GMT"):
            headers["if-modified-since"] = version
        for _ in range(_MOST_REDIRECTS):
            self._wait()
            try:
                with client.stream("GET", address, headers=headers) as answer:
                    if answer.has_redirect_location:
                        address = urljoin(address, answer.headers.get("location", ""))
                        if urlsplit(address).netloc.lower() != self._host or (not asking and not self._may(address)):
                            return None
                        continue
                    if answer.status_code == 304:
                        return 304, answer.headers, b"", address
                    if answer.status_code != 200:
                        return None
                    body = bytearray()
                    for piece in answer.iter_bytes():
                        body += piece
                        if len(body) > _LARGEST:
                            return None
                    return 200, answer.headers, bytes(body), address
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, zlib.error):
                return None
        return None

    def _wait(self) -> None:
        left = self._last + self._pause - time.monotonic()
        if left > 0:
            time.sleep(left)
        self._last = time.monotonic()

    def _links(self, soup: BeautifulSoup, address: str) -> Iterator[str]:
        for link in soup.find_all(["a", "area"], href=True):
            if "nofollow" in link.get_attribute_list("rel"):
                continue
            with suppress(ValueError):
                found = urldefrag(urljoin(address, str(link["href"]).strip()))[0]
                if self._may(found):
                    yield found


def _name(address: str) -> str:
    """Where a page is kept: by its path, with a mark of its query, and an ending that says how it is read."""
    parts = urlsplit(address)
    path = unquote(parts.path).strip("/") or "index"
    if parts.path.endswith("/") and path != "index":
        path += "/index"
    if parts.query:
        stem, dot, end = path.rpartition(".")
        mark = hashlib.sha256(parts.query.encode()).hexdigest()[:8]
        path = f"{stem}-{mark}.{end}" if dot and "/" not in end else f"{path}-{mark}"
    last = path.rpartition("/")[2]
    # Programs that make pages are no documents by their ending: page.php, page.aspx.
    return path if readable(last) and suffix_of(last) not in (".php",) else f"{path}.html"


def _version(headers: httpx.Headers, body: bytes) -> str:
    digest = hashlib.sha256(body).hexdigest()
    return str(headers.get("etag") or headers.get("last-modified") or digest)


def _not_to_be_kept(soup: BeautifulSoup) -> bool:
    return any(
        "noindex" in str(tag.get("content", "")).lower() for tag in soup.find_all("meta", attrs={"name": "robots"})
    )


def _xml(data: bytes) -> etree._Element | None:
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)[:_LARGEST]
        return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, recover=True))
    except (OSError, EOFError, zlib.error, etree.XMLSyntaxError, ValueError):
        return None


def _unread() -> bytes:
    raise SourceError("A page that did not change was asked for; the next visit fetches it.")


def _whole(source: Source, name: str, usual: int) -> int:
    value = source.options.get(name, str(usual))
    if not value.isdecimal():
        raise SourceError(f"The source {source.name!r} has {name}: {value!r}; write a whole number.")
    return int(value)
