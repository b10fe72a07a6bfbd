"""What a history of conversations is, whatever keeps it.

Knows Chainlit's records and what every history must do with them; tests/contracts/test_histories.py asks it of each.
Does not know a database.
"""

from __future__ import annotations

from typing import Any, Protocol

from chainlit.element import Element, ElementDict
from chainlit.step import StepDict
from chainlit.types import Feedback, PaginatedResponse, Pagination, ThreadDict, ThreadFilter
from chainlit.user import PersistedUser, User

from rag.errors import UserFacingError


class HistoryError(UserFacingError):
    """The conversations cannot be opened, or belong to somebody else."""


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
        """A page of a user's threads, latest activity first, without their steps."""

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

    # What was said, and what stands beside it

    async def create_step(self, step_dict: StepDict) -> None: ...

    async def update_step(self, step_dict: StepDict) -> None: ...

    async def delete_step(self, step_id: str) -> None: ...

    async def keep_element(self, element: Element) -> None:
        """Keep an element that the server made, or its new state."""

    async def get_element(self, thread_id: str, element_id: str) -> ElementDict | None: ...

    async def delete_element(self, element_id: str, thread_id: str | None = None) -> None: ...

    # What people think of it

    async def upsert_feedback(self, feedback: Feedback) -> str:
        """Keep a thumb and its comment; one a step. Raises HistoryError where the step is not the caller's."""

    async def delete_feedback(self, feedback_id: str) -> bool: ...
