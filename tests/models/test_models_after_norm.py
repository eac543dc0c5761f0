"""The final norm applied to what was read gives what would have been read after it."""

from pathlib import Path

import numpy as np

from line_examples import build_model
from polyvalues.config import ModelSpec, ReadingSpec
from polyvalues.models.extraction import record
from polyvalues.models.hidden_states import after_norm
from polyvalues.models.model_handle import load_model


def test_it_is_what_the_paper_reads(tmp_path: Path) -> None:
    handle = load_model(ModelSpec(id=str(build_model(tmp_path / "model"))))
    texts = [("", "a kind word"), ("", "another one, longer")]
    plain, normed = (
        np.concatenate([part.states[-1] for part in record(handle, texts, ReadingSpec(), post_norm=post)])
        for post in (False, True)
    )
    assert not np.allclose(plain, normed, atol=1e-3)
    np.testing.assert_allclose(after_norm(handle, plain), normed, atol=2e-5)
