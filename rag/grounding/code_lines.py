"""Which lines of a document are code, or what a program says on a terminal.

Knows the marks of programming languages and of prompts. Does not know what a passage is made of otherwise
(`rag.grounding.units`).
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rag.text import sentences

_LINE = regex.compile(
    r"\s*(?:\$ |>>> |\.\.\. |@\w|#include|#!|//|/\*|\{%|\{\{|</?\w|[{}()\[\];]+\s*$|import \w\S*$|"
    r"from [\w.]+ import \S|(?:def|class|import|from|return|yield|with|try|except|elif|async|await|raise|assert|const|"
    r"let|var|function|public|private|export|SELECT|INSERT|CREATE|UPDATE)\b.*[:;({)\]=.]|(?:for|if|while)\b.*:\s*$|"
    r"[\w.\[\]'\"]+ ?[+|]?= ?\S|[\w.]+\((?:[^()]|\([^()]*\))*\)?[;,:]?\s*$|[\w.-]+: ?[\w./\"'-]*[\w/\"'-]$|"
    r"[\[({][\"'].*[\"'][\])}]$|\$\w+(?:->|::|\[| ?=)|->\w+\(|(?:use|namespace) \w+\\[^.]*;$|<\?\w+|"
    r"(?P<q>[\"'])[\w./ -]+(?P=q)\s*:.*[{\[(,]\s*$|Traceback \(most recent|File \"[^\"]+\", line \d)"
)
_NOTE = regex.compile(r"(?:Note|Warning|Tip|Important|Hint|Caution|Danger|Attention): ")
_COMMENT = regex.compile(r"\s*(?:#+\s|//|/\*|\*(?:[\s/]|$)|<!--)")
_SURE = regex.compile(
    r"(?:\$ |>>> |@\w[\w.]*(?:\(.*)?$|(?:async )?def \w+\(|class \w+.*:\s*$|from [\w.]+ import \S|"
    r"import [\w.]+(?: as \w+)?$|/(?:usr/)?bin/\w+ |(?:use|namespace) \w+\\[\w\\{]+.*;$)"
)
"""The beginning of a line that no sentence has."""
_FEW = 6
_LINES, _SHORT = 3, 70
_VALUE = regex.compile(r"\p{Lu}\w*: ")
_PROMPT = regex.compile(r"^\s*(?:(?:>>>|\.\.\.|In \[\d+\]:)(?:\s+|$))?")
_IMPORT = regex.compile(
    r"(?:from \S+ )?import\b|#include\b|(?:const|let|var) .*\brequire\(|using [\w.]+;|(?:use|namespace) [\w\\]+[^=(]*;|"
    r"package [\w.]+;?$|<\?php$"
)
_CLOSES = regex.compile(r"\s*(?:-->|\*/|</\w)")
_COMMENT_END = regex.compile(r"(?:^|\s)(?:#|//)\s.*$")
_FILE = regex.compile(r"\s*(?:#|//|<!--|\{#|;|--)\s*\S*?\w\.(?P<kind>\p{L}\w{1,5})\b(?:\.dist)?\s*(?:-->|#\})?$")
_XML = regex.compile(r"\s*<(?:\?xml\b|!--)")
_TEMPLATE_TAG = regex.compile(r"\s*\{%[-+]?\s*(?:extends|block|include|import|from|macro|if|for|load|set)\b")
TEMPLATE = "template"
_TAG = regex.compile(
    r"<(?P<close>/)?(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b)[A-Za-z][\w:.-]*(?:\s[^<>]*?)?(?P<whole>/)?>"
)
_STRING = regex.compile(r"([\"'])(?!\1)[^\"'\n]*\1")


def is_code(said: Sequence[str]) -> bool:
    """Whether most of the lines are code, comments in it and what goes on from a line of it counted, or the first can
    be nothing else.
    """
    if not said or (len(said) == 1 and _VALUE.match(said[0])):
        return False
    noted, codes, held = 0, 0, False
    told: list[str] = []
    opened: list[str] = []
    for one in said:
        code = bool(_LINE.match(one) or _SURE.match(one))
        codes += code
        noted += held or code or bool(_COMMENT.match(one))
        if not held and not _COMMENT.match(one):
            told.append(one)
        if held or code:
            opened.append(one)
            held = one.endswith("\\") or _open("\n".join(opened))
        else:
            opened.clear()
    sure = bool(_SURE.match(said[0]))
    return codes > 0 and (sure or noted * 2 > len(said)) and (sure or not reads_as_prose(told))


def is_sure(said: Sequence[str]) -> bool:
    """Whether lines are code that begins as no sentence does."""
    return bool(said) and bool(_SURE.match(said[0])) and is_code(said)


def is_change(said: Sequence[str]) -> bool:
    """Whether lines are the change of a text: some taken out, some put in."""
    return {one[:1] for one in said} == {"-", "+"}


def is_comment(line: str) -> bool:
    """Whether a line of code is a comment that says something, and does not stand for code that is left out."""
    return bool(_COMMENT.match(line)) and not line.rstrip().endswith(("...", "…", "*/", "-->"))


def note_below(line: str, code: str) -> bool:
    """Whether a line below one of code is a note, no more of it."""
    return bool(_NOTE.match(line) and _LINE.match(code))


def file_kind(code: str) -> str:
    """The kind of file that the first line of code says it is of: "yaml" of "# config/packages/mail.yaml", TEMPLATE
    where it has a template's tags.
    """
    first = code.lstrip().partition("\n")[0]
    named = _FILE.match(first)
    if named is not None:
        return named["kind"].casefold()
    return "xml" if _XML.match(first) else TEMPLATE if _TEMPLATE_TAG.match(first) else ""


def only_imports(code: str) -> bool:
    """Whether code does nothing yet but name what it needs."""
    said = [_PROMPT.sub("", line) for line in code.split("\n")]
    told = [line for line in said if line and not _COMMENT.match(line)]
    return bool(told) and all(map(_IMPORT.match, told))


def is_torn(code: str) -> bool:
    """Whether code begins in the middle of something: it closes what it does not open."""
    if _CLOSES.match(code) or (code.lstrip().startswith("<") and _tags(code)[0]):
        return True
    depth = 0
    for line in _STRING.sub("", code).split("\n"):
        bare = _COMMENT_END.sub("", line)
        depth += sum(map(bare.count, "([{")) - sum(map(bare.count, ")]}"))
        if depth < 0:
            return True
    return False


_BEGUN = regex.compile(
    r"^[^\S\n]*(?:(?:async )?def|class|if|for|while|with|try|else|elif|except)\b[^\n]*:\s*\Z|^[^\S\n]*@[\w.]+\s*\Z|"
    r"^[^\S\n]*(?:async )?def \w+\([^\n]*:\s*\n\s*(\"\"\"|\'\'\')(?:(?!\1).)*\1\s*\Z",
    regex.M | regex.S,
)
"""The end of code that has but the head of a function, a class or a block, or a decorator."""


def is_cut_off(code: str) -> bool:
    """Whether code goes on where it ends: it opens what it does not close, or has no more of a function than its name
    and what that is for.
    """
    return opened(code) > 0 or _BEGUN.search(code) is not None


def opened(code: str) -> int:
    """How much of what code opens, brackets and tags, it does not close."""
    bare = _STRING.sub("", code)
    return sum(max(0, bare.count(a) - bare.count(b)) for a, b in ("()", "[]", "{}")) + _tags(code)[1]


def _tags(code: str) -> tuple[int, int]:
    """How many tags are closed that were not opened, and opened that are not closed."""
    closed, opened = 0, 0
    for found in _TAG.finditer(code):
        if found["close"]:
            closed, opened = (closed, opened - 1) if opened else (closed + 1, 0)
        elif not found["whole"]:
            opened += 1
    return closed, opened


def is_output(said: Sequence[str]) -> bool:
    """Whether lines below code are what it says on a terminal: several, short ones, each by itself."""
    return len(said) >= _LINES and not any(len(one) > _SHORT or sentences.ENDING.search(one) for one in said)


def _open(text: str) -> bool:
    """Whether a bracket or a text over several lines is open where this code ends."""
    text = _STRING.sub("", text)
    return text.count('"""') % 2 > 0 or any(text.count(a) > text.count(b) for a, b in ("()", "[]", "{}"))


def reads_as_prose(said: Sequence[str]) -> bool:
    """Whether the lines read as sentences, whatever signs they hold."""
    whole = " ".join(said)
    words = regex.findall(r"(?<![\w.$/\\<{(\[\"'=-])\p{L}+(?![\w(=./\\\]}\"'>-])", whole)
    return len(words) >= _FEW and len(words) * 2 > len(whole.split()) and bool(sentences.PAUSE.search(whole))
