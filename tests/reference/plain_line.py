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


def paper_protocol(folder: Path, path: Path, languages: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy `[source, target, layer]` and cosine `[source, target, layer]` by the paper's choices (layers 1..L)."""
    read = PlainReader(folder)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    vectors, tested = {}, {}
    for language in languages:
        mine = [row for row in rows if row["language"] == language and row["positive"] != row["negative"]]
        random.Random(1).shuffle(mine)
        fitted = math.floor(0.8 * len(mine))
        prefix = [row.get("prefix", "") for row in mine]
        positive = np.stack([read(p + row["positive"])[1:] for p, row in zip(prefix, mine, strict=True)])
        negative = np.stack([read(p + row["negative"])[1:] for p, row in zip(prefix, mine, strict=True)])
        vectors[language] = positive[:fitted].mean(axis=0) - negative[:fitted].mean(axis=0)
        tested[language] = (positive[fitted:], negative[fitted:])
    layers = len(vectors[languages[0]])
    accuracy = np.zeros((len(languages), len(languages), layers))
    cosine = np.zeros_like(accuracy)
    for s, source in enumerate(languages):
        for t, target in enumerate(languages):
            for layer in range(layers):
                v, w = vectors[source][layer], vectors[target][layer]
                up, down = (side[:, layer] @ v / np.linalg.norm(v) for side in tested[target])
                accuracy[s, t, layer] = np.mean(np.maximum(up, down) == up)
                cosine[s, t, layer] = v @ w / np.linalg.norm(v) / np.linalg.norm(w)
    return accuracy, cosine
