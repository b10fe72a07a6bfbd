"""Names that a place gives become names within the folder, whatever they are."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rag.connectors.base import Item, SourceError
from rag.connectors.mirror import pull, safe_name


@given(st.text(max_size=300))
def test_a_name_never_leads_out_of_the_folder(path: str) -> None:
    name = safe_name(path)
    parts = name.split("/")
    assert not name.startswith("/") and not set(name) & set('\\<>:"|?*\x00')
    assert name == "" or all(part and not part.startswith((".", "~")) and len(part) <= 120 for part in parts)


class Listed:
    def __init__(self, items: list[Item], broken: bool = False) -> None:
        self._items, self._broken = items, broken

    def items(self, known: Mapping[str, str]) -> Iterator[Item]:
        yield from self._items
        if self._broken:
            raise SourceError("The place went away.")


def item(path: str, words: bytes = b"x", version: str = "1") -> Item:
    return Item(path, version, lambda: words)


def test_names_that_are_the_same_here_are_kept_apart(tmp_path: Path) -> None:
    items = [item("a/Plan.md", b"one"), item("a/plan.md", b"two"), item("../../a/Plan.md", b"three"), item("x.exe")]
    pulled = pull(Listed(items), tmp_path / "here", tmp_path / "ledger.json")
    assert (pulled.added, pulled.skipped) == (3, 1)
    assert sorted(path.read_bytes() for path in (tmp_path / "here").rglob("*.md")) == [b"one", b"three", b"two"]


def test_a_list_that_breaks_off_removes_nothing_and_keeps_what_it_brought(tmp_path: Path) -> None:
    here, ledger = tmp_path / "here", tmp_path / "ledger.json"
    pull(Listed([item("a.md"), item("b.md")]), here, ledger)
    pulled = pull(Listed([item("c.md")], broken=True), here, ledger)
    assert (pulled.added, pulled.removed, pulled.problem) == (1, 0, "The place went away.")
    assert {path.name for path in here.iterdir()} == {"a.md", "b.md", "c.md"}
    assert pull(Listed([item("c.md")]), here, ledger).removed == 2


def test_a_ledger_that_is_damaged_costs_one_more_visit(tmp_path: Path) -> None:
    here, ledger = tmp_path / "here", tmp_path / "ledger.json"
    pull(Listed([item("a.md")]), here, ledger)
    ledger.write_text("{", encoding="utf-8")
    assert pull(Listed([item("a.md")]), here, ledger).added == 1
    assert [path.name for path in here.iterdir()] == ["a.md"]
