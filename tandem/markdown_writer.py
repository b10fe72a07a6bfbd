"""A parsed text written out again as Markdown in which nothing is fetched, followed or run, whoever reads it.

Knows the grammar that the page renders with (CommonMark, and of GFM tables, strike-through and addresses that become
links by themselves) and which of it is let through. Links and images are text with their address as code, formulas are
code too; tags, definitions, footnotes, check boxes and directives are shown as written. Does not know sources or
doubts: a mark is one character, which the caller puts where a mark belongs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from tandem import markdown_math

# Stands in a parsed text for a mark of doubt, and nowhere else: it is taken out of what comes in.
MARK = "\ue000"
MARKED = "\u00a0[?]"
HAIR_SPACE = "\u200a"
_DEEPEST = 30

# Definitions would give a marker another target, so they are text here; addresses are found below.
PARSER = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable(["table", "strikethrough"]).disable("reference")
markdown_math.learn(PARSER)

# What becomes a link by itself wherever it stands in a text, whatever stands before it. A name is bounded, or a long
# word without an @ would be looked through from each of its letters to its end.
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>`]*|(?:mailto:|xmpp:)?[-.\w+]{1,256}@[-.\w]+(?:/[^\s<>`]*)?", re.IGNORECASE
)
_TRAILING = ".,;:?!*_~'\")]}"
# No code of the text's own is taken for a formula.
_FORMULA_SIGN = re.compile("^\u2061+")
_SPECIAL = re.compile(
    r"(?P<marker>\[\d{1,3}\])(?P<after>[(:]|(?=\[))?|(?P<always>[\\`*\[\]<~|])|(?P<word>(?<!\w)_|_(?!\w))"
    r"|(?P<entity>&(?=#?\w))|(?P<image>!(?=\[))|(?P<directive>:(?=[A-Za-z:]))"
)
_BESIDE_BRACKET = re.compile(rf"{MARK}(?=[(\[:])")
_LINE_START = re.compile(r"^([ \t]*)(?:([#>+=-])|(\d{1,9})([.)]))", re.MULTILINE)
_SIDES = {"text-align:left": ":--", "text-align:right": "--:", "text-align:center": ":-:"}
_INFO = re.compile(r"[\w+#.-]{1,20}")


def written(tokens: Sequence[Token], marked: Iterable[Token] = ()) -> str:
    """The parsed blocks as harmless Markdown; behind each of the `marked` ones stands a mark."""
    writer = _Writer({id(token) for token in marked})
    return "\n".join(writer.blocks(SyntaxTreeNode(tokens).children, tight=False))


def inline(tokens: Iterable[Token], *, in_table: bool = False) -> str:
    """Parsed text inside a block, as harmless Markdown."""
    line = _Line(in_table)
    for token in tokens:
        line.add(token)
    return line.end()


class _Line:
    """Text that is written token by token. What stands side by side is looked at together: two pieces that are harmless
    may be an address when they meet."""

    def __init__(self, in_table: bool) -> None:
        self._in_table = in_table
        self._out: list[str] = []
        self._text: list[str] = []
        self._targets: list[str] = []
        self._as_address = self._ends_in_code = False

    def add(self, token: Token) -> None:
        content = token.content
        marks = content.count(MARK) if token.type != "text" else 0
        content = content.replace("\u00a0" + MARK, "") if marks else content
        match token.type:
            case "text" if self._as_address:
                self._code(content.replace(MARK, ""))
                marks = content.count(MARK)
            case "text":
                self._text.append(content)
            case "softbreak":
                self._put("\n")
            case "hardbreak":
                self._put(" " if self._in_table else "\\\n")
            case "code_inline":
                self._code(_FORMULA_SIGN.sub("", content))
            case markdown_math.INLINE | markdown_math.DISPLAY:
                self._code(markdown_math.SIGNS[token.type] + content.replace(MARK, ""))
            case "em_open" | "em_close":
                self._put("*")
            case "strong_open" | "strong_close":
                self._put("**")
            case "s_open" | "s_close":
                self._put("~~")
            case "link_open":
                self._as_address = token.markup == "autolink"
                self._targets.append("" if self._as_address else str(token.attrs.get("href", "")))
            case "link_close":
                self._as_address = False
                marks += self._address(self._targets.pop() if self._targets else "")
            case "image":
                self._text.append(f"![{content}]")
                marks += self._address(str(token.attrs.get("src", "")))
            case _:
                self._text.append(content)
        self._text += [MARK] * marks

    def end(self) -> str:
        self._flush()
        out = "".join(self._out).strip()
        return _LINE_START.sub(_escaped_start, out)

    def _address(self, target: str) -> int:
        """Put the address that a link or an image had behind its text; how many marks were in it."""
        marks = target.count(MARK) + target.count("%EE%80%80")
        target = target.replace(MARK, "").replace("%EE%80%80", "").replace("%C2%A0", "")
        if target:
            self._text.append(" (")
            self._code(target)
            self._text.append(")")
        return marks

    def _code(self, content: str) -> None:
        self._flush()
        self._append_code(content)

    def _append_code(self, content: str) -> None:
        if self._ends_in_code:
            # Two spans side by side would be read as one.
            self._out.append(HAIR_SPACE)
        self._out.append(code(content, in_table=self._in_table))
        self._ends_in_code = True

    def _append(self, text: str) -> None:
        if text:
            self._out.append(text)
            self._ends_in_code = False

    def _put(self, sign: str) -> None:
        self._flush()
        self._append(sign)

    def _flush(self) -> None:
        text, self._text = "".join(self._text), []
        at = begin = 0
        while found := _ADDRESS.search(text, begin):
            address = found.group().replace(MARK, "").rstrip(_TRAILING)
            begin = found.end()
            if not address:
                continue
            self._append(escaped(text[at : found.start()]))
            self._append_code(address)
            if marks := found.group().count(MARK):
                self._append(MARKED * marks + HAIR_SPACE)
            else:
                begin = found.start() + len(address)  # what trails one may begin the next
            at = begin
        self._append(escaped(text[at:]))


def escaped(text: str) -> str:
    """Text that means nothing but itself; markers `[1]` stay what they are."""
    safe = _SPECIAL.sub(_escape, text).replace("\u00a0" + MARK, MARK)
    # Beside a bracket, a mark would be half of a link.
    return _BESIDE_BRACKET.sub(MARKED + HAIR_SPACE, safe).replace(MARK, MARKED)


def code(content: str, *, in_table: bool = False) -> str:
    """A code span with this content."""
    content = content.replace("\n", " ")
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    fence = "`" * (longest + 1)
    padded = f" {content} " if content.startswith(("`", " ")) or content.endswith(("`", " ")) else content
    if not content.strip():
        return escaped(content)
    return f"{fence}{padded.replace('|', chr(92) + '|') if in_table else padded}{fence}"


def _escape(found: re.Match[str]) -> str:
    if marker := found["marker"]:
        after = found["after"]
        return marker if after is None else f"{marker}\\{after}" if after else marker + HAIR_SPACE
    return f"\\{found.group()}"


def _escaped_start(found: re.Match[str]) -> str:
    indent, sign, number, stop = found.groups()
    return f"{indent}\\{sign}" if sign else f"{indent}{number}\\{stop}"


class _Writer:
    """Blocks as lines."""

    def __init__(self, marked: set[int]) -> None:
        self._marked = marked

    def blocks(self, nodes: Sequence[SyntaxTreeNode], *, tight: bool) -> list[str]:
        lines: list[str] = []
        before = ""
        bullets = "-"
        for node in nodes:
            bullets = "*" if before == node.type == "bullet_list" and bullets == "-" else "-"
            block = self._block(node, bullets)
            token = node.token if node.token is not None else node.nester_tokens.opening if node.nester_tokens else None
            if token is not None and id(token) in self._marked:
                block += ["", MARKED.strip()]
            if not block:
                continue
            if lines and not (tight and before == "paragraph" and node.type in ("bullet_list", "ordered_list")):
                lines.append("")
            lines += block
            before = node.type
        return lines

    def _block(self, node: SyntaxTreeNode, bullets: str) -> list[str]:
        match node.type:
            case "paragraph" | "inline":
                return _text(node).split("\n") if _text(node) else []
            case "heading":
                return [f"{'#' * int(node.tag[1])} {' '.join(_text(node).split(chr(10)))}".rstrip()]
            case "fence" | "code_block":
                return _fenced(node.content, node.info)
            case "hr":
                return ["---"]
            case "blockquote":
                return [f"> {line}".rstrip() for line in self.blocks(node.children, tight=False)] or [">"]
            case "bullet_list":
                return self._list(node, lambda number: f"{bullets} ")
            case "ordered_list":
                first = int(node.attrs.get("start", 1))
                return self._list(node, lambda number: f"{min(first + number, 999_999_999)}. ")
            case "table":
                return _table(node)
            case _:
                return [_LINE_START.sub(_escaped_start, line) for line in _shown(node.content)]

    def _list(self, node: SyntaxTreeNode, sign_of: Callable[[int], str]) -> list[str]:
        lines: list[str] = []
        tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
        for number, item in enumerate(node.children):
            sign = sign_of(number)
            inside = self.blocks(item.children, tight=tight) or [""]
            if lines and not tight:
                lines.append("")
            lines += [f"{sign if at == 0 else ' ' * len(sign)}{line}".rstrip() for at, line in enumerate(inside)]
        return lines


def _text(node: SyntaxTreeNode, *, in_table: bool = False) -> str:
    """What stands in a paragraph, a heading or a cell."""
    inside = node if node.type == "inline" else node.children[0] if node.children else None
    token = inside.token if inside is not None else None
    return inline(token.children or (), in_table=in_table) if token is not None else ""


def _fenced(content: str, info: str) -> list[str]:
    content = content.replace(MARK, "").removesuffix("\n")
    longest = max((len(run) for run in re.findall(r"`{3,}", content)), default=2)
    kind = _INFO.match(info.strip())
    return [f"{'`' * (longest + 1)}{kind.group() if kind else ''}", *content.split("\n"), "`" * (longest + 1)]


def _table(node: SyntaxTreeNode) -> list[str]:
    rows = [[_text(cell, in_table=True) for cell in row.children] for part in node.children for row in part.children]
    lines = [f"| {' | '.join(cell.replace(chr(10), ' ') for cell in row)} |" for row in rows]
    if not rows:
        return []
    sides = (_SIDES.get(str(cell.attrs.get("style", "")), "---") for cell in node.children[0].children[0].children)
    return [lines[0], f"| {' | '.join(sides)} |", *lines[1:]]


def _shown(content: str) -> list[str]:
    """A block of tags as the text that it is."""
    line = _Line(in_table=False)
    for number, piece in enumerate(content.strip("\n").split("\n")):
        if number:
            line.add(Token("softbreak", "br", 0))
        line.add(Token("text", "", 0, content=piece.strip()))
    return [piece for piece in line.end().split("\n") if piece.strip()]
