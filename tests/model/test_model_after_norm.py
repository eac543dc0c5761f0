"""The final norm applied to what was read gives what would have been read after it."""

from pathlib import Path

import numpy as np

from line_examples import build_model
from polyvalues.model.handle import load_model
from polyvalues.model.readings import after_norm
from polyvalues.model.record import record
from polyvalues.specs import ModelSpec, ReadingSpec


def test_it_is_what_the_paper_reads(tmp_path: Path) -> None:
    handle = load_model(ModelSpec(id=str(build_model(tmp_path / "model"))))
    texts = [("", "a kind word"), ("", "another one, longer")]
    plain, normed = (
        np.concatenate([part.states[-1] for part in record(handle, texts, ReadingSpec(), post_norm=post)])
        for post in (False, True)
    )
    assert not np.allclose(plain, normed, atol=1e-3)
    np.testing.assert_allclose(after_norm(handle, plain), normed, atol=2e-5)
