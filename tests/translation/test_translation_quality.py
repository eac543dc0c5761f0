"""Quality of translations: every measure by hand, thresholds by language, damage found, sound text left alone."""

import itertools
import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from polyvalues.artifacts import PairSet
from polyvalues.artifacts.quality_ratings import flagged_of, measures_of, ratings_of
from polyvalues.config import PairSource
from polyvalues.data.pairs import make_pairs, read_pairs
from polyvalues.data.placeholders import form, numbers, placeholders
from polyvalues.data.seeds import text_seed
from polyvalues.data.surface_features import copied, kept, repeated, surface
from polyvalues.dimensions import SIDES
from polyvalues.errors import PairsError, SpecError
from polyvalues.languages.identification import margin
from polyvalues.translation.quality import lexical_association as wording_module
from polyvalues.translation.quality.calibration import PLANTED, calibrate_quality, plant
from polyvalues.translation.quality.lexical_association import wording
from polyvalues.translation.quality.metrics import Helpers, TextQuality, measure_translations
from polyvalues.translation.quality.ngram_overlap import bleu, chrf
from polyvalues.translation.quality.outliers import doubts
from polyvalues.translation.quality.pair_ratings import rate_pairs, summarise_rated
from polyvalues.translation.quality.quality_summary import drop_flagged, flagged_pairs, summarise_quality, table_csv
from polyvalues.translation.quality.ratings_file import read_quality
from polyvalues.translation.quality.side_contrast import apart, balance, order, text_contrast
from polyvalues.translation.quality.thresholds import RULES, fences, quality
from reference.wording_oracle import scores
from unchecked import unchecked


@pytest.fixture(scope="module")
def mosaic() -> PairSet:
    """Three languages and four concepts of the embedded data."""
    pairs = read_pairs([PairSource(reader="mosaic")])
    rows = pairs.table.select(["language", "concept"]).to_pylist()
    concepts = ("morality", "truthfulness", "fairness", "harmfulness")
    chosen = [row["language"] in ("en", "fr", "zh") and row["concept"] in concepts for row in rows]
    return replace(pairs, table=pairs.table.filter(pa.array(chosen)))


@pytest.fixture(scope="module")
def measured(mosaic: PairSet) -> TextQuality:
    return measure_translations(mosaic)


# --- measures --------------------------------------------------------------------------------------------------------


SACREBLEU = [  # sacrebleu 2.6.0, CHRF().sentence_score(text, [reference]).score / 100
    ("the cat sat on the mat", "the cat is on the mat", 0.645779420625287),
    ("kedi", "the cat", 0.04464285714285714),
    ("ab", "abcdefgh", 0.23404255319148937),
    ("abcdefgh", "ab", 0.55),
    ("我父亲遵守了他的诺言", "我父亲违背了他的诺言", 0.4031746031746032),
    ("மகள் குளிர் அறையை", "மகள் சூடான அறையை", 0.3233093960101636),
    ("aaaa aaaa", "aaaa", 0.7422630560928433),
    ("x y z", "x  y\nz", 1.0),
]


@pytest.mark.parametrize(("text", "reference", "value"), SACREBLEU)
def test_chrf_is_sacrebleus(text: str, reference: str, value: float) -> None:
    assert chrf(text, reference) == pytest.approx(value, abs=1e-12)


def test_chrf_of_nothing_is_nothing() -> None:
    assert chrf("", "abc") == chrf("abc", " ") == 0
    assert bleu("", "abc", "en") == bleu("abc", " ", "en") == 0


def test_bleu_by_hand_and_by_characters_where_words_have_no_spaces() -> None:
    """Of the words 3/4, of the bigrams 1/3 are there; no trigram of 2 and no 4-gram of 1, smoothed to 1/2 and 1/4."""
    assert bleu("the small cat sat", "the cat sat down", "en") == pytest.approx((3 / 4 * 1 / 3 * 1 / 4 * 1 / 4) ** 0.25)
    assert bleu("the cat sat", "the cat sat", "en") == pytest.approx(1)
    assert bleu("分享很好", "分享真好", "zh") == pytest.approx(bleu("a b c d", "a b x d", "en"))
    assert bleu("分享很好", "分享真好", "en") == pytest.approx(0)


