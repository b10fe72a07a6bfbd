"""The image, the compose file and the chart: Tandem takes their settings, and linters and renderers, where they are
installed, find nothing wrong."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tandem.settings import load

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "chart"
COMPOSE = DEPLOY / "compose.yaml"
SCRATCH = "/tmp"  # noqa: S108  # inside the container
STYLE = "{extends: default, rules: {line-length: {max: 130}, document-start: disable, braces: {max-spaces-inside: 1}}}"
EVERYTHING = {
    "image": {"name": "example/tandem"},
    "existingSecret": "secrets",
    "documents": {"existingClaim": "handbook"},
    "ingress": {"enabled": True, "className": "nginx", "host": "chat.example.org", "tlsSecret": "tls"},
    "trustedProxies": "10.0.0.0/8",
    "data": {"storageClass": "fast"},
    "settings": {"storage": {"database": "postgresql://tandem@db.example.org/tandem"}},
    "nodeSelector": {"disk": "fast"},
}


def run(program: str, *words: object) -> str:
    """What a program says that must find nothing wrong."""
    beside = ROOT / ".venv" / "linters" / "bin"
    path = shutil.which(program, path=os.pathsep.join((str(beside), os.environ.get("PATH", ""))))
    if path is None:
        pytest.skip(f"{program} is not installed; .ci/linters installs those that the package index has")
    done = subprocess.run(
        [path, *map(str, words)], check=False, capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def written(values: dict[str, Any], folder: Path) -> Path:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return file


def rendered(values: dict[str, Any], folder: Path) -> dict[str, dict[str, Any]]:
    """The chart's objects by kind."""
    values_file = written(values, folder)
    text = run("helm", "template", "tandem", CHART, "--values", values_file, "--kube-version", "1.31.0")
    (folder / "rendered.yaml").write_text(text, encoding="utf-8")
    return {one["kind"]: one for one in yaml.safe_load_all(text) if one}


def image_environment() -> dict[str, str]:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    words = [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("ENV TANDEM") or "TANDEM_" in line]
    return dict(word.split("=", 1) for line in words for word in line if word.startswith("TANDEM_"))


def test_tandem_takes_the_settings_of_the_image_and_of_the_compose_file(tmp_path: Path) -> None:
    (tmp_path / "tandem.yaml").write_text("models: {foundry: false}", encoding="utf-8")
    settings = load(tmp_path / "tandem.yaml", image_environment())
    assert settings.server.login_required and not settings.server.loopback
    assert settings.data_dir.as_posix().endswith("/data") and settings.documents[0].as_posix().endswith("/documents")
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    given = {k: re.sub(r"\$\{.*\}", "secret", v) for k, v in services["tandem"]["environment"].items()}
    searched = {**image_environment(), **given, "TANDEM_INDEX__ENGINE": "opensearch"}
    assert load(tmp_path / "tandem.yaml", searched).index.addresses == ("http://opensearch:9200",)
    settings = load(tmp_path / "tandem.yaml", {**image_environment(), **given})
    assert settings.index.engine == "embedded"
    assert settings.storage.database.get_secret_value() == "postgresql://tandem@postgres/tandem"
    assert "postgres" in services and services["tandem"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert {name: one["profiles"] for name, one in services.items() if "profiles" in one} == {
        "opensearch": ["search"],
        "vllm": ["models"],
    }


def test_nothing_is_fetched_from_a_place_that_is_named_here() -> None:
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"].values()
    bases = re.findall(r"^FROM (\S+)", (DEPLOY / "Containerfile").read_text(encoding="utf-8"), re.M)
    chart = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))["image"]["name"]
    for image in [*bases, *(one["image"] for one in services), chart]:
        assert "." not in image.split("/")[0] or "/" not in image, image
        assert not re.match(r"[^/]+:\d+/", image), image


