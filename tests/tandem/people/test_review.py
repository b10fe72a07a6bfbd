"""What people were not content with, and that nothing of somebody is left once they are forgotten."""

from __future__ import annotations

from pathlib import Path

from rag.database.places import Sqlite
from tandem.documents import open_library
from tandem.keeping.forgetting import forget
from tandem.people.accounts import INVITE, People
from tandem.people.keys import Keys
from tandem.people.quotas import Asker, Quotas, Used
from tandem.people.review import grouped
from tandem.people.revisions import TABLES
from tandem.people.store import Store
from tandem.settings import Settings


def test_questions_without_an_answer_are_grouped_by_the_word_they_share() -> None:
    found = grouped(["Who pays the parking?", "Where is parking allowed?", "Is parking free?", "When is lunch?", " "])
    assert [(topic.terms.casefold(), topic.count) for topic in found] == [("parking", 3), ("lunch", 1)]
    assert grouped(["Is it?", "Is it?"])[0].count == 2
    assert grouped([]) == []


def test_who_is_forgotten_leaves_nothing_and_nobody_else_loses_anything(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, documents=(tmp_path / "papers",))
    place = Sqlite(settings.files.people, TABLES)
    people, store = People(Store(place)), Store(place)
    quotas = Quotas((), store)
    for name in ("ada", "ben"):
        people.add(name, groups=["hr"])
        people.redeem(people.link(name, INVITE), "a long enough password")
        Keys(store).make(name, "a script", ["ask"])
        quotas.used(Asker(name), Used(model="m", questions=1))
    quotas.close()
    library = open_library(settings)
    counts = forget(settings, "ada", library)
    assert (counts["keys"], counts["lines of usage"], counts["accounts"]) == (1, 1, 1)
    assert forget(settings, "ada", library)["accounts"] == 0
    library.close()
    assert [one.name for one in people.everybody()] == ["ben"]
    assert [key.person for key in Keys(store).of()] == ["ben"]
    assert [used.person for used in Quotas((), store).since(1)] == ["ben"]
    for kept in (people.store, store):
        kept.close()
    with Sqlite(settings.files.people, TABLES).engine.connect() as db:
        for table in TABLES.metadata().sorted_tables:
            assert not any("ada" in row for row in db.execute(table.select()).all()), table.name
