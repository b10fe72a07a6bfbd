"""The states that `tests.ui.gallery` photographs: how each is come to, in which windows, and in which installation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.openai_server import OpenAIServer, Reply
from tests.ui.conftest import ALSO_GOOD, BAD, GOOD, HOLIDAYS, Person
from tests.ui.gallery_documents import ARABIC, CODE, TABLE


@dataclass(frozen=True, slots=True)
class Window:
    """A size, a colour scheme and a language."""

    name: str
    width: int
    height: int
    scheme: str
    locale: str = "en-US"

    @property
    def phone(self) -> bool:
        return self.width < 500


DESK = Window("desk light", 1440, 900, "light")
PHONE = Window("phone dark", 390, 844, "dark")
ALL = (DESK, PHONE)
MAIN = (
    *ALL,
    Window("tablet light", 1024, 768, "light"),
    Window("desk Turkish", 1440, 900, "light", "tr-TR"),
    Window("desk German", 1440, 900, "light", "de-DE"),
    Window("phone German", 360, 780, "light", "de-DE"),
)

State = Callable[[Person, OpenAIServer], None]
STATES: dict[str, tuple[State, tuple[Window, ...]]] = {}
BARE: set[str] = set()
SIGNED: set[str] = set()
USERS = {"TANDEM_SERVER__USERS": "ada:ada,bob:bob", "TANDEM_SERVER__ADMINISTRATORS": "ada"}


def state(name: str, windows: tuple[Window, ...] = ALL) -> Callable[[State], State]:
    def keep(drive: State) -> State:
        STATES[name] = (drive, windows)
        return drive

    return keep


def bare(name: str, windows: tuple[Window, ...] = ALL) -> Callable[[State], State]:
    """A state of an installation without any model; `models` answers on one of the usual ports."""
    BARE.add(name)
    return state(name, windows)


def signed(name: str, windows: tuple[Window, ...] = ALL) -> Callable[[State], State]:
    """A state of an installation where people sign in."""
    SIGNED.add(name)
    return state(name, windows)


def says(models: OpenAIServer, draft: str, refined: str = "", hold: threading.Event | None = None) -> None:
    models.models["phi-4-mini"] = Reply([draft], hold=hold)
    models.models["gpt-oss-20b"] = Reply([refined or draft])


def asked(person: Person, question: str = HOLIDAYS, answers: int = 1) -> None:
    person.ask(question)
    person.wait_for_answers(answers)


@state("first page", MAIN)
def _(person: Person, models: OpenAIServer) -> None:
    person.page.wait_for_selector("#starters button")


@bare("first page without a model", MAIN)
def _(person: Person, models: OpenAIServer) -> None:
    person.page.get_by_test_id("offer").wait_for()


@bare("a server found here")
def _(person: Person, models: OpenAIServer) -> None:
    person.page.click("[data-action=detect]")
    person.page.locator("[data-server]").first.wait_for()
    person.page.locator("[data-action=use]").first.scroll_into_view_if_needed()


@bare("an address that does not answer")
def _(person: Person, models: OpenAIServer) -> None:
    person.page.click("[data-way=endpoint] summary")
    person.page.fill("[name=address]", "127.0.0.1:1")
    person.page.click("[data-action=try]")
    person.page.locator("[role=alert]").scroll_into_view_if_needed()


@state("answer", MAIN)
def _(person: Person, models: OpenAIServer) -> None:
    says(models, f"{GOOD}{ALSO_GOOD}")
    asked(person)


@state("source opened", MAIN)
def _(person: Person, models: OpenAIServer) -> None:
    says(models, f"{GOOD}{ALSO_GOOD}")
    asked(person)
    person.page.locator(".message-content a[href='#source-1']").first.click()


def _tab(name: str) -> State:
    def drive(person: Person, models: OpenAIServer) -> None:
        says(models, BAD, f"{GOOD}{ALSO_GOOD}")
        asked(person)
        if not person.page.locator(f"[data-tab={name}]").is_visible():
            person.page.click("[data-action=details]")
        person.tab(name)

    return drive


state("latency", MAIN)(_tab("latency"))
state("decision, refined", MAIN)(_tab("decision"))


@state("draft that was replaced")
def _(person: Person, models: OpenAIServer) -> None:
    says(models, BAD, GOOD)
    asked(person)
    person.page.click(".td-draft-toggle")


@state("unsupported sentence")
def _(person: Person, models: OpenAIServer) -> None:
    says(models, f"{GOOD}Every employee also gets a company car and a parking space in the garage. ")
    asked(person)


@state("table")
def _(person: Person, models: OpenAIServer) -> None:
    says(models, TABLE)
    asked(person, "Which kinds of leave are there, and who approves them?")


@state("code")
def _(person: Person, models: OpenAIServer) -> None:
    says(models, CODE)
    asked(person, "How are days reckoned?")


@state("right to left")
def _(person: Person, models: OpenAIServer) -> None:
    says(models, "لكل موظف خمسة وعشرون يوم إجازة مدفوعة في السنة [1].")
    asked(person, ARABIC)


@state("being written")
def _(person: Person, models: OpenAIServer) -> None:
    says(models, GOOD, hold=threading.Event())
    person.ask(HOLIDAYS)
    person.page.wait_for_selector(".td-status")


@state("stopped")
def _(person: Person, models: OpenAIServer) -> None:
    says(models, GOOD, hold=threading.Event())
    person.ask(HOLIDAYS)
    person.page.click("#stop-button")
    person.wait_for_answers(1)


@state("quoted, no model")
def _(person: Person, models: OpenAIServer) -> None:
    models.models.clear()
    asked(person)


@state("refused")
def _(person: Person, models: OpenAIServer) -> None:
    models.models.clear()
    asked(person, "Who won the football world cup in 1998?")


@state("greeting")
def _(person: Person, models: OpenAIServer) -> None:
    models.models.clear()
    asked(person, "Hello, what can you do?")


@state("long conversation")
def _(person: Person, models: OpenAIServer) -> None:
    says(models, f"{GOOD}{ALSO_GOOD}")
    for number in range(1, 4):
        asked(person, HOLIDAYS, number)


@state("library: documents", MAIN)
def _(person: Person, models: OpenAIServer) -> None:
    person.page.locator("a[href$='#library']").first.click()
    person.page.wait_for_selector("[data-testid=library]")


@state("library: models", MAIN)
def _(person: Person, models: OpenAIServer) -> None:
    person.page.locator("a[href$='#library']").first.click()
    person.page.wait_for_selector("[data-testid=library]")
    person.page.locator("[data-testid=library] [role=tab]").nth(1).click()


@bare("library: encoders to download", MAIN)
def _(person: Person, models: OpenAIServer) -> None:
    person.page.locator("a[href$='#library']").first.click()
    person.page.wait_for_selector("[data-testid=library]")
    person.page.locator("[data-testid=library] [role=tab]").nth(1).click()


def _settings(place: int) -> State:
    def drive(person: Person, models: OpenAIServer) -> None:
        person.page.click("#chat-settings-open-modal")
        if place:
            person.page.click("#chat-settings #advanced")
            person.page.locator("#chat-settings [role=tab]").nth(place).click()

    return drive


for _place, _name in enumerate(("general", "escalation", "retrieval", "generation")):
    state(f"settings: {_name}")(_settings(_place))


@state("attachment")
def _(person: Person, models: OpenAIServer) -> None:
    says(models, "The parking garage opens at seven [1].")
    person.drop(**{"garage.txt": b"The parking garage opens at seven in the morning."})
    asked(person, "When does the garage open?")


@state("attachment that cannot be read")
def _(person: Person, models: OpenAIServer) -> None:
    says(models, GOOD)
    person.drop(**{"picture.pdf": b"%PDF-1.4 broken"})
    asked(person)


@state("modes")
def _(person: Person, models: OpenAIServer) -> None:
    person.page.click("#mode-picker-trigger-mode")


@state("card at a citation", (DESK,))
def _(person: Person, models: OpenAIServer) -> None:
    says(models, f"{GOOD}{ALSO_GOOD}")
    asked(person)
    person.page.locator(".message-content a[href='#source-1']").first.hover()


@state("shortcuts")
def _(person: Person, models: OpenAIServer) -> None:
    person.page.keyboard.press("Control+/")


@state("conversations")
def _(person: Person, models: OpenAIServer) -> None:
    asked(person)
    if not person.page.locator("#thread-history a").first.is_visible():
        person.page.click("#sidebar-trigger-button")
    person.page.locator("#thread-history #thread-options").first.click(force=True)


def _all_conversations(person: Person) -> None:
    asked(person)
    person.page.goto(person.page.url.split("/thread")[0].rstrip("/") + "/conversations")


@state("all conversations", MAIN)
def _(person: Person, models: OpenAIServer) -> None:
    _all_conversations(person)


@state("one conversation")
def _(person: Person, models: OpenAIServer) -> None:
    _all_conversations(person)
    person.page.locator(".more").first.click()


@state("library: a folder and what was added")
def _(person: Person, models: OpenAIServer) -> None:
    person.page.wait_for_selector("#mode-picker-trigger-mode")
    person.page.click("a[href$='#library']")
    added = [{"name": "garage.md", "mimeType": "text/markdown", "buffer": b"# Garage\n\nThe garage opens at seven."}]
    person.page.locator("[data-testid=adding] input").set_input_files(added)  # type: ignore[arg-type]
    person.page.wait_for_selector("[data-added]")
    person.page.locator("[data-document='garage.md'] [data-action=remove]").click()


@state("search in conversations", (DESK,))
def _(person: Person, models: OpenAIServer) -> None:
    asked(person)
    person.page.click("#search-chats-button")


@state("tools")
def _(person: Person, models: OpenAIServer) -> None:
    person.page.click("#command-button")


@state("briefing")
def _(person: Person, models: OpenAIServer) -> None:
    person.page.click("#command-button")
    person.page.locator("[role=menuitem], [role=option], #command-popover button").first.click()
    asked(person, "hr/leave.md")


@state("a document", MAIN)
def _(person: Person, models: OpenAIServer) -> None:
    says(models, f"{GOOD}{ALSO_GOOD}")
    asked(person)
    if not person.page.locator("[data-open='1']").is_visible():
        person.page.locator(".message-content a[href='#source-1']").first.click()
    person.page.goto(person.page.locator("[data-open='1']").evaluate("link => link.href"))


@signed("sign-in", MAIN)
def _(person: Person, models: OpenAIServer) -> None:
    person.page.wait_for_selector("#password")


@signed("sign-in that failed")
def _(person: Person, models: OpenAIServer) -> None:
    person.page.fill("#email", "ada")
    person.page.fill("#password", "wrong")
    person.page.click("button[type=submit]")
    person.page.get_by_role("alert").wait_for()


def _enter(person: Person) -> None:
    person.page.fill("#email", "ada")
    person.page.fill("#password", "ada")
    person.page.click("button[type=submit]")
    person.page.wait_for_selector("#mode-picker-trigger-mode")


@signed("account")
def _(person: Person, models: OpenAIServer) -> None:
    _enter(person)
    person.page.goto(f"{person.page.url.rstrip('/')}/account")


@signed("share an answer")
def _(person: Person, models: OpenAIServer) -> None:
    _enter(person)
    asked(person)
    person.page.goto(person.page.locator("[data-action=share]").evaluate("link => link.href"))


@signed("a shared answer")
def _(person: Person, models: OpenAIServer) -> None:
    _enter(person)
    asked(person)
    person.page.goto(person.page.locator("[data-action=share]").evaluate("link => link.href"))
    person.page.fill("[name=people]", "bob")
    person.page.click("button[type=submit]")
    person.page.goto(person.page.locator(".said").inner_text().rsplit(" ", 1)[-1])


def _administration(place: str) -> State:
    def drive(person: Person, models: OpenAIServer) -> None:
        _enter(person)
        asked(person)
        person.page.goto(person.page.url.split("/thread")[0].rstrip("/") + f"/administration{place}")

    return drive


for _place_of, _page in (("", "people"), ("/usage", "usage"), ("/review", "review"), ("/state", "state")):
    signed(f"administration: {_page}")(_administration(_place_of))
signed("announcements")(_administration("/announcements"))


@signed("a new collection")
def _(person: Person, models: OpenAIServer) -> None:
    _administration("/collections/new")(person, models)


def _made(person: Person, models: OpenAIServer) -> None:
    """A collection is there, with markup in its name; its list is shown."""
    _administration("/collections")(person, models)
    if not person.page.locator("a.way.quiet").count():
        person.page.click("a.way:not(nav *)")
        person.page.fill("[name=name]", "Personnel & <b>pay</b>")
        person.page.fill("[name=readers]", "hr")
        person.page.locator("[name=folder]").last.check()
        person.page.click("form.broad button")


signed("collections")(_made)


@signed("a collection that is changed")
def _(person: Person, models: OpenAIServer) -> None:
    _made(person, models)
    person.page.locator("a.way.quiet").first.click()


@signed("a collection that is deleted")
def _(person: Person, models: OpenAIServer) -> None:
    _made(person, models)
    person.page.locator("form.quiet button").first.click()


@state("in this browser", MAIN)
def _(person: Person, models: OpenAIServer) -> None:
    person.page.goto(person.page.url.split("/thread")[0].rstrip("/") + "/browser")