def test_the_build_is_given_all_that_the_package_is_made_of_and_no_secret() -> None:
    lines = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if line and not line.startswith("#")]
    assert told[0] == "*", "what is not named stays outside"
    given = {line.removeprefix("!") for line in told if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], *project["project"]["license-files"]}
    needed |= {"pyproject.toml", "constraints.txt", project["project"]["readme"]}
    assert {Path(one).parts[0] for one in needed} == given
    assert all((ROOT / one).exists() for one in given)


def test_the_container_is_nobody_and_writes_nowhere_else() -> None:
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER 10001:10001$", text, re.M) and text.index("USER ") < text.index("ENTRYPOINT")
    service = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["tandem"]
    assert service["read_only"] and service["cap_drop"] == ["ALL"] and service["tmpfs"] == [SCRATCH]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_the_values_fit_their_schema_and_tandem_takes_the_settings(values: dict[str, Any], tmp_path: Path) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    given = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")) | values
    jsonschema.validate(given, schema)
    file = written(given["settings"], tmp_path)
    assert load(file, image_environment()).server.login_required


@pytest.mark.parametrize(
    "values",
    [
        {"settings": {"data_dir": "x"}},
        {"settings": {"server": {"api_key": "written down"}}},
        {"settings": {"storage": {"password": "written down"}}},
        {"replicas": 3},
        {"replicas": 3, "existingSecret": "secrets", "settings": {"storage": {"database": "postgresql://tandem@db/t"}}},
        {"replicas": 0},
        {"data": {"size": "20 GB"}},
    ],
)
def test_values_that_cannot_be_are_refused(values: dict[str, Any]) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, schema)


def test_several_pods_are_taken_over_a_database_with_one_secret() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    storage = {"database": "postgresql://tandem@db/t", "passages": "database"}
    jsonschema.validate({"replicas": 3, "existingSecret": "secrets", "settings": {"storage": storage}}, schema)


def test_hadolint_finds_nothing() -> None:
    run("hadolint", DEPLOY / "Containerfile")


def test_yamllint_finds_nothing() -> None:
    run("yamllint", "-s", "-d", STYLE, COMPOSE, CHART / "Chart.yaml", CHART / "values.yaml")


def test_the_compose_file_is_one() -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)


def test_helm_finds_nothing(tmp_path: Path) -> None:
    run("helm", "lint", "--strict", CHART, "--values", written(EVERYTHING, tmp_path))


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_a_cluster_takes_what_the_chart_says(values: dict[str, Any], tmp_path: Path) -> None:
    rendered(values, tmp_path)
    run("yamllint", "-d", STYLE, tmp_path / "rendered.yaml")
    run("kubernetes-validate", "--strict", "--kubernetes-version", "1.31", tmp_path / "rendered.yaml")


def test_the_pod_is_nobody_is_probed_and_gets_its_secrets_by_name(tmp_path: Path) -> None:
    found = rendered(EVERYTHING, tmp_path)
    pod = found["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    assert container["envFrom"] == [{"secretRef": {"name": "secrets"}}]
    mounts = {one["mountPath"]: one.get("readOnly", False) for one in container["volumeMounts"]}
    assert mounts == {"/data": False, "/documents": True, "/config": True, SCRATCH: False}
    ingress = found["Ingress"]
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/affinity"] == "cookie"
    assert ingress["spec"]["tls"][0]["hosts"] == ["chat.example.org"]
    (tmp_path / "tandem.yaml").write_text(found["ConfigMap"]["data"]["tandem.yaml"], encoding="utf-8")
    own = {one["name"]: one["value"] for one in container["env"] if one["name"].startswith("TANDEM_")}
    settings = load(tmp_path / "tandem.yaml", {**image_environment(), **own})
    assert settings.server.sign_in.address == "https://chat.example.org"
    assert settings.storage.database.get_secret_value() == "postgresql://tandem@db.example.org/tandem"
    assert set(rendered({}, tmp_path)) == {"ConfigMap", "Service", "StatefulSet"}
