"""Writes pages as a document's text: headings, paragraphs, tables that go on over pages, footnotes after their page.

Knows pages as words with their places, bookmarks and what was filled in. Does not know where they come from: a PDF, or
a picture that was read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

import regex

from rag.formats.cards import labels_over, with_labels
from rag.formats.extracted import Builder, clean
from rag.formats.going_on import MIDDLE, goes_on_below, goes_on_beside
from rag.formats.layout import Block, Place, Segment, blocks, in_columns, lines, rows
from rag.formats.page_tables import Cell, Table, aligned_table, header_rows, names_above, ruled_tables
from rag.formats.pdf_page import Page
from rag.formats.running_lines import Sheet, without_running_lines
from rag.formats.tables import add_table, row_text

_MOST_RULES = 300
_FOOT = 0.35
_VALUE = regex.compile(r"[^\p{N}.]\p{N}+[.,]\p{N}|:\s.*\p{N}|[€$£₺]\s?\p{N}")
_NOTE_MARK = regex.compile(r"(?:\p{Nd}{1,3}|[*†‡§¹²³⁴-⁹])[\p{L}\s.)]?")
_NUMBERING = regex.compile(r"^(?:[\p{Nd}.]+|[A-Z IVX]+\.|§\s*\p{Nd}+)\s+")


@dataclass(slots=True)
class Flow:
    """A page as it is written: `items` are lines and tables in reading order."""

    page: Page
    items: list[Segment | Table]
    rules: tuple[Place, ...] = ()
    running: tuple[str, ...] = ()
    outline: list[tuple[int, str]] = field(default_factory=list)


def flow_of(page: Page) -> Flow:
    """The page's words as lines and tables; the words themselves are not kept."""
    tables = ruled_tables(page.words, page.horizontal, page.vertical, page.filled)
    owner = {at: table for table, own in tables for at in own}
    items: list[Segment | Table] = []
    waiting: list[Segment] = []
    written: set[int] = set()

    def flush() -> None:
        items.extend(lines(waiting))
        waiting.clear()

    for at, word in enumerate(page.words):
        table = owner.get(at)
        if table is None:
            waiting.append(word)
        elif id(table) not in written:
            written.add(id(table))
            flush()
            items.append(table)
    flush()
    if not tables:
        items = list(in_columns([item for item in items if isinstance(item, Segment)]))
    light = replace(page, words=(), horizontal=(), vertical=(), filled=())
    wide = tuple(h for h in page.horizontal if h[2] - h[0] > page.width * 0.15)
    return Flow(light, items, wide[:_MOST_RULES])


def take_running_lines(flows: Sequence[Flow]) -> None:
    """Take running lines out of the flows; tables that are part of a letterhead stay on the first page only."""
    sheets = [Sheet(f.page.height, tuple(i for i in f.items if isinstance(i, Segment))) for f in flows]
    for flow, (sheet, running) in zip(flows, without_running_lines(sheets), strict=True):
        kept = {id(piece) for piece in sheet.pieces}
        flow.items = [item for item in flow.items if isinstance(item, Table) or id(item) in kept]
        flow.running = running
    seen: dict[tuple[str, ...], list[tuple[Flow, Table]]] = defaultdict(list)
    for flow in flows:
        for item in flow.items:
            if isinstance(item, Table) and (
                item.place[1] > flow.page.height * 0.78 or item.place[3] < flow.page.height * 0.18
            ):
                key = tuple(regex.sub(r"\p{Nd}+", "#", cell.text) for row in item.rows for cell in row)
                seen[key].append((flow, item))
    for found in seen.values():
        if len(found) >= max(2, len(flows) / 3) and _differ_by_page(found):
            for flow, table in found[1:]:
                flow.items.remove(table)


def _differ_by_page(found: Sequence[tuple[Flow, Table]]) -> bool:
    texts = ["\n".join(cell.text for row in table.rows for cell in row) for _, table in found]
    numbers = [[int(n) for n in regex.findall(r"\p{Nd}{1,9}", text)] for text in texts]
    for values in zip(*numbers, strict=False):
        if len(set(values)) > 1 and len({v - f.page.number for v, (f, _) in zip(values, found, strict=True)}) > 1:
            return False
    return True