def test_placeholders_are_found_and_ordinary_text_is_not() -> None:
    text = (
        "Hi {name}, %s owes %(sum)d to <b>me</b>, see https://a.org/x?y=1. Mail a.b@c.org or [MASK] ____ @you `x = 1`"
    )
    expected = {"{name}", "%s", "%(sum)d", "<b>", "</b>", "https://a.org/x?y=1", "a.b@c.org", "[MASK]", "____", "@you"}
    expected |= {"`x = 1`"}
    assert set(placeholders(text)) == expected
    assert not placeholders("100 % sure; 5 < 6 and 7 > 2 [sic], a_b")
    assert placeholders("Aisha and Aisha", ["Aisha"]) == {"Aisha": 2}


def test_numbers_count_by_value_in_any_digits() -> None:
    same = ["1,000 and 7", "1 000, 7", "1.000 / 7", "١٠٠٠ ٧", "१००० 7", "1\u202f000: 7"]
    assert {tuple(sorted(numbers(text).elements())) for text in same} == {(7, 1000)}
    assert sorted(numbers("3.5 {2} 03")) == [3, 5]
    assert numbers("9" * 5000).total() > 1  # no number too long to be one


def test_form_counts_questions_of_any_script() -> None:
    assert form("真的吗？\nYes") == {"line break": 1, "question mark": 1}
    assert form("هل؟") == form("Is it?")


def test_surface_measures_by_hand() -> None:
    found = surface("Il a 3 chats {x}", "He has 3 cats {x}", "fr")
    assert found["length"] == pytest.approx(math.log(17 / 18))
    assert found["numbers"] == found["placeholders"] == found["script"] == 1
    assert math.isnan(found["form"])
    assert found["repeated"] == 0
    assert set(surface("a", None, "fr")) == {"script", "repeated"}
    assert copied("abcdef", "xxabcdyy") == pytest.approx(1 / 3)
    assert copied("The Cat sat!", "the cat, SAT") == 1
    assert math.isnan(copied("ab", "abcd"))
    assert copied("Barack Obama va néixer el 1961", "When was Barack Obama born? In 1961") < 0.1
    assert copied("мой отец держал слово", "мой отец держал слово") == 1
    assert copied("When was he born? In Kenya", "When was he born? In Kenya") == 1
    assert kept(numbers("3 4"), numbers("4 5")) == 0.5
    assert kept(numbers("3"), numbers("")) == 0


def test_loops_are_three_times_the_same_in_a_row() -> None:
    assert repeated("we said no no no", "en") == 3 / 5
    assert repeated("on and on and on and off", "en") == pytest.approx(6 / 7)
    assert repeated("no, no", "en") == repeated("", "en") == 0
    assert repeated("好的好的好的", "zh") == 1
    assert repeated("about 100,000,000,000 of them", "en") == 0
    assert repeated("it was what it was", "en") == 0


def test_identification_knows_languages_and_says_when_it_does_not() -> None:
    text = "Mon père a tenu les promesses qu'il avait faites à ses enfants."
    right, taken = margin(text, "fr")
    assert right > 1
    assert taken == "fr"
    assert margin(text, "es")[0] < -1
    assert math.isnan(margin("Bambo anga anasunga malonjezo ake.", "ny")[0])
    assert margin("12 ?", "fr") == (pytest.approx(math.nan, nan_ok=True), "")


def test_sides_that_come_closer_and_sides_exchanged() -> None:
    assert apart(("He kept it", "He broke it"), ("He kept it", "He broke it")) == 0
    assert apart(("the same", "the same"), ("kept", "broke")) < -3


