"""What becomes of words before they are indexed and searched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.analyser import casefold, fold, grams, stem, stop_terms, tokens

_TURKISH = "ÇALIŞANLARIN YILLIK İZİN HAKKI KAÇ GÜNDÜR"
_PLAIN = str.maketrans("çğıöşü", "cgiosu")


def terms(text: str, language: str) -> list[str]:
    return [token.term for token in tokens(text, language)]


def test_turkish_has_one_form_whatever_the_case_and_the_diacritics() -> None:
    lower = _TURKISH.replace("İ", "i").replace("I", "ı").lower()
    assert terms(_TURKISH, "tr") == terms(lower, "tr") == terms(lower.translate(_PLAIN), "tr")


def test_turkish_suffixes_are_stripped_from_words_typed_without_diacritics() -> None:
    assert stem("kuruluslarinin", "tr") == stem("kuruluş", "tr")


@pytest.mark.parametrize(
    ("one", "other"),
    [("izni", "izin"), ("iznimizin", "izinler"), ("şehrinde", "şehir"), ("KAYDI", "kayıt"), ("fikre", "fikir")],
)
def test_turkish_nouns_that_lose_a_vowel_before_an_ending_keep_their_stem(one: str, other: str) -> None:
    assert stem(casefold(one), "tr") == stem(other, "tr")


@pytest.mark.parametrize("word", ["ismail", "zehra", "kaydetmek", "emredici"])
def test_other_turkish_words_that_begin_alike_are_left_alone(word: str) -> None:
    assert stem(word, "tr") not in {stem(noun, "tr") for noun in ("isim", "zehir", "kayıt", "emir")}


def test_irregular_english_forms_join_their_base() -> None:
    assert stem("began", "en") == stem("begin", "en")
    assert stem("won", "en") == stem("win", "en")
    assert stem("children", "en") == stem("child", "en")


@pytest.mark.parametrize(
    ("one", "other"),
    [("invasions", "invaded"), ("organised", "organize"), ("discovery", "discovering"), ("colours", "colored")],
)
def test_words_of_one_family_have_one_stem(one: str, other: str) -> None:
    assert stem(one, "en") == stem(other, "en")


def test_families_are_of_their_language_and_keep_others_apart() -> None:
    assert stem("invasion", "de") != stem("invade", "de")
    assert len({stem(word, "en") for word in ("invent", "invade", "invest", "invite")}) == 4


@pytest.mark.parametrize(
    ("word", "folded"),
    [("köln", "koln"), ("straße", "strasse"), ("łódź", "lodz"), ("çalışan", "calisan"), ("हिन्दी", "हिन्दी"), ("ж", "ж")],
)
def test_folding_drops_latin_diacritics_and_keeps_vowel_signs(word: str, folded: str) -> None:
    assert fold(word) == folded


def test_hindi_words_keep_their_vowel_signs() -> None:
    assert [t.folded for t in tokens("हिन्दी भाषा", "")] == ["हिन्दी", "भाषा"]


def test_chinese_runs_give_bigrams_and_thai_runs_trigrams() -> None:
    assert terms("黑豹队 308分", "zh") == ["黑豹", "豹队", "308", "分"]
    assert terms("ประเทศ", "th") == ["ประ", "ระเ", "ะเท", "เทศ"]


def test_character_grams_lie_inside_the_word() -> None:
    assert grams("index") == ("inde", "ndex")
    assert grams("ab") == ("ab",)


def test_stop_words_are_folded_like_the_terms_they_are_compared_with() -> None:
    assert fold(casefold("için")) in stop_terms("tr")


@pytest.mark.parametrize(
    ("question", "language", "topic"),
    [
        ("倉庫の鍵はどこですか", "ja", {"倉庫", "庫の", "の鍵", "鍵は"}),
        ("钥匙是什么", "zh", {"钥匙", "匙是"}),
        ("열쇠는 어디에 있습니까", "ko", {"열쇠는"}),
    ],
)
def test_how_people_ask_carries_no_topic_where_words_are_not_set_apart(
    question: str, language: str, topic: set[str]
) -> None:
    assert {token.folded for token in tokens(question, language)} - stop_terms(language) == topic


@given(st.text(max_size=200), st.sampled_from(["", "en", "tr", "de", "ar", "zh", "th", "hi"]))
def test_tokens_lie_in_the_text_in_order_and_none_is_empty(text: str, language: str) -> None:
    found = tokens(text, language)
    assert all(token.term and token.folded and 0 <= token.start < token.end <= len(text) for token in found)
    assert [t.start for t in found] == sorted(t.start for t in found)
    assert not any(character.isspace() for token in found for character in token.term)
