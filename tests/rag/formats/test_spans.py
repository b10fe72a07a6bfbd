"""Cells that span rows and columns: whatever the format, each row keeps its label and each figure its names."""

import io
import json

import docx
import pytest
from docx.document import Document
from hypothesis import given
from hypothesis import strategies as st
from pptx import Presentation
from pptx.util import Inches

from rag.formats import registry
from rag.formats.spans import Cell, named_once, placed

ROTA = ["Ward: Cedar; Shift: Early; Nurse: Odile.", "Ward: Cedar; Shift: Late; Nurse: Tamsin."]
FEES = ["Berth: North; Summer Day: 41; Summer Night: 52; Winter Day: 23; Winter Night: 34."]
_HTML_ROTA = (
    "<table><tr><th>Ward</th><th>Shift</th><th>Nurse</th></tr><tr><td rowspan=2>Cedar</td><td>Early</td><td>Odile"
    "</td></tr><tr><td>Late</td><td>Tamsin</td></tr></table>"
)
_HTML_FEES = (
    "<table><tr><th rowspan=2>Berth</th><th colspan=2>Summer</th><th colspan=2>Winter</th></tr><tr><th>Day</th>"
    "<th>Night</th><th>Day</th><th>Night</th></tr><tr><td>North</td><td>41</td><td>52</td><td>23</td><td>34</td></tr>"
    "<tr><td>South</td><td>47</td><td>58</td><td>29</td><td>36</td></tr></table>"
)
_ODF = (
    '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>{}</office:body></office:document>'
)
_CELLX = "".join(rf"\cellx{edge}" for edge in range(2000, 12000, 2000))


def _odf(kind: str, rows: list[list[str | tuple[str, int, int] | None]]) -> str:
    def cell(one: str | tuple[str, int, int] | None) -> str:
        if one is None:
            return "<table:covered-table-cell/>"
        text, across, down = one if isinstance(one, tuple) else (one, 1, 1)
        spans = f'table:number-columns-spanned="{across}" table:number-rows-spanned="{down}"'
        return f"<table:table-cell {spans}><text:p>{text}</text:p></table:table-cell>"

    made = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    return _ODF.format(f'<office:{kind}><table:table table:name="T">{made}</table:table></office:{kind}>')


_ODF_ROTA = [["Ward", "Shift", "Nurse"], [("Cedar", 1, 2), "Early", "Odile"], [None, "Late", "Tamsin"]]
_ODF_FEES = [
    [("Berth", 1, 2), ("Summer", 2, 1), None, ("Winter", 2, 1), None],
    [None, "Day", "Night", "Day", "Night"],
    ["North", "41", "52", "23", "34"],
    ["South", "47", "58", "29", "36"],
]


@pytest.mark.parametrize(
    ("name", "source", "lines"),
    [
        ("a.html", _HTML_ROTA, ROTA),
        ("a.html", _HTML_FEES, FEES),
        ("a.md", f"# Rota\n\n{_HTML_ROTA}\n", ROTA),
        (
            "a.wiki",
            '{|\n! Ward !! Shift !! Nurse\n|-\n| rowspan="2" | Cedar || Early || Odile\n|-\n| Late || Tamsin\n|}',
            ROTA,
        ),
        (
            "a.wiki",
            "{|\n! rowspan=2 | Berth !! colspan=2 | Summer !! colspan=2 | Winter\n|-\n! Day !! Night !! Day !! Night\n"
            "|-\n| North || 41 || 52 || 23 || 34\n|}",
            FEES,
        ),
        (
            "a.adoc",
            "[%header,cols=3*]\n|===\n|Ward |Shift |Nurse\n.2+|Cedar\n|Early\n|Odile\n|Late\n|Tamsin\n|===\n",
            ROTA,
        ),
        (
            "a.adoc",
            "|===\n.2+|Berth 2+|Summer 2+|Winter\n|Day |Night |Day |Night\n|North |41 |52 |23 |34\n"
            "|South |47 |58 |29 |36\n|===\n",
            FEES,
        ),
        (
            "a.rst",
            "+-------+-------+--------+\n| Ward  | Shift | Nurse  |\n+=======+=======+========+\n"
            "| Cedar | Early | Odile  |\n|       +-------+--------+\n"
            "|       | Late  | Tamsin |\n+-------+-------+--------+\n",
            ROTA,
        ),
        (
            "a.tex",
            r"\begin{tabular}{l|rr|rr} & \multicolumn{2}{c|}{Summer} & \multicolumn{2}{c}{Winter}\\ Berth & Day & Night"
            r" & Day & Night \\ \hline North & 41 & 52 & 23 & 34\\ South & 47&58&29&36\end{tabular}",
            FEES,
        ),
        (
            "a.tex",
            r"\begin{tabular}{lll} \multirow{2}{*}{Cedar} & 9 & Odile \\ \cline{2-3} & 8 & Tamsin\end{tabular}",
            ["Cedar | 8 | Tamsin."],
        ),
        (
            "a.rtf",
            r"{\rtf1\trowd\cellx2000\cellx4000\cellx6000 Ward\cell Shift\cell Nurse\cell\row"
            r"\trowd\clvmgf\cellx2000\cellx4000\cellx6000 Cedar\cell Early\cell Odile\cell\row"
            r"\trowd\clvmrg\cellx2000\cellx4000\cellx6000\cell Late\cell Tamsin\cell\row}",
            ROTA,
        ),
        (
            "a.rtf",
            r"{\rtf1\trowd\cellx2000\cellx6000\cellx10000 Berth\cell Summer\cell Winter\cell\row"
            rf"\trowd{_CELLX}\cell Day\cell Night\cell Day\cell Night\cell\row"
            rf"\trowd{_CELLX} North\cell 41\cell 52\cell 23\cell 34\cell\row"
            rf"\trowd{_CELLX} South\cell 47\cell 58\cell 29\cell 36\cell\row}}",
            FEES,
        ),
        ("a.fodt", _odf("text", _ODF_ROTA), ROTA),
        ("a.fodt", _odf("text", _ODF_FEES), FEES),
        ("a.fods", _odf("spreadsheet", _ODF_ROTA), ROTA),
        ("a.fods", _odf("spreadsheet", _ODF_FEES), FEES),
    ],
)
def test_rows_keep_the_label_that_spans_them(name: str, source: str, lines: list[str]) -> None:
    text = registry.read(source.encode(), name).text
    for line in lines:
        assert line in text.split("\n")