def longest_run(places: tuple[int, ...]) -> int:
    """Of increasing ones, by trying all choices."""
    sizes = range(len(places), 0, -1)
    return next(k for k in sizes if any(list(c) == sorted(c) for c in itertools.combinations(places, k)))


def test_order_is_the_longest_run_of_shared_words_less_the_sources() -> None:
    rng = np.random.default_rng(0)
    words, source = np.array(list("abcdefgh")), ("one two three four", "one two three four")
    for _ in range(60):
        first, second = rng.permutation(words)[:7], rng.permutation(words)[:7]
        common = [word for word in first if word in second]
        wanted = longest_run(tuple(list(second).index(word) for word in common)) / len(common)
        sides = " ".join(first), " ".join(second)
        assert order(sides, source, "en", "en") == pytest.approx(wanted - 1)
        assert order(sides, sides, "fr", "en") == 0
    assert np.isnan(order(("a b c d", "a b x y"), source, "en", "en"))  # too little in common
    assert np.isnan(order(("a a b b", "a a b b"), source, "en", "en"))  # nothing is there once
    assert order(("他守了诺言", "他破了诺言"), source, "zh", "en") == 0
    assert order(("他守了诺言", "了诺言他破"), source, "zh", "en") < 0


def test_balance_is_the_ratio_of_lengths_against_that_of_the_sources() -> None:
    source = "He kept his word", "He broke his word"
    assert balance(source, source) == 0
    assert balance((source[1], source[0]), source) == pytest.approx(2 * np.log(18 / 17))
    assert balance(("a" * 19, "a" * 9), ("b" * 39, "b" * 39)) == pytest.approx(np.log(2))
    assert balance(("a" * 9, "a" * 19), ("b" * 39, "b" * 39)) == pytest.approx(np.log(2))
    source = {"positive": "He kept his word", "negative": "He broke his word"}
    assert text_contrast(source, source) > 0
    swapped = {"positive": source["negative"], "negative": source["positive"]}
    assert text_contrast(swapped, source) == pytest.approx(-text_contrast(source, source))


def _invented(rng: random.Random, items: int) -> tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]]:
    """A language in which every English word has one word of its own, in another order."""
    nouns, verbs = [f"noun{n:02d}" for n in range(20)], ["keeps", "breaks", "gives", "takes"]
    source, translated = {}, {}
    for at in range(items):
        noun, other = rng.sample(nouns, 2)
        good, bad = rng.sample(verbs, 2)
        texts = [f"{noun} {verb} {other}" for verb in (good, bad)]
        source[f"i{at:03d}"] = (texts[0], texts[1])
        own = [" ".join(word[::-1] for word in reversed(text.split())) for text in texts]
        translated[f"i{at:03d}"] = (own[0], own[1])
    return translated, source


def test_words_that_recur_tell_exchanged_sides_without_a_model() -> None:
    translated, source = _invented(random.Random(1), 80)
    translated["i007"] = (translated["i007"][1], translated["i007"][0])
    found = wording(translated, source, "fr", "en")
    contrast = {item: close[0, 0] + close[1, 1] - close[0, 1] - close[1, 0] for item, close in found.items()}
    assert min(contrast, key=contrast.__getitem__) == "i007"
    assert contrast["i007"] < 0
    assert sum(value > 0 for value in contrast.values()) >= 78


def test_wording_is_the_slow_oracles() -> None:
    translated, source = _invented(random.Random(2), 60)
    items = sorted(translated)
    texts = [
        [
            ([*dict.fromkeys(w[:5] for w in own.split())], [*dict.fromkeys(w[:5] for w in other.split())])
            for own, other in zip(translated[item], source[item], strict=True)
        ]
        for item in items
    ]
    found = wording(translated, source, "fr", "en")
    for at in (0, 33, 59):
        np.testing.assert_allclose(found[items[at]], scores(texts, at), atol=1e-9)


