"""Tandem as a library: what the package gives, and the example in the docstring."""

import doctest
from pathlib import Path

import pytest

import tandem
from hybrid.runtimes.scripted import Script, Scripted
from tandem import embedded
from tandem.shipped import root

LEAVE = "# Leave\n\nEvery employee has 25 days of paid holiday a year. Unused days expire at the end of March.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "leave.md").write_text(LEAVE, encoding="utf-8")
    return papers


@pytest.fixture
def settings() -> tandem.Settings:
    return tandem.Settings.model_validate({"models": {"foundry": False}})


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root())
    monkeypatch.setenv("TANDEM_MODELS__FOUNDRY", "false")
    examples = doctest.DocTestFinder().find(embedded.open, globs={"folder": tmp_path})
    runner = doctest.DocTestRunner()
    results = [runner.run(example) for example in examples]
    assert sum(result.attempted for result in results) == 3
    assert sum(result.failed for result in results) == 0


def test_everything_public_is_there() -> None:
    assert all(getattr(tandem, name).__module__.split(".")[0] in ("rag", "hybrid", "tandem", "types", "typing")
               for name in tandem.__all__ if name != "Event")  # fmt: skip
    assert set(tandem.__all__) == set(tandem._WHERE)
    with pytest.raises(AttributeError):
        tandem.nothing_of_the_kind  # noqa: B018


def test_it_searches_asks_and_tells_events(folder: Path, tmp_path: Path, settings: tandem.Settings) -> None:
    runtime = Scripted({"phi-4-mini": Script("Every employee has 25 days of paid holiday a year [1].")})
    with tandem.open(folder, data_dir=tmp_path / "data", settings=settings, runtimes=[runtime]) as library:
        assert library.index().added == 1
        assert "25 days" in library.search("How many days of holiday?").passages[0].text
        events = list(library.events("How many days of paid holiday does an employee have?"))
        assert isinstance(events[0], tandem.Retrieved) and isinstance(events[-1], tandem.Finished)
        again = library.ask(
            "How many days of paid holiday are there a year?", [tandem.Turn("How many days?", "25 days.")]
        )
        assert again.answer.model == "phi-4-mini"
    library.close()


def test_an_answer_that_nobody_listens_to_ends(folder: Path, tmp_path: Path, settings: tandem.Settings) -> None:
    slow = Scripted({"phi-4-mini": Script("word " * 500, tokens_per_second=50)})
    with tandem.open(folder, data_dir=tmp_path / "data", settings=settings, runtimes=[slow]) as library:
        library.index()
        for event in library.events("How many days of paid holiday does an employee have?"):
            if isinstance(event, tandem.Delta):
                break
        assert library.search("holiday").passages


def test_it_answers_somebody_from_what_they_may_read(folder: Path, tmp_path: Path) -> None:
    settings = tandem.Settings.model_validate(
        {
            "models": {"foundry": False, "draft": "extractive"},
            "collections": [{"name": "Personnel", "folders": [folder], "readers": ["hr"]}],
        }
    )
    asked = "How many days of paid holiday does an employee have?"
    with tandem.open(folder, data_dir=tmp_path / "data", settings=settings) as library:
        library.index()
        assert library.search(asked).passages, "whoever opens it owns it"
        assert "25 days" in library.ask(asked, principal=tandem.Principal("ada", frozenset({"hr"}))).answer.text
        other = tandem.Principal("bob", frozenset({"it"}))
        assert library.search(asked, principal=other).passages == ()
        answer = library.ask(asked, principal=other)
        assert answer.answer.refused and "25 days" not in answer.answer.text
        assert answer.trace.principal == {"identity": "bob", "groups": ["it"], "roles": []}