class Writer:
    """Writes the pages into a builder."""

    def __init__(self, builder: Builder, flows: Sequence[Flow]) -> None:
        self._builder = builder
        self._flows = flows
        pieces = [item for flow in flows for item in flow.items if isinstance(item, Segment)]
        letters: Counter[tuple[float, bool]] = Counter()
        for piece in pieces:
            letters[piece.size, piece.bold] += len(piece.text)
        self._size, self._bold = letters.most_common(1)[0][0] if letters else (10.0, False)
        self._sizes = sorted({s.size for s in pieces if s.size >= self._size * 1.12}, reverse=True)[:5]
        self._outlined = max((level for flow in flows for level, _ in flow.outline), default=0)
        self._table: Table | None = None  # with which the page before ended, and the names of its columns
        self._names: tuple[tuple[str, ...], ...] = ()
        self._across: set[str] = set()
        self._last: tuple[Block, int] | None = None  # what the page before ended with, and where that ends

    def write(self) -> None:
        pages = [self._arranged(flow) for flow in self._flows]
        # The same first row above other rows: a header. The same table again says nothing.
        bodies: dict[tuple[str, ...], set[int]] = defaultdict(set)
        for table in (item for found in pages for item in found if isinstance(item, Table)):
            bodies[table.texts(0)].add(hash(table.rows[1:]))
        repeated = {first for first, different in bodies.items() if len(different) > 1}
        firsts = [found[0] if found else None for found in pages]
        for flow, found, following in zip(self._flows, pages, [*firsts[1:], None], strict=True):
            marks = _Marks(flow.outline, [item.text for item in found if isinstance(item, Block)])
            plain = clean(flow.page.plain).strip()
            over = not (plain or marks.unseen) and bool(found) and self._goes_over(found[0])
            self._builder.page(goes_on=over)
            if plain:
                self._builder.add(plain)
            self._page(flow, found, repeated, marks, following, over)

    def _arranged(self, flow: Flow) -> list[Block | Table]:
        """The page's blocks and tables, its footnotes last."""
        found: list[Block | Table] = []
        notes: list[Block | Table] = []
        run: list[Segment] = []

        def flush() -> None:
            body = blocks(run)
            run.clear()
            for item in with_labels(list(_with_aligned_tables(rows(body), flow.rules))):
                (notes if isinstance(item, Block) and self._is_footnote(item, flow.page.height) else found).append(item)

        for item in flow.items:
            if isinstance(item, Table):
                flush()
                found.append(item)
            else:
                run.append(item)
        flush()
        return found + notes

    def _is_footnote(self, block: Block, height: float) -> bool:
        first = block.segments[0]
        small = first.size <= self._size * 0.92
        return small and first.top < height * _FOOT and bool(_NOTE_MARK.match(first.text))

    def _goes_over(self, first: Block | Table) -> bool:
        """Whether a page begins in the middle of the sentence with which the page before ended."""
        if not isinstance(first, Block) or self._last is None or self._last[1] != self._builder.length:
            return False
        return goes_on_below(self._last[0], first)

    def _page(
        self, flow: Flow, found: Sequence[Block | Table], repeated: set[tuple[str, ...]], marks: _Marks,
        following: Block | Table | None, over: bool,
    ) -> None:  # fmt: skip
        """Write one page. `following` is what the next one begins with; `over` says that this one begins within a
        sentence.
        """
        for level, title in marks.unseen:
            self._builder.heading(title, level)
        before, self._table = self._table, None
        for at, item in enumerate(found):
            if isinstance(item, Table):
                self._add_table(item, before if at == 0 else None, item.texts(0) in repeated)
                self._table = item if at == len(found) - 1 else None
            else:
                before_it = found[at - 1] if at else self._last[0] if over and self._last else None
                self._add_block(item, marks, before_it, found[at + 1] if at + 1 < len(found) else following)
                self._last = (item, self._builder.length)
        across = [text for text in flow.page.slanted if text not in self._across]  # a watermark says its word once
        self._across.update(across)
        for text in (*flow.running, *flow.page.remarks, *across):
            self._builder.add(text)

    def _add_block(
        self, block: Block, marks: _Marks, before: Block | Table | None, after: Block | Table | None
    ) -> None:
        text = block.text
        level = marks.level(text)
        if level:
            self._builder.heading(text, level)
            return
        first = block.segments[0]
        larger = first.size >= self._size * 1.12
        heavier = first.bold and not self._bold and first.size >= self._size * 0.95
        short = len(text) <= 160 and len(block.segments) <= 3 and not text.endswith((".", ",", ";", "!", ":"))
        # An amount or a label with its value in large type says something: it is no name for the text below it.
        if (
            (larger or heavier)
            and short
            and not _VALUE.search(text)
            and len(regex.findall(r"\p{L}", text)) > len(regex.findall(r"\p{N}", text))
            and not (isinstance(after, Block) and goes_on_below(block, after))
        ):
            own = self._sizes.index(first.size) + 1 if first.size in self._sizes else len(self._sizes) + 1
            self._builder.heading(text, own + self._outlined)
            return
        goes_on = isinstance(before, Block) and (goes_on_beside(before, block) or goes_on_below(before, block))
        for at, paragraph in enumerate(block.paragraphs()):
            self._builder.add(paragraph, separator=" " if goes_on and not at else "\n\n")

    def _add_table(self, table: Table, before: Table | None, repeated: bool) -> None:
        """Append a table; `before` is that which the page before broke off, whose columns' names go on."""
        if before is not None and self._names and table.continues(before):
            count = len(self._names)
            same = names_above(table, count) == self._names
            body = table.rows[count:] if same else table.rows
        else:
            count = header_rows(table, repeated)
            self._names = names_above(table, count)
            body = table.rows[count:]
        texts = [tuple(cell.text for cell in row) for row in body]
        if self._names:
            names = tuple(" ".join(dict.fromkeys(filter(None, column))) for column in zip(*self._names, strict=True))
            if any(name and not any(row[at] for row in texts) for at, name in enumerate(names)):
                self._builder.add(row_text((), names))  # a column without values
            spanning = [len(row) > 2 and bool(row[0]) and not any(row[1:]) for row in texts]
            for across, rows_of_kind in groupby(zip(spanning, texts, strict=True), key=lambda pair: pair[0]):
                body_rows = [row for _, row in rows_of_kind]
                add_table(self._builder, body_rows if across else [names, *body_rows], header=not across)
        elif _in_pairs(table):
            for row in texts:
                pairs = [
                    row_text((), row[at : at + 2]).rstrip(".") for at in range(0, len(row), 2) if any(row[at : at + 2])
                ]
                self._builder.add("; ".join(pairs) + ("." if pairs else ""))
        else:
            add_table(self._builder, texts, header=False)


