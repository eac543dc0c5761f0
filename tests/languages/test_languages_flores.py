"""FLORES codes: every code is reached by its own tag, and the languages in common use by theirs."""

import pytest

from polyvalues.errors import SpecError
from polyvalues.languages.catalog import known_languages
from polyvalues.languages.flores import FLORES, flores_code, flores_tag
from polyvalues.languages.metadata import knows_script, language_name, language_script


def test_every_code_is_reached_by_its_own_tag() -> None:
    assert len(FLORES) == len(set(FLORES)) == 202
    missed = {code: flores_code(code.replace("_", "-")) for code in FLORES}
    assert {code: found for code, found in missed.items() if found != code} == {}


COMMON = {
    "zh": "zho_Hans", "zh-Hant": "zho_Hant", "cmn": "zho_Hans", "yue": "yue_Hant", "ko": "kor_Hang", "ar": "arb_Arab",
    "arz": "arz_Arab", "fa": "pes_Arab", "ps": "pbt_Arab", "sw": "swh_Latn", "ms": "zsm_Latn", "no": "nob_Latn",
    "nb": "nob_Latn", "lv": "lvs_Latn", "et": "est_Latn", "uz": "uzn_Latn", "mn": "khk_Cyrl", "or": "ory_Orya",
    "sq": "als_Latn", "az": "azj_Latn", "ku": "kmr_Latn", "mg": "plt_Latn", "qu": "quy_Latn", "om": "gaz_Latn",
    "ff": "fuv_Latn", "tl": "tgl_Latn", "fil": "tgl_Latn", "sr": "srp_Cyrl", "he": "heb_Hebr", "ak": "aka_Latn",
    "tw": "twi_Latn", "ks": "kas_Arab",
}  # fmt: skip


@pytest.mark.parametrize("tag", COMMON)
def test_languages_in_common_use(tag: str) -> None:
    assert flores_code(tag) == COMMON[tag]


def test_what_is_not_there_is_none_and_what_is_no_tag_is_refused() -> None:
    assert flores_code("sr-Latn") is None
    assert flores_code("hak") is None
    with pytest.raises(SpecError, match="BCP-47"):
        flores_code("english")


def test_every_language_has_a_name_and_a_script_that_can_be_judged() -> None:
    for code in FLORES:
        tag = code.replace("_", "-")
        assert language_name(tag)
        assert knows_script(language_script(tag)), code


def test_a_tag_leads_to_its_code_and_back() -> None:
    tags = [flores_tag(code) for code in FLORES]
    assert len(set(tags)) == len(FLORES)
    assert [flores_code(tag) for tag in tags] == list(FLORES)
    assert {flores_tag(code) for code in ("zho_Hans", "swh_Latn", "kor_Hang", "arb_Arab")} == {"zh", "sw", "ko", "ar"}


def test_more_than_a_hundred_languages_have_all_that_is_needed() -> None:
    found = known_languages()
    assert len(found) == 202
    assert all(one.name and one.judged for one in found)
    assert sum(len(one.distances) >= 2 for one in found) >= 200
    assert sum(one.identified and len(one.distances) >= 4 for one in found) >= 90
    by_tag = {one.tag: one for one in found}
    assert not by_tag["ny"].identified
    assert (by_tag["sw"].name, by_tag["sw"].script, by_tag["sw"].code) == ("Swahili", "Latn", "swh_Latn")
    assert len(by_tag["fi"].distances) == 6
