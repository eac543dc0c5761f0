import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pair_rows import TEXTS

from polyvalues.data.concepts import CONCEPTS, concept_info
from polyvalues.errors import SpecError
from polyvalues.languages.metadata import (
    OTHER_FAMILY,
    UNKNOWN_SCRIPT,
    knows_script,
    language_family,
    language_name,
    language_script,
    order_by_family,
    script_letters,
    script_share,
    text_direction,
)
from reference.script_share import RANGES, script_share_by_ranges

PAPER = ["en", "fr", "zh", "es", "pt", "vi", "ca", "id", "ja", "ko", "fi", "hu", "ta", "te", "sw", "ny"]


@pytest.mark.parametrize(
    ("tag", "name", "script", "family", "direction"),
    [
        ("en", "English", "Latn", "Indo-European", "ltr"),
        ("fr", "French", "Latn", "Indo-European", "ltr"),
        ("zh", "Chinese", "Hans", "Sino-Tibetan", "ltr"),
        ("es", "Spanish", "Latn", "Indo-European", "ltr"),
        ("pt", "Portuguese", "Latn", "Indo-European", "ltr"),
        ("vi", "Vietnamese", "Latn", "Austroasiatic", "ltr"),
        ("ca", "Catalan", "Latn", "Indo-European", "ltr"),
        ("id", "Indonesian", "Latn", "Austronesian", "ltr"),
        ("ja", "Japanese", "Jpan", "Japonic", "ltr"),
        ("ko", "Korean", "Kore", "Koreanic", "ltr"),
        ("fi", "Finnish", "Latn", "Uralic", "ltr"),
        ("hu", "Hungarian", "Latn", "Uralic", "ltr"),
        ("ta", "Tamil", "Taml", "Dravidian", "ltr"),
        ("te", "Telugu", "Telu", "Dravidian", "ltr"),
        ("sw", "Swahili", "Latn", "Atlantic-Congo", "ltr"),
        ("ny", "Nyanja", "Latn", "Atlantic-Congo", "ltr"),
        ("sr-Latn", "Serbian (Latin)", "Latn", "Indo-European", "ltr"),
        ("sr", "Serbian", "Cyrl", "Indo-European", "ltr"),
        ("zh-TW", "Chinese (Taiwan)", "Hant", "Sino-Tibetan", "ltr"),
        ("ar", "Arabic", "Arab", "Afro-Asiatic", "rtl"),
        ("ur", "Urdu", "Arab", "Indo-European", "rtl"),
        ("he", "Hebrew", "Hebr", "Afro-Asiatic", "rtl"),
        ("cmn", "Mandarin Chinese", "Hans", "Sino-Tibetan", "ltr"),
        ("tlh", "Klingon", UNKNOWN_SCRIPT, OTHER_FAMILY, "ltr"),
    ],
)
def test_what_a_tag_stands_for(tag: str, name: str, script: str, family: str, direction: str) -> None:
    assert (language_name(tag), language_script(tag), language_family(tag)) == (name, script, family)
    assert text_direction(tag) == direction


@pytest.mark.parametrize("tag", ["", "e", "not a tag", "english", "zzz", "sr-Latn-Latn", "../en", "en\n"])
@pytest.mark.parametrize("function", [language_name, language_script, language_family, text_direction])
def test_an_unregistered_tag_is_refused(tag, function) -> None:
    with pytest.raises(SpecError, match="not a registered BCP-47 tag"):
        function(tag)


@pytest.mark.parametrize(("country", "language"), [("jp", "ja"), ("cz", "cs"), ("cn", "zh"), ("ua", "uk")])
def test_a_country_code_is_refused_and_its_language_suggested(country: str, language: str) -> None:
    with pytest.raises(SpecError, match=f"did you mean '{language}'"):
        language_script(country)


def test_kin_stand_together() -> None:
    order = order_by_family(PAPER)
    assert order == ("en", "ca", "es", "fr", "pt", "fi", "hu", "ta", "te", "zh", "ja", "ko", "vi", "id", "ny", "sw")
    assert order_by_family(reversed(PAPER)) == order
    assert order_by_family(["tlh", "sw", "en"]) == ("en", "sw", "tlh")


