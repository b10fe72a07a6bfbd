from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tandem.settings import Settings, SettingsError, load

SHIPPED = Path(__file__).parents[2] / "tandem.yaml"


def read(tmp_path: Path, text: str | bytes, env: dict[str, str] | None = None) -> Settings:
    file = tmp_path / "tandem.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(file, env or {})


def refused(tmp_path: Path, text: str | bytes, env: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as problem:
        read(tmp_path, text, env)
    return str(problem.value)


def test_the_shipped_file_names_every_setting_with_its_default() -> None:
    shipped = Settings.model_validate(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))
    assert shipped == Settings()
    written = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    expected = Settings().model_dump()
    for section, name in (("server", "users"), ("server", "api_key"), ("storage", "password"), ("index", "password")):
        del expected[section][name]  # secrets never stand in the file

    def names(section: dict, prefix: str = "") -> set[str]:
        inner = {n for k, v in section.items() if isinstance(v, dict) for n in names(v, f"{prefix}{k}.")}
        return inner | {prefix + key for key in section}

    assert names(written) == names(expected)


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(env={})
    assert settings.models.draft == "phi-4-mini"
    assert settings.data_dir == tmp_path.resolve() / ".tandem"


def test_folders_count_from_the_files_folder(tmp_path: Path) -> None:
    settings = read(tmp_path, "data_dir: state\ndocuments: [a, b]\n")
    assert settings.data_dir == tmp_path.resolve() / "state"
    assert settings.documents == (tmp_path.resolve() / "a", tmp_path.resolve() / "b")


def test_the_environment_overrides_the_file_key_by_key(tmp_path: Path) -> None:
    env = {
        "TANDEM_SERVER__PORT": "9000",
        "TANDEM_ESCALATION__TOPICS": "[pay, leave]",
        "TANDEM_MODELS__TIMEOUTS__TOTAL": "9",
    }
    settings = read(tmp_path, "server: {host: localhost, port: 1}\nmodels: {draft: m, timeouts: {silence: 3}}\n", env)
    assert (settings.server.host, settings.server.port) == ("localhost", 9000)
    assert settings.escalation.topics == ("pay", "leave")
    assert (settings.models.draft, settings.models.timeouts.silence, settings.models.timeouts.total) == ("m", 3, 9)


def test_one_folder_may_be_written_without_a_list(tmp_path: Path) -> None:
    assert read(tmp_path, "", {"TANDEM_DOCUMENTS": "papers"}).documents == (tmp_path.resolve() / "papers",)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://127.0.0.1:5273", "http://127.0.0.1:5273/v1"),
        ("http://127.0.0.1:5273/v1/", "http://127.0.0.1:5273/v1"),
        ("https://models.example/foundry/v1", "https://models.example/foundry/v1"),
    ],
)
def test_foundry_endpoint_is_asked_first_and_replaces_the_runtime_in_process(
    tmp_path: Path, address: str, expected: str
) -> None:
    text = "models:\n  endpoints:\n    - {name: other, base_url: 'http://127.0.0.1:1/v1'}\n"
    models = read(tmp_path, text, {"FOUNDRY_LOCAL_ENDPOINT": address}).models
    assert (models.endpoints[0].name, models.endpoints[0].base_url) == ("foundry-endpoint", expected)
    assert models.endpoints[1].name == "other"
    assert not models.foundry


@pytest.mark.parametrize("address", ["5273", "localhost:5273", "http://", "ftp://a/v1", "http://[bad"])
def test_foundry_endpoint_that_is_no_address(tmp_path: Path, address: str) -> None:
    assert "FOUNDRY_LOCAL_ENDPOINT" in refused(tmp_path, "", {"FOUNDRY_LOCAL_ENDPOINT": address})


