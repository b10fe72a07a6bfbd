import chainlit as cl
from chainlit.context import init_http_context

from hybrid.answering.pipeline import Turn
from tandem.ui.answering import TURNS, turns


def asked(text: str) -> cl.Message:
    return cl.Message(text, type="user_message")


def answered(text: str | None) -> cl.Message:
    return cl.Message("shown", metadata={"answer": text} if text is not None else None)


async def test_the_conversation_before_a_message() -> None:
    init_http_context()
    last = answered("c")
    messages = [asked("1"), answered("a"), asked("2"), answered(None), asked("3"), answered("b"), answered("b2"), last]
    assert turns(messages, "new") == (Turn("1", "a"), Turn("3", "c"))
    assert turns(messages, last.id) == (Turn("1", "a"), Turn("3", "b2"))
    assert turns([], "new") == ()


async def test_only_the_latest_turns_are_told() -> None:
    init_http_context()
    messages = [message for n in range(TURNS + 5) for message in (asked(str(n)), answered(f"a{n}"))]
    told = turns(messages, "new")
    assert len(told) == TURNS
    assert told[-1] == Turn(str(TURNS + 4), f"a{TURNS + 4}")
