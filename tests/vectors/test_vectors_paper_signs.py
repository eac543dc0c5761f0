"""Signs of directions: fewer than half of the fitted pairs the right way round turn a vector before its cosine."""

import numpy as np
import pytest

from polyvalues.analysis.paper_protocol import paper_consistency, sign_notes
from polyvalues.artifacts import Activations
from polyvalues.config import StatisticsSpec, VectorSpec
from polyvalues.errors import VectorError
from polyvalues.vectors.accumulators.moments import moments_from_activations
from polyvalues.vectors.fit import paper_vectors
from polyvalues.vectors.leave_fold_out import replicates
from polyvalues.vectors.paper_signs import direction_signs, signed_replicates
from reference.plain_line import plain_sign
from reference.vectors_cases import activations_of, table_of

SPEC = VectorSpec(control_draws=2, half_splits=2)
STEPS = {"en": (-0.2, 1.0), "es": (1.0, 1.0), "sw": (1.0, -0.2)}
"""By language and layer: the step along the axis of six pairs in ten; the other four step by 3."""


def inputs_of(steps: dict[str, tuple[float, float]]) -> dict[str, Activations]:
    out = {}
    for language, own in steps.items():
        table = table_of(40, 4, 0, language=language, shared=False)
        rng = np.random.default_rng(sum(map(ord, language)))
        states = 0.02 * rng.standard_normal((2, len(table.texts), 5)).astype(np.float32)
        for layer, step in enumerate(own):
            for pair, (positive, _) in enumerate(table.index):
                states[layer, positive, 0] += 3.0 if pair % 10 < 4 else step
        out[language] = activations_of(table, states)
    return out


def test_signs_are_those_of_the_plain_count() -> None:
    inputs = inputs_of(STEPS)
    whole = np.ones((1, 4), dtype=bool)
    for language, activations in inputs.items():
        for layer, step in enumerate(STEPS[language]):
            states = activations.data["states"].values[layer][activations.data["index"].values].astype(np.float64)
            vector = states[:, 0].mean(axis=0) - states[:, 1].mean(axis=0)
            found = direction_signs(activations, whole, layer)
            assert found.tolist() == [plain_sign(states, vector)] == [-1 if step < 0 else 1]


def test_cosines_are_turned_and_so_is_their_maximum() -> None:
    inputs = inputs_of(STEPS)
    vectors = paper_vectors(inputs)
    plain, signed = replicates(inputs, vectors, SPEC), signed_replicates(inputs, vectors, SPEC)
    signs = signed.data["sign"].values
    assert signs.tolist() == [[-1, 1], [1, 1], [1, -1]]
    before = paper_consistency([plain], StatisticsSpec())
    after = paper_consistency([signed], StatisticsSpec())
    away = ~np.eye(3, dtype=bool)
    cosine, turned = (data["cosine"].values[0, ..., 0] for data in (before, after))
    np.testing.assert_allclose(turned, cosine * signs[:, None] * signs[None], atol=1e-15)
    assert (cosine[away] > 0.9).all()
    assert (turned[0, 1] * turned[0, 2] < 0).any()
    np.testing.assert_array_equal(after["chosen"].values[0, ..., 0][away], turned.max(axis=-1)[away])
    assert after["chosen"].values[0, 0, 2, 0] < -0.9 < 0.9 < before["chosen"].values[0, 0, 2, 0]
    np.testing.assert_array_equal(after["reliability"].values, before["reliability"].values)
    assert sign_notes([plain]) == []
    (note,) = sign_notes([signed])
    assert note.endswith("en (layers 1); sw (layers 2)")


def test_the_sign_of_a_replicate_is_that_of_its_folds() -> None:
    """Pairs of fold 0 alone step back: without them nothing does."""
    inputs = inputs_of({"en": (1.0, 1.0)})
    data = inputs["en"].data
    states = data["states"].values
    states[0, data["index"].values[data["fold"].values == 0, 0], 0] = -0.2
    without = np.array([[True] * 4, [False, True, True, True], [True, False, False, False]])
    assert direction_signs(inputs["en"], without, 0).tolist() == [1, 1, 1]
    states[0, data["index"].values[:2, 0], 0] = 40.0
    assert direction_signs(inputs["en"], without, 0).tolist()[1:] == [1, -1]


def test_sums_have_no_signs() -> None:
    inputs = inputs_of({"en": (1.0, 1.0), "es": (1.0, 1.0)})
    sums = {name: moments_from_activations(part, 4, 2, 0) for name, part in inputs.items()}
    with pytest.raises(VectorError):
        signed_replicates(sums, paper_vectors(inputs), SPEC)
