"""What stands right before and after the passages that are found, where a list goes across them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from rag.retrieval.edges import with_edges
from tests.rag.library_help import library_of

_ITEMS = [f"Put the {name} back into the box of the workshop before you lock the door behind you" for name in
          ("hammer", "pliers", "spanner", "chisel", "vice", "rasp", "plane", "square", "level", "mallet", "awl", "saw",
           "drill", "clamp", "ruler", "torch", "oilcan", "brush", "broom", "stool")]  # fmt: skip


def test_passages_of_one_list_know_the_items_around_them(tmp_path: Path) -> None:
    listed = "\n".join(f"- {item}." for item in _ITEMS)
    library = library_of(
        tmp_path, {"shop.md": f"# Workshop\n\nIn the evening:\n\n{listed}\n\n# Keys\n\nThey hang at the gate."}
    )
    try:
        identity = library.store.find("shop.md")
        assert identity is not None
        own = dict(library.store.passages_of(identity))
        told = list(with_edges(library.store, own, None).values())
        found = library.search("Where does the hammer go?").passages
    finally:
        library.close()
    listing = [one for one in told if one.headings[-1] == "Workshop"]
    assert len(listing) > 1
    assert listing[0].edges[0] == "" and listing[-1].edges[1] == ""
    for one, after in pairwise(listing):
        assert one.edges[1] == after.text.split("\n")[0]
        assert after.edges[0] == one.text.split("\n")[-1]
    assert told[-1].edges == ("", "")  # not a list, and another section
    assert {one.id: one.edges for one in found}.items() <= {one.id: one.edges for one in told}.items()


def test_a_passage_that_ends_with_code_knows_how_far_in_the_next_one_begins(tmp_path: Path) -> None:
    methods = "\n\n".join(
        f"    def turn_{name}(self):\n        self.{name} = not self.{name}  # the {name} by the door of the workshop\n"
        f"        return self.{name}"
        for name in ("lamp", "fan", "saw", "heater", "radio", "kettle", "drill", "pump")
    )
    library = library_of(tmp_path, {"desk.md": f"# Desk\n\nWrite this::\n\n    class Desk:\n{methods}\n\nDone."})
    try:
        identity = library.store.find("desk.md")
        assert identity is not None
        told = list(with_edges(library.store, dict(library.store.passages_of(identity)), None).values())
    finally:
        library.close()
    coded = [one for one in told if one.text.splitlines()[-1].startswith(" ") and one is not told[-1]]
    assert coded
    for one in coded:
        assert one.edges[1].startswith("\n\n    ") and "def turn_" in one.edges[1]
