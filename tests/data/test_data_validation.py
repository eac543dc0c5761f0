import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pair_rows import drops, grid, items, numbered, pair_set, row

from polyvalues.artifacts import DROP_SCHEMA, PAIR_SCHEMA, PairSet
from polyvalues.config import CheckSpec
from polyvalues.data.validation import check_pairs, paper_pairs
from polyvalues.errors import PairsError, SpecError

ALONE = CheckSpec(align=False)
GOOD = numbered(0)


def reason(bad: dict[str, str], spec: CheckSpec = ALONE, before: list[dict[str, str]] | None = None) -> str:
    """Why the pair is dropped when it stands beside a good one in its language; empty when it is kept."""
    good = numbered(0, bad["language"])
    checked = check_pairs(pair_set([good, *(before or []), bad]), spec)
    assert good in checked.table.to_pylist()
    found = [drop["reason"] for drop in checked.drops.to_pylist() if drop["item"] == bad["item"]]
    assert len(found) <= 1
    assert (bad["item"] in items(checked, bad["language"], bad["concept"])) == (found in ([], ["not-nfc"]))
    return found[0] if found else ""


@pytest.mark.parametrize("blank", ["", "  \n\t", "\u200b\ufeff", "\u00a0"])
def test_empty(blank: str) -> None:
    assert reason(row("x", blank, "It was mean")) == "empty"
    assert reason(row("x", "It was kind", blank)) == "empty"
    # a prefix does not fill a side
    assert reason(row("x", blank, "mean", prefix="It was ")) == "empty"
    assert reason(row("x", "a", "b", prefix=blank)) == ""


def test_identical() -> None:
    assert reason(row("x", "It was kind", "It was kind")) == "identical"
    assert reason(row("x", "It was kind ", "\nIt was kind")) == "identical"
    assert reason(row("x", "caf\u00e9", "cafe\u0301")) == "identical"
    assert reason(row("x", "It was kind", "It was Kind")) == ""


def test_duplicate() -> None:
    first = row("a", "kind word", "rude word", prefix="Say a ")
    assert reason({**first, "item": "x"}, before=[first]) == "duplicate"
    assert reason({**first, "item": "x", "prefix": "Write a "}, before=[first]) == ""
    assert reason({**first, "item": "x", "negative": "sour word"}, before=[first]) == ""
    assert reason({**first, "item": "x", "language": "fr"}, before=[first]) == ""
    assert reason({**first, "item": "x", "concept": "fairness"}, before=[first]) == ""


def test_the_first_of_two_duplicates_is_kept() -> None:
    twins = [row(item, "kind word", "rude word") for item in ("b", "a", "c")]
    checked = check_pairs(pair_set(twins), ALONE)
    assert items(checked, "en") == ["b"]
    assert {drop["detail"] for drop in checked.drops.to_pylist()} == {"same texts as item 'b'"}


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x1b", "\x7f", "\x85", "\u202e", "\u2066", "\ufffd"])
def test_control_characters(character: str) -> None:
    assert reason(row("x", f"kind{character}ness", "rudeness")) == "control-characters"
    assert reason(row("x", "kindness", f"rude{character}ness")) == "control-characters"
    assert reason(row("x", "kindness", "rudeness", prefix=f"a{character}b")) == "control-characters"


@pytest.mark.parametrize("character", ["\n", "\t", "\r", "\u200d", "\u200f", "\u00a0"])
def test_white_space_and_joiners_are_no_control_characters(character: str) -> None:
    assert reason(row("x", f"kind{character}ness", "rudeness")) == ""


def test_the_record_of_a_control_character_does_not_repeat_it() -> None:
    checked = check_pairs(pair_set([GOOD, row("x", "kind", "ru\u202ede")]), ALONE)
    assert checked.drops["detail"].to_pylist() == ["U+202E in the negative at character 3"]


