"""LaTeX: its words without commands, headings, tables; formulas as signs where there are any.

Knows how a document is marked up. Does not run what it includes or computes.
"""

from __future__ import annotations

import regex
from pylatexenc.latex2text import LatexNodes2Text

from rag.formats.extracted import Builder, Extracted, one_line
from rag.formats.latex_macros import group, written_out
from rag.formats.spans import Cell, named_once, placed
from rag.formats.tables import add_table
from rag.formats.text import begin

_L_COMMENT = regex.compile(r"(?<!\\)%.*?(?:\n\s*|$)")
_L_SECTION = regex.compile(
    r"\\(part|chapter|section|subsection|subsubsection|paragraph|subparagraph)\*?\s*(?:\[[^\]]*\])?\s*\{"
)
_L_LEVEL = {
    "part": 1,
    "chapter": 2,
    "section": 3,
    "subsection": 4,
    "subsubsection": 5,
    "paragraph": 6,
    "subparagraph": 7,
}
_L_TABLE = regex.compile(r"\\begin\{(tabular[xy*]?|longtable|tabulary)\}(.*?)\\end\{\1\}", regex.S)
_L_RULES = regex.compile(
    r"\\(?:hline|toprule|midrule|bottomrule|cline\{[^}]*\}|cmidrule(?:\([^)]*\))?\{[^}]*\}|endhead|endfirsthead)"
)
_L_SKIPPED = regex.compile(
    r"\\(?:label|cite[tp]?|ref|eqref|pageref|bibliography|bibliographystyle|vspace|hspace|includegraphics)\*?(?:\[[^\]]*\])*\{[^}]*\}"
)
_L_SPAN = regex.compile(
    r"\s*\\multi(column|row)\s*(?:\[\w*\])?\{\s*-?(\d{1,3})\s*\}\s*(?:\[[^\]]*\])?\s*(?:\{(?:[^{}]|\{[^{}]*\})*\}|\*|=)\s*\{"
)
_L_NOTE = regex.compile(r"(?<=\S)(?=\\footnote\b)")
_L_ITEM = regex.compile(r"\\item\b\s*")
_L_LIST = regex.compile(r"\\(?:begin|end)\{(?:itemize|enumerate|description|quote|quotation|center|figure|table)\*?\}")
_L_MARKS = regex.compile(r"[\\${}~^_]|--|``|''")
_LONGEST_PARAGRAPH = 20_000
_MOST_BRACES = 2_000


def read_latex(data: bytes) -> Extracted:
    """LaTeX: title, headings, paragraphs, tables; formulas as signs where there are any."""
    builder, text = begin(data)
    text = written_out(_L_COMMENT.sub("\n", text))
    for name in ("title", "author", "date"):
        if found := regex.search(rf"\\{name}\s*(?:\[[^\]]*\])?\s*\{{", text):
            said = one_line(_latex(group(text, found.end())))
            if name == "title":
                builder.title = said
            builder.add(said if name == "title" else f"{name.capitalize()}: {said}" if said else "", separator="\n")
    start = text.find("\\begin{document}")
    body = text[start + 16 :] if start >= 0 else text
    body = _L_NOTE.sub(" ", _L_SKIPPED.sub("", body.partition("\\end{document}")[0]))
    at = 0
    for section in _L_SECTION.finditer(body):
        if section.start() < at:
            continue
        _latex_blocks(builder, body[at : section.start()])
        title = group(body, section.end())
        builder.heading(_latex(title), _L_LEVEL[section[1]])
        at = section.end() + len(title) + 1
    _latex_blocks(builder, body[at:])
    return builder.build()


def _latex_blocks(builder: Builder, text: str) -> None:
    at = 0
    for table in _L_TABLE.finditer(text):
        _latex_words(builder, text[at : table.start()])
        inner = regex.sub(r"^\s*+(?:\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+\}\s*+|\[[^\]]*+\]\s*+)+", "", table[2])
        cells = [
            [_cell(cell) for cell in regex.split(r"(?<!\\)&", row)]
            for row in regex.split(r"\\\\(?:\[[^\]]*\])?", _L_RULES.sub("", inner))
            if row.strip()
        ]
        rows, joined = named_once(placed(cells, held=True))
        add_table(builder, rows, header=True if joined else None)
        at = table.end()
    _latex_words(builder, text[at:])


def _cell(source: str) -> Cell:
    """A cell with the columns and rows that it takes."""
    spans = {"column": 1, "row": 1}
    for _ in spans:
        if found := _L_SPAN.match(source):
            spans[found[1]] = max(1, min(int(found[2]), 100))
            source = group(source, found.end()) + source[found.end() + len(group(source, found.end())) + 1 :]
    return Cell(one_line(_latex(source)), spans["column"], spans["row"])


def _latex_words(builder: Builder, text: str) -> None:
    # Paragraph by paragraph: the library takes long over long texts, and what is odd in one costs that one.
    for block in regex.split(r"\n[^\S\n]*\n", _L_ITEM.sub("\n\n- ", _L_LIST.sub("\n\n", text))):
        words = one_line(_latex(block))
        builder.add(words, separator="\n" if words.startswith("- ") else "\n\n")


def _latex(text: str) -> str:
    if not _L_MARKS.search(text):
        return text
    if len(text) > _LONGEST_PARAGRAPH or text.count("{") > _MOST_BRACES:
        return regex.sub(r"\\[a-zA-Z]+\*?|[{}]", " ", text)
    try:
        return str(LatexNodes2Text(math_mode="text", keep_comments=False).latex_to_text(text, tolerant_parsing=True))
    except (ValueError, IndexError, AttributeError, TypeError, KeyError):
        return regex.sub(r"\\[a-zA-Z]+\*?|[{}]", " ", text)
