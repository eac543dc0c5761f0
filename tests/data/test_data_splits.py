from collections import Counter
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pair_rows import grid, numbered, pair_set, row

from polyvalues.artifacts import PairSet
from polyvalues.config import CheckSpec, PaperSpec, SplitSpec
from polyvalues.data.splits import paper_split, split_pairs
from polyvalues.data.validation import check_pairs
from polyvalues.errors import PairsError
from reference.paper_split import paper_split_rows, published_labels

SPLIT = SplitSpec(mode="split")
CROSS = SplitSpec(mode="cross")
FROZEN_SPLIT = "ffffttfsfftsffsfffsffftfffttffffffftffff"
FROZEN_FOLD = [0, 4, 0, 1, -1, -1, 1, -1, 0, 9, -1, -1]


def places(pairs: PairSet, key: str = "group") -> dict[tuple[str, str, str], tuple[str, int]]:
    """(concept, language, group or item) -> (split, fold); fails when one key is in two places."""
    found: dict[tuple[str, str, str], tuple[str, int]] = {}
    for entry in pairs.table.to_pylist():
        place = (entry["split"], entry["fold"])
        assert found.setdefault((entry["concept"], entry["language"], entry[key]), place) == place
    return found


def test_the_split_is_the_documented_hash() -> None:
    pairs = split_pairs(grid(300), SPLIT)
    for (_, _, group), (split, fold) in places(pairs).items():
        digest = blake2b(b"polyvalues\0" + group.encode()).digest()
        u = int.from_bytes(digest[:8], "big") / 2**64
        assert split == ("fit" if u < 0.7 else "select" if u < 0.7 + 0.1 else "test")
        assert fold == (int.from_bytes(digest[8:16], "big") % 10 if split == "fit" else -1)


def test_the_first_groups_never_move() -> None:
    """Frozen, so that a change of the hash cannot go unseen: studies made before it would no longer compare."""
    pairs = split_pairs(grid(120, ["en"]), SPLIT)
    assert "".join(split[0] for split in pairs.table["split"].to_pylist()[:40]) == FROZEN_SPLIT
    assert pairs.table["fold"].to_pylist()[:12] == FROZEN_FOLD


def test_rows_stay_and_two_columns_are_added() -> None:
    pairs = grid(60)
    divided = split_pairs(pairs, SPLIT)
    assert divided.table.column_names == [*pairs.table.column_names, "split", "fold"]
    assert divided.table.select(pairs.table.column_names).equals(pairs.table)
    assert divided.table.schema.field("split").type == pa.string()
    assert divided.table.schema.field("fold").type == pa.int32()


def test_the_shares_are_as_asked() -> None:
    pairs = split_pairs(grid(10_000, ["en"]), SplitSpec())
    counts = Counter(pairs.table["split"].to_pylist())
    # five standard deviations of a binomial
    assert abs(counts["fit"] - 7000) < 5 * (10_000 * 0.7 * 0.3) ** 0.5
    assert abs(counts["select"] - 1000) < 5 * (10_000 * 0.1 * 0.9) ** 0.5
    folds = Counter(pairs.table["fold"].to_pylist())
    assert set(folds) == set(range(-1, 10))
    assert all(abs(folds[fold] - 700) < 5 * 700**0.5 for fold in range(10))


def test_fold_and_split_are_independent() -> None:
    """If both came from one number, the folds inside fit would not be uniform."""
    pairs = split_pairs(grid(4000, ["en"]), SplitSpec(mode="split", fit=0.1, folds=5))
    folds = Counter(fold for fold in pairs.table["fold"].to_pylist() if fold >= 0)
    assert set(folds) == set(range(5))
    assert min(folds.values()) > 50


def test_the_salt_changes_the_split() -> None:
    one = split_pairs(grid(200, ["en"]), SPLIT).table["split"].to_pylist()
    other = split_pairs(grid(200, ["en"]), SplitSpec(mode="split", salt="other")).table["split"].to_pylist()
    assert one != other


