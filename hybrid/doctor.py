"""Examines what answers depend on: runtime, catalog, endpoints, models, disk, memory, processors, rights.

Knows what to look at and what to advise, and has the models answer two questions. Does not know who prints it, or which
ports are wanted.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from hybrid.engine import Engine
from hybrid.errors import ModelError
from hybrid.models.catalogue import Listed
from hybrid.models.check import LONG_S, Checked, together
from hybrid.models.lifecycle import room
from hybrid.runtimes.base import ModelState
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from hybrid.runtimes.foundry import Foundry

_GB = 1024**3
_LOOKUP_S, _TRIAL_S = 30.0, 120.0
_LEAST_DISK_GB, _LEAST_MEMORY_GB = 5.0, 4.0


class Health(StrEnum):
    """OK needs nothing; WARN works with less; FAIL does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do (empty where nothing is to be done)."""

    subject: str
    health: Health
    text: str
    advice: str = ""


async def examine(engine: Engine, *, data_dir: Path, ports: Iterable[tuple[str, int]] = ()) -> list[Finding]:
    """Every finding, in the order in which things depend on each other. `ports` are the (host, port) to be bound.

    The engine need not be started. Takes as long as its slowest catalog, at most half a minute, and as the models that
    are here take to answer two questions.
    """
    before = time.monotonic()
    try:
        async with asyncio.timeout(_LOOKUP_S):
            await engine.models.refresh()
    except TimeoutError:
        pass
    seconds = time.monotonic() - before
    findings = [_library(), *_runtimes(engine, seconds), *_models(engine), *await _tried(engine)]
    findings += [*await asyncio.to_thread(_machine, data_dir), *await _processors(engine)]
    return findings + [_port(host, port) for host, port in ports]


def _library() -> Finding:
    try:
        return Finding("runtime", Health.OK, f"foundry-local-sdk {version('foundry-local-sdk')} is installed.")
    except PackageNotFoundError:
        advice = "Run `pip install foundry-local-sdk`, or use an OpenAI-compatible server (models.endpoints)."
        return Finding("runtime", Health.WARN, "The Foundry Local runtime is not installed.", advice)


def _runtimes(engine: Engine, seconds: float) -> list[Finding]:
    findings = []
    states = engine.models.states()
    for runtime in engine.models.runtimes:
        if runtime.name == EXTRACTIVE:
            continue
        subject = "catalog" if isinstance(runtime, Foundry) else f"endpoint {runtime.name}"
        count = sum(info.runtime == runtime.name for info in states)
        problem = engine.models.problems.get(runtime.name)
        if problem is not None:
            findings.append(Finding(subject, Health.FAIL, problem, "Start it or mend its address in tandem.yaml."))
        elif not count:
            advice = (
                "Connect this machine to the network once, or register a model of your own: `tandem models register`."
                if isinstance(runtime, Foundry)
                else "Load a model there."
            )
            findings.append(Finding(subject, Health.WARN, f"It lists no model (asked in {seconds:.1f} s).", advice))
        else:
            listed = "one model" if count == 1 else f"{count} models"
            findings.append(Finding(subject, Health.OK, f"It lists {listed} (asked in {seconds:.1f} s)."))
    return findings


def _models(engine: Engine) -> list[Finding]:
    listed = {entry.info.alias: entry for entry in reversed(engine.listing())}
    return [
        _model(role, alias, engine, listed.get(alias))
        for role, alias in (("draft", engine.settings.draft), ("refine", engine.settings.refine))
    ]


def _model(role: str, alias: str, engine: Engine, entry: Listed | None) -> Finding:
    subject = f"{role} model"
    if engine.models.usable(alias):
        return Finding(subject, Health.OK, f"{alias} is on this machine or at an endpoint.")
    meanwhile = "answers quote the documents meanwhile" if role == "draft" else "drafts stand as they are meanwhile"
    if entry is not None and entry.info.state is ModelState.DOWNLOADABLE:
        size = f" ({entry.info.size_mb / 1024:.1f} GB)" if entry.info.size_mb else ""
        return Finding(
            subject,
            Health.WARN,
            f"{alias} is not downloaded{size}; {meanwhile}.",
            f"Run `tandem models download {alias}`.",
        )
    return Finding(
        subject,
        Health.WARN,
        f"{alias} was not found; {meanwhile}.",
        f"See `tandem models list`, then set models.{role} in tandem.yaml.",
    )


async def _tried(engine: Engine) -> list[Finding]:
    """What the models that are here make of two questions, and how long they take."""
    findings: list[Finding] = []
    done: dict[str, Checked] = {}
    aliases = {"draft": engine.settings.draft, "refine": engine.settings.refine}
    for role, alias in aliases.items():
        if alias == EXTRACTIVE or not engine.models.usable(alias):
            continue
        subject, other = f"{role} model, tried", f"Set another models.{role}: see `tandem models list`."
        try:
            async with asyncio.timeout(_TRIAL_S):
                done[role] = await engine.lifecycle.check(alias)
        except TimeoutError:
            text = f"{alias} has not answered two questions in {_TRIAL_S:g} s."
            findings.append(Finding(subject, Health.WARN, text, other))
        except ModelError as error:
            refused = error.kind == "refused"
            text = f"{error}" if refused else f"{alias} could not be tried: {error}"
            findings.append(Finding(subject, Health.FAIL if refused else Health.WARN, text, other))
    if "draft" in done:
        findings.append(Finding("draft model, tried", Health.OK, done["draft"].told))
    if "draft" in done and "refine" in done:
        slow = done["refine"].draft_s > LONG_S
        advice = "Set escalation.mode to never, or a smaller model as models.refine." if slow else ""
        text = together(done["draft"], done["refine"])
        findings.append(Finding("speed", Health.WARN if slow else Health.OK, text, advice))
    return findings


def _machine(data_dir: Path) -> list[Finding]:
    place, bytes_free = room(data_dir)
    disk, memory = bytes_free / _GB, psutil.virtual_memory()
    free, total = memory.available / _GB, memory.total / _GB
    findings = [
        _amount(
            "disk", disk, _LEAST_DISK_GB, f"{disk:.1f} GB are free at {place}.", "Make room before downloading models."
        ),
        _amount(
            "memory",
            free,
            _LEAST_MEMORY_GB,
            f"{free:.1f} of {total:.1f} GB are free.",
            "Close something, or choose a smaller model: phi-4-mini wants 4 GB, gpt-oss-20b 16 GB.",
        ),
    ]
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir):
            pass
        findings.append(Finding("permissions", Health.OK, f"{data_dir} can be written."))
    except OSError as error:
        advice = "Give yourself the right to write there, or set another data_dir in tandem.yaml."
        findings.append(
            Finding("permissions", Health.FAIL, f"{data_dir} cannot be written ({error.strerror}).", advice)
        )
    return findings


def _amount(subject: str, found: float, least: float, text: str, advice: str) -> Finding:
    return Finding(subject, Health.OK, text) if found >= least else Finding(subject, Health.WARN, text, advice)


async def _processors(engine: Engine) -> list[Finding]:
    cores = os.cpu_count() or 1
    findings = [Finding("processor", Health.OK, f"{cores} cores.")]
    for runtime in engine.models.runtimes:
        if isinstance(runtime, Foundry):
            try:
                providers = await runtime.providers()
            except ModelError:
                continue
            if providers:
                findings.append(Finding("execution providers", Health.OK, ", ".join(providers)))
            else:
                advice = "Models run on the processor; with a GPU, install its driver and start Tandem again."
                findings.append(
                    Finding("execution providers", Health.WARN, "No GPU or NPU provider was found.", advice)
                )
    return findings


def _port(host: str, port: int) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            advice = "Stop what uses it, or set another server.port."
            return Finding("port", Health.WARN, f"{host}:{port} cannot be bound ({error.strerror}).", advice)
    return Finding("port", Health.OK, f"{host}:{port} is free.")
