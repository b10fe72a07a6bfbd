from pathlib import Path

from tandem import shipped
from tandem.context import AppContext
from tandem.settings import Settings
from tandem.ui.session import starters

DOCUMENTS = {
    "hr/leave.md": "# Leave\n\n## Holidays\n\nEvery employee has 25 days of holiday. " * 3,
    "hr/sick.md": "# Sickness\n\n## 1. Sick notes\n\nA note is due on the third day.\n",
    "it/accounts.md": "# Accounts\n\n## Passwords\n\nA password has 14 characters.\n",
    "tr/izin.md": "# İzin\n\n## Yıllık izin\n\nHer çalışanın yılda 25 gün ücretli izni vardır; izin önceden istenir.\n",
    "plain.txt": "Nothing but text without any heading.",
}


def context(
    tmp_path: Path, documents: dict[str, str] | None = None, *, example: bool = False, **settings: object
) -> AppContext:
    folder = tmp_path / "papers"
    for name, text in (documents or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    folder.mkdir(exist_ok=True)
    given = {
        "documents": [str(shipped.corpus() if example else folder)],
        "models": {"foundry": False},
        "data_dir": str(tmp_path / "data"),
        **settings,
    }
    opened = AppContext.open(Settings.model_validate(given), [])
    opened.library.sync([folder])
    return opened


async def test_first_questions_are_offered_about_the_documents_that_ship(tmp_path: Path) -> None:
    example = context(tmp_path, example=True)
    english, turkish = await starters(example, "", "en-US"), await starters(example, "", "tr-TR")
    assert len(english) == len(turkish) == 4
    assert all(starter.label and starter.message.endswith("?") for starter in english + turkish)
    assert {starter.message for starter in english}.isdisjoint(starter.message for starter in turkish)
    await example.close()


async def test_other_libraries_offer_their_own_headings(tmp_path: Path) -> None:
    own = context(tmp_path, DOCUMENTS)
    english, turkish = await starters(own, "", "en-US"), await starters(own, "", "tr-TR")
    assert {starter.label for starter in english} == {"Holidays", "Sick notes", "Passwords", "plain"}
    assert turkish[0].label == "Yıllık izin" and len(turkish) == 4, "where there is hardly any, others are offered too"
    assert english[0].message == "What does “Leave” say about Holidays?"
    for starter in english[:3]:
        found = own.library.search(starter.message)
        assert found.passages[0].headings[-1].endswith(starter.label)
    await own.close()


async def test_who_reads_a_language_that_nothing_is_in_is_offered_the_one_that_most_is_in(tmp_path: Path) -> None:
    own = context(tmp_path, DOCUMENTS)
    german = {starter.label for starter in await starters(own, "", "de-DE")}
    assert german == {"Holidays", "Sick notes", "Passwords", "plain"}
    await own.close()


async def test_the_configured_language_goes_before_the_browsers(tmp_path: Path) -> None:
    own = context(tmp_path, DOCUMENTS, display={"language": "tr"})
    assert [s.label for s in await starters(own, "", "en-US")] == [s.label for s in await starters(own, "", "tr-TR")]
    await own.close()


async def test_what_has_no_headings_is_asked_about_as_a_whole(tmp_path: Path) -> None:
    plain = {
        "office_rules.txt": "The office opens at eight.",
        "a1.txt": "1 2 3",
        "x.md": "# 7\n\nAha.",
    }
    own = context(tmp_path, plain)
    (only,) = [(s.label, s.message) for s in await starters(own, "", "en-US")]
    assert only == ("office rules", "What is “office_rules” about?")
    await own.close()


async def test_nothing_is_suggested_where_nothing_can_be(tmp_path: Path) -> None:
    own = context(tmp_path, {})
    assert await starters(own, "", "en-US") == []
    await own.close()
