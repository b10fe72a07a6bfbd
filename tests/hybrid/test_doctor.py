"""What the doctor finds, and that each finding that is not well says what to do."""

from __future__ import annotations

import socket
from pathlib import Path

from hybrid.doctor import Finding, Health, examine
from hybrid.runtimes.foundry import Foundry
from hybrid.runtimes.openai_compatible import OpenAICompatible
from hybrid.runtimes.scripted import Script, Scripted
from hybrid.settings import EndpointSettings
from tests.hybrid.conftest import MakeEngine
from tests.support.foundry_home import FoundryHome
from tests.support.openai_server import OpenAIServer, Reply


def by_subject(findings: list[Finding]) -> dict[str, Finding]:
    assert all(finding.advice for finding in findings if finding.health is not Health.OK)
    return {finding.subject: finding for finding in findings}


async def test_a_machine_with_models(make_engine: MakeEngine, foundry_home: FoundryHome, tmp_path: Path) -> None:
    engine = make_engine(Foundry(foundry_home.data_dir, foundry_home.catalog_urls))
    found = by_subject(await examine(engine, data_dir=tmp_path, ports=[("127.0.0.1", 0)]))
    assert found["runtime"].health is Health.OK and found["catalog"].health is Health.OK
    assert found["draft model"].health is Health.OK
    assert "11.2 GB" in found["refine model"].text and "download gpt-oss-20b" in found["refine model"].advice
    assert {"disk", "memory", "permissions", "processor", "execution providers", "port"} <= set(found)


async def test_what_is_wrong_is_named(make_engine: MakeEngine, tmp_path: Path) -> None:
    with OpenAIServer() as server:
        address = server.base_url
    blocked = tmp_path / "file"
    blocked.write_text("")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        engine = make_engine(OpenAICompatible(EndpointSettings(name="office", base_url=address)))
        found = by_subject(await examine(engine, data_dir=blocked / "data", ports=[("127.0.0.1", port)]))
    assert found["endpoint office"].health is Health.FAIL and address in found["endpoint office"].text
    assert found["draft model"].health is Health.WARN and "quote" in found["draft model"].text
    assert found["permissions"].health is Health.FAIL
    assert found["port"].health is Health.WARN


async def test_an_endpoint_that_serves_the_models(
    make_engine: MakeEngine, openai_server: OpenAIServer, tmp_path: Path
) -> None:
    openai_server.models.update({"phi-4-mini": Reply(), "gpt-oss-20b": Reply()})
    engine = make_engine(OpenAICompatible(EndpointSettings(name="office", base_url=openai_server.base_url)))
    found = by_subject(await examine(engine, data_dir=tmp_path))
    assert "lists 2 models" in found["endpoint office"].text
    assert found["draft model"].health is found["refine model"].health is Health.OK


def slow(prefill: float) -> Script:
    return Script("At least 25 GB must remain free [1].", prefill_per_second=prefill, tokens_per_second=1e6)


async def test_what_the_machine_can_do_is_said_plainly(make_engine: MakeEngine, tmp_path: Path) -> None:
    models = {"small": slow(1e6), "large": slow(250.0)}
    engine = make_engine(Scripted(models), draft="small", refine="large")
    found = by_subject(await examine(engine, data_dir=tmp_path))
    assert found["draft model, tried"].text.startswith("small drafts in about 1 s; it answers from the passages")
    assert found["speed"].health is Health.OK and found["speed"].text.startswith("Drafts come in about 1 s, refining")


async def test_a_model_of_no_use_is_a_failure_with_its_reason(make_engine: MakeEngine, tmp_path: Path) -> None:
    engine = make_engine(Scripted({"small": Script("The answer is ten. " * 8)}), draft="small", refine="extractive")
    found = by_subject(await examine(engine, data_dir=tmp_path))
    assert found["draft model, tried"].health is Health.FAIL
    assert "small only repeats itself" in found["draft model, tried"].text
