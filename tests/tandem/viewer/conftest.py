"""An installation with documents of many kinds, some of them hostile, served; and what stands in its pages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import docx
import httpx
import openpyxl
import pytest

from hybrid.runtimes.scripted import Script, Scripted
from rag.types import Passage
from tandem.settings import Settings
from tests.support import documents
from tests.support.served import Served

HOLIDAY = "Every employee has 25 days of paid holiday a year."
ROWS = [["North", "7.50", "2024-01-01"], ["South", "8.25", "2025-06-30"], ["East", "9.00", "2025-07-01"]]
HOSTILE = "A <script>alert('1')</script> and &lt;b&gt; and <img src=https://evil.example/x.png> are words here."
SITE = (
    "<html><body><h1>Site</h1><script>alert(3)</script><p onclick='x()'>Bicycles stand in the yard.</p>"
    "<img src='https://evil.example/y.png'></body></html>"
)


def word() -> bytes:
    made = docx.Document()
    made.add_heading("Canteen", 1)
    made.add_paragraph("Lunch is served from noon until two. Cake is free on Fridays.")
    made.save(out := io.BytesIO())
    return out.getvalue()


def sheet() -> bytes:
    book = openpyxl.Workbook()
    rows = [("Zone", "Surcharge", "Currency"), ("Alpha", 10, "EUR"), ("Bravo", 14.9, "EUR"), ("Charlie", 21, "EUR")]
    for row in rows:
        book.active.append(row)
    book.save(out := io.BytesIO())
    return out.getvalue()


def mail() -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"] = "Parking", "ada@example.org"
    message.set_content("The garage closes at ten in the evening.\n\n<script>alert(2)</script> is what Bob wrote.")
    return bytes(message)


def lay_out(folder: Path) -> None:
    """The documents."""
    (folder / "deep" / "er").mkdir(parents=True)
    texts = {
        "leave.md": f"# Leave\n\n## Holidays\n\n{HOLIDAY} Unused days expire in March.\n\n## Sick & <tired>\n\n"
        "| Zone | Price |\n|---|---|\n| North | 7 |\n| South | 8 |\n",
        "deep/er/notes.txt": HOSTILE,
        "site.html": SITE,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    handbook = [
        ("Leave", [f"{HOLIDAY} Unused days expire in March."], [["Zone", "Price", "From"], *ROWS]),
        ("Travel", ["Journeys under six hours are made by train.", f"Once more: {HOLIDAY}"], []),
    ]
    made = {
        "handbook.pdf": documents.report("Handbook", handbook),
        "canteen.docx": word(),
        "zones.xlsx": sheet(),
        "parking.eml": mail(),
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)


class Reader:
    """Somebody who opens documents of a running server."""

    def __init__(self, served: Served, papers: Path) -> None:
        self.served = served
        self.papers = papers
        self.library = served.context.library

    def get(self, address: str, **more: object) -> httpx.Response:
        return httpx.get(self.served.url + address, **more)  # type: ignore[arg-type]

    def passage(self, document: str, text: str) -> Passage:
        """The passage of a document that holds a text."""
        found = self.library.store.passages_of(int(self.document(document)))
        return next(passage for _, passage in found if text in passage.text)

    def document(self, name: str) -> str:
        return next(one.id for one in self.library.store.documents() if one.name == name)

    def cited(self, document: str, text: str) -> str:
        """The address of the document, where the text is cited."""
        passage = self.passage(document, text)
        start = passage.text.index(text)
        return f"/source/passage/{passage.id}?of={passage.id}.{start}-{start + len(text)}"


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    home = tmp_path_factory.mktemp("viewer")
    lay_out(home / "papers")
    settings = Settings.model_validate(
        {"data_dir": home / "data", "documents": [home / "papers"], "models": {"foundry": False}}
    )
    with Served(settings, [Scripted({"phi-4-mini": Script("x")})]) as served:
        yield Reader(served, home / "papers")
