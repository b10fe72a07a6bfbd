"""Questions about small documents of kinds that are easily read and hardly answered: how people ask, and dates."""

import io
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from tests.rag.formats.answers import answered

FILLER = (
    "# Notes\n\nThe garden is watered on Mondays. The bicycle shed has forty places. The lift is checked each spring.\n"
)


def sheet(rows: list[tuple[object, ...]], code: str) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cells in book.active.iter_rows():
        for cell in cells:
            if isinstance(cell.value, date):
                cell.number_format = code
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


VISITORS = [("Month", "Visitors"), (date(2024, 1, 1), 1250), (date(2024, 2, 1), 1480), (date(2024, 3, 1), 1615)]
DEPOTS = [("Depot", "Head"), ("East", "Rana Gul"), ("West", "Igor Sim")]
TABLE = "".join(f"<tr><td>{depot}</td><td>{head}</td></tr>" for depot, head in DEPOTS)
REPORT = (
    "From: Ada <ada@example.org>\nSubject: Undelivered\nContent-Type: multipart/report; boundary=A\n\n--A\n\n"
    "Delivery failed.\n--A\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n"
    "Final-Recipient: rfc822; lost@example.org\n--A--\n"
)


@pytest.mark.parametrize(
    ("name", "data", "question", "wanted"),
    [
        ("a.txt", "倉庫の鍵は事務室にあります。".encode("shift_jis"), "倉庫の鍵はどこですか？", "事務室"),
        ("a.txt", "会議は毎週水曜日の十時に始まります。".encode("euc_jp"), "会議はいつ始まりますか？", "水曜日"),
        ("a.txt", "열쇠는 경비실에 있습니다.".encode("euc_kr"), "열쇠는 어디에 있습니까?", "경비실"),
        ("a.txt", "停車場的鑰匙在值班室。".encode("big5"), "鑰匙在哪裡？", "值班室"),
        ("a.txt", "Müdür, Gökçe Işık'ın iznini onayladı.".encode("cp1254"), "İzin kimin için onaylandı?", "Gökçe Işık"),
        ("a.xlsx", sheet(VISITORS, "mmm yyyy"), "How many visitors were there in February 2024?", "1480"),
        ("a.xlsx", sheet(VISITORS, "dd/mm/yyyy"), "How many visitors were there on 1 March 2024?", "1615"),
        ("a.md", b"# House rules\n\n1. Wear boots.\n2. Report leaks to Tove.\n", "What is rule number 2?", "Tove"),
        ("a.md", b"2.1 Stairs shine.\n\n2.2 Snow is cleared before seven.\n", "What does clause 2.2 say?", "seven"),
        ("a.csv", b"Item,Amount\nDeposit,25350 euros\nIndex,yearly\n", "How high is the deposit?", "25350"),
        ("a.csv", b"Marina, from May\nItem,Unit,Price\nLift,hour,120\nSlip,day,35\n", "What does a slip cost?", "35"),
        ("a.tex", rb"\newcommand{\boss}{Ms.\ Ravn}The log is signed by \boss{}.", "Who signs the log?", "Ravn"),
        ("a.adoc", b"|===\n|Tool |Shelf |Keeper\n\n.2+|Vice |S-1 |Gro\n|S-2 |Ylva\n|===\n", "Who keeps S-2?", "Ylva"),
        ("a.xls", f"<html><table>{TABLE}</table></html>".encode(), "Who is the head of depot West?", "Igor Sim"),
        ("a.html", f"<table>{TABLE}</table>".encode(), "Who is the head of depot West?", "Igor Sim"),
        ("a.eml", REPORT.encode(), "Which recipient failed in the delivery?", "lost@example.org"),
    ],
)  # fmt: skip
def test_the_answer_is_found(name: str, data: bytes, question: str, wanted: str, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / name).write_bytes(data)
    (folder / "filler.md").write_text(FILLER, encoding="utf-8")
    assert wanted in answered(folder, tmp_path / "library", question)


@pytest.mark.parametrize("question", ["駐車場の料金はいくらですか？", "What does parking cost in February 2024?"])
def test_what_is_not_said_is_not_answered(question: str, tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "a.txt").write_text("倉庫の鍵は事務室にあります。", encoding="utf-8")
    (folder / "a.xlsx").write_bytes(sheet(VISITORS, "mmm yyyy"))
    assert "[1]" not in answered(folder, tmp_path / "library", question)