@pytest.mark.parametrize("spec", [SPLIT, CROSS])
def test_translations_of_one_item_are_on_one_side_even_when_languages_have_different_drops(spec: SplitSpec) -> None:
    """The authors' code shuffles after filtering each language: items tested in one are fitted on in another."""
    rows = [numbered(number, language) for language in ("en", "es", "te") for number in range(80)]
    rows = [
        {**entry, "negative": entry["positive"]}
        if entry["language"] == "es" and entry["item"] in ("i3", "i50")
        else entry
        for entry in rows
        if not (entry["language"] == "te" and entry["item"] in ("i0", "i1", "i2"))
    ]
    pairs = split_pairs(check_pairs(pair_set(rows), CheckSpec(align=False)), spec)
    by_item: dict[str, set[tuple[str, int]]] = {}
    for (_, _, item), place in places(pairs, "item").items():
        by_item.setdefault(item, set()).add(place)
    assert len(by_item) == 80
    assert all(len(found) == 1 for found in by_item.values())
    assert len({place for found in by_item.values() for place in found}) > 3


@pytest.mark.parametrize("spec", [SPLIT, CROSS])
def test_pairs_of_one_group_are_on_one_side(spec: SplitSpec) -> None:
    """The authors' code lets pairs of one question or scenario fall on both sides."""
    rows = [
        {**numbered(number, language), "group": f"question-{number // 4}"}
        for language in ("en", "es")
        for number in range(400)
    ]
    pairs = split_pairs(pair_set(rows), spec)
    by_group: dict[str, set[tuple[str, int]]] = {}
    for (_, _, group), place in places(pairs).items():
        by_group.setdefault(group, set()).add(place)
    assert len(by_group) == 100
    assert all(len(found) == 1 for found in by_group.values())


def test_an_item_with_two_groups_is_refused() -> None:
    rows = grid(60, ["en", "es"]).table.to_pylist()
    rows[65] = {**rows[65], "group": "another"}
    with pytest.raises(PairsError, match="'i5': group 'i5' in 'en' but 'another' in 'es'"):
        split_pairs(pair_set(rows), SPLIT)


def test_one_group_in_two_concepts_is_on_one_side() -> None:
    both = pair_set([numbered(number, concept=concept) for concept in ("morality", "fairness") for number in range(90)])
    found = places(split_pairs(both, SPLIT))
    for number in range(90):
        assert found["morality", "en", f"i{number}"] == found["fairness", "en", f"i{number}"]


def test_auto_cross_fits_concepts_with_few_groups() -> None:
    rows = [numbered(number, concept="morality") for number in range(100)]
    rows += [numbered(number, concept="fairness") for number in range(99)]
    table = split_pairs(pair_set(rows), SplitSpec(small=100)).table
    splits = {concept: set() for concept in ("morality", "fairness")}
    for concept, split in zip(table["concept"].to_pylist(), table["split"].to_pylist(), strict=True):
        splits[concept].add(split)
    assert splits == {"morality": {"fit", "select", "test"}, "fairness": {"cross"}}
    assert set(split_pairs(pair_set(rows), SplitSpec(mode="split", small=100)).table["split"].to_pylist()) == {
        "fit", "select", "test",
    }  # fmt: skip


def test_small_is_counted_in_groups_not_pairs() -> None:
    rows = [{**numbered(number), "group": f"g{number // 4}"} for number in range(200)]
    assert set(split_pairs(pair_set(rows), SplitSpec(small=100)).table["split"].to_pylist()) == {"cross"}


@pytest.mark.parametrize(("n", "folds"), [(60, 10), (61, 10), (10, 10), (3, 3), (7, 4)])
def test_cross_fitted_folds_differ_by_at_most_one_group(n: int, folds: int) -> None:
    pairs = split_pairs(grid(n, ["en"]), SplitSpec(mode="cross", folds=folds))
    counts = Counter(pairs.table["fold"].to_pylist())
    assert set(counts) == set(range(folds))
    assert max(counts.values()) - min(counts.values()) <= 1


def test_cross_fitted_folds_are_dealt_over_all_languages() -> None:
    """Ranking each language's own groups would move a group when a language lacks one."""
    full = places(split_pairs(grid(60), CROSS))
    rows = [
        entry for entry in grid(60).table.to_pylist() if entry["language"] != "te" or entry["item"] not in ("i7", "i9")
    ]
    assert all(full[key] == place for key, place in places(split_pairs(pair_set(rows), CROSS)).items())


