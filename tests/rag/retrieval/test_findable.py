"""Nothing that is indexed is unfindable: headings, names, part numbers, compounds, signs, dates, addresses."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from rag.library import Library
from rag.settings import RetrievalSettings
from tests.rag.library_help import library_of

_ENGLISH = {
    "parts.md": (
        "# Catalogue\n\n## Seals\n\nPart PPR-9087 is a rubber gasket. It is kept on shelf R7.\n\n"
        "## Clamps\n\nPart PPR1044 is a steel clamp. It is kept on shelf R2.\n\n"
        "## Springs\n\nThe spring AB 77123 hangs on hook H9."
    ),
    "code.md": (
        "# Client settings\n\n## Retrying\n\nThe number of attempts is `maxRetryCount`, which is four.\n\n"
        "## Waiting\n\nThe pause is `request_timeout_seconds`, which is thirty.\n\n"
        "## Errors\n\nERR_DISK_FULL means that the volume has no room. E-4012 means that the licence ran out. "
        "0x80070005 means that access was denied.\n\n"
        "## Options\n\nWith `-f` the tool overwrites files. With `--dry-run` it only lists them. With `-q` it is quiet."
    ),
    "versions.md": (
        "# Releases\n\n## Spring\n\nRelease 2.1 brought tables.\n\n## Autumn\n\nRelease 2.10 brought charts.\n\n"
        "## Winter\n\nRelease 3.0.1 mended printing."
    ),
    "storage.md": (
        "# Cold store\n\n## Blood\n\nPlasma is stored at -20 °C or colder.\n\n## Fruit\n\nBananas ripen at 20 °C.\n\n"
        "## Cells\n\nStem cells are kept at −196 °C."
    ),
    "dates.md": (
        "# Calendar\n\n## Fair\n\nThe fair opens on 3 April 2026.\n\n## Audit\n\nThe audit begins on 17.11.2026.\n\n"
        "## Party\n\nThe party is on December 24th, 2026.\n\n## Move\n\nThe move is on 2027-02-05."
    ),
    "people.md": (
        "# People\n\n## Payroll\n\nWrite to jane.doe@example.com about wages.\n\n"
        "## Travel\n\nWrite to desk@example.com about tickets.\n\n"
        "## Portal\n\nHolidays are entered at https://portal.example.com/leave/new."
    ),
    "staff.md": (
        "# Staff handbook\n\n## Sabbatical\n\nEmployees may stay away for six months after five years of work.\n\n"
        "## Bereavement\n\nThree free days are granted at once."
    ),
    "kite-flying-club.md": "# Notes\n\nMembers meet on the beach each Sunday at ten.",
    "plural/numbers.md": "# Sums\n\nThe budget is 1,250,000 euros. The team has 1250 chairs. We use e-mail and Wi-Fi.",
}
_GERMAN = {
    "anweisung.md": (
        "# Betriebsanweisung\n\n## Sicherheit\n\nDie Notabschaltvorrichtung befindet sich neben der Pumpe.\n\n"
        "## Vertrag\n\nDer Wartungsvertrag läuft bis zum Jahresende.\n\n"
        "## Fahrzeuge\n\nDienstfahrzeuge stehen im Hof.\n\n## Fristen\n\nDie Frist der Kündigung beträgt sechs Wochen."
    ),
    "fuell.md": "# Notizen\n\nDer Garten wird montags gegossen. Der Aufzug wird im Frühling geprüft.",
}
_DUTCH = {
    "regels.md": (
        "# Regels\n\n## Verzekering\n\nDe ziektekostenverzekering wordt door het bedrijf betaald.\n\n"
        "## Verlof\n\nHet ouderschapsverlof duurt twaalf weken.\n\n## Tuin\n\nDe tuin wordt op maandag gesproeid."
    )
}
_SWEDISH = {
    "regler.md": (
        "# Regler\n\n## Försäkring\n\nSjukförsäkringen betalas av företaget.\n\n"
        "## Ledighet\n\nFöräldraledigheten är tolv veckor.\n\n## Trädgård\n\nTrädgården vattnas på måndagar."
    )
}
_TURKISH = {
    "kurallar.md": (
        "# Kurallar\n\n## Sözleşmeler\n\nSözleşmelerimizdeki süre iki yıldır.\n\n"
        "## Araçlar\n\nŞirket araçlarından yalnızca şoförler yararlanır.\n\n"
        "## Bahçe\n\nBahçe pazartesi günleri sulanır."
    )
}


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Library]:
    made = {"en": _ENGLISH, "de": _GERMAN, "nl": _DUTCH, "sv": _SWEDISH, "tr": _TURKISH}
    return {code: library_of(tmp_path_factory.mktemp(code), texts) for code, texts in made.items()}


@pytest.mark.parametrize(
    ("language", "question", "words"),
    [
        ("en", "What are the rules for a sabbatical?", "six months"),
        ("en", "bereavement", "Three free days"),
        ("en", "When does the kite club meet?", "beach"),
        ("en", "Where is the catalogue entry of clamps?", "steel clamp"),
        ("en", "On which shelf is PPR9087?", "R7"),
        ("en", "On which shelf is ppr-9087?", "R7"),
        ("en", "On which shelf is PPR-1044?", "R2"),
        ("en", "Where is PPR 1044?", "R2"),
        ("en", "Where does AB77123 hang?", "H9"),
        ("en", "Where does AB-77123 hang?", "H9"),
        ("en", "what is the retry count", "four"),
        ("en", "What is max_retry_count?", "four"),
        ("en", "What is requestTimeoutSeconds?", "thirty"),
        ("en", "How long is the request timeout?", "thirty"),
        ("en", "What does disk full mean?", "no room"),
        ("en", "What does E4012 mean?", "licence ran out"),
        ("en", "0x80070005", "access was denied"),
        ("en", "What does -f do?", "overwrites"),
        ("en", "What does the option -q do?", "quiet"),
        ("en", "tool --dry-run", "only lists"),
        ("en", "What did release 2.1 bring?", "tables"),
        ("en", "What did release 2.10 bring?", "charts"),
        ("en", "What was mended in v3.0.1?", "printing"),
        ("en", "What is stored at -20 °C?", "Plasma"),
        ("en", "What ripens at 20 °C?", "Bananas"),
        ("en", "What is kept at -196 °C?", "Stem cells"),
        ("en", "What happens on 2026-04-03?", "fair"),
        ("en", "What is on 03.04.2026?", "fair"),
        ("en", "What begins on November 17, 2026?", "audit"),
        ("en", "What is on 24/12/2026?", "party"),
        ("en", "What is on 5 February 2027?", "move"),
        ("en", "What begins in November 2026?", "audit"),
        ("en", "What happens in 04/2026?", "fair"),
        ("en", "Whom does jane.doe@example.com help?", "wages"),
        ("en", "portal.example.com/leave/new", "Holidays"),
        ("en", "What costs 1250000 euros?", "budget"),
        ("en", "Do we use email?", "e-mail"),
        ("en", "Is there wifi?", "Wi-Fi"),
        ("de", "Wo ist die Abschaltvorrichtung?", "neben der Pumpe"),
        ("de", "Wo ist die Vorrichtung?", "neben der Pumpe"),
        ("de", "Wie lange läuft der Vertrag?", "Jahresende"),
        ("de", "Wann endet die Wartung?", "Jahresende"),
        ("de", "Wo stehen die Fahrzeuge?", "im Hof"),
        ("de", "Wie lang ist die Kündigungsfrist?", "sechs Wochen"),
        ("nl", "Wie betaalt de verzekering?", "door het bedrijf"),
        ("nl", "Hoe lang duurt het verlof?", "twaalf weken"),
        ("sv", "Vem betalar försäkringen?", "av företaget"),
        ("sv", "Hur lång är ledigheten?", "tolv veckor"),
        ("tr", "Sözleşme süresi ne kadar?", "iki yıldır"),
        ("tr", "Araçları kim kullanır?", "şoförler"),
    ],
)  # fmt: skip
def test_what_is_asked_otherwise_than_written_is_found_first(
    libraries: dict[str, Library], language: str, question: str, words: str
) -> None:
    found = libraries[language].search(question)
    assert words in found.passages[0].text, (found.query, [p.text for p in found.passages])


@pytest.mark.parametrize(
    ("query", "excluded"),
    [
        ("leave -doctor", True),
        ("leave sick -doctor -nine", True),
        ("What is stored at -20 °C?", False),
        ("How is -doctor used?", False),
        ("how do I pass -doctor", False),
        ("leave -f", False),
        ("-doctor", False),
        ("leave -doctor or nurse", False),
        ("ten-fold leave", False),
        ("izin -doktor", True),
    ],
)
def test_only_words_after_a_minus_at_the_end_of_keywords_are_left_out_and_it_is_said(
    libraries: dict[str, Library], query: str, excluded: bool
) -> None:
    assert bool([note for note in libraries["en"].search(query).notes if "left out" in note]) is excluded


@pytest.mark.parametrize(
    "question",
    [
        "Who won the world cup?",
        "Is there a prefix?",
        "What is a Seaside?",
        "the Parks of Kubernetes",
        'What is "shelv"?',
    ],
)
def test_words_of_the_language_names_and_quoted_words_are_never_replaced(tmp_path: Path, question: str) -> None:
    texts = {
        "a.md": "# Notes\n\nThe word cap is on the shelf. The tool can prefil forms. The seaside park is in Mart. Marts"
    }
    library = library_of(tmp_path, texts)
    assert library.search(question).corrections == ()
    library.close()


def test_a_misspelt_word_and_a_quoted_one_are_told_apart(tmp_path: Path) -> None:
    library = library_of(tmp_path, {"a.md": "# Notes\n\nThe harbour opens at nine."})
    library.warm(60.0)  # while the language's words are still being read, every word may be one
    assert library.search("When does the harbuor open?").corrections == (("harbuor", "harbour"),)
    assert library.search('When does "harbuor" open?').corrections == ()
    library.close()


def test_a_library_of_an_earlier_analysis_is_analysed_anew_with_the_next_write(tmp_path: Path) -> None:
    library = library_of(tmp_path, {"a.md": "# Staff\n\n## Sabbatical\n\nPart PPR-9087 is kept."})
    row = next(iter(library.store.all_rows()))
    with library.store.transaction():
        library.store.put_features(row, 1, b"", b"")
        library.store.set_meta("form", "an earlier one")
    library.close()
    library = Library.open(tmp_path, RetrievalSettings(), write=True)
    assert not library.search("PPR9087").passages
    library.sync([])
    assert library.search("PPR9087").passages
    library.close()


@pytest.mark.parametrize(
    ("language", "question"),
    [
        ("en", "What are the rules for a sabbatical?"),
        ("en", "What about bereavement?"),
        ("en", "On which shelf is PPR9087?"),
        ("en", "What is stored at -20 °C?"),
        ("de", "Wo ist die Abschaltvorrichtung?"),
        ("en", "77123"),
        ("en", "maxRetryCount"),
    ],
)
def test_what_is_found_so_is_not_refused(libraries: dict[str, Library], language: str, question: str) -> None:
    assert libraries[language].search(question).confidence >= RetrievalSettings().minimum_confidence


def test_what_a_heading_and_a_sentence_below_it_say_together_is_not_refused(tmp_path: Path) -> None:
    """A sheet names its boat once, over everything that is said of it."""
    of = {"12": "Jon Vik", "14": "Bo Ek", "15": "Ole Lind", "21": "Siv Aas", "33": "Tor Moe"}
    library = library_of(
        tmp_path, {f"b{n}.md": f"# Boat {n}\n\nSkipper: {who}. Built: 19{n}." for n, who in of.items()}
    )
    with contextlib.closing(library):
        found = library.search("Who is the skipper of boat 12?")
        assert found.passages[0].document == "b12.md"
        assert found.confidence >= RetrievalSettings().minimum_confidence
        assert library.search("Who is the skipper of boat 16?").confidence < RetrievalSettings().minimum_confidence


def test_a_word_that_no_heading_holds_makes_no_answer_likelier(libraries: dict[str, Library]) -> None:
    assert libraries["en"].search("Who sells violins in Lisbon?").confidence < RetrievalSettings().minimum_confidence


def test_a_word_in_capitals_that_the_library_has_another_for_is_no_name(tmp_path: Path) -> None:
    documents = {
        "models.md": "# Models\n\n## Large\n\nThe large model needs 16 GB of memory. It thinks before it answers.",
        "disks.md": "# Disks\n\n## Care\n\nDisks are replaced every five years. Old ones are shredded.",
    }
    library = library_of(tmp_path, documents)
    try:
        known = library.search("How much RAM does the large model need?")
        assert known.passages[0].document == "models.md"
        terms = library.searcher.analyse("How much RAM is needed?").terms
        assert [term.kind for term in terms if term.word == "RAM"] == ["other"]
        assert known.confidence > library.search("How much DRM does the large model need?").confidence
    finally:
        library.close()


def test_a_question_about_a_named_thing_is_not_refused_for_another_word(tmp_path: Path) -> None:
    """The shipped documents say nowhere "RAM", but how much memory this model needs."""
    with contextlib.closing(Library.open(tmp_path, RetrievalSettings(), write=True)) as library:
        library.sync([Path(__file__).parents[3] / "docs_corpus"])
        least = RetrievalSettings().minimum_confidence
        assert library.search("What is the minimum RAM for gpt-oss-20b?").confidence >= least
        assert library.search("What is the minimum fee for gpt-oss-20b?").confidence < least


@pytest.mark.parametrize(
    "question", ["Bergen'deki araçları kullanabilir miyim?", "Bergen’deki araçları kullanabilir miyim?"]
)
def test_an_ending_behind_an_apostrophe_and_a_word_of_asking_are_no_topic(
    libraries: dict[str, Library], question: str
) -> None:
    content = [term.word for term in libraries["tr"].searcher.analyse(question).content]
    assert content == ["Bergen", "araçları", "kullanabilir"]


def test_a_turkish_word_with_an_ending_behind_an_apostrophe_is_a_name(libraries: dict[str, Library]) -> None:
    for question in ("Bergen'deki araçlar kimde?", "BERGEN'DEKİ ARAÇLAR KİMDE?"):
        kinds = {term.word.lower(): term.kind for term in libraries["tr"].searcher.analyse(question).content}
        assert kinds["bergen"] == "name" and set(kinds.values()) == {"name", "other"}
