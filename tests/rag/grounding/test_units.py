"""What a passage is made of: sentences, lists, tables, code, and what is no content."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from rag.grounding.units import Kind, row_cells, units


def kinds(text: str) -> list[tuple[str, str]]:
    return [(unit.kind.value, " ".join(text[unit.start : unit.end].split())) for unit in units(text)]


def test_a_list_and_what_leads_into_it() -> None:
    text = "Do this:\n\n1. Call the\n   desk.\n2. Wait.\n\nIt helps. Really."
    assert kinds(text) == [
        ("sentence", "Do this:"),
        ("item", "Call the desk."),
        ("item", "Wait."),
        ("sentence", "It helps."),
        ("sentence", "Really."),
    ]
    found = units(text)
    assert found[0].leads
    assert [unit.mark for unit in found[1:3]] == ["1.", "2."]
    assert found[1].group == found[2].group != found[0].group


def test_the_rows_of_a_table_know_their_columns() -> None:
    text = "Alias: phi; Size: 3 GB.\n\nAlias: gpt; Size: 12 GB; on disk."
    found = units(text)
    assert [unit.kind for unit in found] == [Kind.ROW, Kind.ROW]
    assert found[0].group == found[1].group
    assert found[0].cells == (("Alias", "phi"), ("Size", "3 GB"))
    assert found[1].cells[1] == ("Size", "12 GB; on disk")


def test_a_row_may_have_a_name_and_a_sentence_is_no_row() -> None:
    assert row_cells("Memory – phi: 8 GB; gpt: 16 GB.") == (("", "Memory"), ("phi", "8 GB"), ("gpt", "16 GB"))
    assert row_cells("There is one rule: never on Mondays.") == ()
    assert row_cells("It was late; nobody came.") == ()


def test_restructured_text_is_told_from_its_marks() -> None:
    text = (
        "Adding an icon\n==============\n\n.. _icon:\n\nFirst draw it::\n\n    draw(icon)\n\n    show(icon)\n\n"
        "Then use it.\n\n.. code-block:: python\n\n    import icon\n\n.. note::\n    It must be small.\n"
    )
    assert kinds(text) == [
        ("heading", "Adding an icon"),
        ("noise", "=============="),
        ("noise", ".. _icon:"),
        ("sentence", "First draw it::"),
        ("code", "draw(icon)"),
        ("code", "show(icon)"),
        ("sentence", "Then use it."),
        ("noise", ".. code-block:: python"),
        ("code", "import icon"),
        ("noise", ".. note::"),
        ("sentence", "It must be small."),
    ]


def test_a_simple_table_of_restructured_text() -> None:
    text = "====== =====\nName   Size\n====== =====\nsmall  1\nlarge  22\n====== =====\n"
    rows = [unit for unit in units(text) if unit.kind is Kind.ROW]
    assert [unit.cells for unit in rows] == [(("Name", "small"), ("Size", "1")), (("Name", "large"), ("Size", "22"))]


def test_rules_numbers_and_marks_are_no_content() -> None:
    for text in ("-----", "1.", "* * *", "—", "***", "::"):
        assert all(unit.kind in (Kind.NOISE, Kind.SENTENCE) for unit in units(text))
        assert not [one for one in units(text) if one.kind is Kind.SENTENCE and not text[one.start].isalnum()]


@given(st.text(alphabet=st.sampled_from("ab .:;-*\n1|=`#?→é字"), max_size=200))
@example("a. 1")
def test_units_lie_in_order_and_leave_nothing_out_but_marks(text: str) -> None:
    at = 0
    for unit in units(text):
        assert at <= unit.start < unit.end <= len(text)
        assert text[unit.start : unit.end].strip() == text[unit.start : unit.end]
        between = text[at : unit.start].rstrip().removesuffix(unit.mark)
        assert not any(sign.isalpha() for sign in between), (between, unit)
        at = unit.end
    assert not any(sign.isalpha() for sign in text[at:])


def test_articles_of_rules_have_their_titles_and_points() -> None:
    text = (
        "kayıt altına alınır.\nİKİNCİ BÖLÜM\nYasak ve Serbest Alanlar\nYasak alanlar\n"
        "MADDE 5- (1) Tütün kullanılması yasak olan\nalanlar:\na) Kapalı alanlar,\nç) Kiralık araçlar,\n"
        "(2) Uyarılar herkesin görebileceği\nyerlere asılır.\nSerbest alanlar\n"
        "MADDE 6- (1) Yalnızca belirli yerlerde içilir."
    )
    found = [(unit.kind, " ".join(text[unit.start : unit.end].split())) for unit in units(text)]
    assert found == [
        (Kind.SENTENCE, "kayıt altına alınır."),
        (Kind.HEADING, "İKİNCİ BÖLÜM"),
        (Kind.HEADING, "Yasak ve Serbest Alanlar"),
        (Kind.HEADING, "Yasak alanlar"),
        (Kind.SENTENCE, "MADDE 5- (1) Tütün kullanılması yasak olan alanlar:"),
        (Kind.ITEM, "Kapalı alanlar,"),
        (Kind.ITEM, "Kiralık araçlar,"),
        (Kind.ITEM, "Uyarılar herkesin görebileceği yerlere asılır."),
        (Kind.HEADING, "Serbest alanlar"),
        (Kind.SENTENCE, "MADDE 6- (1) Yalnızca belirli yerlerde içilir."),
    ]


def test_a_sentence_that_goes_on_to_an_article_is_no_title() -> None:
    text = "What is said here is explained in\nArticle 7 of the statute, which everybody knows."
    assert [unit.kind for unit in units(text)] == [Kind.SENTENCE]


def test_a_few_words_by_themselves_head_what_is_below_them() -> None:
    text = "**Engineers**\n\n- Mac: 16 inches.\n- Windows: XPS 15.\n\n4.4.1\n\nKeeps connections alive.\n\nAsk us"
    assert [(unit.kind, text[unit.start : unit.end]) for unit in units(text)] == [
        (Kind.HEADING, "**Engineers**"),
        (Kind.ITEM, "Mac: 16 inches."),
        (Kind.ITEM, "Windows: XPS 15."),
        (Kind.NOISE, "4.4.1"),
        (Kind.SENTENCE, "Keeps connections alive."),
        (Kind.SENTENCE, "Ask us"),
    ]
    assert [unit.kind for unit in units("What is the phone number?\n\n+1 (650) 667-8512")] == [Kind.SENTENCE] * 2


def test_a_lettered_line_after_a_sentence_is_an_item() -> None:
    text = "Staff hand over their cards.\nb. Pensioners register one car.\nc. Permits end in May."
    assert [(unit.kind, unit.mark) for unit in units(text)] == [
        (Kind.SENTENCE, ""),
        (Kind.ITEM, "b."),
        (Kind.ITEM, "c."),
    ]
    assert [unit.kind for unit in units("The theory was found by\nA. Einstein in Bern.")] == [Kind.SENTENCE]


def test_three_dots_lead_into_a_list() -> None:
    found = units("This is intended as...\n1. We do not retry.\n2. Memory is short.")
    assert [(unit.kind, unit.leads) for unit in found] == [
        (Kind.SENTENCE, True),
        (Kind.ITEM, False),
        (Kind.ITEM, False),
    ]


def test_entries_comments_and_tracebacks_are_code() -> None:
    entries = "plan = {\n    # Every Monday morning at seven.\n    'add': {\n        'at': when(7),\n    },\n}"
    trace = 'Traceback (most recent call last):\n  File "a.py", line 3, in run\n    send(self)\nError: refused'
    assert [unit.kind for unit in units(f"Like this:\n\n{entries}")] == [Kind.SENTENCE, Kind.CODE]
    assert [unit.kind for unit in units(trace)] == [Kind.CODE]


def test_a_picture_of_boxes_is_no_content() -> None:
    assert [unit.kind for unit in units("│ worker │ ← asks │ then runs │")] == [Kind.NOISE]


def test_a_term_heads_the_paragraph_that_explains_it() -> None:
    text = "- schedule\n\nHow often it runs.\n- args\n\nWhat it is given."
    assert [unit.kind for unit in units(text)] == [Kind.HEADING, Kind.SENTENCE] * 2
    assert units("- London\n- Berlin\n\nThese are examples.")[1].kind is Kind.ITEM


def test_a_note_below_code_and_a_prompt_are_told_apart() -> None:
    found = units("For example:\n\nWIDTH = 110\nHEIGHT = 110\nNote: Thumbnails are not affected at all.")
    assert [unit.kind for unit in found] == [Kind.SENTENCE, Kind.CODE, Kind.SENTENCE]
    assert [unit.kind for unit in units("$ tandem view a.html\nthe browser starts")] == [Kind.CODE]


def test_the_mark_of_an_item_that_the_passage_has_no_more_is_no_content() -> None:
    text = "1. Fill in the form.\n2. Sign it\nat the desk.\n3."
    assert [text[unit.start : unit.end] for unit in units(text)] == ["Fill in the form.", "Sign it\nat the desk."]


def test_a_title_that_stands_alone_before_a_page_is_its_title() -> None:
    text = "---\ntitle: Daily calls\n---\n\n# Daily calls\n\nThey take a quarter of an hour."
    made = {text[one.start : one.end]: one.kind for one in units(text)}
    assert made["Daily calls"] is Kind.HEADING
    assert not any(said.startswith("title:") for said in made)
    assert made["They take a quarter of an hour."] is Kind.SENTENCE


def test_what_stands_before_a_page_is_its_title_what_it_says_and_settings() -> None:
    text = "title: New York\nsubtitle: Where we work\nredirect from: /ny/\nsearch: yes\n\nThe office is on floor 55."
    assert [(unit.kind, text[unit.start : unit.end]) for unit in units(text)] == [
        (Kind.HEADING, "New York"),
        (Kind.SENTENCE, "subtitle: Where we work"),
        (Kind.NOISE, "redirect from: /ny/"),
        (Kind.NOISE, "search: yes"),
        (Kind.SENTENCE, "The office is on floor 55."),
    ]


def test_imports_are_code() -> None:
    found = kinds("from shop import Shop\nshop = Shop(1)\n\nThe shop opens at nine.")
    assert [kind for kind, _ in found] == ["code", "sentence"]


def test_code_that_a_passage_begins_in_the_midst_of_is_code() -> None:
    imports = "from shop import Shop, open_shop, \\\n     closed\n\n"
    wrapped = f'{imports}@shop.command("init")\n    def init():\n        """Open it."""\n        run()'
    said = "# the same by a factory\n    $ serve -w 4 'shop:make()'\n\n    Starting server 20.1\n    Worker has begun"
    bracket = "class Shop(Base):\n    ways = frozenset([\n        'foot',\n        'bus',\n        'boat'\n    ])"
    for code in (wrapped, said, bracket, "def parse(self):\n        yield one\n\n        yield two"):
        found = kinds(f"{code}\n\nThe option says how many processes run.")
        assert {kind for kind, _ in found[:-1]} == {"code"} and found[-1][0] == "sentence"


def test_a_label_with_its_value_is_a_sentence() -> None:
    assert kinds("Default: 500_000") == [("sentence", "Default: 500_000")]


def test_a_line_over_a_longer_paragraph_heads_it_and_the_following_leads_on_without_a_colon() -> None:
    text = "How to make good keys for it\n\nA key is as random as the machine that makes it can be."
    assert [kind for kind, _ in kinds(text)] == ["heading", "sentence"]
    assert units("To order one, do the following\n- Ask the desk.\n- Wait.")[0].leads


def test_where_a_project_is_found_is_no_content() -> None:
    text = "Version: 5.6\nWeb: https://shop.example/\nSource: https://shop.example/code\n\nIt sells shoes."
    assert [kind for kind, _ in kinds(text)] == ["noise", "sentence"]


def test_what_is_set_in_is_code_as_a_whole() -> None:
    text = "Start it:\n\n    # the server\n    $ serve --port 80\n\n    Serving on port 80\n\nIt runs. Stop it."
    assert [kind for kind, _ in kinds(text)] == ["sentence", "code", "code", "sentence", "sentence"]
    change = "Instead of one, call the other:\n\n    - send(one(1))\n    + send(one(2))\n"
    assert kinds(change)[1] == ("code", "- send(one(1)) + send(one(2))")
    assert kinds("A letter:\n\n    The desk is closed on Friday, and nobody answers the phone.")[1][0] == "sentence"


def test_a_row_without_names_is_a_row_and_an_empty_field_of_a_form_is_none() -> None:
    text = "Room | People.\n\n1. Hall | 40.\n\n9- | Street | :."
    assert [kind for kind, _ in kinds(text)] == ["row", "row", "noise"]


def test_a_version_that_says_no_more_is_none() -> None:
    assert kinds("Added in version 5.3. Changed in version 5.4: The port.") == [
        ("noise", "Added in version 5.3."),
        ("sentence", "Changed in version 5.4: The port."),
    ]


def test_a_semicolon_leads_into_a_list() -> None:
    assert units("Bu Yönergede geçen;\n\na) Senato: kurul,\n\nb) Rektör: kişi.")[0].leads


def test_items_on_one_line_whose_letters_follow_are_each_an_item() -> None:
    text = "c) A card\nç) A stamp (or two) d) A seal\nğ. It costs a fee.43 h. It is free for guests."
    assert [one.mark for one in units(text)] == ["c)", "ç)", "d)", "ğ.", "h."]
    assert [one.mark for one in units("a) See letter c) below.\nb) Of type (b) or (c) only.")] == ["a)", "b)"]


def test_what_is_left_out_of_a_name_ends_no_sentence() -> None:
    assert [kind for kind, _ in kinds('It is in a for="..." header or in another one. It is read.')] == ["sentence"] * 2
    assert [kind for kind, _ in kinds('He said "..." Nobody answered.')] == ["sentence"] * 2


def test_a_long_cell_of_a_numbered_row_is_a_cell() -> None:
    long = "concert halls, " * 12
    assert [kind for kind, _ in kinds(f"1 | {long.strip()} | 1.5.")] == ["row"]
    assert [kind for kind, _ in kinds(f"It says | {long.strip()} | so.")] != ["row"]


def test_code_of_another_kind_of_file_is_another_block() -> None:
    text = (
        "Set it:\n\n    # config/mail.yaml\n    mail:\n        host: a\n\n"
        "    <!-- config/mail.xml -->\n    <mail>\n    </mail>\n\n    // Mail.php\n    $a = 1;\n\n    $b = 2;\n"
    )
    groups = [unit.group for unit in units(text) if unit.kind is Kind.CODE]
    assert len(set(groups)) == 3
    assert groups[-1] == groups[-2]  # the same file goes on


def test_an_item_that_ends_with_an_abbreviation_goes_on_below() -> None:
    found = kinds("a) No paper, cotton etc.\n\nis thrown from windows.\n\nb) No smoke.")
    assert found == [("item", "No paper, cotton etc. is thrown from windows."), ("item", "No smoke.")]


def test_the_first_item_of_a_list_is_one_though_its_mark_is_in_another_passage() -> None:
    first = units("We meet in May.\n2. We meet in June.\n3. We meet in July.")[0]
    assert (first.kind, first.mark) == (Kind.ITEM, "1.")
    assert units("We meet in May.\n\n- We meet in June.")[0].kind is Kind.SENTENCE


def test_a_version_with_a_few_words_more_tells_nothing() -> None:
    assert kinds("Added in version 4.0. pool support: prefork\n\nIt limits the memory.")[0][0] == "noise"
    assert kinds("Added in version 4.0: The memory of each child can be limited.")[0][0] == "sentence"


def test_a_sign_of_a_printed_page_is_the_mark_of_an_item() -> None:
    text = "Bring:\n\n\uf0b7 A card.\n\uf0a7 A coat."
    assert [(one.kind, text[one.start : one.end]) for one in units(text)][1:] == [
        (Kind.ITEM, "A card."),
        (Kind.ITEM, "A coat."),
    ]


def test_the_blanks_of_a_form_are_no_content() -> None:
    assert [kind for kind, _ in kinds("I agree to the award. … / … / 202… | (signature).")] == ["noise"]


def test_a_list_that_is_laid_out_as_a_table_is_a_list() -> None:
    text = "papers; | a) | Whoever rows for the country brings a paper.\n\nb) | Whoever is ill brings a note."
    assert kinds(text) == [
        ("noise", "papers;"),
        ("item", "Whoever rows for the country brings a paper."),
        ("item", "Whoever is ill brings a note."),
    ]
    assert [one.mark for one in units(text)] == ["", "a)", "b)"]
