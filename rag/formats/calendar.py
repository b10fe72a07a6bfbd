"""Calendars (ICS) and contacts (VCF): what a person would note down of them.

Knows folded lines, escapes and the properties that say something. Does not compute repetitions or time zones.
"""

from __future__ import annotations

import quopri
from collections.abc import Iterator

import regex

from rag.formats.extracted import Builder, Extracted
from rag.formats.text import begin

_FOLD = regex.compile(r"\r?\n[ \t]")
_ESCAPE = regex.compile(r"\\([nN,;\\:])")
_WHEN = regex.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?")
_EVENT = {
    "SUMMARY": "", "LOCATION": "Location", "DTSTART": "Start", "DTEND": "End", "DUE": "Due", "DURATION": "Duration",
    "RRULE": "Repeats", "ORGANIZER": "Organiser", "ATTENDEE": "Attendee", "DESCRIPTION": "", "STATUS": "Status",
    "CATEGORIES": "Categories", "COMMENT": "Comment", "CONTACT": "Contact", "URL": "Address",
}  # fmt: skip
_CONTACT = {
    "FN": "", "ORG": "Organisation", "TITLE": "Title", "ROLE": "Role", "TEL": "Telephone", "EMAIL": "Mail",
    "ADR": "Address", "NOTE": "Note", "URL": "Page", "BDAY": "Birthday", "NICKNAME": "Nickname",
}  # fmt: skip
_MOST_ATTENDEES = 100


def read_calendar(data: bytes) -> Extracted:
    """A calendar: its events and tasks."""
    builder, text = begin(data)
    add_calendar(builder, text)
    return builder.build()


def read_contacts(data: bytes) -> Extracted:
    """An address book: its people."""
    builder, text = begin(data)
    add_contacts(builder, text)
    return builder.build()


def add_calendar(builder: Builder, text: str) -> None:
    """Append the events of a calendar, each with its place and times."""
    _add(builder, text, ("VEVENT", "VTODO", "VJOURNAL"), _EVENT)


def add_contacts(builder: Builder, text: str) -> None:
    """Append the people of an address book."""
    _add(builder, text, ("VCARD",), _CONTACT)


def _add(builder: Builder, text: str, kinds: tuple[str, ...], names: dict[str, str]) -> None:
    lines: list[str] = []
    inside: list[str] = []
    attendees = 0
    for name, parameters, value in _properties(text):
        if name == "BEGIN":
            inside.append(value.upper())
        elif name == "END":
            if inside and inside.pop() in kinds:
                builder.add("\n".join(lines))
                lines, attendees = [], 0
        elif inside and inside[-1] in kinds and name in names and value:
            attendees += name == "ATTENDEE"
            if attendees <= _MOST_ATTENDEES or name != "ATTENDEE":
                said = _shown(name, parameters, value)
                label = names[name]
                lines.append(f"{label}: {said}." if label else said)
    builder.add("\n".join(lines))


def _properties(text: str) -> Iterator[tuple[str, str, str]]:
    """(name, parameters, value) of every line."""
    for line in _FOLD.sub("", text).splitlines():
        head, colon, value = _split(line)
        if not colon:
            continue
        name, _, parameters = head.partition(";")
        if "QUOTED-PRINTABLE" in parameters.upper():
            value = quopri.decodestring(value.encode("utf-8", "replace")).decode("utf-8", "replace")
        yield name.rpartition(".")[2].strip().upper(), parameters, value.strip()


def _split(line: str) -> tuple[str, str, str]:
    """A line at the first colon that stands in no quotes."""
    quoted = False
    for at, sign in enumerate(line):
        if sign == '"':
            quoted = not quoted
        elif sign == ":" and not quoted:
            return line[:at], ":", line[at + 1 :]
    return line, "", ""


def _shown(name: str, parameters: str, value: str) -> str:
    if name in ("ORGANIZER", "ATTENDEE"):
        person = regex.search(r'CN="?([^";:]+)', parameters)
        address = regex.sub(r"(?i)^mailto:", "", value)
        return f"{person[1]} <{address}>" if person else address
    if name.startswith("DT") or name in ("DUE", "BDAY"):
        return _when(value, parameters)
    value = _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
    if name in ("ADR", "ORG"):
        value = ", ".join(filter(None, (part.strip() for part in value.split(";"))))
    return " ".join(value.split())


def _when(value: str, parameters: str) -> str:
    found = _WHEN.match(value)
    if found is None:
        return value
    day = f"{found[1]}-{found[2]}-{found[3]}"
    if found[4] is None:
        return day
    zone = regex.search(r"TZID=\"?([^\";:]+)", parameters)
    return f"{day} {found[4]}:{found[5]}" + (" UTC" if found[7] else f" ({zone[1]})" if zone else "")
