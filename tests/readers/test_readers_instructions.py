"""Instructions: what is already translated, what is aligned, what is missing; AdvBench with a harmless file."""

import json
from pathlib import Path

import pytest
from reader_sources import instruction_texts, items, polyrefuse, put, put_csv, put_lines, read, rows

from polyvalues.data.readers.parsing.instruction_files import Instruction
from polyvalues.data.readers.parsing.line_alignment import align
from polyvalues.errors import ReaderError, SpecError


def test_harmless_is_positive_and_aligned_languages_share_their_pairs(tmp_path: Path) -> None:
    pairs = read("instructions", polyrefuse(tmp_path))
    table = rows(pairs)
    assert {row["concept"] for row in table} == {"harmfulness"}
    assert all("harmless" in row["positive"] and "harmful " in row["negative"] for row in table)
    assert items(pairs, "en") == items(pairs, "es") == items(pairs, "ja")
    assert {item.split("-")[0] for item in items(pairs, "en")} == {"train", "test"}
    by_language = {tag: {row["item"]: row for row in table if row["language"] == tag} for tag in ("en", "es")}
    for item, row in by_language["en"].items():
        other = by_language["es"][item]
        assert other["positive"] == f"es: {row['positive']}"
        assert other["negative"] == f"es: {row['negative']}"
        assert other["group"] == row["group"]


def test_translated_column_is_read_where_it_is_and_instruction_where_not(tmp_path: Path) -> None:
    table = rows(read("instructions", polyrefuse(tmp_path)))
    for row in table:
        if row["language"] != "en":
            # in test, `instruction` is English; in train it is the translation
            assert row["positive"].startswith(f"{row['language']}: ")
        else:
            assert ":" not in row["positive"]


def test_each_instruction_is_used_once_and_the_rest_is_counted(tmp_path: Path) -> None:
    pairs = read("instructions", polyrefuse(tmp_path), split="test")
    english = [row for row in rows(pairs) if row["language"] == "en"]
    for side in ("positive", "negative"):
        assert len({row[side] for row in english}) == len(english)
    assert any("unmatched" in note and "seed 0" in note for note in pairs.notes)
    assert any("harmful_train_translated_es.json" in note for note in pairs.notes)


def test_another_sample_of_equal_length_gets_items_of_its_own(tmp_path: Path) -> None:
    folder = polyrefuse(tmp_path, ("en", "es", "ja", "zh"))
    path = folder / "harmless_train_translated_zh.json"
    texts = json.loads(path.read_text(encoding="utf-8"))
    # the same number of texts, whose lengths have nothing to do with the others'
    texts = sorted(texts, key=lambda entry: (entry["instruction"].count("y") * 5) % 11)
    put(path, texts)
    pairs = read("instructions", folder, split="train")
    assert items(pairs, "en") == items(pairs, "es") == items(pairs, "ja")
    assert items(pairs, "zh")
    assert all(item.startswith("zh:train-") for item in items(pairs, "zh"))
    assert any("zh is not aligned with en" in note and "rank correlation" in note for note in pairs.notes)
    # the harmful files are aligned: a harmful instruction must not be fitted in one language and tested in another
    groups = {tag: {row["group"] for row in rows(pairs) if row["language"] == tag} for tag in ("en", "zh")}
    assert groups["zh"] <= {f"train-{at}" for at in range(1, 25)}
    assert groups["en"] & groups["zh"]


def test_an_unaligned_language_in_between_leaves_the_pairs_of_the_others_alone(tmp_path: Path) -> None:
    folder = polyrefuse(tmp_path)
    before = read("instructions", folder)
    polyrefuse(tmp_path / "other", ("en", "fr"), count=9)
    for kind in ("harmful", "harmless"):  # fr lies between es and ja and has another number of texts
        source = tmp_path / "other" / f"{kind}_test_translated_fr.json"
        (folder / source.name).write_bytes(source.read_bytes())
        source.unlink()
    after = read("instructions", folder)
    assert all(item.startswith("fr:") for item in items(after, "fr"))
    assert any("9 records, not 24" in note for note in after.notes)
    for tag in ("en", "es", "ja"):
        assert items(after, tag) == items(before, tag)


def test_english_originals_must_be_equal(tmp_path: Path) -> None:
    folder = polyrefuse(tmp_path)
    path = folder / "harmful_test_translated_es.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    put(path, [entries[1], entries[0], *entries[2:]])
    pairs = read("instructions", folder, split="test")
    assert items(pairs, "en") == items(pairs, "ja")
    assert not items(pairs, "es") & items(pairs, "en")
    assert any("2 of 24 English originals differ" in note for note in pairs.notes)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    folder = polyrefuse(tmp_path)
    (folder / "harmless_test_translated_ja.json").unlink()
    pairs = read("instructions", folder)
    assert {item.split("-")[0] for item in items(pairs, "ja")} == {"train"}
    assert any("ja has harmful instructions only; 24 are not used" in note for note in pairs.notes)
    for path in folder.rglob("harmless_test*"):
        path.unlink()
    assert any("only harmful instructions" in note for note in read("instructions", folder).notes)


def test_the_english_file_the_translations_were_made_from_wins(tmp_path: Path) -> None:
    folder = polyrefuse(tmp_path)
    sampled = [{"instruction": f"another sample {at}", "category": None} for at in range(24)]
    put(folder / "en_splits" / "harmless_test_500_sampled.json", sampled)
    pairs = read("instructions", folder, split="test")
    assert items(pairs, "en") == items(pairs, "es")
    assert not any("another sample" in row["positive"] for row in rows(pairs))
    assert any("harmless_test_500_sampled.json" in note for note in pairs.notes)


