"""MVALUE built anew, end to end: from files in their original formats to a set that a study runs on."""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from reader_sources import mvalue_sources, put, read

import polyvalues as pv
from command_line import Run
from line_examples import build_model
from polyvalues.config import CheckSpec
from polyvalues.dimensions import SIDES
from polyvalues.mvalue.sources import ORIGINS
from polyvalues.translation import run
from translators import Lettered

LANGUAGES = ("en", *pv.MVALUE_TARGETS)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Lettered:
    """A translator that is no model stands in for whatever backend is chosen."""
    backend = Lettered()
    monkeypatch.setattr(run, "_backend", lambda *_: backend)
    return backend


def flags(sources: dict[str, str]) -> tuple[str, ...]:
    return tuple(part for name, path in sources.items() for part in (f"--{name}", path))


def test_seven_concepts_in_sixteen_languages(tmp_path: Path, letters: Lettered) -> None:
    sources, out = mvalue_sources(tmp_path / "files"), tmp_path / "out"
    settings = {"size": {"each": 7, "fairness": 4}, "mvalue_format": True, "harmless_licence": "CC0-1.0"}
    spec = pv.build(pv.MvalueSpec, sources | settings)
    found = pv.build_mvalue(spec, out)
    counts = Counter((row["concept"], row["language"]) for row in found.pairs.table.to_pylist())
    wanted = {concept: 4 if concept == "fairness" else 7 for concept in ORIGINS}
    assert counts == {(concept, tag): size for concept, size in wanted.items() for tag in LANGUAGES}
    assert len({tag for tag, _ in letters.asked}) == 15
    assert found.quality is not None

    table = pv.read_pairs([pv.PairSource(reader="table", path=str(out / "pairs.parquet"))])
    checked = pv.check_pairs(table, CheckSpec())
    assert checked.table.num_rows == table.table.num_rows == 46 * 16
    english = {(row["concept"], row["item"]): row for row in table.table.to_pylist() if row["language"] == "en"}
    assert all(row["positive"].startswith("upholds") for row in english.values())
    for row in table.table.to_pylist():
        own = english[row["concept"], row["item"]]
        for side in ("prefix", *SIDES) if row["language"] != "en" else ():
            assert row[side] == letters.text(own[side], row["language"])

    whole = {name: (out / name).read_bytes() for name in ("pairs.parquet", "quality.csv", "left_out.csv")}
    asked = len(letters.asked)
    assert pv.build_mvalue(spec, out).counts["asked"] == 0
    assert len(letters.asked) == asked
    assert whole == {name: (out / name).read_bytes() for name in whole}
    exported = read("mvalue", out).table.to_pylist()
    assert len(exported) == 46 * 16
    for concept in ORIGINS:
        again = [row for row in exported if row["concept"] == concept]
        rows = [row for row in table.table.to_pylist() if row["concept"] == concept]
        assert whole_texts(again) == whole_texts(rows)


def whole_texts(rows: list[dict[str, str]]) -> set[tuple[str, ...]]:
    return {(row["language"], *(row["prefix"] + row[side] for side in SIDES)) for row in rows}


def test_the_card_accounts_for_every_source(tmp_path: Path, letters: Lettered) -> None:
    sources, out = mvalue_sources(tmp_path / "files"), tmp_path / "out"
    assert letters.asked == []
    spec = pv.build(pv.MvalueSpec, sources | {"size": {"each": 6}, "seed": 3, "harmless_licence": "CC0-1.0"})
    pv.build_mvalue(spec, out, pv.build(pv.TranslateSpec, {"to": ["fr"], "translator": "N. N."}))
    card = json.loads((out / "card.json").read_text(encoding="utf-8"))["recipe"]
    assert card["settings"]["seed"] == 3
    assert [one["concept"] for one in card["sources"]] == list(ORIGINS)
    for one in card["sources"]:
        for file in one["files"]:
            (path,) = (tmp_path / "files").rglob(file["name"])
            assert hashlib.sha256(path.read_bytes()).hexdigest() == file["sha256"]
        assert one["licence"]
        assert one["citation"]
        assert one["usable"] == one["pairs"] - sum(one["left_out"].values())
        assert sum(part["taken"] for part in one["strata"]) == one["taken"] == 6
        assert sum(part["usable"] for part in one["strata"]) == one["usable"]
    page = (out / "CARD.md").read_text(encoding="utf-8")
    for title in ("# Data card: MVALUE", "### Morality", "### Harmfulness", "## Licences", "## Quality", "N. N."):
        assert title in page
    for words in ("hendrycks/ethics", "arXiv 2004.09456", "taken: 6 of 6", "matched at random", "CC0-1.0", "fra_Latn"):
        assert words in page
    assert str(tmp_path) not in page
    assert str(tmp_path) not in json.dumps(card)


