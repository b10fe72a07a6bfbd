"""Every way to sign in at once, each against something real: accounts, OpenID Connect, a directory, a proxy."""

from __future__ import annotations

import csv
import io
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pyotp
import pytest

from tests.support import provider, slapd
from tests.support.terminal import start
from tests.ui.conftest import answering, index, write_documents

WORDS = "a long enough password"
SETTINGS = """
documents: [papers]
models: {{foundry: false, draft: extractive}}
collections: [{{name: Personnel, folders: [papers/hr], readers: [personnel]}}]
server:
  sign_in:
    accounts: true
    providers:
      - {{name: company, label: The company, issuer: "{issuer}", client_id: tandem, secret_env: COMPANY_SECRET,
          groups: {{staff-hr: personnel}}, admit: [staff]}}
      - {{name: by-mail, issuer: "{issuer}", client_id: tandem, name_claim: email, secret_env: COMPANY_SECRET}}
    ldap: {ldap}
    proxy: {{addresses: [127.0.0.1], groups_header: X-Groups, groups: {{H: personnel}}}}
  limits: [{{per: key, requests_per_minute: 2}}]
"""
DOCUMENTS = {"open.md": "# Doors\n\nThe door code is seven.", "hr/pay.md": "# Pay\n\nThe bonus code is heronshaw."}


@dataclass
class Place:
    address: str
    home: Path
    issuer: str
    directory: str

    def browser(self, source: str = "127.0.0.1", **headers: str) -> httpx.Client:
        transport = httpx.HTTPTransport(local_address=source)
        return httpx.Client(base_url=self.address, timeout=60, transport=transport, headers=headers)

    def tandem(self, *words: str) -> str:
        out, err = start(self.home, *words, COMPANY_SECRET="secret").communicate(timeout=60)
        return out + err

    def invited(self, name: str, *more: str) -> httpx.Client:
        said = self.tandem("people", "add", name, *more)
        browser = self.browser()
        link = urlsplit(re.search(r"http\S+", said)[0]).path  # type: ignore[index]
        opened = browser.post(link, data={"username": name, "password": WORDS})
        assert opened.status_code == 303, opened.text
        return browser

    def by_company(
        self, browser: httpx.Client, sub: str, name: str = "company", swap: tuple[str, str] = ("", "")
    ) -> httpx.Response:
        there = browser.get(f"/sign-in/with/{name}")
        assert there.status_code == 302, there.text
        to = there.headers["location"]
        asked = parse_qs(urlsplit(to).query)
        assert asked["code_challenge_method"] == ["S256"] and asked["code_challenge"] and asked["state"]
        to = to.replace(f"nonce={asked['nonce'][0]}", swap[0]) if swap[0] else to
        back = httpx.post(to, data={"sub": sub}, timeout=60).headers["location"]
        back = back.replace(f"state={asked['state'][0]}", swap[1]) if swap[1] else back
        return browser.get(back.removeprefix(self.address))


def who(browser: httpx.Client) -> str:
    reply = browser.get("/user")
    return reply.json()["identifier"] if reply.status_code == 200 else ""


def reads_pay(browser: httpx.Client) -> bool:
    return "heronshaw" in browser.get("/browser/search", params={"q": "bonus code"}).text


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("ways")
    with ExitStack() as stack:
        issuer = stack.enter_context(provider.running())
        for sub, claims in {
            "s-1": {"preferred_username": "olga", "groups": ["staff", "staff-hr", "administrators"]},
            "s-2": {"preferred_username": "olga", "groups": ["staff"]},
            "s-3": {"preferred_username": "paul", "groups": ["guests", "staff-hr"]},
            "s-4": {"preferred_username": "local one", "groups": ["staff"]},
            "s-5": {"preferred_username": "ivan", "groups": ["staff"]},
            "m-1": {"email": "quinn@example.org", "email_verified": True},
            "m-2": {"email": "admin@example.org"},
        }.items():
            httpx.put(f"{issuer}/users/{sub}", json=claims).raise_for_status()
        directory = stack.enter_context(slapd.running()) if slapd.program() else ""
        people = f"ou=people,{slapd.BASE}"
        ldap = f'{{url: "{directory}", bind: "uid={{name}},{people}", base: "{people}", groups: {{hr: personnel}}}}'
        write_documents(home, DOCUMENTS)
        settings = SETTINGS.format(issuer=issuer, ldap=ldap if directory else "null")
        (home / "tandem.yaml").write_text(settings, encoding="utf-8")
        index(home, COMPANY_SECRET="secret")
        process = start(home, "serve", "--port", "0", COMPANY_SECRET="secret")
        address = stack.enter_context(answering(process))
        assert process.stdout is not None
        first = re.search(r"http://\S+", process.stdout.readline())
        assert first
        place = Place(address, home, issuer, directory)
        with place.browser() as browser:
            path = first[0].removeprefix(address)
            assert "first administrator" in browser.get(path).text
            assert browser.post(path, data={"username": "chief", "password": WORDS}).headers["location"] == "/"
            assert who(browser) == "chief"
            assert browser.get(path).status_code == 404
        yield place


