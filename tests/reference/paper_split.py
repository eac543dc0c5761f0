"""The paper's split, literally.

Per concept and language: the rows in file order are shuffled by `random.Random(1).shuffle`; the first floor(0.8 n) are
fit, the last n - floor(0.8 n) test.
"""

import math
import random


def paper_split_rows(rows: list[str]) -> tuple[list[str], list[str]]:
    """Fit rows and test rows of one concept and language, each in the order in which the protocol uses them."""
    shuffled = list(rows)
    random.Random(1).shuffle(shuffled)
    n_fit = math.floor(0.8 * len(shuffled))
    n_test = len(shuffled) - n_fit
    return shuffled[:n_fit], shuffled[-n_test:]


def published_labels(rows: list[str]) -> list[tuple[str, bool]]:
    """Fit rows with whether the published option takes their negative side for the positive one, step by step.

    One generator shuffles the rows, then the two texts of every fitted row, then the two labels of every fitted row.
    """
    draw = random.Random(1)
    shuffled = list(rows)
    draw.shuffle(shuffled)
    fitted = shuffled[: math.floor(0.8 * len(shuffled))]
    texts, labels = [], []
    for row in fitted:
        pair = [f"{row} upholds", f"{row} violates"]
        draw.shuffle(pair)
        texts.append(pair)
        labels.append([text.endswith("upholds") for text in pair])
    for label in labels:
        draw.shuffle(label)
    taken = [pair[label.index(True)] for pair, label in zip(texts, labels, strict=True)]
    return [(row, text.endswith("violates")) for row, text in zip(fitted, taken, strict=True)]
