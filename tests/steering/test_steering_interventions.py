"""Each intervention does what its formula says: closed forms, and each can be told from the others."""

import pytest
import torch

from polyvalues.dimensions import INTERVENTIONS
from polyvalues.steering.interventions import ablate, add, along, clamp, intervene, keep_norm, piecewise

RNG = torch.Generator().manual_seed(0)
H = torch.randn(3, 5, 8, generator=RNG)
V = torch.nn.functional.normalize(torch.randn(3, 1, 8, generator=RNG), dim=-1)
S = torch.tensor([0.5, -2.0, 3.0])[:, None, None]


def test_add_moves_the_projection_by_the_strength_and_nothing_else() -> None:
    changed = add(H, V, S)
    torch.testing.assert_close(along(changed, V), along(H, V) + S)
    torch.testing.assert_close(ablate(changed, V), ablate(H, V))


def test_ablate_leaves_no_projection_and_is_idempotent() -> None:
    once = ablate(H, V)
    torch.testing.assert_close(along(once, V), torch.zeros(3, 5, 1), atol=1e-6, rtol=0)
    torch.testing.assert_close(ablate(once, V), once)


def test_clamp_sets_the_projection() -> None:
    changed = clamp(H, V, S)
    torch.testing.assert_close(along(changed, V), S.expand(3, 5, 1), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(clamp(changed, V, S), changed, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(clamp(H, V, 0 * S), ablate(H, V))


def test_piecewise_goes_further_on_the_side_it_is_on() -> None:
    before, after = along(H, V), along(piecewise(H, V, S.abs()), V)
    torch.testing.assert_close(after, before + S.abs() * before.sign())
    flat = ablate(H, torch.eye(8)[0].expand(3, 1, 8))
    axis = torch.eye(8)[0].expand(3, 1, 8)
    assert torch.equal(piecewise(flat, axis, S), flat)  # sign(0) = 0


def test_norms_are_kept() -> None:
    for kind in INTERVENTIONS:
        changed = intervene(H, V, S, kind, norm=True)
        torch.testing.assert_close(changed.norm(dim=-1), H.norm(dim=-1))
        plain = intervene(H, V, S, kind)
        torch.testing.assert_close(torch.cosine_similarity(changed, plain, dim=-1), torch.ones(3, 5))
    along_v = V.expand(3, 5, 8).contiguous()
    assert torch.equal(keep_norm(ablate(along_v, V) * 0, along_v), torch.zeros(3, 5, 8))


@pytest.mark.parametrize("kind", INTERVENTIONS)
def test_by_name(kind: str) -> None:
    own = {"add": add(H, V, S), "piecewise": piecewise(H, V, S), "ablate": ablate(H, V), "clamp": clamp(H, V, S)}
    assert torch.equal(intervene(H, V, S, kind), own[kind])  # type: ignore[arg-type]
    assert all(not torch.allclose(own[kind], other) for name, other in own.items() if name != kind)


def test_opposite_vectors_and_opposite_strengths_are_the_same() -> None:
    assert torch.equal(add(H, -V, -S), add(H, V, S))
    torch.testing.assert_close(piecewise(H, -V, S), piecewise(H, V, S))
    torch.testing.assert_close(ablate(H, -V), ablate(H, V))
    torch.testing.assert_close(clamp(H, -V, -S), clamp(H, V, S))