@pytest.mark.parametrize(
    ("text", "script", "share"),
    [
        ("hello", "Latn", 1),
        ("Hello мир", "Latn", 5 / 8),
        ("Hello мир", "Cyrl", 3 / 8),
        ("东京 Tokyo", "Hans", 2 / 7),
        ("東京", "Hant", 1),
        ("ひらカナ漢字", "Jpan", 1),
        ("ラーメン", "Jpan", 1),
        ("ひらカナ漢字", "Hans", 1 / 3),
        ("안녕 漢字", "Kore", 1),
        ("ひら 안녕", "Kore", 1 / 2),
        ("தமிழ் 42!", "Taml", 1),
        ("naïve ½ 3.14", "Latn", 1),
        ("ℵ ʼa ª", "Latn", 2 / 3),
        ("5 µ мм", "Cyrl", 1),
    ],
)
def test_share_of_letters_in_a_script(text: str, script: str, share: float) -> None:
    assert script_share(text, script) == pytest.approx(share)


@pytest.mark.parametrize(
    ("text", "script"), [("", "Latn"), ("42 %!", "Latn"), ("hello", UNKNOWN_SCRIPT), ("a", "Qaaa")]
)
def test_where_there_is_nothing_to_judge_the_share_is_nan(text: str, script: str) -> None:
    assert math.isnan(script_share(text, script))


@pytest.mark.parametrize("language", TEXTS)
def test_real_text_is_in_its_own_script_and_in_no_other(language: str) -> None:
    own = language_script(language)
    for text in TEXTS[language]:
        assert script_share(text, own) == 1
        assert all(script_share(text, other) < 0.5 for other in {"Cyrl", "Taml", "Hang"} - {own})


@pytest.mark.parametrize("tag", PAPER)
def test_the_scripts_of_the_paper_can_be_judged(tag: str) -> None:
    assert knows_script(language_script(tag))


@given(
    st.text(st.characters(codec="utf-8", categories=["Lu", "Ll", "Lo", "Nd", "Po", "Zs"], max_codepoint=0x250)),
    st.text(st.sampled_from("абвёழதతెあアー漢字한글مرح12 .")),
    st.sampled_from(sorted(RANGES)),
)
def test_the_share_agrees_with_the_ranges_of_the_blocks(latin: str, mixed: str, script: str) -> None:
    text = "".join(character for character in latin if character not in "ªºµ") + mixed.replace("ー", "ア")
    assert script_share(text, script) == pytest.approx(script_share_by_ranges(text, script), nan_ok=True)


@given(st.lists(st.text(max_size=20), max_size=8))
def test_many_texts_are_counted_as_each_alone(texts: list[str]) -> None:
    inside, letters = script_letters(texts, "Latn")
    alone = [script_letters([text], "Latn") for text in texts]
    assert inside.tolist() == [int(one[0][0]) for one in alone]
    assert letters.tolist() == [int(one[1][0]) for one in alone]


def test_counting_goes_on_over_chunks() -> None:
    texts = ["a" * 700_000, "bя", "c" * 700_000, "", "яя"]
    inside, letters = script_letters(texts, "Latn")
    assert inside.tolist() == [700_000, 1, 700_000, 0, 0]
    assert np.array_equal(letters, [700_000, 2, 700_000, 0, 2])


def test_the_seven_concepts_and_any_other() -> None:
    assert [concept.name for concept in CONCEPTS] == [
        "morality",
        "deontology",
        "utilitarianism",
        "fairness",
        "truthfulness",
        "toxicity",
        "harmfulness",
    ]
    # the safer side is the positive one also where the concept is named after the violation
    assert concept_info("toxicity").positive == "civil"
    assert concept_info("harmfulness").positive == "harmless"
    other = concept_info("free-speech")
    assert (other.name, other.title) == ("free-speech", "Free speech")
    assert other.positive != other.negative