@pytest.mark.parametrize("n", [1, 2, 4, 9])
def test_fewer_groups_than_folds_are_refused(n: int) -> None:
    with pytest.raises(PairsError, match=f"'morality': {n} groups cannot be cross-fitted in 10 folds"):
        split_pairs(grid(n, ["en"]), SplitSpec())


def test_a_language_with_an_empty_part_is_refused() -> None:
    everywhere = split_pairs(grid(60, ["en"]), SPLIT).table.to_pylist()
    tested = [entry["item"] for entry in everywhere if entry["split"] == "test"]
    rows = [*grid(60, ["en"]).table.to_pylist()]
    rows += [entry for entry in grid(60, ["es"]).table.to_pylist() if entry["item"] not in tested]
    with pytest.raises(PairsError, match=r"'morality', language 'es': a part is empty \(fit \d+, select \d+, test 0"):
        split_pairs(pair_set(rows), SPLIT)


def test_a_language_in_fewer_than_three_folds_is_refused_and_one_with_empty_folds_noted() -> None:
    folds = {key[2]: place[1] for key, place in places(split_pairs(grid(60, ["en"]), CROSS)).items()}
    two = [entry for entry in grid(60, ["es"]).table.to_pylist() if folds[entry["item"]] < 2]
    three = [entry for entry in grid(60, ["es"]).table.to_pylist() if folds[entry["item"]] < 3]
    english = grid(60, ["en"]).table.to_pylist()
    with pytest.raises(PairsError, match="language 'es': its 12 pairs to fit on fall into 2 folds"):
        split_pairs(pair_set([*english, *two]), CROSS)
    noted = split_pairs(pair_set([*english, *three], notes=["before"]), CROSS)
    assert noted.notes == (
        "before",
        "concept 'morality', language 'es': only 3 of 10 folds hold pairs; its intervals rest on those",
    )
    assert split_pairs(pair_set(english), CROSS).notes == ()


@pytest.mark.parametrize("again", [lambda pairs: split_pairs(pairs, SPLIT), paper_split])
def test_pairs_are_split_once(again) -> None:
    with pytest.raises(PairsError, match="split already"):
        again(split_pairs(grid(60), SPLIT))


GROUPS = st.lists(st.text(max_size=4), min_size=40, max_size=60, unique=True)


@given(GROUPS, st.randoms(use_true_random=False), st.sampled_from([SPLIT, SplitSpec(mode="cross", folds=5)]))
@settings(max_examples=40)
def test_the_place_of_a_group_depends_on_the_group_only(groups, shuffler, spec) -> None:
    texts = {"en": "kind", "es": "amable"}
    rows = [
        row(f"i{number}", f"{texts[language]} {number}", "no", language=language, group=group)
        for language in texts
        for number, group in enumerate(groups)
    ]
    anchors = [
        row(f"a{number}", "kind", "no", language=language, group=f"anchor {number}")
        for language in texts
        for number in range(60)
    ]
    first = places(split_pairs(pair_set([*anchors, *rows]), spec))
    shuffled = [*anchors, *rows]
    shuffler.shuffle(shuffled)
    assert places(split_pairs(pair_set(shuffled), spec)) == first
    assert all(first[concept, "es", group] == place for (concept, _, group), place in first.items())
    if spec.mode == "split":
        alone = places(split_pairs(pair_set([*anchors, *(entry for entry in rows if entry["item"] == "i0")]), spec))
        assert all(first[key] == place for key, place in alone.items())


@given(st.lists(st.integers(5, 60), min_size=1, max_size=3))
@settings(max_examples=30)
def test_the_paper_split_is_the_papers(sizes: list[int]) -> None:
    languages = ["en", "es", "te"][: len(sizes)]
    rows = [numbered(number, language) for language, n in zip(languages, sizes, strict=True) for number in range(n)]
    divided = paper_split(pair_set(rows)).table.to_pylist()
    for language, n in zip(languages, sizes, strict=True):
        fit, test = paper_split_rows([f"i{number}" for number in range(n)])
        own = [entry for entry in divided if entry["language"] == language]
        assert [entry["item"] for entry in own] == [*fit, *test]
        assert [entry["split"] for entry in own] == ["fit"] * len(fit) + ["test"] * len(test)
        assert [entry["positive"] for entry in own] == [
            numbered(int(entry["item"][1:]), language)["positive"] for entry in own
        ]


