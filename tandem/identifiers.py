"""What a client may choose by itself: names of sessions, conversations, elements and files, and never a path.

Knows the one form that such a name may have, and how a path is kept inside its folder. Does not know what is named.
"""

from __future__ import annotations

import re
from pathlib import Path

from rag.errors import UserFacingError

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ID = re.compile(_UUID)
# What Tandem's own elements are called: the message under which they stand, and what they are.
_ELEMENT = re.compile(rf"(?:[a-z]{{1,20}}-)?{_UUID}")


class OutsideError(UserFacingError):
    """A path would have led out of its folder."""


def is_id(value: object) -> bool:
    """Whether this is a UUID as browsers and servers write it: 36 characters, small letters.

    >>> is_id("0b7e0ad4-7a53-4f6b-9f65-0d0e6a3f2f11"), is_id("../added"), is_id(None)
    (True, False, False)
    """
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_element_id(value: object) -> bool:
    """Whether this may be the id of an element: a UUID, or one after a word and a hyphen."""
    return isinstance(value, str) and _ELEMENT.fullmatch(value) is not None


def confined(folder: Path, name: str) -> Path:
    """The place of `name` directly in `folder`. Raises OutsideError where it would lie elsewhere, by dots, separators
    or a link."""
    home = folder.resolve()
    place = (home / name).resolve()
    if place.parent != home or place.name != name:
        raise OutsideError("This name leads out of its folder, so nothing was done; reload the page.")
    return place
