"""Checks of Mosaic that a machine can make. `python tests/mosaic_checks.py` prints the English surface-cue figures.

A surface classifier sees single texts. It is trained on nine tenths of the items of a concept and judges the others,
ten times over: `single` is the share of held-out texts put on the right side, `pairwise` the share of held-out pairs
whose positive side it scores higher (ties 1/2). With balanced words both are near, or below, one half.
"""

import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from polyvalues.data.concepts import CONCEPTS
from polyvalues.data.mosaic.files import pairs_file
from polyvalues.languages.metadata import language_script

Row = dict[str, str]
Features = NDArray[np.float64]
SIDES = ("positive", "negative")
NEGATIONS = re.compile(
    r"\b(not|no|never|nothing|nobody|none|without|cannot|\w+n't|nor|neither|hardly|refus\w*)\b", re.I
)
WORD = r"(?u)\b\w[\w']*\b"
CHARACTERS = {
    "Hans": "CJK",
    "Jpan": "CJK|HIRAGANA|KATAKANA",
    "Kore": "HANGUL",
    "Taml": "TAMIL",
    "Telu": "TELUGU",
    "Latn": "LATIN",
}


def rows(language: str) -> list[Row]:
    """The lines of a language's file."""
    return [json.loads(line) for line in pairs_file(language).read_text(encoding="utf-8").splitlines()]


def text_mistakes(language: str, own: Sequence[Row], english: Sequence[Row]) -> Iterator[str]:
    """What is wrong with single texts and pairs of a language."""
    script = re.compile(CHARACTERS[language_script(language)])
    seen: dict[str, str] = {}
    for row, source in zip(own, english, strict=True):
        at = f"{language} {row['item']}"
        if row["positive"] == row["negative"]:
            yield f"{at}: sides are the same"
        lengths = sorted(len(row[side]) for side in SIDES)
        if lengths[1] > 1.6 * lengths[0] + 6:
            yield f"{at}: one side is much longer, {lengths}"
        for side in SIDES:
            text = row["prefix"] + row[side]
            if text in seen:
                yield f"{at}: the same text as {seen[text]}"
            seen[text] = at
            if unicodedata.normalize("NFC", text) != text or text != text.strip():
                yield f"{at}: not NFC, or spaces around it"
            if re.search(r"\s\s|[\x00-\x1f\u200b\ufffd]", text):
                yield f"{at}: double space or control character"
            letters = [letter for letter in text if unicodedata.category(letter).startswith("L")]
            if sum(bool(script.match(unicodedata.name(letter, ""))) for letter in letters) < 0.97 * len(letters):
                yield f"{at}: another script: {text}"
            if language != "en" and _english(text, source["prefix"] + source[side]):
                yield f"{at}: English left over: {text}"


def _english(text: str, source: str) -> bool:
    words, known = (set(re.findall(r"[a-z']+", given.lower())) for given in (text, source))
    kept = sum(len(word) > 3 for word in words & known)
    return kept > max(2, 0.3 * len(words)) or bool(re.search(r"\b(the|and|with|because|than)\b", text))


def length_ratios(own: Sequence[Row], english: Sequence[Row]) -> Features:
    """Length of every text over that of the English one, both with prefix."""
    return np.array(
        [
            len(row["prefix"] + row[side]) / len(source["prefix"] + source[side])
            for row, source in zip(own, english, strict=True)
            for side in SIDES
        ]
    )


def cue_shares(own: Sequence[Row]) -> dict[str, tuple[float, float]]:
    """For each kind of surface cue, the single and pairwise shares of a classifier that sees nothing else."""
    texts = [row["prefix"] + row[side] for row in own for side in SIDES]
    words = {
        "bag of words": CountVectorizer(token_pattern=WORD),
        "words and bigrams": CountVectorizer(token_pattern=WORD, ngram_range=(1, 2), binary=True),
    }
    found = {name: _held_out(_counts(vectorizer, texts), _plain) for name, vectorizer in words.items()}
    found["length, punctuation, negation"] = _held_out(np.array([_surface(text) for text in texts]), _scaled)
    for name, at in (("first word", 0), ("last word", -1)):
        alone = [row[side].split()[at] for row in own for side in SIDES]
        found[name] = _held_out(_counts(CountVectorizer(token_pattern=WORD), alone), _plain)
    return found


def _counts(vectorizer: CountVectorizer, texts: Sequence[str]) -> Features:
    sparse: Any = vectorizer.fit_transform(texts)
    return sparse.toarray()


def _surface(text: str) -> list[float]:
    words = text.split()
    marks = [float(text.count(mark)) for mark in ",.?!';"]
    return [len(text), len(words), *marks, len(NEGATIONS.findall(text)), float(np.mean([len(word) for word in words]))]


def _plain() -> Any:
    return LogisticRegression(max_iter=2000)


def _scaled() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))


def _held_out(features: Features, model: Callable[[], Any]) -> tuple[float, float]:
    items = len(features) // 2
    labels, fold = np.tile([1, 0], items), np.empty(items, dtype=int)
    fold[np.random.default_rng(0).permutation(items)] = np.arange(items) % 10
    right = ahead = 0.0
    for k in range(10):
        test = np.repeat(fold, 2) == k
        score = model().fit(features[~test], labels[~test]).decision_function(features[test])
        right += ((score > 0) == (labels[test] == 1)).sum()
        gap = score[0::2] - score[1::2]
        ahead += (gap > 1e-9).sum() + 0.5 * (np.abs(gap) <= 1e-9).sum()
    return right / len(labels), ahead / items


def main() -> None:
    """Print the figures of the card."""
    english = rows("en")
    for concept in CONCEPTS:
        shares = cue_shares([row for row in english if row["concept"] == concept.name])
        cells = " | ".join(f"{single:.2f} / {pairwise:.2f}" for single, pairwise in shares.values())
        sys.stdout.write(f"| {concept.name} | {cells} |\n")


if __name__ == "__main__":
    main()