def test_the_page_shows_every_way_in(place: Place) -> None:
    with place.browser(accept="text/html") as browser:
        assert browser.get("/").headers["location"] == "/login"
        page = browser.get("/login").text
    for said in ('id="email"', 'id="password"', "/sign-in/with/company", "The company", "/sign-in/with/by-mail"):
        assert said in page
    assert "<script" not in page


def test_an_account_is_made_used_granted_and_removed(place: Place) -> None:
    with closing(place.invited("ada")) as ada:
        assert who(ada) == "ada" and not reads_pay(ada)
        assert "ada is in personnel now" in place.tandem("people", "join", "ada", "personnel")
        assert reads_pay(ada)
        place.tandem("people", "leave", "ada", "personnel")
        assert not reads_pay(ada)
        assert ada.get("/metrics").status_code == 403
        place.tandem("people", "role", "ada", "administrator")
        assert ada.get("/metrics").status_code == 200
        place.tandem("people", "role", "ada", "member")
        with place.browser() as other:
            sent = other.post("/sign-in", data={"username": "ada", "password": WORDS})
            assert (sent.status_code, who(other)) == (303, "ada")
            wrong = other.post("/sign-in", data={"username": "ada", "password": "wrong words"})
            assert wrong.status_code == 401 and "is not right" in wrong.text
            assert other.post("/login", data={"username": "ada", "password": WORDS}).status_code == 200
        link = urlsplit(re.search(r"http\S+", place.tandem("people", "reset", "ada"))[0]).path  # type: ignore[index]
        with place.browser() as other:
            assert other.post(link, data={"password": "short"}).status_code == 400
            assert other.post(link, data={"password": "another long password"}).status_code == 303
            assert who(ada) == "" and who(other) == "ada"
            assert other.post("/sign-in", data={"username": "ada", "password": WORDS}).status_code == 401
            assert "has no account any more" in place.tandem("people", "remove", "ada")
            assert who(other) == ""
            assert (
                other.post("/sign-in", data={"username": "ada", "password": "another long password"}).status_code == 401
            )


def test_whoever_signs_in_comes_to_the_page_they_wanted(place: Place) -> None:
    page = "/source/passage/7?answer=5f2b6c1e-3f0a-4c8e-9a55-6d6f3c9d1a01"
    folder = "/?library&folder=tr%2Fizin&text=a+b&state=failed"
    for asked, status in (("/shared/" + "A" * 32, 303), (folder, 303), ("/thread/" + "0" * 36, 303), (page, 401)):
        with place.browser(accept="text/html") as browser:
            assert browser.get(asked).status_code == status
            assert browser.get("/login").status_code == 200
            came = browser.post("/sign-in", data={"username": "chief", "password": WORDS})
            assert (came.status_code, came.headers["location"]) == (303, asked)
            assert "tandem_wanted" not in browser.cookies


@pytest.mark.parametrize(
    "asked",
    [
        "//elsewhere.invalid",
        "/shared/a/../..",
        "/shared//elsewhere.invalid",
        "https://elsewhere.invalid",
        "/x",
        "/?library&//x",
    ],
)
def test_nothing_else_is_a_page_that_was_wanted(place: Place, asked: str) -> None:
    with place.browser(accept="text/html", cookie=f"tandem_wanted={quote(asked, safe='')}") as browser:
        came = browser.post("/sign-in", data={"username": "chief", "password": WORDS})
        assert (came.status_code, came.headers["location"]) == (303, "/")


