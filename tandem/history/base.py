"""What a history of conversations is, whatever keeps it.

Knows Chainlit's records and what every history must do with them; tests/contracts/test_histories.py asks it of each.
Does not know a database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast

from chainlit.data import get_data_layer
from chainlit.element import Element, ElementDict
from chainlit.step import StepDict
from chainlit.types import Feedback, PaginatedResponse, Pagination, ThreadDict, ThreadFilter
from chainlit.user import PersistedUser, User

from rag.errors import UserFacingError


class HistoryError(UserFacingError):
    """The conversations cannot be opened, or belong to somebody else."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a conversation in somebody's list; None leaves a thing as it is."""

    pinned: bool | None = None
    archived: bool | None = None
    tags: Sequence[str] | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of somebody's conversations are looked for: those in the list, or those in the archive; with these words in
    them, with this tag; `after` so many."""

    place: Literal["list", "archive"] = "list"
    words: str = ""
    tag: str = ""
    after: int = 0
    limit: int = 30


@dataclass(frozen=True, slots=True)
class Shelved:
    """A conversation as it stands in somebody's list."""

    id: str
    name: str
    updated: str
    pinned: bool
    archived: bool
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A page of somebody's conversations; how many are wanted in all, how many lie in the archive, and how often each
    tag is used there where one looks."""

    shown: tuple[Shelved, ...]
    matching: int
    archived: int
    tags: Mapping[str, int] = field(default_factory=dict)


class History(Protocol):
    """The conversations of an installation: Chainlit's data layer, as far as it is asked, and what the chat keeps
    besides.

    Whoever writes owns what is written to, or HistoryError is raised and nothing changes. What cannot be written now is
    kept in memory, shown as if it were written, and written as soon as it can be; `problem` says so meanwhile. Nothing
    blocks the event loop.
    """

    @property
    def problem(self) -> str:
        """Why conversations cannot be written now, in a sentence that names no place; "" where they can."""

    async def close(self) -> None:
        """Finish what is being written, then let go."""

    # Users

    async def get_user(self, identifier: str) -> PersistedUser | None: ...

    async def create_user(self, user: User) -> PersistedUser | None: ...

    async def settings_of(self, user_id: str) -> dict[str, Any]:
        """What the user last chose in the settings panel, for new conversations."""

    async def remember_settings(self, user_id: str, thread_id: str, values: dict[str, Any]) -> None:
        """Keep what was chosen, for the user's new conversations and for this one when it is resumed."""

    # Conversations, which Chainlit calls threads

    async def get_thread_author(self, thread_id: str) -> str: ...

    async def get_thread(self, thread_id: str) -> ThreadDict | None: ...

    async def list_threads(self, pagination: Pagination, filters: ThreadFilter) -> PaginatedResponse[ThreadDict]:
        """A page of a user's threads, those that are pinned first, then latest activity first, without their steps;
        what is archived is not among them, until something is asked there again."""

    async def arrange(self, owner: str, thread_id: str, change: Change) -> None:
        """Pin, archive, tag or rename it. Raises HistoryError where it is not `owner`'s."""

    async def shelved(self, owner: str, thread_id: str) -> Shelved | None:
        """One conversation of somebody, None where it is not theirs or not there."""

    async def shelf(self, owner: str, wanted: Wanted) -> Shelf:
        """The conversations of somebody that are `wanted`, with all their tags."""

    async def update_thread(
        self,
        thread_id: str,
        name: str | None = None,
        user_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        tags: list[str] | None = None,
    ) -> None:
        """Change what is given; metadata merges, and None in it deletes. Only a thread with a user is made anew."""

    async def delete_thread(self, thread_id: str) -> None: ...

    async def unused_since(self, moment: str, limit: int) -> list[str]:
        """At most so many conversations in which nothing happened since a moment (in Chainlit's form), oldest first."""

    # What was said, and what stands beside it

    async def create_step(self, step_dict: StepDict) -> None: ...

    async def update_step(self, step_dict: StepDict) -> None: ...

    async def delete_step(self, step_id: str) -> None: ...

    async def keep_step(self, step_dict: StepDict) -> None:
        """As `update_step`, where there is no session."""

    async def keep_element(self, element: Element) -> None:
        """Keep an element that the server made, or its new state."""

    async def keep_element_record(self, record: dict[str, Any]) -> None:
        """As `keep_element`, of what the page gets."""

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None: ...

    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None: ...

    # What people think of it

    async def upsert_feedback(self, feedback: Feedback) -> str:
        """Keep a thumb and its comment; one a step. Raises HistoryError where the step is not the caller's."""

    async def delete_feedback(self, feedback_id: str) -> bool: ...


def history() -> History:
    """The data layer of this process, which app.py makes a History."""
    return cast(History, get_data_layer())
