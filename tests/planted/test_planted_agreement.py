"""A noisy language is not called inconsistent, a different direction is, and little data say that they cannot tell."""

from collections import Counter
from functools import cache

import numpy as np

from polyvalues.analysis.consistency import cosines
from polyvalues.analysis.hypothesis_tests.consistency_verdicts import agreement, agreement_notes
from polyvalues.artifacts import Replicates
from polyvalues.config import StatisticsSpec, VectorSpec
from polyvalues.dimensions import VERDICTS
from polyvalues.simulation.planted_states import PlantedSpec, plant, planted_activations
from polyvalues.vectors.fit import fit_vectors
from polyvalues.vectors.leave_fold_out import replicates
from reference.measure_cases import make_choice, make_replicates, random_replicates

SPEC = StatisticsSpec()
SEEDS = range(12)


@cache
def fitted(cosine: float, pairs: int, noise: tuple[float, float, float], seed: int) -> Replicates:
    planted = plant(PlantedSpec(pairs=pairs, layers=1, hidden=48, cosine=cosine, strength=2.0, noise=noise, seed=seed))
    inputs = {name: planted_activations(planted, "morality", name) for name in planted.spec.languages}
    vectors = VectorSpec()
    return replicates(inputs, fit_vectors(inputs, vectors), vectors)


def verdicts(cosine: float, pairs: int, noise: tuple[float, float, float]) -> Counter[str]:
    found: Counter[str] = Counter()
    for seed in SEEDS:
        table = agreement([fitted(cosine, pairs, noise, seed)], [make_choice(0, layers=1, concept="morality")], SPEC)
        found.update(table["verdict"].values[0][np.triu_indices(3, 1)].tolist())
    return found


def test_equal_directions_and_unequal_noise_are_never_called_inconsistent() -> None:
    """Raw cosines of the noisy language are low; the verdict knows why."""
    raw = [float(cosines(fitted(1.0, 100, (1.0, 1.0, 4.0), seed))[0, 2, 0, 0]) for seed in SEEDS]
    assert np.mean(raw) < 0.75
    found = verdicts(1.0, 100, (1.0, 1.0, 4.0))
    assert found["inconsistent"] <= 0.05 * sum(found.values())
    assert found["consistent"] >= len(SEEDS)


def test_different_directions_are_called_inconsistent_when_there_are_data() -> None:
    found = verdicts(0.3, 400, (1.0, 1.0, 1.0))
    assert found["inconsistent"] >= 0.95 * sum(found.values())
    assert found["consistent"] == 0


def test_little_data_cannot_tell() -> None:
    found = verdicts(0.3, 20, (6.0, 6.0, 6.0))
    assert found["cannot tell"] >= 0.8 * sum(found.values())


def test_p_is_small_where_vectors_are_not_orthogonal() -> None:
    choice = [make_choice(0, layers=1, concept="morality")]
    found = agreement([fitted(1.0, 100, (1.0, 1.0, 1.0), 0)], choice, SPEC).sel(concept="morality")
    assert float(found["p"].sel(source="en", target="es")) < 1e-4
    assert float(found["plain"].sel(source="en", target="es")) > 0.5
    assert found.attrs["correction"].endswith("over 3 pairs of languages")
    assert "of 3 pairs" in agreement_notes(agreement([fitted(1.0, 100, (1.0, 1.0, 1.0), 0)], choice, SPEC))[0]


def test_words_follow_the_numbers_and_the_convention() -> None:
    replicates = random_replicates(np.random.default_rng(0))
    found = agreement([replicates], [make_choice(1)], SPEC).sel(concept="honesty")
    lower, upper = (found["disattenuated"].sel(interval=part).values for part in ("lower", "upper"))
    words = found["verdict"].values
    off = ~np.eye(3, dtype=bool)
    assert (words[~off] == "").all()
    expected = np.where(lower >= 0.8, VERDICTS[0], np.where(upper < 0.8, VERDICTS[1], VERDICTS[2]))
    np.testing.assert_array_equal(words[off], expected[off])
    low, high = (agreement([replicates], [make_choice(1)], SPEC, same=same)["verdict"].values for same in (-1.0, 3.0))
    assert set(low[0][off]) == {"consistent"}
    assert set(high[0][off]) == {"inconsistent"}


def test_a_vector_of_pure_noise_cannot_be_told() -> None:
    cosine = np.full((2, 2, 1, 6), 0.1)
    reliability = np.stack([np.full((1, 6), 0.9), np.full((1, 6), -0.1)])
    found = agreement([make_replicates(cosine, reliability)], [make_choice(0, layers=1)], SPEC)
    assert found["verdict"].values[0, 0, 1] == "cannot tell"
    assert np.isnan(found["ceiling"].values[0, 0, 1])


def test_order_of_languages_permutes_labels_only() -> None:
    replicates = random_replicates(np.random.default_rng(1))
    mixed = Replicates(replicates.data.sel(source=["sw", "en", "fr"], target=["sw", "en", "fr"]))
    first = agreement([replicates], [make_choice(1)], SPEC)
    second = agreement([mixed], [make_choice(1)], SPEC).sel(source=first.source, target=first.target)
    for name in ("verdict", "ceiling", "p", "q"):
        np.testing.assert_array_equal(second[name].values, first[name].values)