@pytest.mark.parametrize(
    ("text", "env", "expected"),
    [
        ("models:\n  drafft: x\n", {}, ["line 2", "models.drafft", "models.draft?"]),
        ("\n\ntemperature: 1\n", {}, ["line 3", "generation.temperature?"]),
        ("models:\n  endpoints:\n    - name: a\n      base_ulr: b\n", {}, ["line 4", "base_url?"]),
        ("models:\n  endpoints:\n    - name: a\n", {}, ["line 3", "base_url is missing"]),
        ("models:\n  endpoints:\n    - {name: Extractive, base_url: 'http://a/v1'}\n", {}, ["line 3", "quoting"]),
        ("server:\n  port: eighty\n", {}, ["line 2", "server.port", "integer"]),
        ("server: 3\n", {}, ["line 1", "server", "section"]),
        ("documents: []\n", {}, ["line 1", "documents"]),
        ("server:\n port: 1\n  host: x\n", {}, ["line 3"]),
        ("server: {port: 1}\nserver: {port: 2}\n", {}, ["line 2", "line 1"]),
        ("just words", {}, ["line 1"]),
        (b"\xff\xfe\x00", {}, ["UTF-8"]),
        ("[" * 5000, {}, ["YAML"]),
        ("x: !!python/object:os.system {}\n", {}, ["line 1"]),
        ("", {"TANDEM_SERVER__PROT": "1"}, ["TANDEM_SERVER__PROT", "TANDEM_SERVER__PORT?"]),
        ("", {"TANDEM_SERVR__PORT": "1"}, ["TANDEM_SERVR__PORT", "TANDEM_SERVER"]),
        ("", {"TANDEM_SERVER__PORT": "70000"}, ["TANDEM_SERVER__PORT", "65535"]),
        ("", {"TANDEM_ESCALATION__TOPICS": "pay"}, ["TANDEM_ESCALATION__TOPICS", "list"]),
        ("", {"TANDEM_ESCALATION__TOPICS": "[pay"}, ["TANDEM_ESCALATION__TOPICS", "list"]),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_says_where(
    tmp_path: Path, text: str | bytes, env: dict[str, str], expected: list[str]
) -> None:
    sentence = refused(tmp_path, text, env)
    assert all(part in sentence for part in expected), sentence
    assert "\n" not in sentence


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"other\.yaml"):
        load(tmp_path / "other.yaml", {})


def test_passwords_come_from_the_environment_only_and_are_never_shown(tmp_path: Path) -> None:
    assert "TANDEM_SERVER__USERS" in refused(tmp_path, "server:\n  users: {ada: secret}\n")
    settings = read(tmp_path, "", {"TANDEM_SERVER__USERS": "ada:s3cret, bob:pa:ss"})
    assert settings.server.users["bob"].get_secret_value() == "pa:ss"
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in refused(tmp_path, "", {"TANDEM_SERVER__USERS": "ada:s3cret,bob"})


def test_an_endpoints_key_is_read_from_the_variable_it_names(tmp_path: Path) -> None:
    text = "models:\n  endpoints:\n    - {name: a, base_url: 'http://127.0.0.1:1/v1', api_key_env: A_KEY}\n"
    settings = read(tmp_path, text, {"A_KEY": "k3y", "B_KEY": "other"})
    assert {name: key.get_secret_value() for name, key in settings.api_keys.items()} == {"A_KEY": "k3y"}
    assert "k3y" not in repr(settings)
    assert read(tmp_path, text).api_keys == {}


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("example.org", False)],
)
def test_any_address_but_loopback_needs_a_login(tmp_path: Path, host: str, loopback: bool) -> None:
    server = read(tmp_path, f"server: {{host: '{host}'}}").server
    assert server.loopback is loopback
    assert server.login_required is not loopback


yaml_like = st.text(alphabet=st.sampled_from(list("abmodels:port server[]{},-&*!|>\"'#%@`0123456789.\n\t  \x00é~")))


@given(text=yaml_like | st.text(), value=st.text())
def test_no_file_and_no_variable_ends_in_anything_but_settings_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, text: str, value: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text, encoding="utf-8", errors="replace")
    try:
        load(file, {"TANDEM_SERVER__USERS": value, "TANDEM_DOCUMENTS": value})
    except SettingsError as problem:
        assert str(problem).strip()


def test_the_key_of_the_api_comes_from_the_environment_only(tmp_path: Path) -> None:
    settings = read(tmp_path, "", {"TANDEM_SERVER__API_KEY": "a-key-of-16-chars"})
    assert settings.server.api_key is not None
    assert settings.server.api_key.get_secret_value() == "a-key-of-16-chars"
    assert "a-key" not in repr(settings)
    sentence = refused(tmp_path, "server:\n  api_key: a-key-of-16-chars\n")
    assert "line 2" in sentence and "TANDEM_SERVER__API_KEY" in sentence
    assert "a-key" not in refused(tmp_path, "", {"TANDEM_SERVER__API_KEY": "a-key"})


