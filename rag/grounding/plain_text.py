"""What a quote says without the signs of the markup that it was written in.

Knows reStructuredText, the templates that handbooks are written in, and the notes of laws on their changes. Does not
know Markdown: what is quoted is shown as that.
"""

from __future__ import annotations

import regex

_ROLE = regex.compile(r":[a-z:+-]+:`~?([^`<]+?)\s*(?:<([^`>]*)>)?`")
_TARGET = regex.compile(r"`([^`<]+?)\s*<[^`>]+>`__?")
_REFERENCE = regex.compile(r"(?<!`)`([^`]+)`__?(?!\w)")
_LITERAL = regex.compile(r"``([^`]+)``")
_LIQUID_LINK = regex.compile(r"\[([^\]\n]+)\]\(\{%[^%]*%\}[^)\s]*\)")
_LIQUID_NAME = regex.compile(r"(?<!`)\{%\s*[\w-]+\s*[\"']([^\"'%]*)[\"']\s*%\}(?!`)")
_LIQUID_BLOCK = regex.compile(r"^[^\S\n]*(?:\{%[^%\n]*%\}[^\S\n]*)+$", regex.M)
_AMENDED = regex.compile(
    r"\s?\((?:Başlığı ile birlikte )?(?:Değişik|Ek|Mülga|İptal|Yeniden düzenleme)(?: [\p{Ll} ]+)?\s?:"
    r"[^()]*\d{4}[^()]*\)|"
    r"(?<=[.;]) ?\(\d{1,2}\)$|(?<=\p{Ll}{2}\.)\d{1,2}$"
)
"""Which law changed a sentence and when, and the number of a note on that: not what the rule says."""


_TOLD = r"(?:described|listed|shown|given|outlined|explained|detailed|defined|mentioned|noted|discussed|specified)"
_ASIDE = regex.compile(
    rf"\s?\((?:(?:as |also |please )*(?:{_TOLD}|see)(?: \w+){{0,2}} (?:below|above)|(?:below|above)|"
    r"(?:siehe|s\.) (?:unten|oben)|(?:unten|oben) (?:beschrieben|genannt|aufgeführt|erläutert)|"
    r"bkz\.? (?:aşağı|yukarı)\p{L}*|(?:aşağıda|yukarıda) \p{L}+(?:m[ıiuü]şt[ıiuü]r|m[ae]ktad[ıi]r|ildiği gibi))"
    rf"\)|,(?: as)? {_TOLD} (?:below|above)(?=[.,;])|,? (?:and )?which (?:you can (?:find|read|see)|(?:is|are|can be) "
    r"(?:found|available|documented|described)) here(?=[.,;])|, including (?:\w+ ){1,4}here(?=[.,;]|$)",
    regex.I,
)
"""What a sentence says besides of where something stands that is not shown with it."""


_BOLD = regex.compile(r"\*\*(?: +([^*]*[^* ])|([^* ][^*]*?) +)\*\*(?!\*)")
"""What is to be shown in bold, which Markdown does not do where a space is inside its marks."""


def plain(text: str) -> str:
    """One line without the roles, references and marks of the markup it was written in.

    >>> plain("See :func:`~flask.url_for` and ``--debug``\\nin :doc:`/cli`.")
    'See `flask.url_for` and `--debug` in `cli`.'
    """
    if "`" in text:
        text = _ROLE.sub(lambda m: f"`{m[1].strip().lstrip('/~!@')}`", text)
        text = _TARGET.sub(lambda m: m[1], text)
        text = _LITERAL.sub(lambda m: f"`{m[1]}`", text)
        text = _REFERENCE.sub(lambda m: f"`{m[1]}`", text) if text.count("`") % 2 == 0 else text.replace("`", "'")
    if "{%" in text:  # of the templates that handbooks are often written in
        text = _LIQUID_BLOCK.sub("", text) if "\n" in text else text  # a sentence may be about one
        text = _LIQUID_NAME.sub(lambda m: m[1], _LIQUID_LINK.sub(lambda m: m[1], text))
    line = " ".join(text.split())
    if line.endswith(tuple("0123456789")) or "(" in line:
        line = _AMENDED.sub("", line).lstrip() or line
    line = _ASIDE.sub("", line) or line
    line = _BOLD.sub(lambda m: f"**{m[1] or m[2]}**", line)
    if line.count("**") % 2:  # begins or ends in another sentence
        line = line.replace("**", "")
    if line.startswith("*") and line[1:2].isalpha() and line.count("*") == 1:
        line = line[1:]
    return line[:-1] if line.endswith(("::", "?.", "!.")) else line
