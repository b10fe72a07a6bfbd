"""What a front door asks: the question, the conversation before it, and what it wants otherwise than the settings.

Knows shapes only. Does not know how an answer comes about.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hybrid.settings import EscalationSettings, GenerationSettings
from rag.principal import ANYBODY, Principal


@dataclass(frozen=True, slots=True)
class Options:
    """What one question asks otherwise than the settings; None leaves it to them.

    `collections` are the only ones to search, "" for what belongs to none. `draft_text` skips the draft stage and
    refines this text ("ask the large model"). `accept_all` shows whatever was written, which is for measuring a model,
    or what acceptance is worth, and for nothing else.
    """

    draft: str | None = None
    refine: str | None = None
    escalation: EscalationSettings | None = None
    generation: GenerationSettings | None = None
    passages: int | None = None
    collections: tuple[str, ...] | None = None
    draft_text: str = ""
    accept_all: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of the conversation, and the answer that was shown."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and by whom: `principal` finds what they may read and nothing else. `user` is an opaque id for
    fair queueing; `conversation` groups traces, and its files are searched too: the front door says that it is theirs.
    """

    text: str
    history: tuple[Turn, ...] = ()
    conversation: str = ""
    user: str = ""
    principal: Principal = ANYBODY
    options: Options = field(default_factory=Options)
