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
