"""tandem.yaml and the environment -> one validated Settings object.

Knows every setting with its default and meaning. The only module that reads the environment. Composed of what rag and
hybrid define; does not know what they do with it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from hybrid.settings import CostSettings, EndpointSettings, EscalationSettings, GenerationSettings, ModelSettings
from rag.settings import IndexSettings, RetrievalSettings, UploadSettings
from tandem import catalogues, chosen_models, settings_file, shipped
from tandem.data_dir import DataDir
from tandem.settings_file import PREFIX, SettingsError
from tandem.settings_observability import ObservabilitySettings
from tandem.settings_sign_in import CHECKED, LimitSettings, SignInSettings
from tandem.settings_storage import StorageSettings

Section = TypeVar("Section", bound=BaseModel)

FILE_NAME = "tandem.yaml"
BENCH_VARIABLES = (
    *("BENCH_MODELS", "BENCH_ROUNDS", "BENCH_PROMPT", "BENCH_STREAM", "BENCH_MAX_TOKENS", "BENCH_TEMPERATURE"),
    *("SLM_ALIAS", "LLM_ALIAS", "COMPARE_PROMPT"),
)
PROGRAM = "api"
"""Stands for programs that send the key of /v1, among groups and in traces."""


class ServerSettings(BaseModel):
    """Where the chat is served, and to whom."""

    model_config = CHECKED

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; any but loopback needs users.")
    port: int = Field(8000, ge=0, le=65535, description="0 takes a free port.")
    users: dict[str, SecretStr] = Field(
        default_factory=dict, description="Who may sign in; environment only, as name:password,name:password."
    )
    administrators: tuple[str, ...] = Field(
        (), description="Which of the users may change models and the library; without users, everybody."
    )
    api_key: SecretStr | None = Field(
        None, min_length=16, description="Bearer key of /v1 on any address but loopback; environment only."
    )
    origins: tuple[str, ...] = Field(
        (), description="Other sites' pages that may call /v1, like https://chat.example.org."
    )
    sign_in: SignInSettings = SignInSettings()
    limits: tuple[LimitSettings, ...] = Field((), description="How much each person, key or group may ask.")

    @field_validator("users", mode="before")
    @classmethod
    def _split_users(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [entry.strip().partition(":") for entry in value.split(",") if entry.strip()]
        if any(not name.strip() or not password for name, _, password in pairs):
            raise ValueError("each user is written name:password, with commas between users")
        if any(name.strip() == PROGRAM for name, _, _ in pairs):
            raise ValueError(f"{PROGRAM!r} stands for programs with the key of /v1; call the user otherwise")
        return {name.strip(): password for name, _, password in pairs}

    @field_validator("administrators", mode="before")
    @classmethod
    def _split_administrators(cls, value: Any) -> Any:
        return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value

    @field_validator("administrators")
    @classmethod
    def _check_administrators(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        users = info.data.get("users")
        if users and (unknown := next((name for name in value if name not in users), None)):
            raise ValueError(f"{unknown!r} is not among the users; add them to {PREFIX}SERVER__USERS or leave them out")
        return value

    @field_validator("origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if (
                parts.scheme not in ("http", "https")
                or f"{parts.scheme}://{parts.netloc}" != origin
                or not parts.netloc
            ):
                raise ValueError(f"{origin!r} is no origin; write it like https://chat.example.org")
        return value

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def login_required(self) -> bool:
        """Whether a person signs in: on every address but loopback, and wherever there are ways to."""
        return bool(self.users) or self.sign_in.used or not self.loopback


class CollectionSettings(BaseModel):
    """Some of the documents, and who may read them."""

    model_config = CHECKED

    name: str = Field(pattern=r"^[^\x00-\x1f,-][^\x00-\x1f,]{0,59}$", description="As the chat shows it.")
    folders: tuple[Path, ...] = Field(
        min_length=1, description="Folders of 'documents', or below them; the nearest above a file counts."
    )
    readers: tuple[str, ...] | None = Field(
        None, description="The groups that may read it; null: everybody, []: the curators alone."
    )
    curators: tuple[str, ...] = Field((), description="Users who look after it: they read it and read files again.")


class SourceSettings(BaseModel):
    """Another place that documents come from. Its password is never written in a file: `password_env` names its
    variable."""

    model_config = CHECKED

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,39}$", description="Its folder's name in data_dir/sources."
    )
    kind: str = Field(min_length=1, description="git, web, webdav, imap or confluence.")
    address: str = Field(min_length=1, description="A URL; for git and confluence also a path.")
    every_minutes: int = Field(60, ge=1, le=43_200, description="How often it is visited while Tandem runs.")
    user: str = Field("", description="Who signs in there; empty: nobody does.")
    password_env: str = Field("", description="Name of the environment variable that holds the password or token.")
    options: dict[str, str] = Field(default_factory=dict, description="What is particular to its kind; see README.md.")


class DisplaySettings(BaseModel):
    """How the chat looks when nobody has changed it in the settings panel."""

    model_config = CHECKED

    language: str = Field("auto", description="'auto' follows the browser; else a language of tandem/catalogues.")
    flush_ms: int = Field(100, ge=10, le=1000, description="Tokens are sent to the browser in batches this far apart.")

    @field_validator("language")
    @classmethod
    def _check_language(cls, value: str) -> str:
        offered = ("auto", *catalogues.languages())
        if value not in offered:
            raise ValueError(f"{value!r} is not spoken here; choose one of {', '.join(offered)}")
        return value


class BrowserSettings(BaseModel):
    """The page that generates inside the browser."""

    model_config = CHECKED

    models_dir: Path | None = Field(None, description="Folder of models for the browser, one folder each (ONNX).")
    hub: str = Field(
        "https://huggingface.co",
        pattern=r"^(https?://[^\s/?#;,\"']+)?$",
        description="Where a browser downloads a model when a person asks it to; empty: nowhere.",
    )


class Settings(BaseModel):
    """Everything a person may set. Paths are absolute once loaded."""

    model_config = CHECKED

    data_dir: Path = Field(Path(".tandem"), description="Index, history and traces live here.")
    keep_traces_days: int = Field(
        90, ge=0, le=36500, description="Questions and answers in the traces are deleted when so old; 0: never."
    )
    keep_conversations_days: int = Field(
        0, ge=0, le=36500, description="Conversations in which nothing happened for so long are deleted; 0: never."
    )
    documents: tuple[Path, ...] = Field((Path("docs_corpus"),), min_length=1, description="Folders to answer from.")
    collections: tuple[CollectionSettings, ...] = Field(
        (), description="Parts of the documents, and who may read them; what belongs to none is for everybody."
    )
    sources: tuple[SourceSettings, ...] = Field(
        (), description="Other places that documents come from; each is kept as a folder in data_dir."
    )
    groups: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Groups of users, by name; 'api' stands for the key of /v1."
    )
    retrieval: RetrievalSettings = RetrievalSettings()
    index: IndexSettings = IndexSettings()
    uploads: UploadSettings = UploadSettings()
    models: ModelSettings = ModelSettings()
    generation: GenerationSettings = GenerationSettings()
    escalation: EscalationSettings = EscalationSettings()
    costs: CostSettings = CostSettings()
    server: ServerSettings = ServerSettings()
    display: DisplaySettings = DisplaySettings()
    browser: BrowserSettings = BrowserSettings()
    storage: StorageSettings = StorageSettings()
    observability: ObservabilitySettings = ObservabilitySettings()
    _api_keys: dict[str, SecretStr] = PrivateAttr(default_factory=dict)
    _file: Path | None = PrivateAttr(default=None)
    _worker: int = PrivateAttr(default=0)

    @property
    def files(self) -> DataDir:
        """What lies where in the data directory."""
        return DataDir(self.data_dir, self._worker)

    def for_worker(self, number: int) -> Settings:
        """The settings of one of several processes on this data directory, which count from 1."""
        settings = self.model_copy()
        settings._worker = number
        return settings

    @property
    def example(self) -> bool:
        """Whether the documents are the ones that ship with Tandem, for want of any other."""
        return self.documents == (shipped.corpus(),)

    @property
    def api_keys(self) -> dict[str, SecretStr]:
        """The keys of endpoints, passwords of sources and secrets of providers that the environment holds, by name."""
        return self._api_keys

    @property
    def file(self) -> Path | None:
        """The file that they were read from, None where there was none."""
        return self._file

    @field_validator("collections", "sources")
    @classmethod
    def _check_names(cls, value: Any, info: ValidationInfo) -> Any:
        names = [one.name.casefold() for one in value]
        if twice := next((one.name for one in value if names.count(one.name.casefold()) > 1), None):
            raise ValueError(f"two {info.field_name} are called {twice!r}; name them apart")
        return value

    @field_validator("documents", mode="before")
    @classmethod
    def _one_folder(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | Path) else value


def load(path: Path | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. `path`: the file to read, or None for tandem.yaml in the current folder, which may be missing.
    `env` (the process's own by default) overrides the file: TANDEM_SECTION__KEY, written as in the file, and
    FOUNDRY_LOCAL_ENDPOINT. Relative folders count from the file's folder. Raises SettingsError.
    """
    env = os.environ if env is None else env
    file = path or Path.cwd() / FILE_NAME
    written, lines = settings_file.read(file) if path is not None or file.is_file() else ({}, {})
    overrides, variables = settings_file.overrides(env)
    for key in _secrets(written):
        if key in lines:
            variable = "__".join(key).upper()
            raise SettingsError(
                f"{settings_file.where(key, file, lines, {})}: passwords and keys do not belong in a file; "
                f"set {PREFIX}{variable} instead."
            )
    try:
        settings = Settings.model_validate(settings_file.merge(written, overrides))
    except ValidationError as problem:
        raise SettingsError(settings_file.sentence(problem.errors(), Settings, file, lines, variables)) from None
    base = file.resolve().parent
    data_dir = base / settings.data_dir.expanduser()
    models = _with_endpoint(settings.models, env.get("FOUNDRY_LOCAL_ENDPOINT", "").strip())
    models = chosen_models.applied(models, chosen_models.read(DataDir(data_dir).chosen_models))
    wanted = {endpoint.api_key_env for endpoint in models.endpoints}
    wanted |= {source.password_env for source in settings.sources}
    wanted |= {provider.secret_env for provider in settings.server.sign_in.providers}
    settings._api_keys.update({name: SecretStr(env[name]) for name in wanted if env.get(name)})
    settings._file = file if file.is_file() else None
    documents = (*_folders(settings, base), *(DataDir(data_dir).sources / one.name for one in settings.sources))
    return settings.model_copy(
        update={
            "data_dir": data_dir,
            "documents": documents,
            "collections": tuple(_collection(one, base, documents) for one in settings.collections),
            "models": models,
            "browser": _based(settings.browser, base, "models_dir"),
            "retrieval": _based(settings.retrieval, base, "encoder", "english_encoder", "reader"),
            "index": _based(settings.index, base, "certificate"),
        }
    )


