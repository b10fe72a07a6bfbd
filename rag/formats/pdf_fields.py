"""What people put onto a page of a PDF: values of form fields, ticks, texts written over it, remarks.

Knows PDFium's annotations and form fields, and next to which words a value is read. Does not know how pages are
written.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pypdfium2
import pypdfium2.raw as pdfium

from rag.formats.extracted import clean, one_line
from rag.formats.layout import Frame, Place, Segment

_MOST_ANNOTATIONS = 5_000
_HIDDEN = 2 | 32  # the flags "hidden" and "no view"
_MARKED = re.compile(r"\W$")
_TICKED, _OPEN = "☒", "☐"


@dataclass(frozen=True, slots=True)
class Field:
    """Something filled in: where it stands, what it says, whether it is a box to tick, the field's own name."""

    place: Place
    text: str
    box: bool = False
    name: str = ""


def added_by_people(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, frame: Frame
) -> tuple[list[Field], list[str]]:
    """What is filled in or written over a page, and the remarks that stand behind a mark."""
    fields: list[Field] = []
    remarks: list[str] = []
    for at in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MOST_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, at)
        if not annotation:
            continue
        try:
            if pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
                continue
            kind = pdfium.FPDFAnnot_GetSubtype(annotation)
            if kind == pdfium.FPDF_ANNOT_WIDGET:
                if document.formenv is not None:
                    fields += _widget(document.formenv.raw, annotation, frame)
                continue
            if kind in (pdfium.FPDF_ANNOT_LINK, pdfium.FPDF_ANNOT_POPUP):
                continue
            text = _string(lambda *room, a=annotation: pdfium.FPDFAnnot_GetStringValue(a, b"Contents", *room))
            if not text:
                continue
            if kind in (pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP):
                fields.append(Field(_place(annotation, frame), text))
            else:
                remarks.append(text)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    return fields, remarks


def _widget(form: object, annotation: object, frame: Frame) -> Iterator[Field]:
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    place = _place(annotation, frame)
    name = _string(lambda *room: pdfium.FPDFAnnot_GetFormFieldAlternateName(form, annotation, *room)) or _string(
        lambda *room: pdfium.FPDFAnnot_GetFormFieldName(form, annotation, *room)
    )
    if kind in (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON):
        ticked = bool(pdfium.FPDFAnnot_IsChecked(form, annotation))
        yield Field(place, _TICKED if ticked else _OPEN, True, name)
        return
    if kind in (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX):
        value = _string(lambda *room: pdfium.FPDFAnnot_GetFormFieldValue(form, annotation, *room))
        if not value and kind != pdfium.FPDF_FORMFIELD_TEXTFIELD:
            value = ", ".join(_selected(form, annotation))
        if value:
            yield Field(place, value, False, name)


def _selected(form: object, annotation: object) -> Iterator[str]:
    for at in range(min(500, max(0, pdfium.FPDFAnnot_GetOptionCount(form, annotation)))):
        if pdfium.FPDFAnnot_IsOptionSelected(form, annotation, at):
            yield _string(lambda *room, i=at: pdfium.FPDFAnnot_GetOptionLabel(form, annotation, i, *room))


def _place(annotation: object, frame: Frame) -> Place:
    box = pdfium.FS_RECTF()
    if not pdfium.FPDFAnnot_GetRect(annotation, box):
        return 0.0, 0.0, 0.0, 0.0
    low, high = sorted((box.bottom, box.top))
    left, right = sorted((box.left, box.right))
    return frame(left, low, right, high)


def _string(read: Callable[..., int]) -> str:
    """What PDFium writes into a buffer, as one line."""
    size = read(None, 0)
    if size <= 2 or size > 2_000_000:
        return ""
    room = ctypes.create_string_buffer(size)
    read(ctypes.cast(room, ctypes.POINTER(ctypes.c_ushort)), size)
    return one_line(clean(room.raw[:size].decode("utf-16-le", "replace").rstrip("\x00").replace("\r", "\n")))


def with_fields(words: list[Segment], fields: Sequence[Field]) -> list[Segment]:
    """The words with what was filled in after its label: the words to its left, else those above, else its name."""
    placed: dict[int, list[Segment]] = {}
    size = sorted(word.size for word in words)[len(words) // 2] if words else 10.0
    for field in fields:
        left, bottom, right, top = field.place
        middle = (bottom + top) / 2
        level = [at for at, w in enumerate(words) if w.bottom <= middle <= w.top or bottom <= w.middle <= top]
        before = [at for at in level if words[at].right <= left + 2]
        after = [at for at in level if words[at].left >= right - 2]
        value = Segment(left, bottom, right, top, size, False, field.text, True)
        if field.box and after and (not before or words[after[0]].left - right < left - words[before[-1]].right):
            at = min(after, key=lambda i: words[i].left)
            # A tick and what it stands for are one piece: they are read together.
            value = replace(value, left=words[at].left - 1.5 * size, right=words[at].left - 1, begins=words[at].begins)
            value = replace(value, bottom=words[at].bottom, top=words[at].top, size=words[at].size)
            words[at] = replace(words[at], begins=False)
            placed.setdefault(at, []).append(value)
            continue
        if before:
            at = max(before, key=lambda i: words[i].right)
            value = replace(value, bottom=words[at].bottom, top=words[at].top, begins=False)
        else:
            above = [i for i, w in enumerate(words) if w.bottom >= top - 2 and w.left < right and w.right > left - 40]
            near = [i for i in above if words[i].bottom - top < 3 * size]
            at = max(near, default=-2)
            if near:  # a label over its line: they are read as one
                label = words[at]
                words[at] = replace(label, text=label.text if _MARKED.search(label.text) else f"{label.text}:")
                start = label.right + label.size * 0.3
                end = start + label.size * 0.5 * len(field.text)
                value = Segment(start, label.bottom, end, label.top, label.size, False, field.text, False)
            elif field.name:
                value = replace(value, text=f"{field.name}: {field.text}")
        placed.setdefault(at + 1 if at >= 0 else len(words), []).append(value)
    found: list[Segment] = []
    for at in range(len(words) + 1):
        found += placed.get(at, ())
        found += words[at : at + 1]
    return found
