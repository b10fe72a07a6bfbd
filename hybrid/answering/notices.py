"""The sentences that an answer comes with when something is not as asked.

Knows their codes, and their wording in English. Does not know when they apply, nor other languages: whoever shows a
notice words it from its code and values.
"""

from __future__ import annotations

from hybrid.events import Notice

TEXTS: dict[str, str] = {
    "quoted": "No model wrote this: the sentences are quoted from the documents.",
    "models_pending": "The models are still being looked up, so the documents are quoted; ask again in a few "
    "seconds for a written answer.",
    "model_missing": "{alias} cannot answer: {why} {instead} answers instead.",
    "model_failed": "{alias} failed: {why} {instead} answers instead.",
    "model_empty": "{alias} wrote nothing. {instead} answers instead.",
    "draft_abandoned": "{why} {alias} writes the answer instead.",
    "abandoned_refusal": "The draft began with a refusal, although the search found strong passages; it was cut off.",
    "abandoned_loop": "The draft went round in circles; it was cut off.",
    "abandoned_language": "The draft was written in another language than the question; it was cut off.",
    "abandoned_invention": "The passages hold next to nothing of what the draft said; it was cut off.",
    "refine_missing": "The draft stands, because {alias} cannot refine it: {why}",
    "refinement_failed": "The draft stands, because {alias} failed to refine it: {why}",
    "refinement_empty": "The draft stands, because {alias} wrote nothing.",
    "refinement_kept_draft": "The draft stands: the sources support {before} % of its sentences, and only "
    "{after} % of those {alias} wrote.",
    "refinement_withheld": "The draft stands: what {alias} wrote is not shown, because {why}",
    "withheld": "What {alias} wrote is not shown, because {why} {instead} stands in its place.",
    "why_empty": "nothing was written.",
    "why_loop": "it goes round in circles.",
    "why_echo": "it recites its instructions.",
    "why_cut": "it breaks off before it says anything.",
    "why_language": "it is in another language than the question.",
    "why_refusal": "it finds no answer where the documents have one.",
    "why_invention": "the passages hold next to nothing of it.",
    "why_nothing_found": "the search found nothing to answer from.",
    "why_nothing_said": "it says nothing that a document could carry.",
    "why_unsupported": "the passages do not carry what it says.",
    "why_unproved": "most of what this model wrote lately had to be withheld.",
    "why_beside": "it speaks of something else than the question.",
    "abandoned_echo": "The draft began to recite its instructions; it was cut off.",
    "refinement_refused": "The draft stands, because {alias} found no answer where the draft quotes one.",
    "spelling": 'No document holds “{typed}”, so {corrected} was searched too; write "{typed}" in quotation '
    "marks to search for it alone.",
    "reading": "Documents are being read at the moment; what is not read yet has no part in this answer.",
    "version": "There are several versions; {current} is the current one and comes before {older}.",
    "across": "What was found is in {spoken}.",
    "shortened": "{dropped} of the passages found were left out, because they do not fit the context of {alias}.",
    "extractive": "A quotation of the documents",
}

_LANGUAGES = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai",
    "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def notice(code: str, language: str = "", **values: object) -> Notice:
    """The notice `code` on a question in `language`. `values` are filled in; errors and other notices may be among
    them.
    """
    said = {name: value.text if isinstance(value, Notice) else value for name, value in values.items()}
    return Notice(code, phrase(code).format(**said), values, language)


def across(language: str, spoken: str) -> Notice | None:
    """That what was found is in another language than the question's `language`; None where it is not, or where either
    is not known.
    """
    if not language or spoken == language or spoken not in _LANGUAGES:
        return None
    return notice("across", language, spoken=Notice(f"language_{spoken}", _LANGUAGES[spoken]))


def part(code: str) -> Notice:
    """A phrase that stands within a notice."""
    return Notice(code, phrase(code))


def phrase(code: str) -> str:
    """The English wording of `code`, with its places still open."""
    return TEXTS[code]