def test_a_second_factor_is_asked_for_and_counts_once(place: Place) -> None:
    with closing(place.invited("dora")) as dora, place.browser() as other:
        page = dora.get("/account").text
        secret = re.search(r"secret=([A-Z2-7]+)", page)
        sealed = re.search(r'name="sealed" value="([^"]+)"', page)
        assert secret and sealed and "<svg" in page
        totp = pyotp.TOTP(secret[1])
        assert dora.post("/account/codes", data={"sealed": sealed[1], "code": "nonono"}).status_code == 400
        assert dora.post("/account/codes", data={"sealed": sealed[1], "code": totp.now()}).status_code == 303
        given = {"username": "dora", "password": WORDS}
        asked = other.post("/sign-in", data=given)
        assert asked.status_code == 401 and 'name="code"' in asked.text and who(other) == ""
        assert other.post("/login", data=given).headers["x-code"] == "needed"
        later = totp.at(time.time() + 30)
        assert other.post("/sign-in", data={**given, "code": later}).status_code == 303 and who(other) == "dora"
        with place.browser() as third:
            assert third.post("/sign-in", data={**given, "code": later}).status_code == 401


def test_openid_connect_lets_people_in_with_their_mapped_groups(place: Place) -> None:
    with place.browser() as olga:
        assert place.by_company(olga, "s-1").headers["location"] == "/"
        assert who(olga) == "olga" and reads_pay(olga)
        assert olga.get("/metrics").status_code == 403
        httpx.put(f"{place.issuer}/users/s-1", json={"preferred_username": "renamed", "groups": ["staff"]})
        with place.browser() as again:
            place.by_company(again, "s-1")
            assert who(again) == "olga" and not reads_pay(olga)
        place.tandem("people", "remove", "olga")
        assert who(olga) == ""
        with place.browser() as again:
            assert "was removed" in place.by_company(again, "s-1").text and who(again) == ""


@pytest.mark.parametrize(
    ("sub", "way", "said"),
    [
        ("s-2", "company", "another account"),
        ("s-3", "company", "None of your groups"),
        ("s-4", "company", "another account"),
        ("m-2", "by-mail", "not verified"),
    ],
)
def test_whom_a_provider_may_not_let_in(place: Place, sub: str, way: str, said: str) -> None:
    if sub == "s-4":
        place.tandem("people", "add", "local one")
    if sub == "s-2" and "olga" not in place.tandem("people", "list"):
        with place.browser() as olga:
            place.by_company(olga, "s-1")
    with place.browser() as browser:
        refused = place.by_company(browser, sub, way)
        assert refused.status_code == 400 and ("was removed" in refused.text or said in refused.text), refused.text
        assert who(browser) == ""


def test_openid_connect_by_verified_mail(place: Place) -> None:
    with place.browser() as browser:
        assert place.by_company(browser, "m-1", "by-mail").status_code == 303
        assert who(browser) == "quinn@example.org"


def test_a_forged_answer_of_a_provider_lets_nobody_in(place: Place) -> None:
    for swap in (("nonce=mine", ""), ("", "state=mine"), ("", "state=")):
        with place.browser() as browser:
            assert place.by_company(browser, "s-5", swap=swap).status_code == 400, swap
            assert who(browser) == ""
    with place.browser() as victim, place.browser() as attacker:
        there = attacker.get("/sign-in/with/company").headers["location"]
        back = httpx.post(there, data={"sub": "s-5"}).headers["location"].removeprefix(place.address)
        assert victim.get(back).status_code == 400 and who(victim) == ""
        victim.get("/sign-in/with/by-mail")
        assert victim.get(back).status_code == 400 and who(victim) == ""
        assert attacker.get(back.replace("/company", "/by-mail")).status_code == 400
        assert attacker.get(back).status_code == 303 and who(attacker) == "ivan"
        assert attacker.get(back).status_code == 400


def test_a_directory_lets_people_in(place: Place) -> None:
    if not place.directory:
        pytest.skip("slapd is not installed")
    with place.browser() as lena:
        assert lena.post("/sign-in", data={"username": "LENA", "password": "lenas-words"}).status_code == 303
        assert who(lena) == "lena" and reads_pay(lena)
    for name, password in (("lena", "wrong"), ("*", "lenas-words"), ("lena,ou=people", "lenas-words"), ("eve", "x")):
        with place.browser() as browser:
            refused = browser.post("/sign-in", data={"username": name, "password": password})
            assert refused.status_code == 401 and who(browser) == "", name
    with place.browser() as browser:
        assert browser.post("/sign-in", data={"username": "nils", "password": ""}).status_code in (401, 422)
        assert browser.post("/sign-in", data={"username": "Mo+Jr", "password": "mos-words"}).status_code == 303
        assert who(browser) == "Mo+Jr" and not reads_pay(browser)


