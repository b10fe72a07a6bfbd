import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem.ui.batching import Batcher, Latest


class Screen:
    """Takes what is sent, slowly where told to, and notices when two sendings overlap."""

    def __init__(self, pauses: int = 0) -> None:
        self.sent: list[str] = []
        self.pauses = pauses
        self.busy = False
        self.begun = asyncio.Event()
        self.changed = asyncio.Event()

    async def show(self, text: str) -> None:
        assert not self.busy
        self.busy = True
        self.begun.set()
        for _ in range(self.pauses):
            await asyncio.sleep(0)
        self.sent.append(text)
        self.busy = False
        self.changed.set()


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=5), st.integers(0, 3)), max_size=40), st.integers(0, 4))
def test_everything_arrives_once_and_in_order(tokens: list[tuple[str, int]], pauses: int) -> None:
    async def run() -> None:
        screen = Screen(pauses)
        batcher = Batcher(screen.show, 0.001)
        for text, turns in tokens:
            batcher.add(text)
            for _ in range(turns):
                await asyncio.sleep(0)
        await batcher.flush()
        assert "".join(screen.sent) == "".join(text for text, _ in tokens)
        assert all(screen.sent)
        await batcher.close()

    asyncio.run(run())


@pytest.mark.parametrize("turns", range(6))
async def test_a_timer_that_is_due_while_the_rest_is_sent_sends_nothing_beside_it(turns: int) -> None:
    screen = Screen(pauses=turns)
    batcher = Batcher(screen.show, 0.0)  # a timer is due as soon as it is set
    batcher.add("one ")
    await screen.begun.wait()
    batcher.add("two ")
    await batcher.flush()
    assert "".join(screen.sent) == "one two " and all(screen.sent)
    await batcher.close()


async def test_the_first_word_goes_at_once_and_the_timer_sends_the_rest() -> None:
    screen = Screen()
    batcher = Batcher(screen.show, 0.02)
    batcher.add("Hello")
    await asyncio.wait_for(screen.changed.wait(), 60)
    assert screen.sent == ["Hello"]
    screen.changed.clear()
    for word in (" slow", " model"):
        batcher.add(word)
    assert screen.sent == ["Hello"]
    await asyncio.wait_for(screen.changed.wait(), 60)
    assert screen.sent == ["Hello", " slow model"]


async def test_fast_tokens_go_in_few_batches() -> None:
    screen = Screen()
    batcher = Batcher(screen.show, 60)
    for number in range(1000):
        batcher.add(f"{number} ")
        await asyncio.sleep(0)
    await batcher.flush()
    assert len(screen.sent) == 2
    assert "".join(screen.sent) == "".join(f"{number} " for number in range(1000))


async def test_discarded_text_is_never_sent() -> None:
    screen = Screen()
    batcher = Batcher(screen.show, 0.001)
    batcher.add("draft")
    batcher.discard()
    batcher.add("refined")
    await batcher.flush()
    assert screen.sent == ["refined"]


async def test_a_failure_to_send_reaches_whoever_writes() -> None:
    async def refuse(text: str) -> None:
        raise ConnectionError("gone")

    batcher = Batcher(refuse, 0.001)
    batcher.add("text")
    with pytest.raises(ConnectionError):
        await batcher.flush()
    with pytest.raises(ConnectionError):
        batcher.add("more")


async def test_a_state_that_changes_often_is_sent_once_as_it_is_in_the_end() -> None:
    screen = Screen()
    state = "searching"
    latest = Latest(lambda: screen.show(state), 0.001)
    latest.changed()
    state = "reading"
    latest.changed()
    state = "drafting"
    await screen.changed.wait()
    assert screen.sent == ["drafting"]
    latest.changed()
    state = "done"
    await latest.now()
    assert screen.sent == ["drafting", "done"]


async def test_the_last_state_waits_for_the_one_that_is_being_sent() -> None:
    screen = Screen(pauses=3)
    state = "drafting"
    latest = Latest(lambda: screen.show(state), 0.0)
    latest.changed()
    await screen.begun.wait()
    state = "done"
    await latest.now()
    assert screen.sent[-1] == "done"
    assert len(screen.sent) == 2


async def test_a_state_that_could_not_be_sent_is_sent_at_the_end() -> None:
    sent: list[str] = []
    tried = asyncio.Event()

    async def show() -> None:
        if not tried.is_set():
            tried.set()
            raise ConnectionError
        sent.append("done")

    latest = Latest(show, 0.0)
    latest.changed()
    await tried.wait()
    await latest.now()
    assert sent == ["done"]
