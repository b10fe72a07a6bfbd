import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem.bench import chat
from tandem.bench.chat_people import BenchError, Reader
from tandem.bench.metronome import read, spelt

BEGUN = f"begun{spelt(1_700_000_000_000)}"


async def test_every_client_reads_every_word_in_order_and_finds_it_in_the_history() -> None:
    measured = await chat.measure(clients=3, rate=200, seconds=0.5)
    assert measured["complete"]
    assert measured["in_order"]
    assert measured["in_history"] == 3
    assert measured["tokens_per_s_min"] > 0
    assert measured["memory_start_mb"] > 0


@given(cuts=st.lists(st.integers(0, 60), max_size=10), words=st.integers(1, 30))
def test_words_count_once_wherever_the_stream_is_cut(cuts: list[int], words: int) -> None:
    text = f"{BEGUN} {' '.join(f'wq{spelt(n)}' for n in range(words))}. "
    borders = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    reader = Reader(due=100.0)
    for start, end in pairwise(borders):
        reader.read(text[start:end])
    assert reader.numbers == list(range(words))
    assert len(reader.lags_ms) == words


@given(st.integers(0, 10**13))
def test_numbers_are_spelt_in_letters_and_read_again(number: int) -> None:
    assert spelt(number).isalpha()
    assert read(spelt(number)) == number


def test_the_whole_answer_brings_only_what_no_piece_has() -> None:
    reader = Reader(due=100.0)
    reader.read(f"{BEGUN} wqa wqb wqc")
    reader.read_whole(f"{BEGUN} wqa wqb wqc wqd.")
    assert reader.numbers == [0, 1, 2, 3]
    assert reader.in_order


async def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    with pytest.raises(BenchError, match="did not start"):
        async with asyncio.timeout(60), chat.server(1, 10.0, 1):
            pass
