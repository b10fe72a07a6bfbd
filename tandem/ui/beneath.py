"""What stands under an answer in words: what goes with a refusal, and what its button copies.

Knows answers and their passages. Does not know when it is shown.
"""

from __future__ import annotations

from typing import Any

from hybrid.events import Answer
from hybrid.runtimes.extractive import NAME as EXTRACTIVE
from rag.types import Support
from tandem import catalogues
from tandem.markdown import plain_title
from tandem.texts import Language, language_for, say

_NEAREST = 3


def refusal(answer: Answer, spoken: str, language: Language) -> dict[str, Any]:
    """What stands under an answer that there is none, in the language `spoken` in the question: the nearest passages,
    and how to ask better. Tandem's own refusal says the latter itself.
    """
    language = language_for(catalogues.known(spoken), language, "")
    nearest = answer.passages[:_NEAREST]
    if not nearest:
        return {"suggestion": say("nothing_near", language)}
    heading = next((passage.headings[-1] for passage in nearest if passage.headings), "")
    said = say(
        "ask_better" if heading else "ask_better_plainly", language, heading=heading, document=nearest[0].document
    )
    return {
        "nearest": list(range(1, len(nearest) + 1)),
        "nearest_label": say("nearest", language),
        "suggestion": "" if answer.runtime == EXTRACTIVE else said,
    }


def of_its_own(answer: Answer) -> bool:
    """Whether nothing of an answer is from documents: a greeting, what can be asked, a refusal."""
    return all(sentence.support is Support.NEUTRAL for sentence in answer.checked.sentences)


def to_copy(answer: Answer, language: Language) -> str:
    """The answer with its sources, as plain text."""
    page = say("page", language)
    numbers = {passage.id: number for number, passage in enumerate(answer.passages, 1)}
    used = sorted({numbers[p] for s in answer.checked.sentences for p in s.passages if p in numbers})
    lines = [f"[{n}] {plain_title(answer.passages[n - 1], page)}" for n in used]
    listed = f"\n\n{say('sources', language)}:\n" + "\n".join(lines) if lines else ""
    by = "" if answer.runtime == EXTRACTIVE else f"\n\n{say('answered_by', language, model=answer.model)}"
    return f"{answer.text}{listed}{by}"
