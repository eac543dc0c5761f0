"""FLORES codes: every code is reached by its own tag, and the languages in common use by theirs."""

import pytest

from polyvalues.data.flores import FLORES, flores_code
from polyvalues.data.languages import knows_script, language_name, language_script
from polyvalues.errors import SpecError


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
