"""Tells thinking from answering where a server mixes both into one text.

Knows three notations: the harmony format of gpt-oss (`<|channel|>analysis<|message|>…<|end|>`), `<think>…</think>`, and
tool calls written out as text. Does not know who sent the text.

Harmony: https://cookbook.openai.com/articles/openai-harmony, of which only the channels matter here: "final" is the
answer, every other channel is thinking.
"""

from __future__ import annotations

import re
from enum import Enum, auto

_MARK = re.compile(r"<\|(?:start|channel|message|end|return|call|constrain)\|>|</?think>|</?tool_call>", re.IGNORECASE)
_LONGEST = len("<|constrain|>")


class _In(Enum):
    ANSWER = auto()
    THOUGHT = auto()
    HEADER = auto()
    DROPPED = auto()


class Splitter:
    """Feed it the pieces of one stream; it hands back what each adds to the answer and to the thinking.

    A mark may be cut anywhere between two pieces: what could still become one is held back until it is decided.
    """

    def __init__(self) -> None:
        self._held = ""
        self._in = _In.ANSWER
        self._channel = ""

    def push(self, piece: str) -> tuple[str, str]:
        """The (answer, thinking) that `piece` completes."""
        if not self._held and self._in is _In.ANSWER and "<" not in piece:
            return piece, ""
        text = self._held + piece
        cut = _could_open(text)
        self._held = text[cut:]
        return self._take(text[:cut])

    def finish(self) -> tuple[str, str]:
        """What was held back when the stream ended."""
        text, self._held = self._held, ""
        return self._take(text)

    def _take(self, text: str) -> tuple[str, str]:
        answer: list[str] = []
        thinking: list[str] = []
        at = 0
        for mark in _MARK.finditer(text):
            self._put(text[at : mark.start()], answer, thinking)
            self._turn(mark.group().lower())
            at = mark.end()
        self._put(text[at:], answer, thinking)
        return "".join(answer), "".join(thinking)

    def _put(self, text: str, answer: list[str], thinking: list[str]) -> None:
        if self._in is _In.ANSWER:
            answer.append(text)
        elif self._in is _In.THOUGHT:
            thinking.append(text)
        elif self._in is _In.HEADER:
            self._channel += text

    def _turn(self, mark: str) -> None:
        if mark == "<|channel|>":
            self._in, self._channel = _In.HEADER, ""
        elif mark == "<|message|>":
            final = self._channel.strip().lower().startswith("final")
            self._in = _In.ANSWER if final or not self._channel else _In.THOUGHT
        elif mark in ("<think>",):
            self._in = _In.THOUGHT
        elif mark in ("</think>", "</tool_call>", "<|end|>", "<|return|>", "<|call|>"):
            self._in = _In.ANSWER
        elif mark in ("<|start|>", "<tool_call>"):
            self._in, self._channel = _In.DROPPED, ""


def _could_open(text: str) -> int:
    """Where the text must be cut because its tail might be the beginning of a mark; its length if it cannot."""
    at = text.rfind("<", max(0, len(text) - _LONGEST))
    if at == -1 or _MARK.match(text, at):
        return len(text)
    tail = text[at:].lower()
    marks = ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>", "<|call|>", "<|constrain|>")
    tags = ("<think>", "</think>", "<tool_call>", "</tool_call>")
    return at if any(mark.startswith(tail) for mark in marks + tags) else len(text)