def test_wording_needs_enough_items_and_learns_from_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    translated, source = _invented(random.Random(3), 80)
    few = {item: translated[item] for item in sorted(translated)[:59]}
    assert wording(few, source, "fr", "en") == {}
    monkeypatch.setattr(wording_module, "_MOST_LINKS", 600)
    found = wording(translated, source, "fr", "en")
    assert len(found) == 80
    assert np.isfinite(np.stack(list(found.values()))).all()


# --- thresholds ------------------------------------------------------------------------------------------------------


def test_fences_follow_the_language_not_a_constant() -> None:
    rng = np.random.default_rng(0)
    values, language = rng.normal(size=400), ["fi"] * 200 + ["zh"] * 200
    shifted = np.where(np.array(language) == "zh", values - 1.0, values)
    plain, moved = fences("length", values, language), fences("length", shifted, language)
    np.testing.assert_allclose(plain["zh"].risk(values[200:]), moved["zh"].risk(shifted[200:]), atol=1e-12)
    assert (plain["fi"].risk(values[:200]) > 1).mean() < 0.01
    assert plain["fi"].risk(np.array([values[:200].max() + 9]))[0] > 1


def test_risk_is_one_at_the_fence_and_quality_one_half() -> None:
    values = np.concatenate([np.random.default_rng(1).normal(size=99), [np.nan]])
    fence = fences("similarity", values, ["fi"] * 100)["fi"]
    assert fence.risk(np.array([fence.median, fence.lower, fence.median + 5])) == pytest.approx([0, 1, 0])
    assert math.isnan(fence.risk(np.array([math.nan]))[0])
    assert quality(np.array([[1.0, 0.0, np.nan], [0.2, 2.0, np.nan]])) == pytest.approx([0.5, 0, 1])


def test_a_measure_that_is_nearly_always_perfect_has_a_fence_below_it() -> None:
    values = np.array([1.0] * 95 + [0.5] * 5)
    assert (fences("numbers", values, ["fi"] * 100)["fi"].risk(values) > 1).sum() == 5
    often = np.array([1.0] * 60 + [0.5] * 40)  # a language that writes numbers as words
    assert (fences("numbers", often, ["fi"] * 100)["fi"].risk(often) > 1).sum() == 0


def test_few_texts_borrow_from_all_languages_and_then_from_the_table() -> None:
    values = np.concatenate([np.random.default_rng(2).normal(size=50), [0.1] * 3])
    found = fences("length", values, ["fi"] * 50 + ["te"] * 3)
    assert [found[tag].basis for tag in ("fi", "te")] == ["language", "all languages"]
    alone = fences("length", np.array([0.0, 3.0]), ["te", "te"])["te"]
    assert alone.basis == "assumed"
    assert (alone.risk(np.array([0.0, 3.0, -3.0])) > 1).tolist() == [False, True, True]
    assert fences("learned", np.array([-9.0]), ["te"])["te"].risk(np.array([-9.0]))[0] == 0


def test_a_language_that_is_wrong_as_a_whole_is_named() -> None:
    script = fences("script", np.array([0.1] * 30 + [1.0] * 5), ["te"] * 35)["te"]
    assert script.risk(np.array([0.1, 1.0])).tolist() == [2, 0]
    assert "typical text is beyond the limit" in script.note
    unknown = fences("identified", np.full(30, -2.0), ["bs"] * 30)["bs"]
    assert unknown.risk(np.array([-9.0]))[0] == 0
    assert "not used" in unknown.note


# --- the whole -------------------------------------------------------------------------------------------------------


def test_sound_translations_are_left_alone(measured: TextQuality) -> None:
    rows = measured.table.to_pylist()
    assert len(rows) == 2 * 2 * 240
    assert sum(row["flagged"] for row in rows) / len(rows) < 0.045
    assert all(row["flagged"] == (row["quality"] < 0.5) == bool(row["reasons"]) for row in rows)


FOUND = {
    "cut": 0.9,
    "wrong language": 1.0,
    "copied": 1.0,
    "repeated": 1.0,
    "collapsed": 0.9,
    "swap": 0.4,
    "drop": 0.7,
    "other item": 0.4,
    "exchanged": 0.2,
}


