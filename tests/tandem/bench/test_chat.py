import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import UserFacingError
from tandem.bench import chat
from tandem.bench.chat_people import BenchError, Reader
from tandem.bench.held import Bound, between, climb
from tandem.bench.relay import document, stream_of, whole, words
from tests.support.terminal import Tandem


async def test_every_client_reads_every_word_in_order_and_finds_it_in_the_history() -> None:
    measured = await chat.measure(clients=3, rate=200, seconds=0.5)
    assert measured["complete"]
    assert measured["in_order"]
    assert measured["in_history"] == 3
    assert measured["tokens_per_s_min"] > 0
    assert measured["memory_start_mb"] > 0


@given(cuts=st.lists(st.integers(0, 300), max_size=10), count=st.integers(1, 60), stream=st.integers(0, 300))
def test_words_count_once_wherever_the_stream_is_cut(cuts: list[int], count: int, stream: int) -> None:
    text = " ".join(words(stream, count)) + " "
    borders = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    reader = Reader(due=100.0)
    for start, end in pairwise(borders):
        reader.read(text[start:end])
    assert reader.words == words(stream, count)
    reader.place({stream: 0.0})
    assert reader.in_order
    assert len(reader.lags_ms) == count


@pytest.mark.parametrize("spoilt", ["lost", "twice", "swapped", "another's"])
def test_a_stream_that_is_not_read_word_for_word_is_found_out(spoilt: str) -> None:
    told = words(3, 200)
    at = 120
    match spoilt:
        case "lost":
            del told[at]
        case "twice":
            told.insert(at, told[at])
        case "swapped":
            told[at], told[at + 1] = told[at + 1], told[at]
        case _:
            told[at:] = words(4, 200)[at:]
    reader = Reader(due=100.0)
    reader.read(" ".join(told) + " ")
    reader.place({2: 0.0, 3: 0.0, 4: 0.0})
    assert reader.stream == 3
    assert not reader.in_order


def test_the_checked_answer_brings_only_what_no_piece_has() -> None:
    told = words(7, 45)
    reader = Reader(due=100.0)
    reader.read(" ".join(told[:44]) + " " + told[44][:2])
    cited = " ".join(told[:20]).replace(".", " [1].") + "\u00a0[?] " + " ".join(told[20:]) + " [2]"
    reader.read_whole(f'{cited}\n\n[1]: #source-1 "a: b"\n[2]: #source-2 "c"')
    assert reader.words == told
    reader.place({7: 0.0})
    assert reader.in_order


def test_no_two_of_hundreds_of_streams_begin_alike() -> None:
    streams = range(200)
    assert [stream_of(words(one, 40), streams) for one in streams] == list(streams)


@given(count=st.integers(7, 4000), stream=st.integers(0, 300))
def test_what_is_said_is_whole_sentences_of_the_document_and_none_twice(count: int, stream: int) -> None:
    said = " ".join(words(stream, whole(count)))
    sentences = said.split(". ")
    assert said.endswith(".")
    assert len(set(sentences)) == len(sentences)
    assert all(fact.rstrip(".") in document() for one in sentences for fact in one.split(" and "))


def test_a_reader_of_something_else_read_no_stream() -> None:
    reader = Reader(due=100.0)
    reader.read("The documents say nothing about this. ")
    reader.place({0: 0.0, 1: 0.0})
    assert reader.stream is None and not reader.in_order and reader.lags_ms == []


@given(limit=st.integers(0, 500), first=st.integers(1, 500), most=st.integers(1, 400))
def test_how_many_are_held_lies_between_one_number_that_is_and_one_that_is_not(
    limit: int, first: int, most: int
) -> None:
    levels: list[dict[str, float]] = []

    async def held(clients: int) -> bool:
        levels.append({"clients": clients, "held": clients <= limit, "lag_p95_ms": 1000.0 * clients / (limit + 0.5)})
        return clients <= limit

    asyncio.run(climb(held, first, most))
    asked = [level["clients"] for level in levels]
    assert len(asked) == len(set(asked)) <= 25 and max(asked) <= most
    assert between(levels, 1000) == min(limit, most)


@pytest.mark.parametrize(
    ("lag", "rate", "sound", "right"),
    [(900, 99, True, True), (1100, 99, True, False), (900, 90, True, False), (900, 99, False, False)],
)
def test_what_counts_as_held(lag: float, rate: float, sound: bool, right: bool) -> None:
    level = {"complete": True, "in_order": sound, "lag_p95_ms": lag, "tokens_per_s_median": rate}
    assert Bound(1000).holds(level, 100) is right


def test_one_process_is_compared_with_several(tandem: Tandem) -> None:
    for given_, said in ((("--workers", "1", "--database", "x"), "--workers"), (("--workers", "4"), "--database")):
        error = tandem("bench", "chat", "--held-within", "1000", *given_).exception
        assert isinstance(error, UserFacingError) and said in str(error)


async def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    with pytest.raises(BenchError, match="did not start"):
        async with asyncio.timeout(60), chat.server(1, 10.0, 1):
            pass
