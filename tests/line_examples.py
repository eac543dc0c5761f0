"""A tiny model, pairs and settings to run the whole line on."""

import importlib.util
import json
from pathlib import Path
from typing import Any

from polyvalues.specs import StudySpec, build

EXAMPLES = Path(__file__).parents[1] / "examples"
WORDS = {
    "en": ("The {} was kind to the {}.", "The {} was cruel to the {}."),
    "fi": ("{} oli ystävällinen: {}.", "{} oli julma: {}."),
    "ta": ("{} அன்பாக இருந்தது: {}.", "{} கொடூரமாக இருந்தது: {}."),
}
NOUNS = ("cat", "dog", "bird", "fish", "horse", "mouse", "bear", "fox", "wolf", "duck", "goat", "hen")
FINNISH = ("kissa", "koira", "lintu", "kala", "hevonen", "hiiri", "karhu", "kettu", "susi", "ankka", "vuohi", "kana")
TAMIL = ("பூனை", "நாய்", "பறவை", "மீன்", "குதிரை", "எலி", "கரடி", "நரி", "ஓநாய்", "வாத்து", "ஆடு", "கோழி")
GLOSS = {
    "en": dict(zip(NOUNS, NOUNS, strict=True)),
    "fi": dict(zip(NOUNS, FINNISH, strict=True)),
    "ta": dict(zip(NOUNS, TAMIL, strict=True)),
}


def build_model(folder: Path) -> Path:
    """The demo's tiny random Llama, written into `folder`."""
    spec = importlib.util.spec_from_file_location("polyvalues_demo", EXAMPLES / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    demo.build_model(folder)
    return folder


def write_pairs(path: Path, languages: tuple[str, ...] = ("en", "fi", "ta"), concept: str = "morality") -> Path:
    """132 items in every language, all made of the same few words; two items share a group."""
    rows = []
    for language in languages:
        positive, negative = WORDS[language]
        for i, (a, b) in enumerate((a, b) for a in NOUNS for b in NOUNS if a != b):
            names = GLOSS[language][a], GLOSS[language][b]
            sides = {"positive": positive.format(*names), "negative": negative.format(*names)}
            ids = {"concept": concept, "language": language, "item": f"{a}-{b}", "group": f"g{i // 2}"}
            rows.append(json.dumps(ids | sides, ensure_ascii=False))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def settings(model: Path, pairs: Path, out: Path, **changes: Any) -> StudySpec:
    """A small study; `changes` are laid over whole sections."""
    base: dict[str, Any] = {
        "model": {"id": str(model)},
        "pairs": [{"reader": "table", "path": str(pairs)}],
        "out": str(out),
        "split": {"mode": "split", "folds": 4},
        "vectors": {"control_draws": 2, "half_splits": 2},
        "statistics": {"draws": 50},
    }
    return build(StudySpec, base | changes)
