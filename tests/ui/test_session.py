from pathlib import Path

from tandem import shipped
from tandem.settings import DisplaySettings, Settings, load
from tandem.ui.session import starters


def test_first_questions_are_offered_about_the_documents_that_ship() -> None:
    written = load(shipped.root() / "tandem.yaml", {})
    english, turkish = starters(written, "en-US"), starters(written, "tr-TR")
    assert len(english) == len(turkish) == 4
    assert all(starter.label and starter.message.endswith("?") for starter in english + turkish)
    assert {starter.message for starter in english}.isdisjoint(starter.message for starter in turkish)


def test_the_configured_language_goes_before_the_browsers() -> None:
    settings = Settings(documents=(shipped.corpus(),), display=DisplaySettings(language="tr"))
    assert starters(settings, "en-US") == starters(settings, "tr-TR")


def test_nothing_is_suggested_about_unknown_documents(tmp_path: Path) -> None:
    assert starters(Settings(documents=(tmp_path,)), "en-US") == []