def test_wrong_script() -> None:
    telugu = numbered(1, "te")["positive"]
    assert reason(row("x", telugu, "left in English", language="te")) == "wrong-script"
    assert reason(row("x", "left in English", telugu, language="te")) == "wrong-script"
    assert reason(row("x", telugu, telugu + " ok", language="te")) == ""
    assert reason(row("x", "Привет всем", "Not kind")) == "wrong-script"


def test_the_threshold_of_the_script_is_the_least_share() -> None:
    half = row("x", "abcd мнрт", "efgh аоеу")
    assert reason(half, CheckSpec(align=False, script_share=0.5)) == ""
    assert reason(half, CheckSpec(align=False, script_share=0.51)) == "wrong-script"
    all_wrong = row("x", "мнрт", "аоеу")
    assert reason(all_wrong, CheckSpec(align=False, script_share=0)) == ""


def test_a_short_side_is_judged_with_its_prefix() -> None:
    # 2 letters of the wrong script: too little to judge alone
    assert reason(row("x", "OK", "NO", language="te")) == ""
    assert reason(row("x", "OK", "NO", language="te", prefix="సహాయం చేయడం: ")) == ""
    assert reason(row("x", "OK", "NO", language="te", prefix="Is it right? ")) == "wrong-script"
    # 3 letters are judged, and a right prefix does not save them
    assert reason(row("x", "YES", "NOT", language="te", prefix="సహాయం చేయడం: ")) == "wrong-script"


def test_numbers_and_unknown_scripts_are_never_the_wrong_script() -> None:
    assert reason(row("x", "1 + 1 = 2", "1 + 1 = 3", language="te")) == ""
    klingon = [row(item, f"нуq {item}", f"Qapla {item}", language="tlh") for item in "ab"]
    checked = check_pairs(pair_set(klingon), ALONE)
    assert items(checked, "tlh") == ["a", "b"]
    assert checked.notes == ("language 'tlh': its script is not known, so the script of its texts is not checked",)


def test_overlong() -> None:
    spec = CheckSpec(align=False, max_characters=30)
    assert reason(row("x", "k" * 30, "r"), spec) == ""
    assert reason(row("x", "r", "k" * 31), spec) == "overlong"
    assert reason(row("x", "k" * 30, "r", prefix="p"), spec) == "overlong"


def test_unaligned() -> None:
    pairs = pair_set([numbered(0), numbered(1), numbered(0, "es"), numbered(1, "es"), numbered(2, "es")])
    checked = check_pairs(pairs, CheckSpec())
    assert items(checked, "es") == ["i0", "i1"]
    assert drops(checked) == [("es", "i2", "unaligned", "dropped")]
    assert checked.drops["detail"].to_pylist() == ["not usable in en"]
    assert items(check_pairs(pairs, ALONE), "es") == ["i0", "i1", "i2"]


def test_a_drop_in_one_language_takes_the_item_out_of_all() -> None:
    pairs = pair_set([numbered(0), row("i1", "same", "same"), numbered(0, "es"), numbered(1, "es")])
    checked = check_pairs(pairs, CheckSpec())
    assert items(checked, "en") == items(checked, "es") == ["i0"]
    assert drops(checked) == [("en", "i1", "identical", "dropped"), ("es", "i1", "unaligned", "dropped")]


def test_alignment_is_asked_of_the_concepts_own_selected_languages_only() -> None:
    pairs = pair_set([
        numbered(0), numbered(0, "es"), numbered(1, concept="fairness"), numbered(1, "te", concept="fairness"),
        numbered(2, concept="fairness"),
    ])  # fmt: skip
    checked = check_pairs(pairs, CheckSpec())
    assert drops(checked) == [("en", "i2", "unaligned", "dropped")]
    assert not drops(check_pairs(pairs, CheckSpec(languages=("en",))))


