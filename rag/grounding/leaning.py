"""The words of sentences that lean on what was said before them: "This also holds", "use that instead".

Knows English, German, Turkish and some French and Spanish. Does not know what stands before a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from rag.text import sentences
from rag.text.analyser import casefold

_KNOWN = (
    r"time|moment|point|year|week|month|date|page|guide|document|handbook|policy|chapter|section|article|tutorial|"
    r"library|project|agreement"
)
"""What "this" may go before without leaning on anything."""
_LEANING = regex.compile(
    rf"(?!(?:\w+ )?this (?:{_KNOWN}|procedure)\b)"
    r"(?!bu (?:sayfa|belge|kılavuz|rehber|yönerge|yönetmelik|kanun|politika|bölüm|esaslar)\p{L}*\b)"
    r"(?:(?:A|Answer|Cevap|Yanıt|Antwort):\s+)?"
    r"(?:(?:yes|no|of course|sure|absolutely|certainly|unfortunately|evet|hayır|tabii|elbette|maalesef|ja|nein|doch|"
    r"leider|oui|non|sí|finally|lastly|next|secondly|thirdly|son olarak|ardından|schließlich|zuletzt)(?=\s?[,.!;:—–])|"
    r"(?:its?|here|there you|this|these|those|that|they|them|their|he|she|his|such|both|however|therefore|instead|"
    r"otherwise|then|"
    r"also|but|and|or|so|because of (?:this|that|these)|in (?:this|that|these|such) cases?|for (?:this|that) reason|"
    r"(?:if|when|while|once|after|as|because|since|unless|until|for|with|without|from|by|in|on|to|of|like|before|at|"
    r"under|during) (?:it|this|that|these|those|they|them)|"
    r"(?:unlike|besides|despite|given) (?:this|that|these|those)|"
    r"for (?:example|instance)|as a result|at the same time|"
    r"thus|hence|similarly|likewise|additionally|furthermore|moreover|in addition|"
    r"in other words|on the other hand|either way|alternatively|not at this time|even so|if (?:so|not)\b(?=,)|"
    r"(?:by |when |in )?doing so|to do (?:so|this|that)|in (?:both|either) cases?|until then|(?:in )?this way|"
    r"as (?:you can see|(?:mentioned|noted|described|explained|shown|discussed) (?:above|before|earlier))|"
    r"the (?:(?:only|main|biggest|key) )?differences?(?= is\b)|another (?:way|option|possibility|difference|reason)|"
    r"(?:in |with |as in )?the (?:(?:code|example|snippet|command|table|list|figure) (?:above|below)|"
    r"(?:above|following|other \p{L}+|former|latter|same))|"
    r"bu|bun(?:a|u|un|unla|da|dan|lar\p{L}*)|o|on(?:a|u|un|da|dan|lar\p{L}*)|ancak|ama|fakat|ayrıca|böylece|aksi|yine|"
    r"ikisi|örneğin|mesela|dolayısıyla|benzer şekilde|aynı şekilde|öte yandan|aynı zamanda|"
    r"(?:tek|aradaki|asıl) fark\p{L}*|diğer(?:i|leri| yandan| taraftan)|söz konusu|yukarıda(?:ki)?|öyle|"
    r"böyle|daha sonra|çünkü|zira|yani|oysa|nitekim|"
    r"er|sie|es|dies\w*|diese\w*|zum beispiel|außerdem|daher|deshalb|deswegen|jedoch|allerdings|stattdessen|"
    r"in (?:diese[mnr]|beiden|solchen) f[aä]ll\w*|aus diesem grund|der (?:einzige|wesentliche) unterschied|andernfalls|"
    r"sonst|dann|dort|hier(?:für|zu|bei|mit|von|durch)|zudem|ebenso|ebenfalls|dennoch|trotzdem|somit|alternativ|"
    r"da(?:für|mit|von|zu|bei|durch|nach|ran|rauf|raus)|"
    r"elle|il|ils|cela|ce|ella|ellos|esto|eso)\b)",
    regex.I,
)
"""The words that begin a sentence which leans on what was said, or asked, before it."""
_LEANS = regex.compile(
    r"[^.;:]{0,80}\b(?:to|of|for|with|like|about|from|by|than|in|how) (?:this|that|these|those)"
    r"(?:[.,;]|\s(?:and|or|but|is|are|was|were|may|can|will|works?)\b)|"
    r"(?:well|now|let's just say),? (?:it|this|that|they)\b|"
    r".{0,80},\s(?:yes|no|evet|hayır|ja|nein|oui|non)\.$",
    regex.I | regex.S,
)
"""A sentence that does by words further on."""
_POINTED = regex.compile(
    r"(?P<before>[^.;:!?]{1,120}?)\b(?:this|these|dies\w*)\s+"
    rf"(?!(?:{_KNOWN}|day|procedure|manual|site|"
    r"case|way|reason|example|that|as|a|an|is|are|was|were|has|have|had|will|would|can|could|may|might|must|should|"
    r"does|do|did|means?|includes?|allows?|applies|apply|and|or|to|in|on|of|for|with|from|by|at|not|also|only|who|whose|"
    r"which|where|when|we|you|they|he|she|it|there|\p{L}+ly)\b)(?P<what>\p{L}[\p{L}-]+)",
    regex.I,
)
"""A sentence that speaks of "this process" further on."""
_SPOKEN = regex.compile(r"(?P<before>[^.;:!?]{1,80}?)\bbu (?P<what>süre|işlem|adım|komut|dosya)\p{L}*\b", regex.I)
"""A sentence that speaks of "bu süre" further on."""
_THIS = regex.compile(r"\b(?:this|these|that|such|bu|dies\w*)\s+(\p{L}{3,})(?:\s+(\p{L}{3,}))?", regex.I)
_THEN = regex.compile(r"(?:[^\s,.;:]+ ){1,2}?then\b", regex.I)
"""What comes after what was said: "You then only need"."""
_INSTEAD = regex.compile(r"\binstead(?: \(.*\))?[.!]?$", regex.I)
_DEICTIC = regex.compile(
    r"(?:\S+ ){1,9}?(?:this|these|those|such) "
    rf"(?!(?:{_KNOWN}|is|are|was|were)\b)\p{{L}}|"
    r"(?:\S+ ){0,4}?(?:also|zudem|ayrıca)\b",
    regex.I,
)
"""What speaks of "this process" early on, or of something else "also"."""


_EXCEPTS = regex.compile(
    r"(?:but|however|except|unless|only if|ancak|fakat|ama|aber|jedoch|allerdings|es sei denn|mais|pero)\b", regex.I
)
"""What begins a sentence that takes back some of what the one before it said."""


def excepts(said: str) -> bool:
    """Whether a sentence takes back some of what was said before it, without which that is not true."""
    return bool(_EXCEPTS.match(said)) and not said.rstrip().endswith(sentences.QUESTION_MARKS)


def leans(said: str) -> bool:
    """Whether a sentence leans on what was said, or asked, before it."""
    return bool(_LEANING.match(said) or _LEANS.match(said))


def is_pointing(said: str) -> bool:
    """Whether a sentence leans on what was said before it, or does so further on: it speaks of "this file" though it
    names no file, or says what to do "then" or "instead".
    """
    if leans(said) or _INSTEAD.search(said) or _THEN.match(said):
        return True
    pointed = _POINTED.match(said) or _SPOKEN.match(said)
    return pointed is not None and casefold(pointed["what"]).rstrip("s") not in casefold(pointed["before"])


def is_named(said: str, headings: Sequence[str]) -> bool:
    """Whether what a sentence speaks of as "this adapter" is named in the headings above it."""
    above = casefold(" ".join(headings))
    return any(casefold(what).removesuffix("s") in above for found in _THIS.findall(said) for what in found if what)


def wants_heading(said: str) -> bool:
    """Whether a sentence leans on what was said before it, or speaks of "this process" or of something else "also"."""
    return leans(said) or _DEICTIC.match(said) is not None