class _Marks:
    """The bookmarks of a page: which of its lines they name, and those that name none."""

    def __init__(self, outline: Sequence[tuple[int, str]], texts: Sequence[str]) -> None:
        self._levels: dict[str, int] = {}
        self.unseen: list[tuple[int, str]] = []
        there = {_bare(text) for text in texts}
        for level, title in outline:
            if _bare(title) in there:
                self._levels.setdefault(_bare(title), level)
            else:
                self.unseen.append((level, title))

    def level(self, text: str) -> int:
        """The level of the bookmark that names this line; 0 where none does."""
        return self._levels.pop(_bare(text), 0) if self._levels and len(text) <= 300 else 0


def _bare(text: str) -> str:
    """A title without its number, spaces and case."""
    return regex.sub(r"\W+", "", _NUMBERING.sub("", text.strip())).casefold()


def _with_aligned_tables(found: Sequence[tuple[Block, ...]], rules: Sequence[Place]) -> Iterator[Block | Table]:
    """Blocks, with those that stand side by side in rows as tables."""
    at = 0
    while at < len(found):
        if cards := labels_over(found[at], found[at + 1]) if at + 1 < len(found) else []:
            yield from cards
            at += 2
            continue
        parted = _rows_of_columns(found[at])
        run = list(parted)
        end = at + 1
        while run and end < len(found):
            more = _rows_of_columns(found[end])
            if more and _far_below(run, more[0]):
                break
            if more:
                run += more
            elif len(found[end]) == 1 and (wrapped := _wrapped(run[-1], found[end][0])):
                run[-1] = wrapped
            else:
                break
            end += 1
        table = aligned_table(run, rules) if run else None
        if table is not None:
            yield table
            at = end
            continue
        if run and _one_line(found[at]):
            yield _single_row(found[at])
        else:
            yield from found[at]
        at += 1