@pytest.mark.parametrize("kind", FOUND)
@unchecked()
def test_planted_damage_is_found(mosaic: PairSet, measured: TextQuality, kind: str) -> None:
    damaged, hit = plant(mosaic, kind, 0.05, 1)
    assert len(hit) >= 15
    rows = measure_translations(damaged).table.to_pylist()
    key = {(row["concept"], row["language"], row["item"], row["side"]): row["flagged"] for row in rows}
    assert sum(key[place] for place in hit) / len(hit) >= FOUND[kind]
    other = [flagged for place, flagged in key.items() if place[:3] not in {one[:3] for one in hit}]
    assert sum(other) / len(other) < 0.05


def test_changed_numbers_placeholders_and_names_are_found() -> None:
    words = ("aamu", "ilta", "talo", "metsä", "järvi", "kirkko", "koulu", "tie")
    rows: list[dict[str, object]] = []
    for at in range(40):
        word = words[at % 8]
        for tag, place, good, bad in (("en", "At", "paid", "stole"), ("fi", "Paikassa", "maksoi", "varasti")):
            sides = {
                side: f"{place} {word} Aisha {verb} {at + 2} {{x}}"
                for side, verb in zip(SIDES, (good, bad), strict=True)
            }
            rows.append({"concept": "morality", "item": f"i{at:02d}", "language": tag, **sides})
    rows[1]["positive"] = str(rows[1]["positive"]).replace("2", "7")
    rows[3]["positive"] = str(rows[3]["positive"]).replace("{x}", "x")
    rows[5]["positive"] = str(rows[5]["positive"]).replace("Aisha", "Aino")
    found = flagged_pairs(measure_translations(make_pairs(rows), helpers=Helpers(names=("Aisha",))))
    assert {key[2]: why for key, why in found.items()} == {
        "i00": "positive: numbers changed",
        "i01": "positive: placeholders changed; unusual length",
        "i02": "positive: placeholders changed",
    }


@unchecked()
def test_back_translations_show_exchanged_sides_and_lost_meaning(mosaic: PairSet) -> None:
    english = {(row["concept"], row["item"]): row for row in mosaic.table.to_pylist() if row["language"] == "en"}
    back = {}
    for row in mosaic.table.to_pylist():
        if row["language"] == "fr":
            source = english[row["concept"], row["item"]]
            for side in SIDES:
                back[row["concept"], "fr", row["item"], side] = source["prefix"] + source[side] + " then"
    keys = sorted({key[:3] for key in back})
    exchanged, lost = keys[0], keys[1]
    good, bad = ((*exchanged, side) for side in SIDES)
    back[good], back[bad] = back[bad], back[good]
    back[*lost, "positive"] = "Something else was said here"
    found = measure_translations(mosaic, helpers=Helpers(back=back))
    rows = {(r["concept"], r["language"], r["item"], r["side"]): r for r in found.table.to_pylist()}
    assert all("sides exchanged" in rows[*exchanged, side]["reasons"] for side in SIDES)
    assert "lost in the round trip" in rows[*lost, "positive"]["reasons"]
    assert rows[*keys[2], "positive"]["round_trip"] > 0.8
    assert math.isnan(next(row for row in found.table.to_pylist() if row["language"] == "zh")["round_trip"])


