"""How long measuring will take, in words, and what can be left out.

Knows arithmetic. Does not know what is measured.
"""

from __future__ import annotations

# What takes less is not worth a word.
TOLD_S = 30.0


def foretold(model: str, requests_s: float, questions: int, questions_s: float) -> str:
    """The sentence about one model; "" where it takes no time worth mentioning."""
    if requests_s + questions_s < TOLD_S:
        return ""
    text = f"{model} takes about {spoken(requests_s + questions_s)}"
    if questions:
        text += f", {spoken(questions_s)} of it for {questions} questions (--questions none leaves them out)"
    return f"{text}; --rounds 1 and --max-tokens 64 make the rest shorter."


def spoken(seconds: float) -> str:
    """About how long, as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
