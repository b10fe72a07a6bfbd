"""XML and data as people read them: records, tables, what a file declares for itself."""

from __future__ import annotations

import json

from rag.formats.elements import read_xml
from rag.formats.latex import read_latex
from rag.formats.structured import read_json


def test_a_table_of_docbook_has_its_columns_names() -> None:
    cells = "<row><entry>Door</entry><entry>Keeper</entry></row>"
    rows = "<row><entry>D1</entry><entry>Hana Ito</entry></row><row><entry>D2</entry><entry>Ole Brun</entry></row>"
    found = read_xml(
        f"<article xmlns='http://docbook.org/ns/docbook'><title>Locks</title><informaltable><tgroup cols='2'>"
        f"<colspec/><thead>{cells}</thead><tbody>{rows}</tbody></tgroup></informaltable></article>".encode()
    )
    assert found.text.endswith("Door: D1; Keeper: Hana Ito.\n\nDoor: D2; Keeper: Ole Brun.")


def test_words_that_a_file_declares_stand_in_its_text_and_no_other_file_does() -> None:
    declared = (
        "<!ENTITY firm 'Fjord &#38;amp; Søn'><!ENTITY all '&firm;&firm;'><!ENTITY out SYSTEM 'file:///etc/hostname'>"
    )
    found = read_xml(f"<!DOCTYPE c [{declared}]><c><note>Ask &firm; first, &out; and &all; later.</note></c>".encode())
    assert "Ask Fjord & Søn first, &out; and &all; later." in found.text


def test_a_value_keeps_what_is_said_of_it() -> None:
    found = read_xml(b"<c><part no='B-78'><name>Seal</name><price currency='EUR'>7.95</price></part></c>")
    assert found.text == "no: B-78; name: Seal; price: 7.95 (currency: EUR)"


def test_a_few_values_within_a_record_are_its_own() -> None:
    places = [
        {"id": "C3", "owner": {"name": "Rita Sand"}},
        {"id": "C4", "owner": {"name": "Paul Ohm", "desk": 4}},
    ]
    assert read_json(json.dumps({"cameras": places}).encode()).text == (
        "cameras\n\nid: C3; owner name: Rita Sand.\n\nid: C4; owner name: Paul Ohm; owner desk: 4."
    )


def test_a_list_after_a_table_is_no_part_of_its_last_row() -> None:
    table = r"\begin{tabular}{ll}Span & Load \\ East & 38 t \\ West & 44 t \\ \end{tabular}"
    source = rf"{table}\begin{{itemize}}\item Paint \item Bolts\end{{itemize}} See\footnote{{Ask Ada.}} the plan."
    assert read_latex(source.encode()).text == (
        "Span: East; Load: 38 t.\n\nSpan: West; Load: 44 t.\n\n- Paint\n- Bolts\n\nSee [Ask Ada.] the plan."
    )
