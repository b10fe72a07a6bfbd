"""The wheel and the sdist, installed in an environment of their own: both serve a chat that answers in a browser."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.ui.conftest import Person, address_of

ROOT = Path(__file__).parents[1]
QUESTION = "How much disk space must stay free if I download a model to my own workstation?"


def uv(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "uv", *map(str, arguments)], check=True, capture_output=True, timeout=300)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with both artefacts, built from what git tracks."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    uv("build", "--quiet", "--out-dir", out, source)
    return out


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new environment, in which nothing lies."""
    place = tmp_path_factory.mktemp("environment")
    uv("venv", "--quiet", "--python", sys.executable, place)
    return place / ("Scripts" if sys.platform == "win32" else "bin")


@pytest.fixture(params=["*.whl", "*.tar.gz"])
def installed(request: pytest.FixtureRequest, built: Path, scripts: Path) -> Iterator[Path]:
    """The `tandem` of the environment with one artefact, what it needs at the versions tested here, and no other one.

    What the first needed is there for the second, whose needs are the same: `test_both_need_the_same`.
    """
    (artefact,) = built.glob(request.param)
    uv("pip", "install", "--quiet", "--python", scripts / "python", "-c", ROOT / "constraints.txt", artefact)
    yield scripts / "tandem"
    uv("pip", "uninstall", "--quiet", "--python", scripts / "python", "tandem-assistant")
    assert not (scripts / "tandem").exists()


def test_an_empty_folder_starts_with_the_example(installed: Path, browser: Browser, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    told = subprocess.run([installed, "--version"], cwd=home, capture_output=True, text=True, check=True)
    assert told.stdout.startswith("tandem ")
    environment = {"PATH": str(installed.parent), "PYTHONUTF8": "1", "TANDEM_MODELS__FOUNDRY": "false"}
    indexed = subprocess.run(
        [installed, "index"], cwd=home, env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert "example documents" in indexed.stderr
    serving = subprocess.Popen(
        [installed, "serve", "--port", "0"], cwd=home, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert serving.stdout is not None
        assert "example documents" in serving.stdout.readline()
        person = Person(browser.new_page())
        person.open(address_of(serving))
        person.ask(QUESTION)
        person.wait_for_answers(1)
        assert "25 GB" in person.answer()
        person.page.close()
    finally:
        serving.terminate()
        serving.communicate(timeout=120)


def test_nothing_that_is_served_is_left_out(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("public", "docs_corpus", ".chainlit"):
        tracked = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        served = [name for name in tracked.stdout.splitlines() if not name.endswith(".gitignore")]
        assert {f"tandem/assets/{name}" for name in served} <= names


def test_both_need_the_same(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as packed:
        (name,) = [name for name in packed.namelist() if name.endswith(".dist-info/METADATA")]
        of_wheel = packed.read(name).decode()
    with tarfile.open(sdist) as packed:
        file = packed.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert file is not None
        of_sdist = file.read().decode()
    needs = [re.findall(r"^Requires-Dist: .+$", text, re.M) for text in (of_wheel, of_sdist)]
    assert needs[0] == needs[1] and len(needs[0]) > 10
