"""`tandem models ...` and `tandem doctor`. Knows what to ask and print; does not know how a model is looked after."""

from __future__ import annotations

import json as jsonlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import typer
from psutil import pid_exists
from rich.console import Console
from rich.table import Table

from hybrid.doctor import Finding, Health, examine
from hybrid.engine import Engine
from hybrid.errors import ModelError
from hybrid.models.catalogue import Listed
from hybrid.runtimes.base import ModelInfo
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from tandem import chosen_models, databases, encoder
from tandem.auth.rights import Granted, doubts
from tandem.commands.auditing import note
from tandem.commands.ending import run
from tandem.commands.progress import bar
from tandem.context import AppContext
from tandem.data_lock import holder
from tandem.listening import answers
from tandem.people.accounts import People
from tandem.people.store import AccountsError, Store
from tandem.settings import Settings
from tandem.settings import load as load_settings

_BESIDE = {
    encoder.ENGLISH: "finds the right English passage more often",
    encoder.READER: "tells for other languages whether a passage answers",
}
"""What the encoders beside the first one are for."""

T = TypeVar("T")
MARKS = {Health.OK: "[green]ok[/green]  ", Health.WARN: "[yellow]warn[/yellow]", Health.FAIL: "[red]fail[/red]"}


def list_models(json: bool) -> None:
    """Print the merged list, and what kept a runtime from listing its models."""

    async def look(engine: Engine) -> tuple[list[Listed], list[str]]:
        return await _listed(engine), list(engine.models.problems.values())

    listed, problems = _run(look)
    if json:
        models = [_record(one) for one in listed]
        print(jsonlib.dumps({"models": models, "problems": problems}, ensure_ascii=False, indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("model", "state", "size", "context", "licence", "runtime"):
        table.add_column(heading, justify="right" if heading in ("size", "context") else "left")
    for one in listed:
        info = one.info
        table.add_row(
            info.alias, info.state.value, _size(info), str(info.context_length or ""), info.licence, info.runtime
        )
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    for problem in problems:
        console.print(problem, markup=False)


def show(alias: str, json: bool) -> None:
    """Print one model. Raises ModelError where it is not known."""
    one = _find(_run(_listed), alias)
    if json:
        print(jsonlib.dumps(_record(one), ensure_ascii=False, indent=2))
        return
    for name, value in _record(one).items():
        if value not in (None, "", []):
            print(f"{name:<16} {value}")


def download(alias: str, yes: bool) -> None:
    """Download after showing size and licence. Raises ModelError."""

    async def fetch(engine: Engine) -> None:
        info = _find(await _listed(engine), alias).info
        print(f"{info.alias}: {_size(info) or 'size not known'}, licence {info.licence or 'not stated'}.")
        if not yes:
            typer.confirm("Download it?", abort=True)
        with bar(f"Downloading {info.alias}") as advance:
            async for state in engine.lifecycle.download(info.alias):
                speed = f"{state.mb_per_s:.1f} MB/s" if state.mb_per_s is not None else ""
                advance(round(state.percent), 100, speed)
        print(f"{info.alias} is on this machine now.")
        print(await _checked(engine, info.alias))

    _run(fetch)
    note(load_settings(), "model.download", alias)


def load(alias: str) -> None:
    """Load and warm up. Raises ModelError."""
    seconds = _run(lambda engine: _after_refresh(engine, lambda: engine.lifecycle.warm(alias)))
    print(f"{alias} loads and answers; that took {seconds:.1f} s.")


def unload(alias: str) -> None:
    """Unload. Raises ModelError where that cannot be done from here."""
    _run(lambda engine: _after_refresh(engine, lambda: engine.models.unload(alias)))
    print(f"{alias} is unloaded.")


def verify(alias: str) -> None:
    """Have the model write two tokens. Raises ModelError with the reason when it does not."""
    _run(lambda engine: _after_refresh(engine, lambda: engine.lifecycle.verify(alias)))
    print(f"{alias} answers.")


def remove(alias: str, yes: bool) -> None:
    """Delete a model after asking. Raises ModelError."""
    if not yes:
        typer.confirm(f"Delete {alias} from this machine?", abort=True)
    _run(lambda engine: _after_refresh(engine, lambda: engine.lifecycle.remove(alias)))
    note(load_settings(), "model.remove", alias)
    print(f"{alias} is deleted.")


def register(path: Path, alias: str) -> None:
    """Take in an own model. Raises ModelError with the reason when it is refused."""

    async def take_in(engine: Engine) -> tuple[ModelInfo, str]:
        info = await engine.lifecycle.register(path, alias)
        try:
            return info, await _checked(engine, info.alias)
        except ModelError:
            await engine.lifecycle.remove(info.alias)  # forgotten again; its files stay
            raise

    info, told = _run(take_in)
    note(load_settings(), "model.register", info.alias)
    print(told)
    print(f"{info.alias} is registered; use it with TANDEM_MODELS__DRAFT={info.alias}, or in tandem.yaml.")


async def _checked(engine: Engine, alias: str) -> str:
    """What a model did with two questions, in a sentence. Raises ModelError where it is of no use."""
    try:
        return (await engine.lifecycle.check(alias)).told
    except ModelError as error:
        if error.kind == "refused":
            raise ModelError(f"{error} It is not fit to be used here.", kind="refused") from error
        return f"{alias} could not be tried: {error}"


def doctor(json: bool) -> None:
    """Print every finding; exit code 1 when one of them fails."""
    settings = load_settings()
    ours = _served(settings)
    ports = [(settings.server.host, settings.server.port)] if settings.server.port and not ours else []
    findings = _run(lambda engine: examine(engine, data_dir=settings.data_dir, ports=ports))
    if ours:
        findings.append(Finding("port", Health.OK, ours))
    findings.append(_encoder(settings))
    if (chosen := chosen_models.read(settings.files.chosen_models)) is not None:
        where = f" on {chosen.endpoint.name} ({chosen.endpoint.base_url})" if chosen.endpoint is not None else ""
        said = f"{chosen.draft} drafts and {chosen.refine} refines{where}, as was chosen in the chat."
        advice = f"To go back to the settings, delete {settings.files.chosen_models}."
        findings.append(Finding("chosen models", Health.OK, said, advice))
    try:
        findings += [Finding("collections", Health.WARN, said) for said in doubts(settings, _accounts(settings))]
    except AccountsError as error:
        findings.append(Finding("accounts", Health.FAIL, str(error)))
    if json:
        print(jsonlib.dumps({"findings": [asdict(finding) for finding in findings]}, ensure_ascii=False, indent=2))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for finding in findings:
            console.print(f"{MARKS[finding.health]}  ", end="")
            console.print(f"{finding.subject}: {finding.text} {finding.advice}".rstrip(), markup=False)
    if any(finding.health is Health.FAIL for finding in findings):
        raise typer.Exit(1)


def _served(settings: Settings) -> str:
    """What to say where this installation's own server has its port, "" where it is free or another program's."""
    noted = holder(settings.files)
    if noted is None or urlsplit(noted[1]).port != settings.server.port or not pid_exists(noted[0]):
        return ""
    there = answers(settings.server.host, settings.server.port)
    return f"Tandem answers at {noted[1]} (process {noted[0]})." if there else ""


def _accounts(settings: Settings) -> dict[str, Granted]:
    """Who has an account, with what is granted to them. Raises AccountsError."""
    if not settings.collections:
        return {}
    store = Store(databases.people(settings))
    try:
        people = People(store, settings.server.users)
        return {one.name: people.granted(one.name) for one in people.everybody() if not one.removed}
    finally:
        store.close()


def _encoder(settings: Settings) -> Finding:
    """Whether what is near in meaning is found too."""
    if not settings.retrieval.semantic:
        return Finding(
            "encoder", Health.OK, "Switched off (retrieval.semantic): documents are searched by words alone."
        )
    if encoder.installed(settings):
        found = f"{encoder.place(settings).name} is on this machine"
        for which, does in _BESIDE.items():
            if not settings.retrieval.embeddings and not encoder.installed(settings, which):
                said = f"{found}; the one that {does} is not: {encoder.manifest(which).told}."
                return Finding("encoder", Health.OK, said, "Run `tandem encoder fetch`.")
        return Finding("encoder", Health.OK, f"{found}.")
    told = f"The encoder is not on this machine: documents are searched by words alone. {encoder.manifest().told}."
    return Finding("encoder", Health.OK, told, "Run `tandem encoder fetch`.")


def _run(work: Callable[[Engine], Awaitable[T]]) -> T:
    async def main() -> T:
        async with _engine() as engine:
            return await work(engine)

    return run(main())


@asynccontextmanager
async def _engine() -> AsyncIterator[Engine]:
    """The engine, not started: nothing is loaded or warmed up that was not asked for."""
    context = AppContext.open(load_settings())
    try:
        yield context.engine
    finally:
        await context.close()


async def _after_refresh(engine: Engine, work: Callable[[], Awaitable[T]]) -> T:
    await engine.models.refresh()
    return await work()


async def _listed(engine: Engine) -> list[Listed]:
    await engine.models.refresh()
    return [one for one in engine.catalog.merge(engine.models.states()) if one.info.runtime != EXTRACTIVE]


def _find(listed: list[Listed], alias: str) -> Listed:
    wanted = alias.casefold()
    for one in listed:
        if wanted in (one.info.alias.casefold(), one.info.id.casefold()):
            return one
    raise ModelError(f"No model called {alias} is known; see `tandem models list`.", kind="not_found")


def _record(one: Listed) -> dict[str, Any]:
    card = one.card.model_dump(mode="json") if one.card is not None else {}
    return {**{name: value for name, value in card.items() if value not in (None, "", [])}, **asdict(one.info)}


def _size(info: ModelInfo) -> str:
    return f"{info.size_mb / 1024:.1f} GB" if info.size_mb else ""