def test_not_nfc_is_mended_and_kept() -> None:
    bad = row("x", "cafe\u0301 au lait", "the\u0301 noir", language="fr", prefix="Du ")
    assert reason(bad) == "not-nfc"
    checked = check_pairs(pair_set([bad]), ALONE)
    assert checked.table.to_pylist() == [{**bad, "positive": "café au lait", "negative": "thé noir"}]
    assert drops(checked) == [("fr", "x", "not-nfc", "mended")]
    assert checked.drops["detail"].to_pylist() == ["positive, negative"]
    assert reason(row("x", "café au lait", "thé noir", language="fr")) == ""


def test_a_pair_is_recorded_once_with_the_first_reason() -> None:
    first = row("a", "kind\x00ness", "rude\x00ness")
    assert reason({**first, "item": "x"}, before=[]) == "control-characters"
    checked = check_pairs(pair_set([GOOD, first, {**first, "item": "x"}]), ALONE)
    assert drops(checked) == [("en", "a", "control-characters", "dropped"), ("en", "x", "duplicate", "dropped")]
    # mended and then dropped: recorded as dropped only
    assert reason(row("x", "caf\u00e9", "cafe\u0301")) == "identical"
    assert reason(row("x", "приве\u0301т\x00", "b" * 40), CheckSpec(max_characters=30)) == "control-characters"


def test_limit_keeps_the_first_usable_items_of_the_file_in_every_language() -> None:
    english = [row("i0", "same", "same"), *(numbered(number) for number in range(1, 6))]
    spanish = [numbered(number, "es") for number in (5, 4, 3, 2, 1, 0)]
    checked = check_pairs(pair_set([*english, *spanish]), CheckSpec(limit=3))
    assert items(checked, "en") == ["i1", "i2", "i3"]
    assert items(checked, "es") == ["i3", "i2", "i1"]
    assert [drop[1] for drop in drops(checked) if drop[2] == "limit"] == ["i4", "i5", "i5", "i4"]
    assert check_pairs(pair_set(english), CheckSpec(limit=5)).table.num_rows == 5


def test_limit_counts_per_concept() -> None:
    pairs = pair_set([numbered(number, concept=concept) for concept in ("morality", "fairness") for number in range(4)])
    checked = check_pairs(pairs, CheckSpec(limit=2))
    assert items(checked, "en", "morality") == items(checked, "en", "fairness") == ["i0", "i1"]


def test_limit_leaves_no_language_out_where_items_are_not_shared() -> None:
    pairs = pair_set([
        *(numbered(number) for number in range(10)), *(numbered(number, "es") for number in range(10, 20)),
    ])  # fmt: skip
    checked = check_pairs(pairs, CheckSpec(align=False, limit=5))
    assert items(checked, "en") == ["i0", "i1", "i2"]
    assert items(checked, "es") == ["i10", "i11"]


def test_selection_is_not_a_drop_and_gives_the_order() -> None:
    pairs = grid(2)
    checked = check_pairs(pairs, CheckSpec(languages=("te", "en")))
    assert checked.table["language"].to_pylist() == ["te", "te", "en", "en"]
    assert drops(checked) == []
    both = pair_set([*grid(2, ["en"]).table.to_pylist(), *grid(2, ["en"], "fairness").table.to_pylist()])
    chosen = check_pairs(both, CheckSpec(concepts=("fairness", "morality")))
    assert chosen.table["concept"].to_pylist() == ["fairness"] * 2 + ["morality"] * 2
    assert check_pairs(both, CheckSpec(concepts=("fairness",))).table["concept"].to_pylist() == ["fairness"] * 2


def test_rows_are_regrouped_by_concept_and_language() -> None:
    mixed = pair_set([
        numbered(1, "es"), numbered(0), numbered(0, concept="fairness"), numbered(0, "es"), numbered(1),
    ])  # fmt: skip
    checked = check_pairs(mixed, CheckSpec())
    assert [(found["concept"], found["language"], found["item"]) for found in checked.table.to_pylist()] == [
        ("morality", "es", "i1"), ("morality", "es", "i0"), ("morality", "en", "i0"), ("morality", "en", "i1"),
        ("fairness", "en", "i0"),
    ]  # fmt: skip


