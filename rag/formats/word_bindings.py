"""Content controls of Word that are bound to data in the same file: a page shows the data, whatever was saved with it.

Knows the file's own XML parts and paths of plain steps. Does not know blocks or runs, and changes nothing but the words
of plain text controls.
"""

from __future__ import annotations

import regex
from lxml import etree

from rag.formats.extracted import one_line
from rag.formats.package import Package, attribute, local

_STEP = regex.compile(r"/(@)?(?:[\w.-]+:)?([\w.-]+)(?:\[(\d{1,4})\])?")
_OTHERWISE = frozenset(
    ("date", "picture", "dropDownList", "comboBox", "docPartObj", "docPartList", "richText", "group")
)
_LONGEST = 20_000


def bind(root: etree._Element, package: Package, part: str) -> None:
    """Give the plain text controls below `root`, of `part`, the words of the data that they are bound to."""
    controls = [one for one in root.iter() if local(one) == "dataBinding"]
    stores = _stores(package, part) if controls else {}
    for binding in controls if stores else ():
        properties = binding.getparent()
        control = properties.getparent() if properties is not None else None
        if properties is None or control is None or any(local(one) in _OTHERWISE for one in properties):
            continue
        store = stores.get(attribute(binding, "storeItemID").upper())
        value = _value(store, attribute(binding, "xpath")) if store is not None else ""
        words = [one for one in control.iter() if local(one) == "t"]
        paragraphs = sum(local(one) == "p" for one in control.iter())
        if value and words and paragraphs <= 1 and one_line("".join(one.text or "" for one in words)) != value:
            for one in words:
                one.text = ""
            words[0].text = value


def _stores(package: Package, part: str) -> dict[str, etree._Element]:
    """The roots of the file's XML data, by their ids."""
    found: dict[str, etree._Element] = {}
    for name in package.related(part, "customXml"):
        data = package.xml(name)
        for properties in package.related(name, "customXmlProps"):
            root = package.xml(properties)
            if data is not None and root is not None:
                found[attribute(root, "itemID").upper()] = data
    return found


def _value(root: etree._Element, path: str) -> str:
    """What stands at a path of names and numbers; "" where nothing does, or for any other path."""
    steps = list(_STEP.finditer(path))
    if not steps or "".join(step[0] for step in steps) != path or local(root) != steps[0][2]:
        return ""
    at = root
    for step in steps[1:]:
        if step[1]:
            return one_line(attribute(at, step[2]))[:_LONGEST]
        same = [one for one in at if local(one) == step[2]]
        place = int(step[3] or 1) - 1
        if not 0 <= place < len(same):
            return ""
        at = same[place]
    return one_line("".join(str(text) for text in at.itertext()))[:_LONGEST] if not len(at) else ""
