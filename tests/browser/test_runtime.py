"""The runtime's files: what the manifest names and nothing else, or a sentence that says what to do."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import sys
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tandem.browser import models, runtime
from tandem.cli import app

GOOD = b"export const good = 1;\n"


@pytest.fixture
def manifest(monkeypatch: pytest.MonkeyPatch) -> runtime.Package:
    """A manifest that names one file of one package."""
    file = runtime.RuntimeFile("dist/good.js", hashlib.sha256(GOOD).hexdigest(), len(GOOD))
    package = runtime.Package("@some/package", "1.2.3", (file,))
    monkeypatch.setattr(runtime, "packages", lambda: (package,))
    return package


def npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program called npm on the path; what it is asked lands in `asked`."""
    folder.mkdir(exist_ok=True)
    program = folder / "npm"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/asked"\n{script}\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")


def archive(file: Path, **members: bytes) -> str:
    """An archive as npm makes them, and the command that hands it out."""
    with tarfile.open(file, "w:gz") as packed:
        for name, content in members.items():
            entry = tarfile.TarInfo(f"package/{name.replace('__', '/')}.js")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return f'cp "{file}" package.tgz'


posix = pytest.mark.skipif(sys.platform == "win32", reason="npm is played by a shell script")


@posix
def test_files_are_fetched_by_name_and_version_and_checked(
    tmp_path: Path, manifest: runtime.Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(tmp_path / "bin", monkeypatch, archive(tmp_path / "a.tgz", dist__good=GOOD, dist__other=b"never unpacked"))
    told: list[str] = []
    folder = runtime.fetch(tmp_path / "data", told.append)
    assert [file.name for file in folder.iterdir()] == ["good.js"]
    assert (folder / "good.js").read_bytes() == GOOD
    assert runtime.installed(tmp_path / "data")
    assert told == ["@some/package 1.2.3"]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]

    runtime.fetch(tmp_path / "data", told.append)
    asked = (tmp_path / "bin" / "asked").read_text(encoding="utf-8").splitlines()
    assert asked == ["pack --silent --ignore-scripts --fetch-retries=0 @some/package@1.2.3"]


@posix
@pytest.mark.parametrize("content", [b"export const evil = 1;\n", GOOD + b" ", GOOD[:-1], b""])
def test_another_file_is_not_used(
    tmp_path: Path, manifest: runtime.Package, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    npm(tmp_path / "bin", monkeypatch, archive(tmp_path / "a.tgz", dist__good=content))
    with pytest.raises(runtime.RuntimeFilesError, match="not the file that was tested"):
        runtime.fetch(tmp_path / "data", lambda step: None)
    assert not runtime.installed(tmp_path / "data")


@posix
def test_an_archive_without_the_file_is_not_used(
    tmp_path: Path, manifest: runtime.Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(tmp_path / "bin", monkeypatch, archive(tmp_path / "a.tgz", dist__other=GOOD))
    with pytest.raises(runtime.RuntimeFilesError, match="not the file that was tested"):
        runtime.fetch(tmp_path / "data", lambda step: None)


@posix
def test_npm_that_fails_is_quoted(tmp_path: Path, manifest: runtime.Package, monkeypatch: pytest.MonkeyPatch) -> None:
    npm(tmp_path / "bin", monkeypatch, "echo 'npm error code ENOTFOUND' >&2; exit 1")
    with pytest.raises(runtime.RuntimeFilesError, match="ENOTFOUND"):
        runtime.fetch(tmp_path / "data", lambda step: None)


def test_without_npm_a_sentence_says_what_to_do(
    tmp_path: Path, manifest: runtime.Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(runtime.RuntimeFilesError, match=r"install Node\.js"):
        runtime.fetch(tmp_path / "data", lambda step: None)


def test_a_file_that_was_changed_later_is_noticed(tmp_path: Path, manifest: runtime.Package) -> None:
    folder = runtime.folder(tmp_path)
    folder.mkdir(parents=True)
    (folder / "good.js").write_bytes(GOOD)
    assert runtime.installed(tmp_path)
    (folder / "good.js").write_bytes(GOOD.replace(b"1", b"2"))
    assert not runtime.installed(tmp_path)


def test_the_command_says_that_there_is_no_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = CliRunner().invoke(app, ["browser", "fetch"])
    assert result.exit_code != 0
    assert isinstance(result.exception, runtime.RuntimeFilesError | SystemExit)


def test_the_shipped_manifest_names_no_address() -> None:
    written = runtime.MANIFEST.read_text(encoding="utf-8")
    assert "://" not in written
    assert sum(len(package.files) for package in runtime.packages()) == 3


def model(folder: Path, name: str, config: object, **sizes: int) -> None:
    (folder / name / "onnx").mkdir(parents=True)
    written = config if isinstance(config, str) else json.dumps(config)
    (folder / name / "config.json").write_text(written, encoding="utf-8")
    for file, size in sizes.items():
        (folder / name / "onnx" / file.replace("__", ".")).write_bytes(b"x" * size)


def test_models_are_found_with_their_sizes(tmp_path: Path) -> None:
    model(tmp_path, "small", {"max_position_embeddings": 512}, model_q4__onnx=10)
    model(
        tmp_path,
        "org/large",
        {"max_position_embeddings": "many"},
        model_q4f16__onnx=10,
        model_q4f16__onnx_data=90,
        model_q4f16__onnx_data_1=1,
    )
    model(tmp_path, "odd", "not json", model_q4__onnx=1)
    model(tmp_path, "whole", {}, model__onnx=5)
    found = {one.id: one for one in models.in_folder(tmp_path)}
    assert set(found) == {"small", "org/large", "odd"}
    assert (found["small"].bytes, found["small"].positions) == ({"q4": 10}, 512)
    assert (found["org/large"].bytes, found["org/large"].positions) == ({"q4f16": 101}, None)
    before = found["small"].stamp
    (tmp_path / "small" / "onnx" / "model_q4.onnx").write_bytes(b"y" * 11)
    after = {one.id: one for one in models.in_folder(tmp_path)}
    assert after["small"].stamp != before
    assert after["org/large"].stamp == found["org/large"].stamp


@pytest.mark.parametrize("folder", [None, Path("nothing/here")])
def test_no_folder_is_no_models(folder: Path | None) -> None:
    assert models.in_folder(folder) == ()