@pytest.mark.parametrize("function", [check_pairs, paper_pairs])
def test_what_is_not_there_cannot_be_selected(function) -> None:
    with pytest.raises(PairsError, match="no pairs with language sw, fi; there are: en, es, te"):
        function(grid(2), CheckSpec(languages=("en", "sw", "fi")))
    with pytest.raises(PairsError, match="no pairs with concept fairness; there are: morality"):
        function(grid(2), CheckSpec(concepts=("fairness",)))
    with pytest.raises(PairsError, match="no pairs"):
        function(pair_set([]), CheckSpec())


def test_a_concept_without_a_language_that_was_asked_for_is_noted() -> None:
    pairs = pair_set([numbered(0), numbered(0, "es"), numbered(0, concept="fairness")])
    checked = check_pairs(pairs, CheckSpec(languages=("en", "es")))
    assert checked.notes == ("concept 'fairness' has no pairs in es",)
    assert check_pairs(pairs, CheckSpec()).notes == ()


def test_a_language_left_without_pairs_is_an_error_that_counts_and_advises() -> None:
    pairs = pair_set([numbered(0), numbered(1), row("i0", "Left", "In English", language="te"),
                      row("i1", "Left too", "In English", language="te")])  # fmt: skip
    with pytest.raises(PairsError) as caught:
        check_pairs(pairs, CheckSpec())
    lines = str(caught.value).splitlines()
    assert lines[0] == "concept 'morality', language 'te': no pair is left; dropped: wrong-script 2"
    assert lines[1] == "concept 'morality', language 'en': no pair is left; dropped: unaligned 2"
    assert "language tag" in lines[-1]
    assert "--no-align" in lines[-1]


def test_languages_without_a_common_item_are_an_error_that_names_align() -> None:
    with pytest.raises(PairsError, match=r"unaligned 1(.|\n)*--no-align"):
        check_pairs(pair_set([numbered(0), numbered(1, "es")]), CheckSpec())


def test_a_language_of_which_the_reader_left_nothing_is_an_error_too() -> None:
    drop = {"concept": "morality", "language": "es", "item": "i0", "reason": "unmatched"}
    with pytest.raises(PairsError, match="'es': no pair is left; dropped: unmatched 1"):
        check_pairs(pair_set([numbered(0)], [drop]), ALONE)
    assert items(check_pairs(pair_set([numbered(0)], [drop]), CheckSpec(languages=("en",))), "en") == ["i0"]


def test_an_unregistered_language_is_refused() -> None:
    with pytest.raises(SpecError, match="did you mean 'ja'"):
        check_pairs(pair_set([{**GOOD, "language": "jp"}]), ALONE)


def test_what_the_reader_recorded_is_kept_for_what_is_selected() -> None:
    earlier = [
        {"concept": "morality", "language": language, "item": "z", "reason": "unmatched"} for language in ("en", "es")
    ]
    pairs = pair_set([numbered(0), row("b", "same", "same"), numbered(0, "es")], earlier, ["matched on length"])
    checked = check_pairs(pairs, CheckSpec(languages=("en",)))
    assert drops(checked) == [("en", "z", "unmatched", "dropped"), ("en", "b", "identical", "dropped")]
    assert checked.notes == ("matched on length",)
    assert checked.table.schema == PAIR_SCHEMA
    assert checked.drops.schema == DROP_SCHEMA


