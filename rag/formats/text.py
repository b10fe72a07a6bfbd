"""Plain text, source code and comma-separated values.

Knows how lines and fields are laid out. Does not know encodings (`rag.formats.encodings` does) nor files: it is handed
bytes.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from itertools import chain, islice

import regex

from rag.errors import DocumentError
from rag.formats.encodings import decoded
from rag.formats.extracted import Builder, Extracted
from rag.formats.headers import has_header
from rag.formats.spans import Place, named_once
from rag.formats.tables import add_table, row_text

_SEPARATOR = regex.compile(r"\Asep=(.)\s*\n")
_CUE = regex.compile(
    r"(?m)^(?:\d+[^\S\n]*\n)?(?:\d+:)?\d{1,2}:\d{2}[.,]\d{3} --> .*$"
    r"|^WEBVTT.*$|^(?:NOTE|STYLE|REGION)\b.*$|</?[cvbiu][^>\n]*>"
)
_WITHIN_SENTENCE = regex.compile(r"(?m)(?<=^[^\n]{60,}[\p{Ll},])[^\S\n]*\n(?:[^\S\n]*\n)+(?=\p{Ll}{2,}[^\S\n]+\p{Ll})")
"""Blank lines in the middle of a sentence, where a page ended or a program left them."""
_UNDERLINED = regex.compile(
    r"(?:\A|(?<=\n\n))(?P<title>(?=[^\n]*\p{L})[^\s\p{P}\p{S}][^\n]{0,100})\n(?P<under>([=\-~^*])\3{2,})[^\S\n]*(?=\n|\Z)"
)
_ESCAPE = regex.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
_DELIMITERS = ",;\t|"
_SAMPLE = 200
_MOST_ABOVE = 20


def begin(data: bytes) -> tuple[Builder, str]:
    """A builder and the text in `data`, with plain line ends; what is doubtful about its encoding is noted."""
    found = decoded(data)
    return Builder(notes=[found.note] if found.note else []), found.text.replace("\r\n", "\n").replace("\r", "\n")


def read_text(data: bytes) -> Extracted:
    """Plain text; its first line is its title when it is short and stands alone, and underlined lines are headings."""
    builder, text = begin(data)
    text = _WITHIN_SENTENCE.sub("\n", _ESCAPE.sub("", text))
    first, _, rest = text.strip().partition("\n")
    if len(first) <= 100 and rest.startswith(("\n", "=", "-")) and first.strip():
        builder.title = first
    end = 0
    levels: list[str] = []
    for title in _UNDERLINED.finditer(text):
        if len(title["under"]) + 1 < len(title["title"].rstrip()):
            continue
        if (sign := title["under"][0]) not in levels:
            levels.append(sign)
        builder.add(text[end : title.start()])
        builder.heading(title["title"], levels.index(sign) + 1)
        end = title.end()
    builder.add(text[end:])
    return builder.build()


def read_subtitles(data: bytes) -> Extracted:
    """What is said in a film, without the times."""
    builder, text = begin(data)
    for cue in regex.split(r"\n{2,}", _CUE.sub("", text)):
        builder.add(" ".join(cue.split()), separator="\n")
    return builder.build()


def read_code(data: bytes) -> Extracted:
    """Source code: text whose title is the file's name."""
    builder, text = begin(data)
    builder.add(text)
    return builder.build()


def read_csv(data: bytes) -> Extracted:
    """A table: every row becomes one line "column: value; column: value" so that a row can be found by its header."""
    builder, text = begin(data)
    if told := _SEPARATOR.match(text):
        text = text[told.end() :]
    delimiter = told[1] if told else _delimiter(text)
    csv.field_size_limit(1_000_000)
    try:
        rows = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
        sample = list(islice(rows, _SAMPLE))
        above = _above(sample)
        for row in sample[:above]:
            builder.add(row_text((), [cell.strip() for cell in row if cell.strip()]))
        sample, joined = named_once(_across(sample[above:]))
        filled = [row for row in sample if sum(map(bool, row)) > 1]
        add_table(builder, chain(sample, rows), header=joined or has_header(filled, pairs=False))
    except csv.Error as error:
        raise DocumentError(
            f"The table cannot be read ({error}); export it again as comma-separated values."
        ) from error
    return builder.build()


def _across(rows: Sequence[Sequence[str]]) -> list[list[Place]]:
    """The cells of rows; an empty one right of a name in the first row continues it, if the second row fills it."""
    places = [[Place(cell.strip()) for cell in row] for row in rows]
    if len(places) > 2 and len(places[0]) == len(places[1]) > 2:
        first, second = places[:2]
        for at in range(1, len(first)):
            if not first[at].text and first[at - 1].text and second[at].text and second[at - 1].text:
                first[at] = Place(first[at - 1].text, across=True)
    return places


def _above(rows: Sequence[Sequence[str]]) -> int:
    """How many rows say something of the table rather than in it: a title, who exported it, remarks behind a sign.

    Most rows fill as many fields as the table has columns; these fill half of them at most, or have fewer and stand
    before a row that names the columns.
    """
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    usual = Counter(count for count in filled if count > 1)
    if not usual:
        return 0
    width, fields = max(usual, key=lambda count: (usual[count], count)), Counter(map(len, rows)).most_common(1)[0][0]
    for at, (row, count) in enumerate(zip(rows[: _MOST_ABOVE + 1], filled, strict=False)):
        if count * 2 <= width:
            continue
        short = count < width and len(row) < fields
        rest = [
            [cell.strip() for cell in row]
            for row, count in zip(rows[at + 1 :], filled[at + 1 :], strict=True)
            if count > 1
        ]
        if not (short and rest and len(rest[0]) == fields and has_header(rest, pairs=False)):
            return at
    return 0


def _delimiter(text: str) -> str:
    """The sign that parts most rows into the same number of fields, more than one."""

    def fit(delimiter: str) -> tuple[float, int]:
        rows: list[int] = []
        try:
            for row in csv.reader(io.StringIO(text[:200_000]), delimiter=delimiter):
                if any(row):
                    rows.append(len(row))
                if len(rows) == _SAMPLE:
                    break
        except csv.Error:
            return 0.0, 0
        fields, count = Counter(rows).most_common(1)[0] if rows else (1, 0)
        return (count / len(rows), fields) if fields > 1 else (0.0, 0)

    return max(_DELIMITERS, key=fit)
