"""The codes of FLORES-200 and NLLB-200: which language tag is which `xxx_Yyyy`.

The list is NLLB's own (`FAIRSEQ_LANGUAGE_CODES` in `transformers.models.nllb.tokenization_nllb`, 202 codes; NLLB Team
2022, arXiv 2207.04672). A tag and a code are the same language when they agree in language and script after CLDR's
normalisation, in which an individual language that stands for its macrolanguage is named by it (`arb` is `ar`, `zsm`
is `ms`), through `langcodes`. Where CLDR does not say which one stands for a macrolanguage, `_CHOSEN` does.
"""

from functools import cache
from typing import Final

import langcodes

from polyvalues.languages.metadata import language_name, language_script

_CODES: Final = """
    ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn als_Latn amh_Ethi apc_Arab arb_Arab
    ars_Arab ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn azb_Arab azj_Latn bak_Cyrl bam_Latn ban_Latn
    bel_Cyrl bem_Latn ben_Beng bho_Deva bjn_Arab bjn_Latn bod_Tibt bos_Latn bug_Latn bul_Cyrl cat_Latn ceb_Latn
    ces_Latn cjk_Latn ckb_Arab crh_Latn cym_Latn dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt ell_Grek eng_Latn
    epo_Latn est_Latn eus_Latn ewe_Latn fao_Latn fij_Latn fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn gaz_Latn
    gla_Latn gle_Latn glg_Latn grn_Latn guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva hrv_Latn hun_Latn
    hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn jav_Latn jpn_Jpan kab_Latn kac_Latn kam_Latn kan_Knda
    kas_Arab kas_Deva kat_Geor kaz_Cyrl kbp_Latn kea_Latn khk_Cyrl khm_Khmr kik_Latn kin_Latn kir_Cyrl kmb_Latn
    kmr_Latn knc_Arab knc_Latn kon_Latn kor_Hang lao_Laoo lij_Latn lim_Latn lin_Latn lit_Latn lmo_Latn ltg_Latn
    ltz_Latn lua_Latn lug_Latn luo_Latn lus_Latn lvs_Latn mag_Deva mai_Deva mal_Mlym mar_Deva min_Latn mkd_Cyrl
    mlt_Latn mni_Beng mos_Latn mri_Latn mya_Mymr nld_Latn nno_Latn nob_Latn npi_Deva nso_Latn nus_Latn nya_Latn
    oci_Latn ory_Orya pag_Latn pan_Guru pap_Latn pbt_Arab pes_Arab plt_Latn pol_Latn por_Latn prs_Arab quy_Latn
    ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Beng scn_Latn shn_Mymr sin_Sinh slk_Latn slv_Latn smo_Latn
    sna_Latn snd_Arab som_Latn sot_Latn spa_Latn srd_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn swh_Latn szl_Latn
    tam_Taml taq_Latn taq_Tfng tat_Cyrl tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi tpi_Latn tsn_Latn tso_Latn
    tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab ukr_Cyrl umb_Latn urd_Arab uzn_Latn vec_Latn vie_Latn
    war_Latn wol_Latn xho_Latn ydd_Hebr yor_Latn yue_Hant zho_Hans zho_Hant zsm_Latn zul_Latn
"""

FLORES: Final = tuple(_CODES.split())
"""Every code, sorted."""

_CHOSEN: Final = {
    ("fa", "Arab"): "pes_Arab",
    ("ak", "Latn"): "aka_Latn",
    ("tw", "Latn"): "twi_Latn",
    ("twi", "Latn"): "twi_Latn",
    ("ps", "Arab"): "pbt_Arab",
    ("qu", "Latn"): "quy_Latn",
    ("ff", "Latn"): "fuv_Latn",
    ("no", "Latn"): "nob_Latn",
    ("prs", "Arab"): "prs_Arab",
    ("fa-AF", "Arab"): "prs_Arab",
}
_SCRIPTS: Final = {"Hang": "Kore"}
"""FLORES calls Korean writing Hangul; CLDR, Hangul and Han."""


@cache
def flores_code(tag: str) -> str | None:
    """The FLORES-200 code of a language, e.g. `swh_Latn` for `sw`; None where it is not one of them.

    Raises:
        SpecError: the tag is not a registered BCP-47 tag.
    """
    language_name(tag)  # refuses what is no tag
    script = language_script(tag)
    named = langcodes.Language.get(tag, normalize=False)
    for name in (tag, named.language or ""):
        if (name, script) in _CHOSEN:
            return _CHOSEN[name, script]
    return _by_language().get(_normal(tag))


@cache
def _by_language() -> dict[tuple[str, str], str]:
    return {_normal(code.replace("_", "-")): code for code in reversed(FLORES)}


def _normal(tag: str) -> tuple[str, str]:
    """Language (a macrolanguage where it stands for one) and script."""
    language = langcodes.Language.get(langcodes.standardize_tag(tag, macro=True))
    script = language.script or language_script(language.to_tag())
    return language.language or "", _SCRIPTS.get(script, script)


@cache
def flores_tag(code: str) -> str:
    """The shortest tag that stands for a code: `sw` for `swh_Latn`, `zh-Hant` for `zho_Hant`."""
    whole = code.replace("_", "-")
    wide, narrow = (langcodes.Language.get(langcodes.standardize_tag(whole, macro=macro)) for macro in (True, False))
    for tag in (wide.language, narrow.language, wide.to_tag(), narrow.to_tag()):
        if tag and flores_code(tag) == code:
            return tag
    return whole
