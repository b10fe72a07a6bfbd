"""Code in quotes: whole or cut between statements, as far in as it stood."""

from __future__ import annotations

from markdown_it import MarkdownIt

from rag.grounding.quoting import Composer
from rag.grounding.spans import Span
from rag.grounding.units import Kind, units
from rag.types import Passage
from tests.rag.grounding.quoting_help import composed, some_of


def test_code_is_fenced_and_the_fence_cannot_be_closed_from_within() -> None:
    answer = composed("Run this::\n\n    $ make run\n    ```\n    $ done(now)").checked().text
    html = MarkdownIt("commonmark").render(answer)
    assert html.count("<pre>") == 1
    assert "make run" in answer


def test_code_is_cut_between_statements_and_says_that_it_goes_on() -> None:
    lines = [f"value_{at} = {at}" for at in range(40)]
    said = composed("\n".join(lines)).checked().text
    assert "value_23 = 23\n…\n```" in said and "value_24" not in said
    lines[20:26] = ["values = [", *(f"    {at}," for at in range(20, 24)), "]"]
    said = composed("\n".join(lines)).checked().text
    assert "value_19 = 19\n…\n```" in said and "values" not in said
    whole = "\n".join(lines[:22])
    assert f"{whole}\n```" in composed(f"{whole}\n\nThat is all there is.").checked().text


def test_code_of_which_the_rest_is_not_shown_says_so() -> None:
    text = "class Desk(Room):\n    lamp = True\n\n    def light(self):\n        self.lamp = True\n\nIt is lit."
    assert "lamp = True\n…\n```" in some_of(text, "class Desk")
    assert "…" not in composed(text).checked().text


def test_code_does_not_end_with_a_comment_on_what_comes_next() -> None:
    code = "doc:\n    path: /doc\n    # redirects are temporary by default"
    assert "path: /doc\n…\n```" in composed(code).checked().text
    assert "# send it ...\n```" in composed("def told(text):\n    send = text\n    # send it ...").checked().text


def test_the_first_line_of_a_passage_stands_as_far_in_as_what_belongs_to_it() -> None:
    said = (
        composed("public function told(): void\n    {\n        $this->say();\n    }\n}\n\nIt is told.").checked().text
    )
    assert "…\n    public function told(): void\n    {\n        $this" in said
    said = composed("def told(self):\n        return self.text\n\nIt is told.").checked().text
    assert "```\ndef told(self):\n    return self.text\n```" in said


def test_code_keeps_how_far_in_each_of_its_lines_stands() -> None:
    answer = composed("Write:\n\n    def f():\n        return 1\n\n    f()\n\nThen run it.").checked().text
    assert "```\ndef f():\n    return 1\n\nf()\n```" in answer


def test_code_that_begins_or_ends_in_another_passage_says_so() -> None:
    begun = some_of("public function told(): string\n{\n    return $this->text;\n", "public")
    assert begun.startswith("```\npublic function") and "\n…\n```" in begun
    ended = some_of("    $a = 1;\n    $b = 2;\n    }\n}\n\nIt is done.", "$a")
    assert ended.startswith("```\n…\n")
    whole = some_of('<form>\n    <input name="a">\n    <br>\n</form>', "<form>")
    assert "…" not in whole


def test_code_that_goes_on_further_in_in_the_next_passage_says_so() -> None:
    first = "class Desk:\n    lamp = True"
    for below, sign in (("\n\n    def light(self):", True), ("\n\ndef light(self):", False), ("", False)):
        composer = Composer([Passage("1", "a.md", first, 0, len(first), edges=("", below))])
        composer.quote(Span(0, units(first), 1.0))
        assert ("lamp = True\n…\n" in composer.checked().text) is sign


def test_a_template_is_another_code_than_the_program_before_it() -> None:
    text = (
        "The index shows all posts::\n\n    @bp.route('/')\n    def index():\n        return render('index.html')\n\n"
        "    {% extends 'base.html' %}\n\n    {% block content %}\n      <h1>Posts</h1>\n    {% endblock %}"
    )
    code = [unit for unit in units(text) if unit.kind is Kind.CODE]
    assert len({unit.group for unit in code}) == 2 and code[1].group == code[-1].group
    html = MarkdownIt("commonmark").render(composed(text).checked().text)
    assert html.count("<pre>") == 2


def test_the_head_of_a_function_at_the_end_of_a_passage_goes_on() -> None:
    head = 'import csv\n\n\ndef export(request):\n    """A view that streams a file."""'
    assert 'a file."""\n…\n```' in composed(head).checked().text
    assert "…" not in composed(f"{head}\n    return stream(csv)").checked().text
