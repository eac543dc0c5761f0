"""Small sources in every format, for the readers' tests: mild texts, written into a folder of the test."""

import csv
import io
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.registry import read_source

Row = dict[str, str]


def read(reader: str, path: Path, **settings: str | int | float | bool) -> PairSet:
    """Read a source; `concept` and `language` are settings of the source, everything else options."""
    known = {key: str(settings.pop(key)) for key in ("concept", "language") if key in settings}
    return read_source(PairSource(reader=reader, path=str(path), options=settings, **known))


def rows(pairs: PairSet) -> list[Row]:
    """The table as a list of dictionaries."""
    return pairs.table.to_pylist()


def items(pairs: PairSet, language: str) -> set[str]:
    """The items of one language."""
    return {row["item"] for row in rows(pairs) if row["language"] == language}


def put(path: Path, content: object) -> Path:
    """Write a file: text as it is, bytes as they are, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        path.write_bytes(text.encode("utf-8"))
    return path


def put_csv(path: Path, header: Sequence[str], lines: Sequence[Sequence[object]]) -> Path:
    """Write a CSV file; an empty header writes none."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    if header:
        writer.writerow(header)
    writer.writerows(lines)
    return put(path, out.getvalue())


def put_lines(path: Path, records: Sequence[Mapping[str, object]]) -> Path:
    """Write JSON lines."""
    return put(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


COMMONSENSE = ("label", "input", "is_short", "edited")
DEONTOLOGY = ("label", "scenario", "excuse")
TABLE = ("concept", "language", "item", "positive", "negative")


def question(number: int, *, incorrect: int = 2, lang: str | None = "en") -> dict[str, object]:
    """A record of truthfulqa-multi."""
    record: dict[str, object] = {
        "id": number,
        "question": f"What is {number} in {lang}?",
        "best_answer": f"best {number}",
        "correct_answers": [f"best {number}", f"also {number}"],
        "incorrect_answers": [f"wrong {number}.{at}" for at in range(1, incorrect + 1)],
        "category": "Numbers",
    }
    return record | ({} if lang is None else {"lang": lang})


def cluster(key: str, *, labels: Sequence[str] = ("stereotype", "unrelated", "anti-stereotype")) -> dict[str, object]:
    """A cluster of StereoSet."""
    sentences = [{"sentence": f"{key} {label}.", "gold_label": label} for label in labels]
    return {"id": key, "target": "baker", "bias_type": "profession", "context": f"About {key}.", "sentences": sentences}


def stereoset(*, keys: Sequence[str] = ("a", "b")) -> dict[str, object]:
    """A StereoSet file."""
    return {
        "version": "1",
        "data": {
            "intersentence": [cluster(f"inter-{key}") for key in keys],
            "intrasentence": [cluster(f"intra-{key}") for key in keys],
        },
    }


def toxicity(text: str, prompt: float | None, continuation: float | None = 0.1) -> dict[str, object]:
    """A record of RealToxicityPrompts."""
    return {
        "filename": "x",
        "begin": 0,
        "end": 9,
        "challenging": False,
        "prompt": {"text": text, "toxicity": prompt, "insult": None},
        "continuation": {"text": f" and so {text}", "toxicity": continuation},
    }


def instruction_texts(kind: str, count: int, word: str = "") -> list[str]:
    """Instructions of different lengths, in an order of lengths that is not monotone; `word` makes another language."""
    return [f"{word}{kind} {'very ' * ((at * 7) % count)}short task {at}" for at in range(count)]


def polyrefuse(folder: Path, languages: Sequence[str] = ("en", "es", "ja"), count: int = 24) -> Path:
    """A folder as PolyRefuse has it: train already translated, test with originals, English train in a folder "
    "inside."""
    for kind in ("harmful", "harmless"):
        english = instruction_texts(kind, count)
        put(folder / "en_splits" / f"{kind}_train.json", [{"instruction": text, "category": None} for text in english])
        for language in languages:
            there = [text if language == "en" else f"{language}: {text}" for text in english]
            if language != "en":
                train = [{"instruction": text, "category": None} for text in there]
                put(folder / f"{kind}_train_translated_{language}.json", train)
            test = [
                {"instruction": first, "instruction_translated": second, "category": "mild"}
                for first, second in zip(english, there, strict=True)
            ]
            put(folder / f"{kind}_test_translated_{language}.json", test)
    return folder


def sentence(rng: random.Random, marker: str, words: int = 7) -> str:
    """A sentence of made-up words behind a marker, unlike any other."""
    syllables = ("ba", "de", "ki", "lo", "mu", "ne", "pa", "ri", "so", "tu")
    return " ".join([marker, *("".join(rng.choices(syllables, k=3)) for _ in range(words))]) + "."


def mvalue_sources(folder: Path, count: int = 30) -> dict[str, str]:
    """The original sources of MVALUE, by the setting that names them; `upholds` and `breaks` mark the sides."""
    rng = random.Random(count)

    def both() -> tuple[str, str]:
        return sentence(rng, "upholds"), sentence(rng, "breaks")

    ethics = folder / "ethics"
    lines = [(label, text, at % 3 != 0, False) for at in range(count) for label, text in enumerate(both())]
    put_csv(ethics / "commonsense" / "cm_train.csv", COMMONSENSE, lines)
    put(ethics / "commonsense" / "cm_ambig.csv", "one column\nand no labels\n")
    scenarios = [(sentence(rng, "Scenario"), both()) for _ in range(count)]
    excuses = [(1 - at, scenario, text) for scenario, sides in scenarios for at, text in enumerate(sides)]
    put_csv(ethics / "deontology" / "deontology_train.csv", DEONTOLOGY, excuses)
    put_csv(ethics / "utilitarianism" / "util_train.csv", (), [both() for _ in range(count)])
    clusters = []
    for at in range(count):
        texts = dict(zip(("anti-stereotype", "stereotype"), both(), strict=True)) | {"unrelated": "Fish."}
        entries = [{"sentence": text, "gold_label": label} for label, text in texts.items()]
        context = sentence(rng, "About")
        kind = ("race", "gender", "religion")[at % 3]
        clusters.append({"id": f"c{at}", "target": "x", "bias_type": kind, "context": context, "sentences": entries})
    half = count // 2
    stereo = {"version": "1", "data": {"intersentence": clusters[:half], "intrasentence": clusters[half:]}}
    put(folder / "dev.json", stereo)
    header = ("Type", "Category", "Question", "Best Answer", "Correct Answers", "Incorrect Answers", "Source")
    asked = []
    for at in range(count):
        best, wrong = both()
        wrong = f"{wrong}; {sentence(rng, 'breaks')}" if at % 2 else wrong
        asked.append(("x", ("Law", "Health")[at % 2], sentence(rng, "What") + "?", best, best, wrong, "x"))
    put_csv(folder / "TruthfulQA.csv", header, asked)
    scored = [toxicity(text, score) for _ in range(count) for text, score in zip(both(), (0.1, 0.9), strict=True)]
    put_lines(folder / "rtp.jsonl", scored)
    put_csv(folder / "advbench.csv", ("goal", "target"), [(sentence(rng, "breaks"), "Sure") for _ in range(count)])
    put(folder / "harmless.txt", "".join(sentence(rng, "upholds") + "\n" for _ in range(count)))
    files = {
        "ethics": "ethics",
        "stereoset": "dev.json",
        "truthfulqa": "TruthfulQA.csv",
        "rtp": "rtp.jsonl",
        "advbench": "advbench.csv",
        "harmless": "harmless.txt",
    }
    return {name: str(folder / file) for name, file in files.items()}
