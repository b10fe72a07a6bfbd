"""The script of Chainlit's page, with the few changes that no setting and no hook of it allows.

Knows the text of the script that Chainlit 2.12 ships, and what is put in place of what. Where another version says
something else, that is left as it is; a test notices. Does not know the page around it.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import chainlit.server
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_NAME = re.compile(r"index-[\w-]+\.js")


@dataclass(frozen=True, slots=True)
class Change:
    """What is put in place of what, and why."""

    why: str
    pattern: re.Pattern[str]
    by: str


# Names are short and of no meaning in the script; groups stand for those that are used again.
_LINK = (
    r"(\{variant:\"ghost\",)"
    r"(size:\w+\?\"default\":\"icon\",className:\"[^\"]*\",children:\w+\.jsxs\(\"a\",)"
)
_LISTED = (
    r"(\?\w+:)\"button\""
    r"(?=,\{isMobile:\w+,state:\w+\}=\w+\(\),\w+=\w+\.jsx\(\w+,\{ref:\w+,\"data-sidebar\":\"menu-button\")"
)
_MARKDOWN = (
    r"(\(\{allowHtml:\w+,latex:\w+,renderMarkdown:\w+,refElements:(\w+),className:\w+,children:\w+\}\)=>\{const \w+="
    r"(\w+)\.useContext.{1,400}?&&\(\w+=\[(\w+),\.\.\.\w+\]\),\w+\},\[.{1,500}?return )(\w+)\.jsx\((\w+),"
    r"(\{className:\w+\(\"prose lg:prose-xl\",\w+\),"
    r"remarkPlugins:\w+,rehypePlugins:\w+,components:)(\{.*?\}\}),children:(\w+)\}\)"
    r"(?=\},\w+=Object\.freeze\(Object\.defineProperty\(\{__proto__:null,Markdown:)"
)

_MENU = (
    r"(\{onDelete:\w+,onRename:\w+,onShare:\w+,className:\w+)(\}\)\{return .{1,1500}?)(\w+)(\.jsxs\()(\w+)(,\{id:"
    r"\"delete-thread\")"
)
_ROW = (
    r"(success:\(\)=>\((\w+)\((\w+)=>\{var \w+;return\{\.\.\.\3,threads:.{1,7000}?jsx\(\w+,\{)"
    r"(onDelete:\(\)=>\w+\((\w+)\.id\),)"
)

_CONNECT = r"(useCallback\(async\(\{transports:\w+,userEnv:\w+\}\)=>\{)(let\{.{1,400}?)(let \w+=\w+\(\w+,\{path:)"

_SPOKEN = (
    r"=\(\)=>\{let (\w+)=(\w+)\(([\w$]+)\),(\w+)=\2\(([\w$]+)\);"
    r"return\{threadId:\2\(([\w$]+)\),messages:\1,firstInteraction:\4\}\}"
)

CHANGES = (
    Change(
        "A conversation's page connects twice: first as it stands, then with the conversation. Which of the two comes "
        "out of its request later is chance; a first that came later would leave the page without its conversation.",
        re.compile(_CONNECT, re.DOTALL),
        r"\1const tandemTurn=window.tandemTurn=(window.tandemTurn||0)+1;\2if(tandemTurn!==window.tandemTurn)return;\3",
    ),
    Change(
        "A link in the header is no button around a link: keyboards would stop there twice.",
        re.compile(_LINK),
        r"\1asChild:!0,\2",
    ),
    Change(
        "A conversation in the list is a link; a button within it, with a menu within that, cannot be told apart.",
        re.compile(_LISTED),
        r'\1"div"',
    ),
    Change(
        "A message is drawn anew for every piece of it, with other components each time, so that the browser makes all "
        "of it again: what draws it stays the same, and each block is drawn once (public/blocks.js). What typesets "
        "formulas goes along (public/formulas.js).",
        re.compile(_MARKDOWN, re.DOTALL),
        r"\1(window.tandemBlocks||((j,R,M,p)=>j.jsx(M,p)))(\5,\3,\6,\7\3.useMemo(()=>(\8),"
        r"[(\2||[]).map(e=>e.id+e.name).join()]),children:\9},\4)",
    ),
    Change(
        "Whatever asks which conversation this is was told of every word too: the whole page, its list of "
        "conversations and the composer were drawn anew for each piece of an answer. Each part is asked for by itself.",
        re.compile(_SPOKEN),
        r"=()=>({get threadId(){return \2(\6)},get messages(){return \2(\3)},get firstInteraction(){return \2(\5)}})",
    ),
    Change(
        "The menu of a conversation has more in it than to rename and to delete: what public/shelving.js adds.",
        re.compile(_MENU, re.DOTALL),
        r"\1,tandemThread,tandemChange\2...(window.tandemShelf?window.tandemShelf(\3,\5,tandemThread,tandemChange):[]),"
        r"\3\4\5\6",
    ),
    Change(
        "That menu is told which conversation it is of, and what changes the list.",
        re.compile(_ROW, re.DOTALL),
        r"\1tandemThread:\5,tandemChange:\2,\4",
    ),
    Change(
        "Pinned conversations are a group of their own,",
        re.compile(r'(let (\w+)=new Date\((\w+)\.createdAt\);.{1,200}?)(\w+)===0\?(\w+)="Today"', re.DOTALL),
        r'\1\3.metadata&&\3.metadata.pinned?\5="Pinned":!\4?\5="Today"',
    ),
    Change(
        "which stands before the days,",
        re.compile(r'(?<=\[)("Today","Yesterday","Previous 7 days","Previous 30 days"\])'),
        r'"Pinned",\1',
    ),
    Change(
        "and has a name.",
        re.compile(r"(?<=\(\{)(Today:)"),
        r'Pinned:window.tandemPinned?window.tandemPinned():"Pinned",\1',
    ),
)


def changed(script: str) -> str:
    """The script with every change that it has exactly one place for."""
    for change in CHANGES:
        if len(change.pattern.findall(script)) == 1:
            script = change.pattern.sub(change.by, script)
    return script


@dataclass(frozen=True, slots=True)
class _Served:
    plain: bytes
    packed: bytes
    tag: str


def shipped() -> Path:
    """The script of the page that is installed."""
    assets = Path(chainlit.server.build_dir) / "assets"
    return next(file for file in sorted(assets.glob("index-*.js")) if _NAME.fullmatch(file.name))


@cache
def _served() -> _Served:
    body = changed(shipped().read_text(encoding="utf-8")).encode()
    return _Served(body, gzip.compress(body, 6), f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"')


async def _send(request: Request) -> Response:
    served = await asyncio.to_thread(_served)
    # The script's name stays the same whatever is changed in it.
    headers = {"etag": served.tag, "cache-control": "no-cache", "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == served.tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(served.packed, headers={**headers, "content-encoding": "gzip"}, media_type="text/javascript")
    return Response(served.plain, headers=headers, media_type="text/javascript")


def route() -> Route:
    """Serves the script; it belongs before Chainlit's own routes."""
    return Route(f"/assets/{shipped().name}", _send, methods=["GET", "HEAD"])
