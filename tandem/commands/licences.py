"""`tandem licences`: under which licence each library is that Tandem needs, and whether that fits its own.

Knows what a package says of its licence, and which were looked up by hand (licences.yaml). Does not judge the models:
models.yaml and their makers say what holds for them.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import regex
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rag.errors import UserFacingError

PROJECT = "tandem-assistant"
LOOKED_UP = Path(__file__).with_name("licences.yaml")
_FORBIDDEN = regex.compile(
    r"(?<![\w])(?:A?GPL(?:[-v ]?\d|\b)|GNU (?:Affero )?General Public)|\bAffero\b|\bSSPL\b", regex.I
)
_LESSER = regex.compile(r"\bLGPL\w*|GNU (?:Lesser|Library) General Public\w*", regex.I)
_NO_LICENCE = {"", "unknown", "dual license", "other/proprietary license"}
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Licensed:
    """A library and its licence, "" where it says none. `reason` says why it may be used where that was looked up;
    `problem` why it may not."""

    name: str
    version: str
    licence: str
    reason: str = ""
    problem: str = ""


def licences(*, json: bool) -> None:
    """Print every library with its licence. Raises UserFacingError where one does not fit or is not known."""
    found = [judged(one, looked_up()) for one in needed(PROJECT)]
    if json:
        print(jsonlib.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
    else:
        for one in found:
            print(f"{one.name} {one.version}: {one.licence or 'none given'}{f' ({one.reason})' if one.reason else ''}")
    if wrong := [one for one in found if one.problem]:
        named = "; ".join(f"{one.name}: {one.problem}" for one in wrong)
        raise UserFacingError(f"{named}. Do without them, or look their licences up and note why they fit.")


def looked_up() -> dict[str, dict[str, str]]:
    """What licences.yaml says, by the library's name."""
    written = yaml.safe_load(LOOKED_UP.read_text(encoding="utf-8")) or {}
    return {canonicalize_name(name): entry for name, entry in written.items()}


def needed(project: str) -> list[Distribution]:
    """What is installed of all that a project needs, with every extra, by name."""
    found: dict[str, Distribution] = {}
    waiting = [(project, frozenset({"*"}))]
    met: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in met:
            continue
        met.add((name, extras))
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # for another system, or an extra that is not installed
        found[canonicalize_name(name)] = package
        for line in package.requires or []:
            wanted = Requirement(line)
            offered = set(package.metadata.get_all("Provides-Extra") or []) if "*" in extras else extras
            if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *offered)):
                waiting.append((canonicalize_name(wanted.name), frozenset(wanted.extras)))
    found.pop(canonicalize_name(project), None)
    return [found[name] for name in sorted(found)]


def judged(package: Distribution, known: Mapping[str, Mapping[str, str]]) -> Licensed:
    """A library with its licence, and whether that fits."""
    name = canonicalize_name(package.metadata["Name"])
    entry = known.get(name)
    licence = _stated(package)
    if entry is not None:
        return Licensed(name, package.version, entry["licence"], entry["reason"])
    if licence.casefold() in _NO_LICENCE:
        return Licensed(name, package.version, "", problem="it does not say under which licence it is")
    if not fits(licence):
        return Licensed(name, package.version, licence, problem=f"{licence} does not fit the MIT licence")
    return Licensed(name, package.version, licence)


def fits(licence: str) -> bool:
    """Whether one of the licences that may be chosen from is neither the GPL nor the AGPL."""
    choices = regex.split(r"\s+OR\s+|\s*;\s*", licence)
    return any(not _FORBIDDEN.search(_LESSER.sub("lesser", choice)) for choice in choices)


def _stated(package: Distribution) -> str:
    """The licence that a package's metadata states, at best as an SPDX expression."""
    return next((stated for stated in _statements(package) if stated), "")


def _statements(package: Distribution) -> Iterator[str]:
    about = package.metadata
    yield (about.get_all("License-Expression") or [""])[0]
    lines = [str(line) for line in about.get_all("Classifier") or [] if "License ::" in line]
    yield " AND ".join(last for line in lines if (last := line.rpartition(" :: ")[2]) != "OSI Approved")
    text = about["License"].strip() if "License" in about else ""
    yield text.splitlines()[0][:_LONGEST] if text else ""
