"""Which pairs MVALUE is built of: filters, sampling, groups, licences, its own file format."""

import random
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from reader_sources import mvalue_sources, put, put_csv, read, sentence

from polyvalues.artifacts import PairSet
from polyvalues.config import CheckSpec, build
from polyvalues.config.mvalue import FilterSpec, MvalueSpec
from polyvalues.data.pairs import make_pairs
from polyvalues.data.readers.base import Licence
from polyvalues.data.readers.parsing.text_files import read_text, watch_files
from polyvalues.data.validation import check_pairs
from polyvalues.dimensions import SIDES
from polyvalues.errors import PairsError, SpecError
from polyvalues.mvalue.english_pairs import build_english
from polyvalues.mvalue.file_format import mvalue_files
from polyvalues.mvalue.filters import ADDRESS, near_duplicates, unfit
from polyvalues.mvalue.licences import licence_words
from polyvalues.mvalue.sampling import draw_order, pair_rank, sample_groups
from polyvalues.mvalue.sources import ORIGINS

Texts = set[tuple[str, str, str, str]]


def spec_of(folder: Path, count: int = 30, **settings: Any) -> MvalueSpec:
    return build(MvalueSpec, mvalue_sources(folder, count) | settings)


def texts(pairs: PairSet, *concepts: str) -> Texts:
    rows = pairs.table.to_pylist()
    return {
        (row["concept"], row["prefix"], row["positive"], row["negative"])
        for row in rows
        if not concepts or row["concept"] in concepts
    }


def row(positive: str, negative: str = "Something else altogether happened.", prefix: str = "", item: str = "a") -> Any:
    return {"concept": "c", "prefix": prefix, "positive": positive, "negative": negative, "item": item, "group": item}


# --- filters ---------------------------------------------------------------------------------------------------------


def plain_near_duplicates(sets: list[frozenset[str]], groups: list[str], least: float) -> dict[int, int]:
    """Every set against every earlier one that is kept."""
    found: dict[int, int] = {}
    for at, own in enumerate(sets):
        for other in (other for other in range(at) if other not in found and groups[other] != groups[at]):
            if own and 10 * len(own & sets[other]) >= round(10 * least) * len(own | sets[other]):
                found[at] = other
                break
    return found


@pytest.mark.parametrize("least", [0.1, 0.5, 0.8, 1.0])
def test_near_duplicates_are_those_that_comparing_all_finds(least: float) -> None:
    rng, hits = random.Random(int(10 * least)), 0
    for _ in range(60):
        words = [f"w{at}" for at in range(rng.choice((8, 40)))]
        sets = [frozenset(rng.choices(words, k=rng.randrange(0, 12))) for _ in range(40)]
        sets += [own - {next(iter(own))} for own in sets if own][: rng.randrange(20)]
        groups = [str(rng.randrange(30)) for _ in sets]
        found = near_duplicates(sets, groups, least)
        assert found == plain_near_duplicates(sets, groups, least)
        hits += len(found)
    assert hits > 50


@pytest.mark.parametrize(
    "text",
    [
        "see https://a.b/c", "on www.example today", "mail me at a.b@c.example", "ask @some_body", "/u/someone said",
        "buy at shop.com now", "call 555-123-4567", "call (555) 123-4567", "call 555-1234", "call +1 555 123 4567",
        "the host 192.168.0.1",
    ],
)  # fmt: skip
def test_addresses_are_seen(text: str) -> None:
    assert ADDRESS.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "It cost $1,000,000 in 1990-1995.", "At 10:30 on 2020-01-02", "Dr. No said so.and left", "version 2.5.1 of it",
        "3 @ 5 dollars", "Mr.Smith came", "it was 0.75 of 1,234.5", "I am 25/f", "pages 100-200",
    ],
)  # fmt: skip
def test_other_texts_are_no_addresses(text: str) -> None:
    assert ADDRESS.search(text) is None


def test_limits_hold_to_the_word() -> None:
    spec = FilterSpec(min_words=3, max_words=5, near_duplicates=0)
    rows = [row("one two", "a b c"), row("a b c", "one two three four five"), row("a b c", "1 2 3 4 5 6")]
    assert {at: why for at, (why, _) in unfit(rows, [0, 1, 2], spec).items()} == {0: "few-words", 2: "many-words"}
    assert unfit([row("two", "three", prefix="one and ")], [0], spec) == {}