def test_a_study_runs_on_it(tmp_path: Path, letters: Lettered, polyvalues: Run) -> None:
    sources, out = mvalue_sources(tmp_path / "files", 40), tmp_path / "out"
    chosen = {"concepts": ("utilitarianism", "toxicity"), "size": {"each": 40}}
    translate = pv.build(pv.TranslateSpec, {"to": ["zh", "sw"]})
    pv.build_mvalue(pv.build(pv.MvalueSpec, sources | chosen), out, translate)
    assert letters.asked
    where = ("--pairs", f"table:{out / 'pairs.parquet'}", "--out", str(tmp_path / "study"))
    done = polyvalues("run", "--model", str(build_model(tmp_path / "model")), "--device", "cpu", *where)
    assert done.returncode == 0, done.stderr
    accuracy = pv.load_study(tmp_path / "study").findings.recognition["chosen"]
    assert accuracy["target"].values.tolist() == ["en", "zh", "sw"]
    assert accuracy["concept"].values.tolist() == ["utilitarianism", "toxicity"]


# --- the command -----------------------------------------------------------------------------------------------------


def test_a_dry_run_counts_and_writes_no_pairs(tmp_path: Path, polyvalues: Run) -> None:
    sources, out = mvalue_sources(tmp_path), tmp_path / "out"
    done = polyvalues("pairs", "build", "mvalue", *flags(sources), "--backend", "files", "--dry-run", "--out", str(out))
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["morality", "30", "0", "30", "30", "500", "30"] in lines
    assert ["truthfulness", "45", "0", "45", "30", "500", "30"] in lines
    assert "! truthfulness: 30 pairs of 500 asked for: there are no more (another 15 with" in done.stdout
    volumes = [line for line in lines if line and line[0] in pv.MVALUE_TARGETS]
    assert len(volumes) == 15
    assert {line[1] for line in volumes} == {"210"}
    assert not (out / "pairs.parquet").exists()
    assert not (out / "CARD.md").exists()


