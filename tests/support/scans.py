"""Makes scans: pages of text as pictures, at a resolution, a little crooked, with the grain of a scanner."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pypdfium2
from PIL import Image, ImageFilter
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

ENGLISH = (
    "The harbour office measures the tide every ten minutes at the northern mole and publishes the reading at once.",
    "A reading that differs from the forecast by more than forty centimetres is checked by hand before it goes out.",
    "Readings are kept for ten years; the log of 1987 was lost in the fire of 12 March 1991.",
    "Spare parts for the gauge are ordered under number HB-4471, at a price of 1,250.00 euros a piece.",
    "Visitors sign the book at the gate, wear a yellow vest and leave before six in the evening.",
    "The keeper lights the lantern before dusk, writes down the hour and calls the pilot station.",
)
TURKISH = (
    "Liman başkanlığı gelgit ölçümünü her on dakikada bir kuzey mendireğinde yapar ve sonucu hemen yayımlar.",
    "Tahminden kırk santimetreden fazla sapan bir ölçüm, yayımlanmadan önce elle denetlenir.",
    "Ölçümler on yıl saklanır; 1987 yılının defteri 12 Mart 1991 yangınında kaybolmuştur.",
    "Göstergenin yedek parçaları HB-4471 numarasıyla, tanesi 1.250,00 avrodan ısmarlanır.",
    "Ziyaretçiler kapıda defteri imzalar, sarı yelek giyer ve akşam altıdan önce ayrılır.",
    "Bekçi hava kararmadan feneri yakar, saati yazar ve kılavuz istasyonunu arayarak bilgi verir.",
)


def page(
    paragraphs: Sequence[str], font: str | None = None, *, columns: int = 1, size: float = 11.0, heading: str = ""
) -> bytes:
    """A PDF page of text, set in the TrueType file `font` (or Helvetica, which has no Turkish letters)."""
    name = "Helvetica"
    if font is not None:
        name = "scan " + font
        pdfmetrics.registerFont(TTFont(name, font))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    top = A4[1] - 80
    if heading:
        canvas.setFont(name, size * 1.6)
        canvas.drawString(70, top, heading)
        top -= size * 3
    canvas.setFont(name, size)
    width = (A4[0] - 140 - 24 * (columns - 1)) / columns
    lines: list[str] = []
    for text in paragraphs:
        line = ""
        for word in text.split():
            if line and pdfmetrics.stringWidth(f"{line} {word}", name, size) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines += [line, ""]
    each = -(-len(lines) // columns)
    for column in range(columns):
        for at, line in enumerate(lines[column * each : (column + 1) * each]):
            canvas.drawString(70 + column * (width + 24), top - at * size * 1.4, line)
    canvas.save()
    return out.getvalue()


def picture(pdf: bytes, *, dots: int = 150, skew: float = 0.0, grain: float = 6.0, seed: int = 1) -> Image.Image:
    """The first page as a scanner sees it: grey, turned by `skew` degrees, a little soft and noisy."""
    document = pypdfium2.PdfDocument(pdf)
    image = document[0].render(scale=dots / 72).to_pil().convert("L")
    document.close()
    image = image.rotate(skew, resample=Image.Resampling.BICUBIC, fillcolor=255)
    image = image.filter(ImageFilter.GaussianBlur(dots / 400))
    noisy = (
        np.asarray(image, float) * 0.92 + 10 + np.random.default_rng(seed).normal(0, grain, (image.height, image.width))
    )
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def scanned(*pictures: Image.Image, dots: int = 150) -> bytes:
    """A PDF of nothing but pictures."""
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    for image in pictures:
        size = image.width * 72 / dots, image.height * 72 / dots
        canvas.setPageSize(size)
        held = io.BytesIO()
        image.save(held, "JPEG", quality=85)
        held.seek(0)
        canvas.drawImage(ImageReader(held), 0, 0, *size)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def encoded(image: Image.Image, kind: str) -> bytes:
    """The picture as a file of this kind ("PNG", "JPEG", "TIFF", "WEBP")."""
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()
