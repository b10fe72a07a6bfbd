"""Sources in tandem.yaml become folders that are indexed, and say how their visits went."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rag.errors import UserFacingError
from tandem.cli import app
from tandem.documents import open_library
from tandem.settings import SettingsError, load
from tandem.sources import Sources

PAGE = (
    '<hibernate-generic><object class="Page" package="x"><id name="id">1</id><property name="title">Keys</property>'
    '<property name="version">1</property></object><object class="BodyContent" package="x"><id name="id">2</id>'
    '<property name="body"><![CDATA[<p>The spare key hangs in room seven.</p>]]></property><property name="content" '
    'class="Page"><id name="id">1</id></property></object></hibernate-generic>'
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "space.zip", "w") as archive:
        archive.writestr("entities.xml", PAGE)
    (tmp_path / "tandem.yaml").write_text(
        f"sources:\n  - name: wiki\n    kind: confluence\n    address: {tmp_path / 'space.zip'}\n"
        "  - name: closed\n    kind: webdav\n    address: http://127.0.0.1:9/\n    password_env: NO_SUCH_VARIABLE\n",
        encoding="utf-8",
    )
    return tmp_path


def test_a_source_is_fetched_found_and_forgotten(home: Path) -> None:
    settings = load(home / "tandem.yaml", {})
    sources = Sources(settings)
    visit = sources.visit("wiki")
    assert (visit.files, visit.added, visit.problem) == (1, 1, "")
    library = open_library(settings)
    try:
        library.sync(settings.documents)
        found = library.search("Where does the spare key hang?")
        assert "room seven" in found.passages[0].text
    finally:
        library.close()
    assert [place.visit.files for place in Sources(settings).places()] == [1, 0]


def test_a_missing_password_is_one_sentence_and_the_address_hides_another(home: Path) -> None:
    sources = Sources(load(home / "tandem.yaml", {}))
    assert sources.visit("closed").problem == (
        "The variable NO_SUCH_VARIABLE is not set; set it and start Tandem again."
    )
    file = home / "tandem.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("127.0.0.1:9", "eve:hush@127.0.0.1:9"), encoding="utf-8")
    assert [one.address for one in Sources(load(file, {})).places()][1] == "http://127.0.0.1:9/"


def test_what_is_due_is_visited_in_the_background(home: Path) -> None:
    sources = Sources(load(home / "tandem.yaml", {}))
    sources.start()
    try:
        deadline = time.monotonic() + 60
        while not all(place.visit.at for place in sources.places()) and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        sources.close()
    wiki, closed = sources.places()
    assert wiki.visit.files == 1 and wiki.due > time.time() + 3_000
    assert closed.visit.problem and closed.due < time.time() + 400


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "tandem.yaml"
    one = "  - {name: a, kind: git, address: x}\n"
    file.write_text(f"sources:\n{one}{one.replace('a,', 'A,')}", encoding="utf-8")
    with pytest.raises(SettingsError, match="two sources are called 'a'"):
        load(file, {})


def test_the_terminal_fetches_and_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    terminal = CliRunner()
    done = terminal.invoke(app, ["sources", "wiki", "--visit", "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout)[0]["visit"]["files"] == 1
    assert "NO_SUCH_VARIABLE" in terminal.invoke(app, ["sources", "--visit"]).stdout
    with pytest.raises(UserFacingError, match="There is no source 'x'"):
        terminal.invoke(app, ["sources", "x"], catch_exceptions=False)
