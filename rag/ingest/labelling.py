"""Who may find the documents of files, also while that changes: here, in another process, on another machine.

Knows that a document is labelled by the rights of one moment, which have a number, and that the store notes by which
ones it was labelled last. Whoever stores a document by other rights than those stores it closed to everybody, until
`relabel` has put that right. Does not know collections nor people.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from rag import labels
from rag.errors import LibraryError, UserFacingError
from rag.ingest import moved
from rag.ingest.uploads import Uploads
from rag.storage import opening, relabelling
from rag.storage.sqlite_store import Store
from rag.types import FileReceipt, SyncProgress

log = logging.getLogger(__name__)

Told = Callable[[SyncProgress], None]
UNKNOWN = -1
"""The number of rights that cannot be read."""


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Labelling:
    """The labels that the documents of files get. May be called from any thread."""

    labelled: Callable[[FileReceipt], frozenset[str]]
    """The labels that the document of a file is to have, as far as is known here."""
    number: Callable[[], int] = lambda: 0
    """Of the rights by which `labelled` answers; another one as soon as some file is to have other labels."""
    look: Callable[[], None] = _nothing
    """Has `labelled` and `number` know what others have changed. Raises UserFacingError."""
    close: Callable[[], None] = _nothing
    """Lets go of where the rights are kept."""

    def of(self, receipt: FileReceipt, by: int) -> frozenset[str]:
        """The labels by the rights of the number `by`; where others are known here, those that close it to all."""
        before, found = self.number(), self.labelled(receipt)
        return found if before == self.number() == by else labels.UNSETTLED


@dataclass(frozen=True, slots=True)
class Planned:
    """Rights that are to be: what files' documents get by them, and what writes them down. `save` raises
    UserFacingError; then all stays as it was."""

    labelled: Callable[[FileReceipt], frozenset[str]]
    number: int
    save: Callable[[], None]


class Relabelling:
    """Keeps the labels of one library as the rights have them. For any thread."""

    def __init__(
        self,
        store: Store,
        uploads: Uploads,
        labelling: Labelling | None,
        access: Callable[[bool], AbstractContextManager[None]],
        follow: Callable[[Told], None],
    ) -> None:
        """Who writes has `access`, at once where it is urgent; `follow` has the index hold what the store does."""
        self._store = store
        self._uploads = uploads
        self._labelling = labelling
        self._access = access
        self._follow = follow
        self.closed = False
        """Whether documents could not be given the labels that they are to have: until they are, nobody reads any but
        who may read all."""
        self.behind = False
        """Whether the rights are older than the labels: some were lost, by a restore say. Then nothing is opened by
        them, until they are changed."""
        self._left: tuple[int, int] | None = None
        self.progress: SyncProgress | None = None
        """How far the index is that follows such a change; None where none does."""

    def at_open(self) -> None:
        """Give stored documents the labels that their files have by now. Searches heed it when this returns, and the
        index follows with the next write. Where the rights cannot be read, nobody reads anything until `settle` could.
        Raises LibraryError."""
        store, labelling = self._store, self._labelling
        with opening.in_words(store.connections.path):
            if not store.connections.reading:
                moved.adopt(store, self._uploads)
            if labelling is None:
                return
            back = labelling.number() < relabelling.number_of(store)
            changed = len(relabelling.differing(store, self._wanted(labelling.labelled), closing=back))
            relabelling.check_writable(store, changed)
            if changed or not (self._settled(labelling) or store.connections.reading):
                try:
                    self._relabel(labelling)
                except LibraryError:
                    raise
                except UserFacingError as error:
                    log.warning("Nobody finds any document until it is known who may: %s", error)
                    self.closed = True

    def settle(self) -> None:
        """Give documents the labels that their files have by now, where anybody has changed that, and have the index
        follow. Quick where nobody has. Raises LibraryError or UserFacingError; then nobody reads anything until it
        succeeds."""
        labelling = self._labelling
        if labelling is None or (self._settled(labelling) and not self.closed):
            return
        try:
            with self._access(True):
                changed = self._relabel(labelling)
        except BaseException:
            self.closed = True
            raise
        self.closed = False
        if changed:
            self.follow()

    def change(self, plan: Callable[[], Planned]) -> int:
        """Change who may read which files: the labels and what is planned are both there when this returns, or
        neither. Of two who change at once, the second plans when the first has done. How many documents had other
        labels; the index is to `follow`. Raises LibraryError or UserFacingError."""
        saved = False
        try:
            with self._access(True), self._store.transaction():
                planned = plan()
                count = relabelling.relabel(self._store, self._wanted(planned.labelled), planned.number)
                planned.save()  # last, so that nothing of it is known where documents could not be relabelled
                saved = True
            self.behind = False
        except BaseException:
            self.closed = self.closed or saved
            raise
        return count

    def follow(self) -> None:
        """Have the index of this process hold the labels that the store does: until then the words of documents that
        were closed are still counted in it, though nobody finds these. Raises LibraryError."""
        if self._store.generation == self._store.indexed:
            return
        try:
            with self._access(False):
                self._follow(lambda progress: setattr(self, "progress", progress))
        finally:
            self.progress = None

    def close(self) -> None:
        """Let go of where the rights are kept."""
        if self._labelling is not None:
            self._labelling.close()

    def _settled(self, labelling: Labelling) -> bool:
        number, noted = labelling.number(), relabelling.number_of(self._store)
        return (number, noted) == self._left or (number == noted and not relabelling.unsettled(self._store))

    def _relabel(self, labelling: Labelling) -> int:
        with self._store.transaction():
            # Whoever changes rights has this turn meanwhile, so what is read now is what is.
            labelling.look()
            number, noted = labelling.number(), relabelling.number_of(self._store)
            self.behind = number < noted
            self._left = (number, noted) if self.behind else None
            return relabelling.relabel(self._store, self._wanted(labelling.labelled), number, closing=self.behind)

    def _wanted(self, labelled: Callable[[FileReceipt], frozenset[str]]) -> relabelling.Wanted:
        def wanted() -> dict[int, frozenset[str]]:
            known = [one for one in self._store.receipts().values() if not self._uploads.holds(one.receipt.root)]
            return {one.document: labelled(one.receipt) for one in known if one.document}

        return wanted
