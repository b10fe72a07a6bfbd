"""The models chosen in the chat: kept, applied to the settings, and what the settings say later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.settings import EndpointSettings, ModelSettings
from tandem.chosen_models import Chosen, applied, keep, read, without
from tandem.settings import endpoint_key, load
from tandem.settings_file import SettingsError

SERVER = EndpointSettings(name="Ollama", base_url="http://127.0.0.1:11434/v1", api_key_env="OLLAMA_API_KEY")
CHOSEN = Chosen(endpoint=SERVER, draft="llama", refine="qwen", instead_of=("phi-4-mini", "gpt-oss-20b"))
names = st.sampled_from(["phi-4-mini", "gpt-oss-20b", "llama", "qwen"])
endpoints = st.builds(EndpointSettings, name=st.sampled_from(["a", "b", "Ollama"]), base_url=st.just("http://h/v1"))


def test_what_was_chosen_is_there_at_the_next_start_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "tandem.yaml").write_text("documents: .\n")
    keep(tmp_path / ".tandem" / "chosen_models.json", CHOSEN)
    settings = load(tmp_path / "tandem.yaml", {"OLLAMA_API_KEY": "secret"})
    assert (settings.models.draft, settings.models.refine) == ("llama", "qwen")
    assert settings.models.endpoints == (SERVER,)
    assert settings.api_keys["OLLAMA_API_KEY"].get_secret_value() == "secret"
    assert "secret" not in (tmp_path / ".tandem" / "chosen_models.json").read_text()


def test_settings_that_name_other_models_later_are_the_newer_word(tmp_path: Path) -> None:
    (tmp_path / "tandem.yaml").write_text("documents: .\n")
    keep(tmp_path / ".tandem" / "chosen_models.json", CHOSEN)
    models = load(tmp_path / "tandem.yaml", {"TANDEM_MODELS__DRAFT": "mistral"}).models
    assert (models.draft, models.refine, models.endpoints) == ("mistral", "gpt-oss-20b", (SERVER,))


@given(names, names, st.lists(endpoints, max_size=2, unique_by=lambda one: one.name))
def test_a_choice_that_is_taken_back_leaves_the_settings_as_they_were(
    draft: str, refine: str, written: list[EndpointSettings]
) -> None:
    settings = ModelSettings(
        draft=draft, refine=refine, endpoints=tuple(one for one in written if one.name != "Ollama")
    )
    chosen = Chosen(endpoint=SERVER, draft="other", refine="other", instead_of=(draft, refine))
    assert without(applied(settings, chosen), chosen) == settings
    assert applied(settings, chosen).draft == "other" and applied(settings, None) == settings


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"draft": "x"}), "\x00", '{"draft": 1}'])
def test_a_damaged_file_chooses_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "chosen_models.json"
    file.write_text(text)
    assert read(file) is None and read(tmp_path / "none.json") is None


def test_only_a_key_of_an_endpoint_is_read_from_the_environment() -> None:
    held = {"MODELS_API_KEY": " key ", "TANDEM_SERVER__API_KEY": "no", "AWS_SECRET_ACCESS_KEY": "no", "PATH": "no"}
    assert endpoint_key("MODELS_API_KEY", held) == "key"
    assert endpoint_key("OTHER_API_KEY", held) == endpoint_key("", held) == ""
    for variable in ("TANDEM_SERVER__API_KEY", "AWS_SECRET_ACCESS_KEY", "PATH", "X_API_KEY\n", "x_api_key"):
        with pytest.raises(SettingsError):
            endpoint_key(variable, held)