def test_of_two_that_are_nearly_equal_that_of_lesser_rank_stays() -> None:
    first, second = row("He gave all of it back.", item="a"), row("he GAVE all of it back", item="b")
    assert unfit([first, second], [2, 1], FilterSpec()) == {0: ("near-duplicate", "like item 'b'")}
    assert unfit([first, second], [1, 2], FilterSpec()) == {1: ("near-duplicate", "like item 'a'")}
    assert unfit([first, second | {"group": "a"}], [1, 2], FilterSpec()) == {}
    assert unfit([first, second], [1, 2], FilterSpec(near_duplicates=0)) == {}


def test_every_reason_is_hit_by_a_planted_row(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, concepts=("utilitarianism",), size={"each": 1000})
    rng = random.Random(7)
    good, other = sentence(rng, "upholds"), sentence(rng, "breaks")
    planted = {
        "empty": ("  ", other),
        "identical": (f"{other} ", other),
        "duplicate": (good, other),
        "control-characters": (f"{sentence(rng, 'bad')}\x07", other),
        "wrong-script": ("Это написано другими буквами здесь", other),
        "overlong": (" ".join(["word" * 60] * 5), other),
        "few-words": ("Too short", other),
        "many-words": ("a " * 251, other),
        "address": ("She wrote to someone@mail.example at last", other),
        "near-duplicate": (good.replace("upholds", "Upholds it"), other),
    }
    sound = [(good, other), *((sentence(rng, "upholds"), sentence(rng, "breaks")) for _ in range(20))]
    put_csv(tmp_path / "ethics/utilitarianism/util_train.csv", (), [*sound, *planted.values()])
    found = build_english(spec)
    account = found.accounts[0]
    assert account.left_out == dict.fromkeys(planted, 1)
    assert (account.pairs, account.usable, account.taken) == (31, 21, 21)
    assert Counter(found.pairs.drops["reason"].to_pylist()) == Counter(account.left_out)
    kept = {own[2:] for own in texts(found.pairs)}
    like = planted["near-duplicate"]
    assert kept == {*sound, like} - {like if (good, other) in kept else (good, other)}


# --- sampling --------------------------------------------------------------------------------------------------------


def test_every_stratum_is_there_in_proportion_in_every_beginning() -> None:
    rng = random.Random(3)
    strata = [("a",)] * 60 + [("b",)] * 30 + [("c",)] * 10
    ranks = [rng.getrandbits(64) for _ in strata]
    order = draw_order(ranks, [str(at) for at in range(100)], strata, 1)
    assert sorted(order) == list(range(100))
    for size in range(1, 101):
        counts = Counter(strata[at][0] for at in order[:size])
        for name, share in (("a", 0.6), ("b", 0.3), ("c", 0.1)):
            assert abs(counts[name] - share * size) <= 1.5