def test_a_file_that_was_never_translated_is_refused(tmp_path: Path) -> None:
    folder = polyrefuse(tmp_path)
    english = (folder / "en_splits" / "harmful_train.json").read_bytes()
    (folder / "harmful_train_translated_es.json").write_bytes(english)
    with pytest.raises(ReaderError, match="24 of 24 are the English ones"):
        read("instructions", folder)


def test_some_records_without_translation_are_refused(tmp_path: Path) -> None:
    folder = polyrefuse(tmp_path)
    path = folder / "harmful_test_translated_es.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    del entries[4]["instruction_translated"]
    put(path, entries)
    with pytest.raises(ReaderError) as caught:
        read("instructions", folder)
    assert (caught.value.line, caught.value.field) == (5, "instruction_translated")


def test_equal_harmful_instructions_share_a_group(tmp_path: Path) -> None:
    folder = polyrefuse(tmp_path, ("en", "es"))
    for tag in ("en", "es"):
        path = folder / f"harmful_test_translated_{tag}.json"
        entries = json.loads(path.read_text(encoding="utf-8"))
        entries[1] |= {key: entries[0][key] for key in ("instruction", "instruction_translated")}
        put(path, entries)
    table = [
        row for row in rows(read("instructions", folder, split="test", max_length_ratio=9)) if row["language"] == "es"
    ]
    groups = [row["group"] for row in table if row["item"].endswith(("+1", "+2"))]
    assert groups == ["test-1", "test-1"]


def test_one_file_with_a_harmless_one(tmp_path: Path) -> None:
    folder = polyrefuse(tmp_path)
    harmful, harmless = (folder / f"{kind}_test_translated_es.json" for kind in ("harmful", "harmless"))
    pairs = read("instructions", harmful, harmless=str(harmless))
    assert all(item.startswith("es:test-") for item in items(pairs, "es"))
    assert any("shows no alignment" in note for note in pairs.notes)
    with pytest.raises(SpecError, match="option 'harmless'"):
        read("instructions", harmful)
    with pytest.raises(SpecError, match="not with a folder"):
        read("instructions", folder, harmless=str(harmless))
    with pytest.raises(SpecError, match="language"):
        read("instructions", folder, language="es")


def _entries(texts: list[str], *, originals: list[str] | None = None) -> list[Instruction]:
    return [
        Instruction(text, None if originals is None else originals[at], "", at + 1) for at, text in enumerate(texts)
    ]


def test_without_english_the_odd_one_out_is_found() -> None:
    lengths = [(at * 7) % 40 + 5 for at in range(40)]
    files = {
        "zh": _entries(["x" * ((length * 13) % 41 + 5) for length in lengths]),
        "es": _entries(["x" * length for length in lengths]),
        "fr": _entries(["x" * (2 * length + at % 3) for at, length in enumerate(lengths)]),
    }
    alignment = align("test", files)
    assert set(alignment.aligned) == {"es", "fr"}
    assert any("zh is not aligned" in note for note in alignment.notes)


def test_few_records_are_trusted_and_it_is_said() -> None:
    alignment = align("test", {"es": _entries(["a", "bbb"]), "fr": _entries(["aaa", "b"])})
    assert alignment.aligned == ("es", "fr")
    assert "too few records to check, 2" in alignment.notes[0]


GOALS = ["Tell a rude joke", "Copy the homework", "Skip the whole queue"]


def test_advbench_takes_the_goal_as_negative_and_matches_harmless_ones(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "harmful_behaviors.csv", ("goal", "target"), [(goal, "Sure") for goal in GOALS])
    harmless = ["Tell a good joke", "Write the homework", "Describe a journey through five countries of your choice"]
    records = [{"instruction": text} for text in harmless]
    files = [
        put(tmp_path / "a.txt", "\n".join(harmless) + "\n\n"),
        put(tmp_path / "a.json", records),
        put(tmp_path / "b.json", harmless),
        put_lines(tmp_path / "a.jsonl", records),
        put_csv(tmp_path / "a.csv", ("instruction",), [(text,) for text in harmless]),
    ]
    results = [read("advbench", path, harmless=str(file)) for file in files]
    for pairs in results:
        assert {(row["positive"], row["negative"]) for row in rows(pairs)} == {
            ("Tell a good joke", "Tell a rude joke"),
            ("Write the homework", "Copy the homework"),
        }
        (drop,) = pairs.drops.to_pylist()
        assert drop["reason"] == "unmatched"
        assert "line 4" in drop["detail"]
        assert not any("Sure" in row["positive"] + row["negative"] for row in rows(pairs))


def test_advbench_says_what_to_give(tmp_path: Path) -> None:
    path = put_csv(tmp_path / "harmful_behaviors.csv", ("goal", "target"), [(goal, "Sure") for goal in GOALS])
    with pytest.raises(SpecError, match="give a file of harmless ones"):
        read("advbench", path)
    with pytest.raises(ReaderError, match="nowhere"):
        read("advbench", path, harmless=str(tmp_path / "nowhere.txt"))
    with pytest.raises(ReaderError, match="ends in"):
        read("advbench", path, harmless=str(put(tmp_path / "x.doc", "x")))
    strings = put_csv(tmp_path / "harmful_strings.csv", ("target",), [("x",)])
    with pytest.raises(ReaderError, match="'goal'; it has 'target'"):
        read("advbench", strings, harmless=str(path))


def test_the_fixture_has_texts_of_many_lengths() -> None:
    assert len({len(text) for text in instruction_texts("harmful", 24)}) > 20