@unchecked()
def test_embeddings_and_a_learned_metric_count(mosaic: PairSet) -> None:
    rows = mosaic.table.to_pylist()
    place = {}
    for row in rows:
        for side in SIDES:
            place.setdefault(row["prefix"] + row[side], (row["concept"], row["item"], side))

    def embed(texts: object) -> np.ndarray:
        """A perfect model, but for one French text: a vector per item, and a smaller one per side."""
        found = []
        for text in texts:  # pyright: ignore[reportGeneralTypeIssues]
            concept, item, side = place[text]
            seeds = [text_seed(concept, item), text_seed(concept, item, side)]
            item_vector, side_vector = (np.random.default_rng(seed).normal(size=32) for seed in seeds)
            found.append((item_vector + 0.4 * side_vector).astype(np.float32))
        return np.stack(found)

    key = ("morality", "fr", "morality-05")
    wrong = next(row["positive"] for row in rows if (row["concept"], row["language"], row["item"]) == key)
    place[wrong] = ("morality", "morality-06", "positive")
    keys = [(row["concept"], row["language"], row["item"]) for row in rows]
    learned: dict[tuple[str, str, str], float] = {pair: 80.0 + at % 7 for at, pair in enumerate(keys)}
    low = ("fairness", "fr", "fairness-03")
    found = measure_translations(mosaic, helpers=Helpers(embed=embed, learned=learned | {low: 10.0}))
    reasons = {(r["concept"], r["language"], r["item"], r["side"]): r["reasons"] for r in found.table.to_pylist()}
    assert "far in meaning" in reasons[*key, "positive"]
    assert "low by the learned metric" in reasons[*low, "negative"]
    assert sum("far in meaning" in why for why in reasons.values()) == 1


@unchecked()
def test_order_of_rows_changes_nothing(mosaic: PairSet, measured: TextQuality) -> None:
    order = np.random.default_rng(0).permutation(mosaic.table.num_rows)
    again = measure_translations(replace(mosaic, table=mosaic.table.take(pa.array(order))))
    first, second = (found.table.to_pandas() for found in (measured, again))
    assert first.equals(second)


def test_ratings_go_through_a_file_into_the_doubts(mosaic: PairSet, tmp_path: Path) -> None:
    damaged, hit = plant(mosaic, "copied", 0.03, 2)
    found = measure_translations(damaged)
    rated = rate_pairs(found)
    (tmp_path / "quality.csv").write_text(table_csv(rated), encoding="utf-8")
    read = read_quality(tmp_path)
    assert read.schema == rated.schema
    for name in rated.column_names:
        if rated.schema.field(name).type == pa.float64():
            np.testing.assert_allclose(read[name].to_numpy(), rated[name].to_numpy(), atol=1e-4)
        else:
            assert read[name].equals(rated[name])
    ratings, flagged = ratings_of(read), flagged_of(read)
    assert max(ratings[key[:3]] for key in hit) == 0
    assert flagged == flagged_pairs(found)
    doubted = doubts(damaged, flagged=flagged)
    assert {(r["concept"], r["language"], r["item"]) for r in doubted.to_pylist() if r["reason"] == "quality"} == set(
        flagged
    )
    assert table_csv(found.table).count("\n") == found.table.num_rows + 1


def test_a_pair_has_the_worse_of_its_texts_in_every_measure(measured: TextQuality) -> None:
    rated = rate_pairs(measured)
    texts = measured.table.to_pandas().set_index(["concept", "language", "item"])
    for row in rated.to_pylist()[::37]:
        own = texts.loc[(row["concept"], row["language"], row["item"])]
        assert row["quality"] == pytest.approx(own["quality"].min(), abs=1e-6)
        assert row["flagged"] == own["flagged"].any()
        assert row["wording"] == pytest.approx(own["wording"].min(), abs=1e-6)
        assert row["copied"] == pytest.approx(-own["copied"].max(), abs=1e-6)
        middle = measured.fences["length", row["language"]].median
        assert row["length"] == pytest.approx(-(own["length"] - middle).abs().max(), abs=1e-6)
    assert "round_trip" not in rated.column_names
    columns = [rated[name].to_numpy() for name in measures_of(rated)]
    whole = [column for column in columns if not np.isnan(column).any() and np.ptp(column) > 0]
    assert np.linalg.matrix_rank(np.stack(whole, axis=1)) == len(whole), "two columns say the same"


