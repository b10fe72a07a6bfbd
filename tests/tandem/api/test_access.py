"""Who may use the API: nobody from elsewhere without a key, no other site's page unless it is named."""

from __future__ import annotations

import httpx
import openai
import pytest
from openai import OpenAI

from hybrid.errors import ModelError
from hybrid.runtimes.scripted import Script, Scripted
from tandem.settings import ServerSettings, Settings
from tests.support.served import Served

KEY = "a-long-enough-key"
SITE = "https://chat.example.org"


def changed(settings: Settings, **server: object) -> Settings:
    """The settings of a server that listens elsewhere; the test still calls it by loopback."""
    return settings.model_copy(update={"server": type(settings.server).model_validate({"host": "0.0.0.0", **server})})


@pytest.fixture
def guarded(settings: Settings, runtime: Scripted):  # type: ignore[no-untyped-def]
    with Served(changed(settings, api_key=KEY), [runtime]) as served:
        yield served


def test_beyond_loopback_the_key_is_needed(guarded: Served) -> None:
    url = f"{guarded.url}/v1/models"
    assert httpx.get(url).status_code == 401
    reply = httpx.get(url, headers={"authorization": f"Bearer {KEY}"})
    assert reply.status_code == 200
    good = OpenAI(base_url=f"{guarded.url}/v1", api_key=KEY, max_retries=0)
    assert good.chat.completions.create(model="phi-4-mini", messages=[{"role": "user", "content": "Hello?"}]).id
    bad = OpenAI(base_url=f"{guarded.url}/v1", api_key="wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as problem:
        bad.models.list()
    assert problem.value.code == "invalid_api_key"
    assert KEY not in str(problem.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": KEY},
        {"authorization": f"Basic {KEY}"},
        {"authorization": f"Bearer {KEY}x"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer ключ".encode().decode("latin-1")},
        {"cookie": "access_token=forged"},
        {"cookie": "access_token=eyJhbGciOiJub25lIn0.eyJpZGVudGlmaWVyIjoiYSJ9."},
    ],
)
def test_nothing_but_the_key_will_do(guarded: Served, headers: dict[str, str]) -> None:
    body = {"model": "phi-4-mini", "messages": [{"role": "user", "content": "Hello?"}]}
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    reply = httpx.post(f"{guarded.url}/v1/chat/completions", json=body, headers=raw)  # type: ignore[arg-type]
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "invalid_api_key"
    assert reply.headers["www-authenticate"] == "Bearer"


def test_without_a_key_set_a_server_on_the_network_lets_no_program_in(settings: Settings, runtime: Scripted) -> None:
    with Served(changed(settings), [runtime]) as served:
        reply = httpx.get(f"{served.url}/v1/models")
        assert reply.status_code == 401
        assert "Send a key" in reply.json()["error"]["message"]


def test_whoever_is_signed_in_to_the_chat_may(settings: Settings, runtime: Scripted) -> None:
    with Served(changed(settings, users={"ada": "a"}), [runtime]) as served:
        token = served.context.tickets.issue("ada")
        body = {"model": "phi-4-mini", "messages": [{"role": "user", "content": "Hello?"}]}
        cookies = {"cookie": f"access_token={token}"}
        assert httpx.post(f"{served.url}/v1/chat/completions", json=body, headers=cookies).status_code == 200
        assert runtime.requests[-1].user == "ada"


def preflight(url: str, origin: str) -> httpx.Response:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    return httpx.options(f"{url}/v1/chat/completions", headers=headers)


def test_other_sites_pages_may_not_unless_they_are_named(served: Served) -> None:
    reply = httpx.get(f"{served.url}/v1/models", headers={"origin": SITE})
    assert reply.status_code == 403
    assert reply.json()["error"]["code"] == "forbidden"
    refused = preflight(served.url, SITE)
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


def test_a_named_site_may_call_the_api_and_nothing_else(settings: Settings, runtime: Scripted) -> None:
    server = settings.server.model_copy(update={"origins": (SITE,)})
    with Served(settings.model_copy(update={"server": server}), [runtime]) as served:
        assert preflight(served.url, SITE).headers["access-control-allow-origin"] == SITE
        reply = httpx.get(f"{served.url}/v1/models", headers={"origin": SITE})
        assert reply.status_code == 200
        assert reply.headers["access-control-allow-origin"] == SITE
        assert httpx.get(f"{served.url}/healthz", headers={"origin": SITE}).status_code == 403
        assert preflight(served.url, "https://evil.example").status_code == 403


@pytest.mark.parametrize("model", ["phi-4-mini", "tandem"])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("key", ["", KEY])
def test_where_a_models_server_listens_is_told_on_this_machine_only(
    settings: Settings, model: str, stream: bool, key: str
) -> None:
    address = "http://127.0.0.1:9/v1"
    script = Script(error=ModelError(f"nothing listens at {address}; start it.", kind="refused"))
    failing = Scripted({"phi-4-mini": script, "gpt-oss-20b": script})
    changes = {"api_key": key} if key else {}
    with Served(settings.model_copy(update={"server": ServerSettings.model_validate(changes)}), [failing]) as served:
        body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "How many days?"}]}
        headers = {"authorization": f"Bearer {key}"} if key else {}
        said = httpx.post(f"{served.url}/v1/chat/completions", json=body, headers=headers, timeout=60).text
    assert (address in said) != bool(key), said
    assert "start it" in said