def test_a_proxy_in_front_is_believed_and_nobody_else(place: Place) -> None:
    named = {"x-forwarded-user": "rosa", "x-groups": "H, K", "accept": "text/html"}
    with place.browser(**named) as browser:
        assert browser.get("/").headers["location"] == "/sign-in/proxy"
        assert browser.get("/sign-in/proxy").status_code == 303
        assert who(browser) == "rosa" and reads_pay(browser)
    with place.browser(**named, **{"x-forwarded-for": "10.9.8.7"}) as browser:
        assert browser.get("/sign-in/proxy").status_code == 303
    for spoof in ({}, {"x-forwarded-for": "127.0.0.1"}, {"forwarded": "for=127.0.0.1"}, {"x-real-ip": "127.0.0.1"}):
        with place.browser("127.0.0.2", **named, **spoof) as browser:
            assert browser.get("/").headers["location"] == "/login"
            assert browser.get("/sign-in/proxy").status_code == 403 and who(browser) == "", spoof
    with place.browser(accept="text/html", **{"x-forwarded-user": "chief"}) as browser:
        assert browser.get("/sign-in/proxy").status_code == 400 and who(browser) == ""
    assert "sign_in.spoofed" in place.tandem("audit", "export")


def test_a_key_asks_with_its_persons_rights_and_limits(place: Place) -> None:
    place.invited("karl", "--group", "personnel").close()
    made = place.tandem("keys", "add", "karl", "a script", "--scope", "ask")
    sent = re.search(r"tandem_\S+", made)
    assert sent
    body = {"model": "tandem", "messages": [{"role": "user", "content": "What is the bonus code?"}]}
    with place.browser(authorization=f"Bearer {sent[0]}") as script:
        assert "heronshaw" in script.post("/v1/chat/completions", json=body).text
        assert script.get("/v1/models").status_code == 403
        place.tandem("people", "leave", "karl", "personnel")
        assert "heronshaw" not in script.post("/v1/chat/completions", json=body).text
        over = script.post("/v1/chat/completions", json=body)
        assert over.status_code == 429 and 0 < int(over.headers["retry-after"]) <= 60
        assert "ask again in" in over.json()["error"]["message"]
        listed = place.tandem("keys", "list", "karl")
        assert "last used 2" in listed and sent[0] not in listed
        place.tandem("keys", "revoke", listed.split()[0])
        assert script.post("/v1/chat/completions", json=body).status_code == 401


def test_another_password_signs_every_other_browser_out(place: Place) -> None:
    with closing(place.invited("pia")) as pia, place.browser() as other:
        given = {"username": "pia", "password": WORDS}
        assert other.post("/sign-in", data=given).status_code == 303 and who(other) == "pia"
        for old, new, said in (
            ("wrong words", "another long password", "is not right"),
            (WORDS, "short", "at least 10 characters"),
            ("", "", "is not right"),
        ):
            refused = pia.post("/account/password", data={"old": old, "password": new})
            assert refused.status_code == 400 and said in refused.text
        assert who(other) == "pia"
        changed = pia.post("/account/password", data={"old": WORDS, "password": "another long password"})
        assert (changed.status_code, changed.headers["location"]) == (303, "/account")
        assert (who(pia), who(other)) == ("pia", "")
        assert other.post("/sign-in", data=given).status_code == 401
        assert other.post("/sign-in", data={**given, "password": "another long password"}).status_code == 303
    assert place.tandem("audit", "export").count('"action":"account.password_set","actor":"pia"') == 2


def test_a_browser_is_signed_out_from_another_and_not_by_somebody_else(place: Place) -> None:
    def listed(browser: httpx.Client, count: int) -> list[str]:
        pause, until = threading.Event(), time.monotonic() + 60
        while len(found := re.findall(r'name="number" value="([^"]+)"', browser.get("/account").text)) < count:
            assert time.monotonic() < until and not pause.wait(0.1)
        return found

    with closing(place.invited("rita")) as rita, closing(place.invited("sam")) as sam, place.browser() as other:
        (own,) = listed(rita, 1)
        other.post("/sign-in", data={"username": "rita", "password": WORDS})
        (second,) = set(listed(rita, 2)) - {own}
        assert sam.post("/account/browsers/end", data={"number": second}).status_code == 303
        assert (who(rita), who(other)) == ("rita", "rita")
        assert rita.post("/account/browsers/end", data={"number": second}).status_code == 303
        assert (who(rita), who(other)) == ("rita", "")
        assert listed(rita, 1) == [own]
        assert rita.post("/account/browsers/end", data={"number": own}).status_code == 303 and who(rita) == ""


