"""The encoders of an installation that serves: what is missing of them, fetched while people go on, and used without a
restart, by this process and by the others on this machine.

Knows one fetching at a time, how far it is and why the last one failed. Does not know who may ask for it, how a file
comes (`tandem.encoder_fetching`), nor how vectors are made.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rag.errors import UserFacingError
from rag.library import Library
from tandem import encoder, encoder_fetching
from tandem.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetching:
    """How far a fetching is: bytes `done` of `total`; speed and what is left are None until they can be told."""

    done: int
    total: int
    mb_per_s: float | None = None
    seconds_left: float | None = None


class EncoderOffer:
    """The encoders of one library. For any thread; what takes long is done in a thread of its own."""

    def __init__(self, settings: Settings, library: Library, used: Callable[[], None]) -> None:
        """`used` is called once there is an encoder that was not there before: its vectors are to be made."""
        self.fetching: Fetching | None = None
        """How far it is, None where nothing is being fetched."""
        self.problem: UserFacingError | None = None
        """Why the last fetching failed."""
        self.told: Callable[[], None] = lambda: None
        """Called when files have come, for the other processes of this machine."""
        self._settings = settings
        self._library = library
        self._used = used
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._closed = False
        self._work = ThreadPoolExecutor(1, "encoders")

    def missing(self) -> tuple[str, ...]:
        """See `tandem.encoder.missing`. Reads whole files the first time."""
        return encoder.missing(self._settings)

    def begin(self) -> None:
        """Fetch what is missing, in the background; one that is under way goes on."""
        with self._lock:
            if self.fetching is None and not self._closed:
                self.problem = None
                self._cancelled.clear()
                self.fetching = Fetching(0, 0)
                self._work.submit(self._run)

    def cancel(self) -> None:
        """Stop fetching; what was fetched whole stays, and is used."""
        self._cancelled.set()

    def look(self, told: object = None) -> None:
        """Use what another process has fetched, in the background."""
        with self._lock:
            if not self._closed:
                self._work.submit(self._take)

    def close(self) -> None:
        """Stop fetching, and wait until that is done."""
        with self._lock:
            self._closed = True
        self.cancel()
        self._work.shutdown(cancel_futures=True)

    def _run(self) -> None:
        try:
            self._fetch()
        except encoder_fetching.CancelledError:
            pass
        except UserFacingError as error:
            self.problem = error
        except Exception:
            log.exception("Fetching the encoders failed")
            self.problem = encoder.EncoderError("The encoders could not be fetched; the server's log says why.")
        if not self._closed:
            self._take()
            self.told()
        self.fetching = None

    def _fetch(self) -> None:
        parts, began = self.missing(), time.monotonic()
        total = sum(encoder.manifest(part).archive for part in parts)

        def heard(count: int) -> None:
            seconds = time.monotonic() - began
            speed = count / seconds if count and seconds else None
            left = (total - count) / speed if speed else None
            self.fetching = Fetching(count, total, speed and speed / 1e6, left)

        encoder_fetching.fetch(self._settings, log.info, parts=parts, heard=heard, cancelled=self._cancelled.is_set)

    def _take(self) -> None:
        """Use the encoders that lie on this machine by now."""
        try:
            found = encoder.embedder(self._settings)
            if found is None:
                return
            self._library.take_encoder(found)
            self._used()
            if self._library.semantics is not None:
                self._library.semantics.warm()
        except Exception:
            log.exception("The encoders that are here are not used yet")
            self.problem = encoder.EncoderError("The encoders are here and could not be used; start Tandem again.")
