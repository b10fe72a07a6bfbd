"""The licences of what is needed."""

from email.message import Message

import pytest

from rag.errors import UserFacingError
from tandem.commands import licences
from tandem.commands.licences import fits, judged, looked_up, needed


def test_everything_that_is_needed_has_a_licence_that_fits(capsys: pytest.CaptureFixture[str]) -> None:
    licences.licences(json=False)
    said = capsys.readouterr().out
    assert "chainlit" in said
    assert "numpy" in said


@pytest.mark.parametrize(
    ("licence", "right"),
    [
        ("MIT", True),
        ("MPL-2.0", True),
        ("LGPL-3.0-or-later", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("GPL-2.0-only OR MIT", True),
        ("GPL-3.0-or-later", False),
        ("GPLv3", False),
        ("AGPL-3.0", False),
        ("MIT AND GPL-2.0-only", False),
        ("GNU General Public License v2 (GPLv2)", False),
        ("GNU Affero General Public License v3", False),
    ],
)
def test_which_licences_fit(licence: str, right: bool) -> None:
    assert fits(licence) is right


class Package:
    """A library as far as its metadata goes."""

    version = "1.0"

    def __init__(self, **said: str) -> None:
        self.metadata = Message()
        self.metadata["Name"] = "Some_Library"
        for key, value in said.items():
            self.metadata[key.replace("_", "-")] = value


def test_a_library_that_says_nothing_needs_a_reason() -> None:
    assert "does not say" in judged(Package(), {}).problem  # type: ignore[arg-type]
    known = {"some-library": {"licence": "MIT", "reason": "its source says so"}}
    assert judged(Package(), known).problem == ""  # type: ignore[arg-type]
    assert judged(Package(License="GPL v3"), {}).problem  # type: ignore[arg-type]
    assert not judged(Package(License_Expression="Apache-2.0"), {}).problem  # type: ignore[arg-type]


def test_one_that_does_not_fit_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licences, "needed", lambda _: [Package(License="AGPL-3.0")])
    with pytest.raises(UserFacingError, match=r"some-library: AGPL-3\.0 does not fit"):
        licences.licences(json=True)


def test_only_what_is_needed_is_listed_by_hand() -> None:
    names = {package.metadata["Name"].casefold().replace("_", "-") for package in needed("tandem-assistant")}
    assert looked_up().keys() <= names
    assert all(entry["reason"] for entry in looked_up().values())