def test_the_paper_split_takes_rows_in_file_order_also_when_languages_are_mixed() -> None:
    mixed = [numbered(number, language) for number in range(20) for language in ("en", "es")]
    divided = paper_split(pair_set(mixed)).table
    fit, test = paper_split_rows([f"i{number}" for number in range(20)])
    assert divided["item"].to_pylist() == [*fit, *test, *fit, *test]
    assert divided["language"].to_pylist() == ["en"] * 20 + ["es"] * 20


def test_the_paper_split_has_folds_in_fit_only() -> None:
    divided = paper_split(grid(200, ["en"])).table
    folds = {"fit": set(), "test": set()}
    for split, fold in zip(divided["split"].to_pylist(), divided["fold"].to_pylist(), strict=True):
        folds[split].add(fold)
    assert folds == {"fit": set(range(10)), "test": {-1}}
    strict = {key[2]: place for key, place in places(split_pairs(grid(200, ["en"]), SPLIT)).items()}
    both = [entry for entry in divided.to_pylist() if entry["split"] == "fit" and strict[entry["group"]][0] == "fit"]
    assert both
    assert all(entry["fold"] == strict[entry["group"]][1] for entry in both)


def test_the_paper_split_needs_five_pairs() -> None:
    assert paper_split(grid(5, ["en"])).table["split"].to_pylist() == ["fit"] * 4 + ["test"]
    with pytest.raises(PairsError, match="language 'es': 4 pairs are too few"):
        paper_split(pair_set([*grid(5, ["en"]).table.to_pylist(), *grid(4, ["es"]).table.to_pylist()]))


def test_the_paper_split_of_one_language_does_not_depend_on_the_others() -> None:
    alone = paper_split(grid(30, ["es"])).table
    beside = paper_split(grid(30, ["en", "es"])).table
    assert beside.slice(30).combine_chunks().equals(alone.combine_chunks())


@pytest.mark.parametrize("n", [5, 37, 120])
def test_shuffled_labels_are_those_of_the_published_option(n: int) -> None:
    divided = paper_split(grid(n, ["en", "es"]), PaperSpec(random_direction=True))
    plain = paper_split(grid(n, ["en", "es"])).table.to_pylist()
    expected = dict(published_labels([f"i{number}" for number in range(n)]))
    exchanged = {"en": [], "es": []}
    for found, other in zip(divided.table.to_pylist(), plain, strict=True):
        assert (found["item"], found["split"], found["fold"]) == (other["item"], other["split"], other["fold"])
        turned = expected.get(found["item"], False)
        sides = ("negative", "positive") if turned else ("positive", "negative")
        assert (found["positive"], found["negative"]) == tuple(other[side] for side in sides)
        exchanged[found["language"]].append(turned)
    assert exchanged["en"] == exchanged["es"]
    if n > 100:
        assert 0.3 < np.mean(list(expected.values())) < 0.7
    assert len(divided.notes) == len(paper_split(grid(n, ["en", "es"])).notes) + 1


def test_every_concept_is_tested_on_the_first_ones_texts_when_asked() -> None:
    rows = [*grid(20, ["en", "es"]).table.to_pylist(), *grid(10, ["en", "es"], "honesty").table.to_pylist()]
    for entry in rows[40:]:
        entry["positive"] = f"honest {entry['positive']}"
    own = paper_split(pair_set(rows)).table.to_pylist()
    first = paper_split(pair_set(rows), PaperSpec(tested_on="first")).table.to_pylist()

    def part(table: list[dict[str, str]], concept: str, language: str, split: str) -> list[str]:
        wanted = (concept, language, split)
        return [own["positive"] for own in table if (own["concept"], own["language"], own["split"]) == wanted]

    for language in ("en", "es"):
        for concept in ("morality", "honesty"):
            assert part(first, concept, language, "fit") == part(own, concept, language, "fit")
            assert part(first, concept, language, "test") == part(own, "morality", language, "test")
        assert part(own, "honesty", language, "test")[0].startswith("honest")


def test_the_first_concept_must_have_every_language() -> None:
    rows = [*grid(9, ["en"]).table.to_pylist(), *grid(9, ["en", "es"], "honesty").table.to_pylist()]
    with pytest.raises(PairsError, match="'honesty', language 'es'"):
        paper_split(pair_set(rows), PaperSpec(tested_on="first"))
