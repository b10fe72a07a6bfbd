"""The models that an administrator chose in the chat, and the server that they answer on: kept beside tandem.yaml,
which stays as somebody wrote it.

Knows the file, and what it makes of the settings. The names of the variables that hold keys are in it, the keys are
not. Does not know who may choose, nor how a server is found.
"""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hybrid.settings import EndpointSettings, ModelSettings
from rag.faults import sentence
from tandem.private_files import write_private
from tandem.settings_file import SettingsError

log = logging.getLogger(__name__)

KEY_VARIABLE = re.compile(r"(?!TANDEM_)[A-Z][A-Z0-9_]{0,60}_API_KEY")
"""Variables that may hold an endpoint's key: whoever may choose a server may not have it told what else is there."""
_LARGEST_FILE = 100_000


class Chosen(BaseModel):
    """What was chosen. `instead_of` are the drafting and the refining model of the settings at the time: once these
    name others, they are the newer word."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: EndpointSettings | None = None
    draft: str = Field(min_length=1, max_length=200)
    refine: str = Field(min_length=1, max_length=200)
    instead_of: tuple[str, str]


def read(file: Path) -> Chosen | None:
    """What was chosen, None where nothing was. A file that cannot be understood chooses nothing, and is logged."""
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST_FILE:
            return None
        return Chosen.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError) as error:
        log.warning("The models chosen in the chat are not used, because %s is damaged: %s", file, error)
        return None


def keep(file: Path, chosen: Chosen) -> None:
    """Write it down: whole, or not at all. Raises SettingsError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_private(file, json.dumps(chosen.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise SettingsError(sentence("The choice counts until Tandem ends, but was not saved", error, file)) from None


def applied(models: ModelSettings, chosen: Chosen | None) -> ModelSettings:
    """The settings with what was chosen: its server is asked before all others, its models answer where the settings
    name the same ones as then."""
    if chosen is None:
        return models
    changes: dict[str, object] = {}
    if (endpoint := chosen.endpoint) is not None:
        others = tuple(one for one in models.endpoints if one.name != endpoint.name)
        changes["endpoints"] = (endpoint, *others)
    if (models.draft, models.refine) == chosen.instead_of:
        changes |= {"draft": chosen.draft, "refine": chosen.refine}
    return models.model_copy(update=changes)


def without(models: ModelSettings, chosen: Chosen | None) -> ModelSettings:
    """The settings as they are without what was chosen: what `applied` made, undone."""
    if chosen is None:
        return models
    changes: dict[str, object] = {"endpoints": tuple(one for one in models.endpoints if one != chosen.endpoint)}
    if (models.draft, models.refine) == (chosen.draft, chosen.refine):
        changes |= {"draft": chosen.instead_of[0], "refine": chosen.instead_of[1]}
    return models.model_copy(update=changes)