def test_tables_of_word_and_slides_keep_labels_and_upper_names() -> None:
    written = docx.Document()
    _fill(written)
    slides = Presentation()
    slide = slides.slides.add_slide(slides.slide_layouts[6])
    table = slide.shapes.add_table(3, 3, 0, 0, Inches(6), Inches(3)).table
    for row, cells in enumerate([["Ward", "Shift", "Nurse"], ["Cedar", "Early", "Odile"], ["", "Late", "Tamsin"]]):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    data, shown = io.BytesIO(), io.BytesIO()
    written.save(data)
    slides.save(shown)
    assert FEES[0] in registry.read(data.getvalue(), "a.docx").text
    for line in ROTA:
        assert line in registry.read(shown.getvalue(), "a.pptx").text


def _fill(written: Document) -> None:
    table = written.add_table(4, 5)
    for at, cells in enumerate((["Berth", "Summer", "", "Winter", ""], ["", "Day", "Night", "Day", "Night"])):
        for column, text in enumerate(cells):
            table.cell(at, column).text = text
    for at, cells in enumerate((["North", 41, 52, 23, 34], ["South", 47, 58, 29, 36]), 2):
        for column, value in enumerate(cells):
            table.cell(at, column).text = str(value)
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(0, 3).merge(table.cell(0, 4))


def test_a_name_over_two_columns_of_words_is_no_row_of_names() -> None:
    rows = placed([[Cell("Name"), Cell("Address", 2)], [Cell("Ada"), Cell("Main St"), Cell("Bonn")], [Cell("Bo")]])
    assert named_once(rows)[0][1] == ["Ada", "Main St", "Bonn"]


@given(st.lists(st.lists(st.builds(Cell, st.text(max_size=3), st.integers(0, 4), st.integers(0, 4)), max_size=4)))
def test_no_cell_is_lost_whatever_spans(rows: list[list[Cell]]) -> None:
    found = placed(rows)
    assert len(found) == len(rows)
    for cells, row in zip(rows, found, strict=True):
        assert [place.text for place in row if not place.across and not place.down] == [cell.text for cell in cells]
    assert json.dumps(named_once(found))


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (
            "Price list, valid from 1 May\nItem,Unit,Price\nCrane,hour,120\nSlip,day,35\n",
            "Item: Slip; Unit: day; Price: 35.",
        ),
        ("Marina;;\n;;\nItem;Unit;Price\nCrane;hour;120\nSlip;day;35\n", "Item: Slip; Unit: day; Price: 35."),
        (
            "By:,Gro Dahl\n\nStation,What,Value,Unit\nS1,pH,7.1,\nS2,Iron,0.3,mg/l\n",
            "Station: S1; What: pH; Value: 7.1.",
        ),
        ("# logger 7\ntime,depth\n08:00,4.1\n09:00,4.6\n", "time: 09:00; depth: 4.6."),
        (
            "Berth,2030,,2031,\n,Q1,Q2,Q1,Q2\nEast,1,2,3,4\nWest,5,6,7,8\n",
            "Berth: West; 2030 Q1: 5; 2030 Q2: 6; 2031 Q1: 7; 2031 Q2: 8.",
        ),
        ("cars,dist\n1,4,2\n2,4,10\n3,7,4\n", "cars: 3; dist: 7; 4."),
    ],
)
def test_what_stands_above_a_table_of_commas_does_not_name_its_columns(source: str, shown: str) -> None:
    text = registry.read(source.encode(), "a.csv").text
    assert shown in text.split("\n")
    assert text.startswith(source[:5].split(",")[0].split(";")[0])


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (r"\newcommand{\plant}{Nordsink}\def\boss{Ms.\ Ravn}The \plant{} gate: \boss.", "The Nordsink gate: Ms. Ravn."),
        (r"\newcommand{\pair}[2][left]{#1 of #2}\pair{B} and \pair[right]{C}", "left of B and right of C"),
        (
            r"Valve \texttt{V\_12} at 63\,$^\circ$C holds \SI{5}{\kilo\gram}, \pounds 40",
            "Valve V_12 at 63 °C holds 5 kg, £ 40",
        ),
        (r"See \href{https://x.org/a_b}{the plan} in \verb|C:\data_1|", r"See the plan in C:\data_1"),
        (r"\begin{description}\item[Flare] lit at dusk\end{description}", "- Flare: lit at dusk"),
        (r"\newcommand{\a}{\b\b}\newcommand{\b}{\a\a}Before \a after", "Before"),
    ],
)
def test_commands_of_latex_say_what_they_print(source: str, shown: str) -> None:
    assert shown in registry.read(source.encode(), "a.tex").text