def _far_below(run: Sequence[tuple[Block, ...]], row: tuple[Block, ...]) -> bool:
    """Whether a row stands too far below a table, by the distance of its rows, to be one of them."""
    size = row[0].segments[0].size
    pitches = [_top(above) - _top(below) for above, below in pairwise(run)]
    drop = _top(run[-1]) - _top(row)
    return drop > (max(2 * size, 1.8 * max(pitches)) if pitches else 4.5 * size + _deep(run[-1]))


def _top(row: tuple[Block, ...]) -> float:
    return max(s.top for block in row for s in block.segments)


def _deep(row: tuple[Block, ...]) -> float:
    return _top(row) - min(s.bottom for block in row for s in block.segments)


def _rows_of_columns(row: tuple[Block, ...]) -> list[tuple[Block, ...]]:
    """A row of several blocks as rows of a table; empty when it is none. Blocks of as many lines, side by side, are as
    many rows, unless they are running text in columns.
    """
    if len(row) < 2:
        return []
    counts = {len(block.segments) for block in row}
    if counts == {1}:
        return [row]
    if len(counts) == 1 and all(
        abs(a.middle - b.middle) < a.size * 0.4
        for other in row[1:]
        for a, b in zip(row[0].segments, other.segments, strict=True)
    ):
        if all(_running_text(block) for block in row):
            return []
        return [tuple(Block((block.segments[at],)) for block in row) for at in range(counts.pop())]
    return [] if sum(_running_text(block) for block in row) > 1 else [row]


def _running_text(block: Block) -> bool:
    width = block.right - block.left
    count, text = len(block.segments), block.text
    full = sum(s.right - s.left > width * 0.75 for s in block.segments[:-1])
    if count < 4 or full * 3 < count:
        return False
    # In a narrow column the lines are no longer than cells, but they begin in the middle of sentences.
    broken = sum(bool(MIDDLE.match(above.text[-1] + below.text)) for above, below in pairwise(block.segments))
    return len(text) > 24 * count or (len(text.split()) >= 3 * count and broken * 5 >= (count - 1) * 2)


def _wrapped(row: tuple[Block, ...], below: Block) -> tuple[Block, ...] | None:
    """The row with `below` as the next lines of one of its cells, but the first; None where it is none."""
    for at, block in enumerate(row):
        last = block.segments[-1]
        drop = last.bottom - below.segments[0].bottom
        if at and abs(block.left - below.left) < 3 and last.size * 0.5 < drop < last.size * 1.6:
            return (*row[:at], Block((*block.segments, *below.segments)), *row[at + 1 :])
    return None


def _one_line(row: tuple[Block, ...]) -> bool:
    """Whether the blocks of a row are pieces of one line: a label and its value, a title and its page."""
    one = all(len(b.segments) == 1 for b in row)
    return one and all(abs(b.segments[0].middle - row[0].segments[0].middle) < b.segments[0].size * 0.4 for b in row)


def _single_row(row: tuple[Block, ...]) -> Table:
    edges = tuple((block.left, block.right) for block in row)
    pieces = [block.segments[0] for block in row]
    place = (edges[0][0], min(s.bottom for s in pieces), edges[-1][1], max(s.top for s in pieces))
    return Table(place, edges, (tuple(Cell(s.text, s.bold) for s in pieces),))


def _in_pairs(table: Table) -> bool:
    """Whether a table of four or six columns is labels and values in turn."""
    width = len(table.columns)
    if width < 4 or width % 2:
        return False
    labels = [row[at] for row in table.rows for at in range(0, width, 2) if row[at].text]
    values = [row[at] for row in table.rows for at in range(1, width, 2) if row[at].text]
    if sum(cell.text.endswith(":") for cell in labels) * 2 > len(labels):
        return True
    return all(cell.bold for cell in labels) and not any(cell.bold for cell in values)
