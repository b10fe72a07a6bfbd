"""What stands in drawings of office documents: charts as tables, the words of diagrams, shapes' paragraphs.

Knows DrawingML. Does not know the documents that drawings stand in.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from rag.formats.extracted import Builder, one_line
from rag.formats.number_formats import shown
from rag.formats.package import Package, attribute, local
from rag.formats.tables import add_table

_LIMIT_POINTS = 5_000
_AXES = ("catAx", "valAx", "dateAx", "serAx")


def add_chart(builder: Builder, package: Package, part: str) -> None:
    """Append a chart: its title, its axes' titles, and its values as rows "category: series: value"."""
    root = package.xml(part)
    if root is None:
        builder.notes.append("A chart could not be read.")
        return
    charts = [one for one in root.iter() if local(one) == "chart"]
    titles = [one for one in root.iter() if local(one) == "title"]
    chart_title = next((t for t in titles if local(_parent(t)) == "chart"), None)
    title = _words(chart_title) if chart_title is not None else ""
    axes = [_words(one) for one in titles if local(_parent(one)) in _AXES]
    series = [one for one in root.iter() if local(one) in ("ser", "series")]
    if not series and charts:
        builder.add(title)
        return
    names: list[str] = []
    columns: list[dict[int, str]] = []
    categories: dict[int, str] = {}
    for number, one in enumerate(series, 1):
        name, labels, values = _series(one)
        categories.update({at: label for at, label in labels.items() if at not in categories})
        names.append(name or (title if len(series) == 1 and title else f"Series {number}"))
        columns.append(values)
    builder.add(f"Chart: {title}" if title else "Chart")
    builder.add(". ".join(f"Axis: {axis}" for axis in axes if axis))
    first = next((axis for axis in axes if axis), "Category")
    places = sorted(set(categories).union(*columns))[:_LIMIT_POINTS] if columns else []
    rows = [[first, *names]]
    rows += [[categories.get(at, str(at + 1)), *(column.get(at, "") for column in columns)] for at in places]
    if len(rows) > 1:
        add_table(builder, rows)
    notes = [_words(text) for label in root.iter() if local(label) == "dLbl" for text in label if local(text) == "tx"]
    builder.add("\n".join(dict.fromkeys(filter(None, notes))))  # what somebody wrote at a point


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    return parent if parent is not None else element


def _series(series: etree._Element) -> tuple[str, dict[int, str], dict[int, str]]:
    name, labels, values = "", {}, {}
    for part in series:
        match local(part):
            case "tx":
                name = one_line(" ".join(_texts(part, ("v", "t"))))
            case "cat" | "xVal":
                labels = _points(part)
            case "val" | "yVal":
                values = _points(part)
    return name, labels, values


def _points(part: etree._Element) -> dict[int, str]:
    """A series' cached values by place, as displayed; of labels in levels, the outer before the inner."""
    code = next((one.text or "" for one in part.iter() if local(one) == "formatCode"), "General")
    numeric = any(local(one) == "numCache" or local(one) == "numLit" for one in part.iter())
    levels = [one for one in part.iter() if local(one) == "lvl"]
    if levels:
        found: dict[int, str] = {}
        inner = _plain_points(levels[0])
        for at in inner:
            outer = [
                words[place]
                for words in map(_plain_points, reversed(levels[1:]))
                if (place := max((one for one in words if one <= at), default=-1)) >= 0
            ]
            found[at] = " ".join([*outer, inner[at]])
        return found
    points = _plain_points(part)
    return {at: shown(value, code) if numeric else value for at, value in points.items()}


def _plain_points(part: etree._Element) -> dict[int, str]:
    points: dict[int, str] = {}
    for one in part.iter():
        if local(one) == "pt":
            at = one.get("idx", "")
            if at.isdecimal() and len(points) < _LIMIT_POINTS:
                points[int(at)] = one_line(" ".join(_texts(one, ("v",))))
    return points


def _texts(element: etree._Element, names: tuple[str, ...]) -> Iterator[str]:
    return (one.text for one in element.iter() if local(one) in names and one.text)


def _words(element: etree._Element) -> str:
    return one_line(" ".join("".join(_texts(p, ("t", "v"))) for p in element.iter() if local(p) in ("p", "strCache")))


def add_diagram(builder: Builder, package: Package, part: str) -> None:
    """Append the words of a diagram (SmartArt), one line a shape."""
    root = package.xml(part)
    if root is None:
        builder.notes.append("A diagram could not be read.")
        return
    for point in root.iter():
        if local(point) == "pt" and point.get("type") not in ("pres", "parTrans", "sibTrans"):
            builder.add(" ".join(paragraphs(point)), separator="\n")


def paragraphs(shape: etree._Element) -> Iterator[str]:
    """The paragraphs of a shape's text, automatic numbers before them."""
    count: dict[int, int] = {}
    for paragraph in shape.iter():
        if local(paragraph) != "p" or "drawingml" not in str(paragraph.tag):
            continue
        text = "".join(_runs(paragraph)).strip()
        if not text:
            continue
        properties = next((one for one in paragraph if local(one) == "pPr"), None)
        level = (
            int(properties.get("lvl", "0")) if properties is not None and properties.get("lvl", "0").isdecimal() else 0
        )
        numbered = (
            next((one for one in properties if local(one) == "buAutoNum"), None) if properties is not None else None
        )
        for deeper in [one for one in count if one > level]:
            del count[deeper]
        if numbered is None:
            count.pop(level, None)
            yield text
            continue
        start = numbered.get("startAt", "1")
        count[level] = count[level] + 1 if level in count else int(start) if start.isdecimal() else 1
        yield f"{automatic(count[level], numbered.get('type', ''))} {text}"


def _runs(paragraph: etree._Element) -> Iterator[str]:
    for one in paragraph.iter():
        match local(one):
            case "t":
                yield one.text or ""
            case "br":
                yield "\n"
            case "tab":
                if local(_parent(one)) != "tabLst":
                    yield " "


def automatic(number: int, kind: str) -> str:
    """The number that a list shows: "2.", "b)", "iv."."""
    mark = ")" if kind.endswith(("ParenR", "ParenBoth")) else "" if kind.endswith("Plain") else "."
    text = str(number)
    if kind.startswith("alpha"):
        text = letters(number)
    elif kind.startswith("roman"):
        text = roman(number)
    if "Uc" in kind:
        text = text.upper()
    return f"({text})" if kind.endswith("ParenBoth") else text + mark


def letters(number: int) -> str:
    """a to z, aa to zz, as lists count."""
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1) if 0 < number <= 780 else str(number)


def roman(number: int) -> str:
    """A number in small Roman numerals."""
    if not 0 < number < 4000:
        return str(number)
    text = ""
    signs = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
    for value, sign in (*signs, (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")):
        text += sign * (number // value)
        number %= value
    return text


def description(element: etree._Element) -> str:
    """What a picture's author wrote about it; "" where a program did."""
    for one in element.iter():
        if local(one) in ("docPr", "cNvPr"):
            words = one_line(attribute(one, "descr"))
            return "" if len(words.split()) < 2 or words.lower().endswith((".png", ".jpg", ".jpeg", ".gif")) else words
    return ""