def test_a_group_gives_as_many_pairs_as_are_allowed_and_they_stand_together() -> None:
    rng = random.Random(4)
    groups = [str(at // 4) for at in range(80)]
    ranks = [rng.getrandbits(64) for _ in groups]
    for most, each in ((1, 1), (3, 3), (0, 4), (9, 4)):
        order = draw_order(ranks, groups, [("",)] * 80, most)
        assert set(Counter(groups[at] for at in order).values()) == {each}
        runs = [groups[at] for at in order]
        assert sum(first != second for first, second in pairwise(runs)) == 19
    first = draw_order(ranks, groups, [("",)] * 80, 1)
    assert all(ranks[at] == min(ranks[other] for other in range(80) if groups[other] == groups[at]) for at in first)


def test_large_groups_are_not_drawn_before_small_ones() -> None:
    groups = ["large"] * 50 + [f"small-{at}" for at in range(9)]
    places = []
    for seed in range(300):
        ranks = [pair_rank(seed, row(str(at))) for at in range(len(groups))]
        places.append([groups[at] for at in draw_order(ranks, groups, [("",)] * len(groups), 1)].index("large"))
    assert 3.9 < sum(places) / len(places) < 5.1  # 4.5 where every group is as likely; 0.7 where every pair is


def test_what_shares_a_text_or_a_prefix_is_one_group_after_sampling() -> None:
    rows = [row("a", "b", item="1"), row("b", "c", item="2"), row("d", "e", "Q ", "3"), row("f", "g", "Q ", "4")]
    assert sample_groups([*rows, row("h", "i", item="5")]) == ["1", "1", "3", "3", "5"]


def test_the_same_seed_gives_the_same_pairs_and_a_larger_sample_holds_a_smaller_one(tmp_path: Path) -> None:
    spec = spec_of(tmp_path)
    tables = [
        build_english(spec.model_copy(update={"size": spec.size.model_copy(update={"each": size}), "seed": seed}))
        for size, seed in ((6, 0), (6, 0), (14, 0), (6, 1))
    ]
    small, again, large, other = tables
    assert small.pairs.table.equals(again.pairs.table)
    for concept in ORIGINS:
        assert len(texts(small.pairs, concept)) == 6
        assert texts(small.pairs, concept) < texts(large.pairs, concept)
        assert texts(small.pairs, concept) != texts(other.pairs, concept)
    assert [one.taken for one in large.accounts] == [14] * 7


def test_the_order_of_rows_does_not_matter_where_texts_are_not_matched(tmp_path: Path) -> None:
    settings = {"concepts": ("deontology", "utilitarianism", "fairness", "truthfulness"), "size": {"each": 8}}
    spec = spec_of(tmp_path, **settings)
    before = build_english(spec)
    rng = random.Random(1)
    header_of = {"deontology/deontology_train.csv": True, "utilitarianism/util_train.csv": False}
    for name, header in header_of.items():
        path = tmp_path / "ethics" / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        body = lines[1:] if header else lines
        rng.shuffle(body)
        path.write_text("".join([*lines[:1], *body] if header else body), encoding="utf-8")
    path = tmp_path / "TruthfulQA.csv"
    first, *body = path.read_text(encoding="utf-8").splitlines(keepends=True)
    rng.shuffle(body)
    path.write_text("".join([first, *body]), encoding="utf-8")
    after = build_english(spec)
    assert after.pairs.table["item"].to_pylist() != before.pairs.table["item"].to_pylist()
    for name in ("prefix", "positive", "negative"):
        assert after.pairs.table[name].to_pylist() == before.pairs.table[name].to_pylist()


def test_questions_and_scenarios_give_one_pair_or_all_of_theirs(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, concepts=("truthfulness",))
    one = build_english(spec)
    assert (one.accounts[0].usable, one.accounts[0].groups, one.accounts[0].spare) == (45, 30, 15)
    assert (one.accounts[0].asked, one.accounts[0].taken) == (500, 30)
    whole = build_english(spec.model_copy(update={"max_per_group": 0}))
    assert (whole.accounts[0].spare, whole.accounts[0].taken) == (0, 45)
    groups = Counter(r["group"] for r in whole.pairs.table.to_pylist())
    assert Counter(groups.values()) == {1: 15, 2: 15}
    assert texts(one.pairs) < texts(whole.pairs)


# --- sources ---------------------------------------------------------------------------------------------------------


def test_the_positive_side_upholds_the_value_in_all_seven(tmp_path: Path) -> None:
    rows = build_english(spec_of(tmp_path, size={"each": 20})).pairs.table.to_pylist()
    assert Counter(r["concept"] for r in rows) == dict.fromkeys(ORIGINS, 20)
    assert all(r["positive"].startswith("upholds") and r["negative"].startswith("breaks") for r in rows)
    assert {r["language"] for r in rows} == {"en"}
    assert len({(r["concept"], r["group"]) for r in rows}) == 140


def test_missing_sources_are_all_named_with_how_to_obtain_them(tmp_path: Path) -> None:
    there = mvalue_sources(tmp_path)
    with pytest.raises(SpecError) as caught:
        build_english(build(MvalueSpec, {"ethics": there["ethics"], "advbench": there["advbench"]}))
    said = str(caught.value)
    assert said.startswith("4 of 7 concepts have no source:")
    for words in ("--stereoset PATH", "moinnadeem/StereoSet", "--rtp PATH", "--truthfulqa PATH", "--harmless PATH"):
        assert words in said
    assert "--advbench" not in said
    assert "CC BY-SA 4.0" in said
    assert said.endswith("--concepts morality,deontology,utilitarianism")
    some = build(MvalueSpec, {"ethics": there["ethics"], "concepts": ("morality", "deontology")})
    assert [one.concept for one in build_english(some).accounts] == ["morality", "deontology"]


def test_options_of_readers_are_given_with_the_path_and_win(tmp_path: Path) -> None:
    there = mvalue_sources(tmp_path)
    settings = {"concepts": ("toxicity", "utilitarianism"), "seed": 5}
    values = there | settings | {"rtp": there["rtp"] + "?text=both&high=0.8", "ethics": there["ethics"] + "?group=row"}
    tox, util = sorted(build_english(build(MvalueSpec, values)).accounts, key=lambda one: one.concept)
    assert tox.options == {"seed": 5, "max_length_ratio": 1.25, "text": "both", "high": "0.8"}
    assert util.options == {"group": "row"}
    with pytest.raises(SpecError, match="the recipe says the concept"):
        build_english(build(MvalueSpec, values | {"rtp": there["rtp"] + "?concept=x"}))


def test_a_source_in_another_language_and_one_without_usable_pairs_are_refused(tmp_path: Path) -> None:
    there = mvalue_sources(tmp_path)
    values = there | {"concepts": ("fairness",), "stereoset": there["stereoset"] + "?language=pt"}
    with pytest.raises(PairsError, match="is in pt; the recipe starts from English"):
        build_english(build(MvalueSpec, values))
    values = there | {"concepts": ("fairness",), "filters": {"min_words": 100}}
    with pytest.raises(PairsError, match="fairness: no pair is left; left out: few-words 30"):
        build_english(build(MvalueSpec, values))


def test_the_files_of_an_account_are_those_that_were_read(tmp_path: Path) -> None:
    accounts = {one.concept: one for one in build_english(spec_of(tmp_path)).accounts}
    assert [file.path.name for file in accounts["morality"].files] == ["cm_train.csv"]
    assert {file.path.name for file in accounts["harmfulness"].files} == {"advbench.csv", "harmless.txt"}
    path = tmp_path / "x.txt"
    path.write_bytes(b"abc")
    with watch_files() as outer, watch_files() as inner:
        read_text(path)
    read_text(put(tmp_path / "later.txt", "not watched"))
    assert outer == {}
    (seen,) = inner.values()
    assert seen == (path, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3)


# --- licences and files ----------------------------------------------------------------------------------------------


def test_licences_are_told_with_what_they_mean_together() -> None:
    mit, shared = Licence("MIT", "x"), Licence("CC-BY-SA-4.0", "subset")
    plain = licence_words({"morality": [mit]}, "")
    assert "MIT (morality)" in plain[0]
    assert not any("Share-alike" in line or "harmless" in line for line in plain)
    assert plain[-1].endswith("no legal advice.")
    said = licence_words({"toxicity": [Licence("Apache-2.0", "whole"), shared], "harmfulness": [mit]}, "CC0-1.0")
    assert any("depends on the copy" in line and "(subset)" in line for line in said)
    assert any(line.startswith("Share-alike") and "toxicity keep" in line for line in said)
    assert any("harmless instructions in harmfulness: CC0-1.0" in line for line in said)


def test_the_format_of_mvalue_is_read_back_to_the_same_texts(tmp_path: Path) -> None:
    asked = "Question: Is it? Answer: "
    rows = [
        ("truthfulness", "en", "1-1", "1", asked),
        ("truthfulness", "en", "1-2", "1", asked),
        ("truthfulness", "zh", "1-1", "1", "问题:是吗? 回答:"),
        ("deontology", "en", "2", "2", "A scenario  "),
        ("deontology", "en", "3", "3", ""),
    ]
    names = ("concept", "language", "item", "group", "prefix", "positive", "negative")
    pairs = make_pairs([dict(zip(names, (*own, f"yes {own}", f"no {own}"), strict=True)) for own in rows])
    for name, text in mvalue_files(pairs).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def whole(found: PairSet) -> set[tuple[str, ...]]:
        names = ("concept", "language", "item", "prefix", *SIDES)
        rows = [[row[name] for name in names] for row in found.table.to_pylist()]
        return {(c, tag, item.rpartition("|")[2], prefix + yes, prefix + no) for c, tag, item, prefix, yes, no in rows}

    for concept in ("truthfulness", "deontology"):
        found = read("mvalue", tmp_path / "data" / concept)
        assert whole(found) == {own for own in whole(pairs) if own[0] == concept}
    groups = {r["item"]: r["group"] for r in read("mvalue", tmp_path / "data/truthfulness").table.to_pylist()}
    assert groups["1|1-1"] == groups["1|1-2"]


def test_what_is_built_passes_the_checks_of_a_study(tmp_path: Path) -> None:
    pairs = build_english(spec_of(tmp_path)).pairs
    checked = check_pairs(PairSet(pairs.table), CheckSpec())
    assert checked.table.num_rows == pairs.table.num_rows
