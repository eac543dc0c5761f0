"""The line as a plain loop: one text at a time through the whole model with `output_hidden_states`, then the formulas.

Slow, literal and independent of the package: it is given rows of pairs and a model folder, and shares no code with
what it checks.
"""

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


class PlainReader:
    """Last-token hidden states `[layer + 1, hidden]` of one text, as `output_hidden_states` gives them."""

    def __init__(self, folder: Path) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.seen: dict[str, np.ndarray] = {}

    def __call__(self, text: str) -> np.ndarray:
        if text not in self.seen:
            with torch.no_grad():
                ids = self.tokenizer(text, return_tensors="pt")
                states = self.model(**ids, output_hidden_states=True).hidden_states
            self.seen[text] = np.stack([state[0, -1].float().numpy() for state in states])
        return self.seen[text]


def strict_accuracy(folder: Path, rows: list[dict[str, Any]], languages: Sequence[str]) -> np.ndarray:
    """Accuracy `[source, target, layer]` on the test pairs of mean-difference vectors of the fit pairs."""
    read = PlainReader(folder)
    vectors = {}
    for language in languages:
        mine = [row for row in rows if row["language"] == language and row["split"] == "fit"]
        positive = np.mean([read(row["prefix"] + row["positive"])[1:].astype(np.float64) for row in mine], axis=0)
        negative = np.mean([read(row["prefix"] + row["negative"])[1:].astype(np.float64) for row in mine], axis=0)
        vectors[language] = positive - negative
    layers = len(vectors[languages[0]])
    accuracy = np.zeros((len(languages), len(languages), layers))
    for t, target in enumerate(languages):
        tested = [row for row in rows if row["language"] == target and row["split"] == "test"]
        for s, source in enumerate(languages):
            for layer in range(layers):
                right = 0.0
                for row in tested:
                    d = (
                        read(row["prefix"] + row["positive"])[layer + 1]
                        - read(row["prefix"] + row["negative"])[layer + 1]
                    )
                    score = float(d.astype(np.float64) @ vectors[source][layer])
                    right += 1.0 if score > 0 else 0.5 if score == 0 else 0.0
                accuracy[s, t, layer] = right / len(tested)
    return accuracy


def paper_protocol(
    folder: Path,
    path: Path,
    languages: Sequence[str],
    concept: str = "morality",
    tested_on: str = "morality",
    *,
    shuffled: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy `[source, target, layer]` and cosine `[source, target, layer]` by the paper's choices (layers 1..L).

    With `shuffled` the labels of fitted pairs are shuffled after the pairs, by the same generator.
    """
    read = PlainReader(folder)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    vectors, signs, tested = {}, {}, {}
    for language in languages:
        states, draw = _shuffled_states(read, rows, concept, language)
        fitted = math.floor(0.8 * len(states))
        labels = []
        for _ in range(fitted):
            draw.shuffle([0, 1])
        for _ in range(fitted):
            label = [0, 1]
            if shuffled:
                draw.shuffle(label)
            labels.append(label)
        chosen = np.stack([states[row][label] for row, label in enumerate(labels)])  # pair, side, layer, hidden
        vectors[language] = chosen[:, 0].mean(axis=0) - chosen[:, 1].mean(axis=0)
        signs[language] = [
            plain_sign(chosen[:, :, layer], vectors[language][layer]) for layer in range(chosen.shape[2])
        ]
        others, _ = _shuffled_states(read, rows, tested_on, language)
        tested[language] = others[math.floor(0.8 * len(others)) :]
    layers = len(vectors[languages[0]])
    accuracy = np.zeros((len(languages), len(languages), layers))
    cosine = np.zeros_like(accuracy)
    for s, source in enumerate(languages):
        for t, target in enumerate(languages):
            for layer in range(layers):
                v, w = vectors[source][layer], vectors[target][layer]
                up, down = (tested[target][:, side, layer] @ v / np.linalg.norm(v) for side in (0, 1))
                accuracy[s, t, layer] = np.mean(np.maximum(up, down) == up)
                same = signs[source][layer] * signs[target][layer]
                cosine[s, t, layer] = same * (v @ w) / np.linalg.norm(v) / np.linalg.norm(w)
    return accuracy, cosine


def _shuffled_states(
    read: PlainReader, rows: list[dict[str, Any]], concept: str, language: str
) -> tuple[np.ndarray, random.Random]:
    """States `[pair, side, layer, hidden]` of one concept and language, shuffled; and the generator that did it."""
    wanted = [row for row in rows if (row["concept"], row["language"]) == (concept, language)]
    wanted = [row for row in wanted if row["positive"] != row["negative"]]
    draw = random.Random(1)
    draw.shuffle(wanted)
    sides = ("positive", "negative")
    return np.stack([[read(row.get("prefix", "") + row[side])[1:] for side in sides] for row in wanted]), draw


def plain_sign(pairs: np.ndarray, vector: np.ndarray) -> int:
    """-1 where the first side is the lower one more often than the higher one; equal sides are both."""
    lower = higher = 0
    for first, second in pairs @ vector:
        lower += int(min(first, second) == first)
        higher += int(max(first, second) == first)
    return -1 if lower > higher else 1
