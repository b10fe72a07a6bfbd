"""Files of JSON, one object a line -> records of one shape.

Knows how such a file is read and what to say when it cannot be. Does not know what the records mean.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from rag.errors import UserFacingError

Record = TypeVar("Record", bound=BaseModel)


class LinesError(UserFacingError):
    """A file of JSON lines cannot be used; the sentence says what is wrong with it."""


def read(file: Path, shape: type[Record], minimum: int = 1) -> list[Record]:
    """The file's records; blank lines are passed over. Raises LinesError, also for fewer than `minimum`."""
    records: list[Record] = []
    try:
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    records.append(shape.model_validate_json(line))
                except ValidationError as problem:
                    first = problem.errors()[0]
                    place = ".".join(map(str, first["loc"]))
                    what = f"{place}: {first['msg']}" if place else first["msg"]
                    raise LinesError(f"{file.name}, line {number}: {what}; correct the line.") from None
    except OSError as error:
        raise LinesError(f"{file} cannot be read ({error.strerror}); check the path.") from None
    except UnicodeDecodeError:
        raise LinesError(f"{file.name} is not written in UTF-8; save it as UTF-8.") from None
    if len(records) < minimum:
        raise LinesError(f"{file.name} has {len(records)} lines; this needs at least {minimum}.")
    return records