def _secrets(written: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What may stand in the environment only."""
    keys = [("server", "users"), ("server", "api_key"), ("storage", "password"), ("index", "password")]
    storage = written.get("storage")
    if isinstance(storage, dict) and _has_password(str(storage.get("database"))):
        keys.append(("storage", "database"))
    return keys


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.password) or "password=" in parts.query


def _folders(settings: Settings, base: Path) -> tuple[Path, ...]:
    """The folders to answer from; the shipped example where none is named and none is there."""
    folders = tuple(base / folder.expanduser() for folder in settings.documents)
    if "documents" not in settings.model_fields_set and not any(folder.is_dir() for folder in folders):
        return () if settings.sources else (shipped.corpus(),)
    return folders


def _collection(written: CollectionSettings, base: Path, documents: tuple[Path, ...]) -> CollectionSettings:
    """A collection with its folders as they are on disk. Raises SettingsError where one is not of the documents, since
    what lies there would not be closed to anybody."""
    folders = tuple((base / folder.expanduser()).resolve() for folder in written.folders)
    roots = [folder.resolve() for folder in documents]
    if stray := next((one for one in folders if not any(one.is_relative_to(root) for root in roots)), None):
        raise SettingsError(
            f"The collection {written.name!r} names {stray}, which is in none of the folders under 'documents'; add it "
            "there, or correct it."
        )
    return written.model_copy(update={"folders": folders})


def _based(section: Section, base: Path, *names: str) -> Section:
    """A section whose paths of these names, where there are some, count from a folder."""
    paths = {name: getattr(section, name) for name in names}
    found = {name: base / path.expanduser() for name, path in paths.items() if path is not None}
    return section.model_copy(update=found)


def endpoint_key(variable: str, env: Mapping[str, str] | None = None) -> str:
    """What a variable holds that somebody names as an endpoint's key; "" where it is not set. Raises SettingsError for
    one that is none: what else the environment holds is sent nowhere."""
    env = os.environ if env is None else env
    if variable and not chosen_models.KEY_VARIABLE.fullmatch(variable):
        raise SettingsError(
            f"{variable!r} is no name for an endpoint's key; call the variable something like MODELS_API_KEY."
        )
    return env.get(variable, "").strip() if variable else ""


def bench_variables(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the environment says about `tandem bench` and `tandem compare`, by the names that people know."""
    env = os.environ if env is None else env
    return {name: env[name].strip() for name in BENCH_VARIABLES if env.get(name, "").strip()}


def _with_endpoint(models: ModelSettings, address: str) -> ModelSettings:
    """A running Foundry Local service named by the environment is asked first, and then no second one is started."""
    if not address:
        return models
    url = address.rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise SettingsError(
            f"FOUNDRY_LOCAL_ENDPOINT is {address!r}, which is no address; write it like http://127.0.0.1:5273/v1."
        )
    if not parts.path:
        url += "/v1"
    endpoint = EndpointSettings(name="foundry-endpoint", base_url=url)
    others = tuple(e for e in models.endpoints if e.name != endpoint.name)
    return models.model_copy(update={"endpoints": (endpoint, *others), "foundry": False})
