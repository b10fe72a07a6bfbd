"""The model list: the file, its errors with line and remedy, and the merge in which the file wins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.models.catalogue import Capability, Catalog, CatalogError
from hybrid.runtimes.base import ModelInfo, ModelState
from hybrid.settings import Price

REPOSITORY = Path(__file__).parents[3]
REPORTED = [
    ModelInfo("Phi-4-mini-instruct-generic-cpu:5", "phi-4-mini", "foundry", ModelState.READY, 4900, licence="MIT"),
    ModelInfo("gpt-oss:20b", "gpt-oss:20b", "ollama", ModelState.READY),
    ModelInfo("own:1", "own", "foundry", ModelState.CACHED),
]


def written(path: Path, text: str) -> Catalog:
    path.write_text(text, encoding="utf-8")
    return Catalog.load(path)


def test_the_shipped_list_is_valid_and_names_both_roles() -> None:
    catalog = Catalog.find(REPOSITORY)
    assert {card.role for card in catalog.cards} >= {"draft", "refine"}
    assert all(card.size_mb and card.licence and card.context_length for card in catalog.cards)


def test_the_file_wins_where_it_speaks(tmp_path: Path) -> None:
    text = """
models:
  - {alias: gpt-oss-20b, id: 'gpt-oss:20b', runtime: ollama, context_length: 131072}
  - {alias: phi-4-mini, size_mb: 3700}
  - {alias: absent-model, licence: X}
"""
    merged = written(tmp_path / "models.yaml", text).merge(REPORTED)
    assert [listed.info.alias for listed in merged] == ["gpt-oss-20b", "phi-4-mini", "absent-model", "own"]
    gpt, phi, absent, own = (listed.info for listed in merged)
    assert gpt.context_length == 131072 and gpt.id == "gpt-oss:20b"
    assert phi.size_mb == 3700 and phi.licence == "MIT" and phi.state is ModelState.READY
    assert absent.state is ModelState.UNAVAILABLE and "not found" in absent.note
    assert own == REPORTED[2]


def test_json_has_the_same_schema(tmp_path: Path) -> None:
    content = {"models": [{"alias": "a", "price": {"prompt": 0.1, "completion": 0.4}, "capabilities": ["code"]}]}
    (tmp_path / "models.json").write_text(json.dumps(content), encoding="utf-8")
    catalog = Catalog.find(tmp_path)
    assert catalog.prices() == {"a": Price(prompt=0.1, completion=0.4)}
    assert catalog.able(Capability.CODE) == ["a"] and catalog.able(Capability.SUMMARIZE) == []


def test_a_name_finds_its_card_by_the_longest_prefix(tmp_path: Path) -> None:
    catalog = written(tmp_path / "models.yaml", "models:\n  - {alias: phi}\n  - {alias: phi-4}\n")
    card = catalog.card("Phi-4-mini-instruct:5")
    assert card is not None and card.alias == "phi-4"
    assert catalog.card("qwen") is None


def test_no_file_is_an_empty_list(tmp_path: Path) -> None:
    assert Catalog.find(tmp_path).merge(REPORTED)[0].card is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("models:\n  - alias: a\n    licenze: MIT\n", "line 3: there is no key 'licenze'; did you mean 'licence'?"),
        ("models:\n  - alias: a\n    price: {promt: 1}\n", "did you mean 'prompt'?"),
        ("modles: []\n", "line 1: there is no key 'modles'; did you mean 'models'?"),
        ("models:\n  - alias: a\n    size_mb: big\n", "line 3: models.1.size_mb is 'big'"),
        ("models:\n  - role: draft\n", "line 2: 'alias' is missing"),
        ("models:\n  - alias: a\n    role: chief\n", "line 3: models.1.role is 'chief'"),
        ("models:\n  - alias: a\n    capabilities: [cooking]\n", "'cooking'"),
        ("models:\n  - alias: a\n  - alias: A\n", "line 3: A is listed twice"),
        ("models:\n  - alias: a\n   bad: [\n", "line 3: this is no valid YAML"),
        ("- a\n", "must begin with 'models:'"),
        ("models: 5\n", "line 1"),
    ],
)
def test_mistakes_are_named_with_line_and_remedy(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(CatalogError) as caught:
        written(tmp_path / "models.yaml", text)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "models.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogError, match="cannot be read"):
        Catalog.find(tmp_path)


@given(st.text(max_size=80))
def test_any_text_is_a_list_or_an_error_in_words(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any-models.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        Catalog.load(path)
    except CatalogError as error:
        assert str(path) in str(error)


def test_aliases_that_stand_for_billions_of_nodes_are_refused_at_once(tmp_path: Path) -> None:
    bomb = "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))])
    with pytest.raises(CatalogError, match="there is no key"):
        written(tmp_path / "models.yaml", bomb)