@pytest.mark.parametrize("origin", ["*", "chat.example.org", "https://chat.example.org/", "ftp://a.org", "https://"])
def test_an_origin_is_an_address_without_a_path(tmp_path: Path, origin: str) -> None:
    assert "server.origins" in refused(tmp_path, f"server:\n  origins: ['{origin}']\n")


@pytest.mark.parametrize("hub", ["example.org", "https://a.org; script-src *", "https://a.org/path", 'https://a"b'])
def test_the_hub_cannot_loosen_the_content_policy(tmp_path: Path, hub: str) -> None:
    assert "browser.hub" in refused(tmp_path, f"browser:\n  hub: '{hub}'\n")


def test_aliases_that_stand_for_billions_of_nodes_are_refused_at_once(tmp_path: Path) -> None:
    bomb = "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))])
    file = tmp_path / "tandem.yaml"
    file.write_text(bomb, encoding="utf-8")
    with pytest.raises(SettingsError, match="no setting"):
        load(file, {})


def test_administrators_are_users(tmp_path: Path) -> None:
    people = {"TANDEM_SERVER__USERS": "ada:a,bob:b", "TANDEM_SERVER__ADMINISTRATORS": "ada, bob"}
    assert read(tmp_path, "", people).server.administrators == ("ada", "bob")
    assert read(tmp_path, "server: {administrators: [ada]}", {}).server.administrators == ("ada",)
    sentence = refused(tmp_path, "server: {administrators: [eve]}", people | {"TANDEM_SERVER__ADMINISTRATORS": ""})
    assert "tandem.yaml, line 1" in sentence and "'eve' is not among the users" in sentence


def test_a_cluster_is_named_without_its_password(tmp_path: Path) -> None:
    assert "TANDEM_INDEX__PASSWORD" in refused(tmp_path, "index:\n  password: hunter2\n")
    assert "index.addresses must name" in refused(tmp_path, "index: {engine: opensearch}\n")
    for wrong in ("search.example", "ftp://h", "http://h/path", "http://u:p@h:9200", "http://h:port", "http://[h"):
        assert "index.addresses" in refused(tmp_path, f"index: {{addresses: ['{wrong}']}}\n")
    for wrong in ("Tandem", "a-b", "_all", "*", "a/b"):
        assert "index.name" in refused(tmp_path, f"index: {{name: '{wrong}'}}\n")
    env = {"TANDEM_INDEX__ADDRESSES": "[http://a:9200, http://b:9200]", "TANDEM_INDEX__PASSWORD": "hunter2"}
    settings = read(tmp_path, "index: {engine: opensearch, user: tandem, certificate: ca.pem}\n", env)
    assert settings.index.addresses == ("http://a:9200", "http://b:9200")
    assert settings.index.certificate == tmp_path.resolve() / "ca.pem" and "hunter" not in repr(settings)


def test_a_database_server_is_named_without_its_password(tmp_path: Path) -> None:
    address = "postgresql://tandem:hunter2hunter2@db.example/tandem"
    said = refused(tmp_path, f"data_dir: a\nstorage:\n  database: {address}\n")
    assert "line 3" in said and "TANDEM_STORAGE__DATABASE" in said and "hunter2" not in said
    assert "TANDEM_STORAGE__PASSWORD" in refused(tmp_path, "storage: {password: hunter2}\n")
    assert "password=" not in refused(tmp_path, "storage: {database: 'postgresql://h/d?password=hunter2'}\n")
    for wrong in ("mysql://h/d", "postgresql://h", "postgresql://h:port/d", "postgresql://[h/d"):
        said = refused(tmp_path, f"storage: {{database: '{wrong}'}}\n")
        assert "postgresql://tandem@db.example/tandem" in said
    assert "storage.database must name one" in refused(tmp_path, "storage: {passages: database}\n")
    settings = read(tmp_path, "", {"TANDEM_STORAGE__DATABASE": address, "TANDEM_STORAGE__PASSWORD": "hunter3"})
    assert settings.storage.database.get_secret_value() == address
    assert "hunter" not in repr(settings) and "hunter" not in settings.model_dump_json()