def test_an_endpoint_says_what_it_will_cost(tmp_path: Path, polyvalues: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    options = ("--backend", "endpoint", "--endpoint-model", "m", "--price-in", "1", "--price-out", "1", "--dry-run")
    where = ("--out", str(tmp_path / "out"), "--base-url", "http://127.0.0.1:9")
    done = polyvalues("pairs", "build", "mvalue", *flags(mvalue_sources(tmp_path)), *options, *where)
    assert done.returncode == 0, done.stderr
    assert "cost about" in done.stdout
    assert "tokens sent" in done.stdout


def test_people_translate_it_in_sheets(tmp_path: Path, polyvalues: Run) -> None:
    sources, out = mvalue_sources(tmp_path), tmp_path / "out"
    settings = put(tmp_path / "mvalue.toml", 'concepts = ["morality"]\n[size]\neach = 5\n[translate]\nto = ["fr"]\n')
    where = ("--backend", "files", "--settings", str(settings), "--out", str(out))
    arguments = ("pairs", "build", "mvalue", *flags(sources), *where)
    first = polyvalues(*arguments)
    assert first.returncode == 0, first.stderr
    assert "10 texts to translate are in" in " ".join(first.stdout.split())
    sheet = out / "sheets/fr.csv"
    rows = list(csv.DictReader(io.StringIO(sheet.read_text(encoding="utf-8-sig"), newline="")))
    lines = [",".join((row["id"], row["text"], f"Voici {row['id']}")) for row in rows]
    sheet.write_text("\n".join(["id,text,translation", *lines]), encoding="utf-8")
    second = polyvalues(*arguments)
    assert second.returncode == 0, second.stderr
    pairs = read("table", out / "pairs.parquet").table.to_pylist()
    assert Counter(row["language"] for row in pairs) == {"en": 5, "fr": 5}


def broken(name: str, content: object) -> Callable[[Path, dict[str, str]], dict[str, str]]:
    def change(folder: Path, sources: dict[str, str]) -> dict[str, str]:
        return sources | {name: str(put(folder / "broken" / Path(sources[name]).name, content))}

    return change


def without(*names: str) -> Callable[[Path, dict[str, str]], dict[str, str]]:
    return lambda _, sources: {name: path for name, path in sources.items() if name not in names}


@pytest.mark.parametrize(
    ("change", "extra", "message"),
    [
        (without("rtp"), (), "toxicity: give --rtp PATH"),
        (without("ethics", "harmless"), (), "4 of 7 concepts have no source"),
        (lambda folder, s: s | {"rtp": str(folder / "no.jsonl")}, (), "no.jsonl: expected a file or folder"),
        (lambda folder, s: s | {"advbench": str(folder)}, (), "expected the file harmful_behaviors.csv"),
        (lambda _, s: s | {"ethics": s["rtp"]}, (), "rtp.jsonl"),
        (broken("truthfulqa", 'Type,Category,Question,"Best'), (), "CSV with closed quotes"),
        (broken("stereoset", '{"data": {"inter'), (), "expected JSON"),
        (broken("harmless", b"\xff\xfe"), (), "UTF-8 text"),
        (without(), ("--concepts", "honesty"), "Input should be 'morality'"),
        (without(), ("--concepts", "morality,morality"), "none twice"),
        (without(), ("--concepts", ","), "name at least one"),
        (without(), ("--size", "0"), "size.each"),
        (without(), ("--size-morality", "-3"), "size.morality"),
        (without(), ("--max-length-ratio", "1"), "max_length_ratio"),
        (without(), ("--near-duplicates", "1.5"), "near_duplicates"),
        (without(), ("--min-words", "300"), "is above max_words"),
        (without(), ("--max-characters", "5"), "no pair is left"),
        (without(), ("--to", "en,fr"), "source language"),
        (without(), ("--to", "english"), "BCP-47"),
        (without(), ("--model", "/no/such/folder"), "no such folder"),
    ],
)
def test_what_cannot_be_built_is_one_message(
    tmp_path: Path,
    polyvalues: Run,
    change: Callable[[Path, dict[str, str]], dict[str, str]],
    extra: tuple[str, ...],
    message: str,
) -> None:
    sources = change(tmp_path, mvalue_sources(tmp_path / "files"))
    done = polyvalues("pairs", "build", "mvalue", *flags(sources), *extra, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out/pairs.parquet").exists()


@pytest.mark.parametrize("content", ["size = 3", "translate = 3", "[translate]\nto = 3"])
def test_a_settings_file_of_another_shape_is_one_message(tmp_path: Path, polyvalues: Run, content: str) -> None:
    settings = put(tmp_path / "mvalue.toml", content)
    arguments = ("--settings", str(settings), "--size-morality", "3", "--out", str(tmp_path / "out"))
    done = polyvalues("pairs", "build", "mvalue", *flags(mvalue_sources(tmp_path)), *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_texts_of_the_sources_do_not_become_markup(tmp_path: Path, letters: Lettered) -> None:
    sources = mvalue_sources(tmp_path)
    data = json.loads((tmp_path / "dev.json").read_text(encoding="utf-8"))
    for cluster in data["data"]["intrasentence"]:
        cluster["bias_type"] = "<script>|x"
    put(tmp_path / "dev.json", data)
    spec = pv.build(pv.MvalueSpec, sources | {"concepts": ("fairness",)})
    pv.build_mvalue(spec, tmp_path / "out", pv.build(pv.TranslateSpec, {"to": ["fr"]}))
    assert letters.asked
    page = (tmp_path / "out/CARD.md").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&#60;script&#62;/x" in page