def test_what_was_used_is_a_table_that_no_spreadsheet_runs(place: Place) -> None:
    with closing(place.invited("=SUM(A1)", "--group", "personnel")) as odd:
        page = odd.post("/account/keys", data={"purpose": "a script", "scope": "ask", "days": "30"}).text
        key = re.search(r"tandem_[\w-]+", page)
        assert key and key[0] not in odd.get("/account").text
        body = {"model": "tandem", "messages": [{"role": "user", "content": "What is the door code?"}]}
        with place.browser(authorization=f"Bearer {key[0]}") as script:
            assert script.post("/v1/chat/completions", json=body).status_code == 200
        assert odd.get("/administration/usage.csv").status_code == 403
    with place.browser() as chief:
        assert chief.post("/sign-in", data={"username": "chief", "password": WORDS}).status_code == 303
        sent = chief.get("/administration/usage.csv?days=7")
        assert (
            sent.headers["content-type"].startswith("text/csv") and "attachment" in sent.headers["content-disposition"]
        )
        rows = list(csv.DictReader(io.StringIO(sent.text)))
        (mine,) = [row for row in rows if "SUM" in row["person"]]
        assert (mine["person"], mine["groups"], mine["questions"]) == ("'=SUM(A1)", "personnel", "1")
        assert mine["day"] and float(mine["seconds"]) > 0 and len(mine["seconds"].partition(".")[2]) <= 6
        assert chief.get("/administration/usage.csv?days=;drop").status_code == 200
        shown = chief.get("/administration/usage").text
        assert "=SUM(A1)" in shown and "personnel" in shown
        assert re.findall(r'aria-current="page">([^<]+)', shown) == ["Usage", "Last 30 days"]
        everybody = chief.get("/administration").text
        assert re.search("chief.*an account here.*Administrator", everybody) and "<div>administrator" not in everybody
        assert re.search('<datalist id="known-group">.*<option value="personnel">', everybody), (
            "what is there is offered"
        )
        state = chief.get("/administration/state").text
        assert "Nothing is amiss" in state and "Documents come from folders alone" in state
    log = place.tandem("audit", "export")
    assert "export.usage" in log
    assert '"action":"rights.changed","actor":"chief"' in log, "the first administrator's right is in it too"


def test_what_is_kept_of_somebody_is_deleted_once_their_account_is_removed_and_that_was_said_twice(
    place: Place,
) -> None:
    with closing(place.invited("vera")) as vera, place.browser() as chief:
        assert vera.post("/account/keys", data={"purpose": "a script", "scope": "ask", "days": "30"}).status_code == 200
        assert chief.post("/sign-in", data={"username": "chief", "password": WORDS}).status_code == 303
        early = chief.post("/administration/forget", data={"name": "vera", "sure": "vera"})
        assert early.status_code == 400 and "Remove the account first" in early.text and who(vera) == "vera"
        assert chief.post("/administration/remove", data={"name": "vera"}).status_code == 303
        assert "Delete what is kept" in chief.get("/administration").text
        asked = chief.post("/administration/forget", data={"name": "vera"})
        assert "are deleted for good" in asked.text and "vera" in chief.get("/administration").text
        done = chief.post("/administration/forget", data={"name": "vera", "sure": "vera"})
        assert done.status_code == 200 and "Nothing is kept of vera any more" in done.text
        assert "<div>vera</div>" not in chief.get("/administration").text
        assert vera.post("/administration/forget", data={"name": "chief"}).status_code == 401
    assert '"action":"account.forgotten","actor":"chief"' in place.tandem("audit", "export")


def test_an_administrator_signs_somebody_out_everywhere(place: Place) -> None:
    with closing(place.invited("wim")) as wim, place.browser() as other, place.browser() as chief:
        assert other.post("/sign-in", data={"username": "wim", "password": WORDS}).status_code == 303
        assert wim.post("/administration/sign-out", data={"name": "chief"}).status_code == 403
        assert chief.post("/sign-in", data={"username": "chief", "password": WORDS}).status_code == 303
        assert chief.post("/administration/sign-out", data={"name": "nobody"}).status_code == 400
        done = chief.post("/administration/sign-out", data={"name": "wim"})
        assert done.status_code == 200 and "wim is signed out of every browser" in done.text
        assert (who(wim), who(other), who(chief)) == ("", "", "chief")
        assert other.post("/sign-in", data={"username": "wim", "password": WORDS}).status_code == 303