def test_languages_are_summed_up_by_pair(mosaic: PairSet) -> None:
    damaged, hit = plant(mosaic, "copied", 0.03, 2)
    rated = rate_pairs(measure_translations(damaged))
    rows = {row["language"]: row for row in summarise_rated(rated).to_pylist()}
    for tag, row in rows.items():
        own = [one for one in rated.to_pylist() if one["language"] == tag]
        assert row["pairs"] == len(own) == 240
        assert row["flagged"] == sum(one["flagged"] for one in own) >= len({k for k in hit if k[1] == tag})
        assert row["quality"] == pytest.approx(np.mean([one["quality"] for one in own]))
        assert row["quality_kept"] > row["quality"]
        counted = sum(one["reasons"].count("copied source") for one in own)
        assert f"copied source {counted}" in row["reasons"]


def test_flagged_pairs_are_dropped_with_their_reasons_and_quality_rises(mosaic: PairSet) -> None:
    damaged, hit = plant(mosaic, "repeated", 0.05, 3)
    found = measure_translations(damaged)
    left = drop_flagged(damaged, found)
    assert left.table.num_rows + left.drops.num_rows == damaged.table.num_rows
    assert {key[:3] for key in hit} <= {(d["concept"], d["language"], d["item"]) for d in left.drops.to_pylist()}
    assert set(left.drops["reason"].to_pylist()) == {"translation"}
    for row in summarise_quality(found).to_pylist():
        assert row["quality_after"] > row["quality_before"]
        assert "repeats itself" in row["reasons"]
        assert row["pairs_kept"] < row["pairs"] == 240


def test_pairs_without_source_and_sets_without_translations() -> None:
    both = {"concept": "c", "item": "i", "positive": "yes we do", "negative": "no"}
    rows = [both | {"language": tag} for tag in ("en", "fi")]
    lone = {"concept": "c", "language": "fi", "item": "j", "positive": "kyllä", "negative": "ei"}
    found = measure_translations(make_pairs([*rows, lone]))
    assert any("1 pairs have no source text" in note for note in found.notes)
    assert found.table.num_rows == 4
    with pytest.raises(PairsError, match="other than the source"):
        measure_translations(make_pairs(rows[:1]))
    with pytest.raises(PairsError, match="which language is the source"):
        measure_translations(make_pairs(rows), "de")


@unchecked()
def test_calibration_counts_false_alarms_and_every_kind_it_can_plant(mosaic: PairSet) -> None:
    chosen = pc.call_function("equal", [mosaic.table["concept"], pa.scalar("morality")])
    small = replace(mosaic, table=mosaic.table.filter(chosen))
    rows = calibrate_quality(small, share=0.2).to_pylist()
    assert {row["damage"] for row in rows} >= {"none", "swap", "copied", "exchanged"}
    share = {(row["language"], row["damage"]): row["flagged"] / row["texts"] for row in rows}
    assert share["fr", "none"] < 0.1 < share["fr", "copied"]
    assert next(row["auroc"] for row in rows if (row["language"], row["damage"]) == ("fr", "copied")) > 0.95
    with pytest.raises(SpecError, match="kinds are"):
        plant(small, "typos", 0.1, 0)


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_damage_is_what_it_says(mosaic: PairSet, kind: str) -> None:
    damaged, hit = plant(mosaic, kind, 0.1, 4)
    again, same = plant(mosaic, kind, 0.1, 4)
    assert damaged.table.equals(again.table)
    assert hit == same
    for before, after in zip(mosaic.table.to_pylist(), damaged.table.to_pylist(), strict=True):
        key = (before["concept"], before["language"], before["item"])
        for side in SIDES:
            changed = before["prefix"] + before[side] != after["prefix"] + after[side]
            assert changed == ((*key, side) in hit)
        assert before["language"] != "en" or before == after


def test_every_measure_is_described() -> None:
    page = (Path(__file__).parents[2] / "docs/translation.md").read_text(encoding="utf-8")
    assert not [name for name in RULES if f"| `{name}` |" not in page]
    assert not [kind for kind in PLANTED if kind != "numbers" and f"| {kind} |" not in page]