def test_the_paper_drops_identical_sides_only() -> None:
    rows = [
        numbered(3), numbered(3, "es"), row("same", "a", "a"), row("stripped", "a", "a "), row("empty", "", "a"),
        row("nfc", "cafe\u0301", "the\u0301"), {**numbered(3), "item": "twin"}, row("script", "привет", "пока"),
        row("control", "a\x00", "b"), row("caf\u00e9", "caf\u00e9", "cafe\u0301"), numbered(1),
    ]  # fmt: skip
    pairs = paper_pairs(pair_set(rows), CheckSpec(max_characters=5))
    assert [found for found in pairs.table.to_pylist() if found["language"] == "en"] == [
        found for found in rows if found["language"] == "en" and found["item"] != "same"
    ]
    assert items(pairs, "es") == ["i3"]
    assert drops(pairs) == [("en", "same", "identical", "dropped")]


def test_the_paper_compares_sides_before_any_prefix_and_obeys_the_limit() -> None:
    rows = [row("i0", "same", "same", prefix="Question "), *(numbered(number) for number in range(1, 9))]
    assert items(paper_pairs(pair_set(rows), CheckSpec(limit=4)), "en") == ["i1", "i2", "i3", "i4"]
    with pytest.raises(PairsError, match="identical 1"):
        paper_pairs(pair_set(rows[:1]), CheckSpec())


def test_the_pairs_that_are_given_stay_as_they_are() -> None:
    pairs = pair_set([row("x", "cafe\u0301", "the\u0301"), numbered(1), row("y", "a", "a")])
    before = (pairs.table.to_pylist(), pairs.drops.to_pylist())
    check_pairs(pairs, CheckSpec())
    assert (pairs.table.to_pylist(), pairs.drops.to_pylist()) == before


SIDES = st.text(st.sampled_from("ab é e\u0301я\x00\u202e\n"), max_size=6)
ROWS = st.lists(
    st.builds(
        lambda concept, language, item, prefix, positive, negative: row(
            item, positive, negative, prefix=prefix, language=language, concept=concept
        ),
        st.sampled_from(["morality", "fairness"]),
        st.sampled_from(["en", "fr", "ru"]),
        st.sampled_from("abcd"),
        st.sampled_from(["", "Say: ", "e\u0301 "]),
        SIDES,
        SIDES,
    ),
    unique_by=lambda found: (found["concept"], found["language"], found["item"]),
    max_size=16,
)
SPECS = st.builds(
    CheckSpec,
    align=st.booleans(),
    max_characters=st.integers(6, 12),
    script_share=st.sampled_from([0.0, 0.5, 1.0]),
    limit=st.sampled_from([None, 1, 2]),
    languages=st.sampled_from([None, ("fr", "en")]),
)


@given(ROWS, SPECS)
@settings(max_examples=200)
def test_any_pairs_are_kept_or_recorded_once_and_a_second_check_changes_nothing(rows, spec) -> None:
    # always usable, so that no language is left without
    anchors = [
        row(f"i{number}", f"{number}д", f"{number}ц", language=language, concept=concept)
        for concept in ("morality", "fairness")
        for language in ("en", "fr", "ru")
        for number in range(2)
    ]
    pairs = pair_set([*anchors, *rows])
    checked = check_pairs(pairs, spec)

    def keys(table) -> list[tuple[str, str, str]]:
        return [(found["concept"], found["language"], found["item"]) for found in table.to_pylist()]

    wanted = [key for key in keys(pairs.table) if spec.languages is None or key[1] in spec.languages]
    dropped = [key for key, drop in zip(keys(checked.drops), drops(checked), strict=True) if drop[3] == "dropped"]
    assert sorted([*keys(checked.table), *dropped]) == sorted(wanted)
    for found in checked.table.to_pylist():
        assert all(unicodedata.is_normalized("NFC", found[name]) for name in ("prefix", "positive", "negative"))
    if spec.align:
        for concept in ("morality", "fairness"):
            sets = {frozenset(items(checked, language, concept)) for language in spec.languages or ("en", "fr", "ru")}
            assert len(sets) == 1
    again = check_pairs(PairSet(checked.table, notes=checked.notes), spec)
    assert again.table.equals(checked.table)
    assert again.drops.num_rows == 0
    assert again.notes == checked.notes
