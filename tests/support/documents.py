"""Makes documents of every format, small and real."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from email.message import EmailMessage

import docx
import openpyxl
import pptx
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="book/package.opf"/></rootfiles></container>'
)


def pdf(*pages: str, password: str = "") -> bytes:
    """A PDF with one line of text a page; an empty one is a picture."""
    out = io.BytesIO()
    encryption = StandardEncryption(password) if password else None
    canvas = Canvas(out, pagesize=A4, encrypt=encryption, invariant=1)
    for text in pages:
        if text:
            canvas.drawString(72, 600, text)
        else:
            canvas.rect(100, 100, 200, 200, fill=1)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def report(title: str, sections: Sequence[tuple[str, list[str], list[list[str]]]]) -> bytes:
    """A PDF as a word processor makes it: a running header, page numbers, a heading a section, paragraphs, a table."""
    out = io.BytesIO()
    styles = getSampleStyleSheet()

    def furniture(canvas: Canvas, document: SimpleDocTemplate) -> None:
        canvas.drawString(60, 810, f"{title} - internal")
        canvas.drawString(300, 30, f"Page {document.page}")

    flow: list[object] = []
    for heading, paragraphs, rows in sections:
        flow.append(Paragraph(heading, styles["Heading1"]))
        flow.extend(Paragraph(text, styles["BodyText"]) for text in paragraphs)
        if rows:
            flow.extend((Spacer(1, 8), Table(rows), Spacer(1, 8)))
        flow.append(PageBreak())
    template = SimpleDocTemplate(out, pagesize=A4, title=title, invariant=1)
    template.build(flow, onFirstPage=furniture, onLaterPages=furniture)
    return out.getvalue()


def word(*paragraphs: str, rows: Sequence[Sequence[str]] = ()) -> bytes:
    """A Word document; a paragraph that begins with "# " is a heading."""
    document = docx.Document()
    for text in paragraphs:
        if text.startswith("# "):
            document.add_heading(text[2:], 1)
        else:
            document.add_paragraph(text)
    if rows:
        table = document.add_table(len(rows), len(rows[0]))
        for at, row in enumerate(rows):
            for cell, text in zip(table.rows[at].cells, row, strict=True):
                cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def slides(*pages: tuple[str, str]) -> bytes:
    """A presentation of (title, text) slides."""
    deck = pptx.Presentation()
    for title, text in pages:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


def workbook(rows: Sequence[Sequence[object]], sheet: str = "Prices") -> bytes:
    """A workbook with one sheet."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for row in rows:
        page.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def book(title: str, *chapters: str, encrypted: bool = False) -> bytes:
    """An EPUB of chapters given as the inside of their bodies."""
    files = {"META-INF/container.xml": CONTAINER}
    if encrypted:
        files["META-INF/encryption.xml"] = "<encryption/>"
    items = "".join(
        f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(chapters))
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    files["book/package.opf"] = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata><dc:title>{title}</dc:title></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    for number, chapter in enumerate(chapters):
        files[f"book/c{number}.xhtml"] = "\x9d\x01garbled" if encrypted else f"<html><body>{chapter}</body></html>"
    return archive(files)


def message(subject: str, text: str, *, html: str = "", attachment: str = "") -> bytes:
    """A mail message."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ada <ada@example.invalid>", "Grace <grace@example.invalid>", subject
    mail["Date"] = "Mon, 02 Nov 2026 10:00:00 +0000"
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    if attachment:
        mail.add_attachment(b"1,2", maintype="text", subtype="csv", filename=attachment)
    return mail.as_bytes()


def archive(files: dict[str, str | bytes]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return out.getvalue()
