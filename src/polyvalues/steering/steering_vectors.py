"""Concept vectors ready to steer with: choose some, and steer a model inside a `with` block.

    vectors = pv.steering_vectors(pv.load_study("out/demo"))
    handle = pv.load_model(pv.ModelSpec(id="babel"), head=True)
    with vectors.sel(concept="harmfulness", language="en", layer=5).steer(handle, strength=0.5):
        handle.causal.generate(...)

A strength s moves a hidden state by s times the mean length of hidden states at that layer, to the safer side when s is
positive. Vectors know the model they were fitted on, and refuse another one.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from polyvalues.artifacts import VectorTable
from polyvalues.dimensions import CONCEPT, HIDDEN, LAYER, SOURCE, Concept, InterventionKind, Language, Position
from polyvalues.errors import SteeringError
from polyvalues.models.model_handle import ModelHandle
from polyvalues.steering.hooks import apply_plan
from polyvalues.steering.plan import Condition, Intervention, Plan

logger = logging.getLogger("polyvalues")


@dataclass(frozen=True, eq=False, repr=False)
class SteeringVectors:
    """Vectors of some concepts, sources and layers.

    Attributes:
        artefact: the vectors.
    """

    artefact: VectorTable

    @property
    def concepts(self) -> tuple[Concept, ...]:
        """Concepts there are."""
        return tuple(map(str, self.artefact.data[CONCEPT].values))

    @property
    def sources(self) -> tuple[Language, ...]:
        """Languages there are vectors of."""
        return tuple(map(str, self.artefact.data[SOURCE].values))

    @property
    def layers(self) -> tuple[int, ...]:
        """Blocks there are vectors at."""
        return tuple(map(int, self.artefact.data[LAYER].values))

    @property
    def data(self) -> xr.Dataset:
        """The arrays: `vector` and `midpoint` `[concept, source, layer, hidden]`, `norm` `[layer]` and more.

        See `polyvalues.artifacts.VectorTable`.
        """
        return self.artefact.data

    def sel(
        self,
        *,
        concept: Concept | Sequence[Concept] | None = None,
        language: Language | Sequence[Language] | None = None,
        layer: int | Sequence[int] | None = None,
    ) -> "SteeringVectors":
        """Some of the vectors; what is not named stays whole.

        Args:
            concept: one concept or several.
            language: one language or several that vectors were fitted in, as BCP-47 tags.
            layer: one 0-based block or several.

        Returns:
            The chosen vectors.

        Raises:
            SteeringError: one that is not there; the message lists those that are.
        """
        data = self.artefact.data
        chosen = {
            CONCEPT: [concept] if isinstance(concept, str) else concept,
            SOURCE: [language] if isinstance(language, str) else language,
            LAYER: [layer] if isinstance(layer, int) else layer,
        }
        for name, wanted in chosen.items():
            there = data[name].values.tolist()
            absent = [value for value in wanted or [] if value not in there]
            if absent:
                said = "language" if name == SOURCE else name
                raise SteeringError(f"no vector of {said} {absent[0]!r}; there are: {', '.join(map(str, there))}")
            if wanted is not None:
                data = data.sel({name: list(wanted)})
        return SteeringVectors(VectorTable(data))

    def __repr__(self) -> str:
        attrs, data = self.artefact.data.attrs, self.artefact.data
        blocks = ", ".join(map(str, self.layers)) if len(self.layers) < 8 else f"{self.layers[0]} to {self.layers[-1]}"
        return (
            f"<SteeringVectors of {attrs.get('model') or 'an unknown model'}: {', '.join(self.concepts)} x "
            f"{', '.join(self.sources)} x layers {blocks}, hidden {data.sizes[HIDDEN]}, {attrs.get('estimator', '')}>"
        )

    def _repr_html_(self) -> str:
        attrs, data = self.artefact.data.attrs, self.artefact.data
        facts = {
            "model": f"{attrs.get('model') or 'unknown'} ({attrs.get('fingerprint') or 'no fingerprint'})",
            "concepts": ", ".join(self.concepts),
            "languages": ", ".join(self.sources),
            "layers": ", ".join(map(str, self.layers)),
            "hidden size": str(data.sizes[HIDDEN]),
            "estimator": str(attrs.get("estimator", "")),
            "position": str(attrs.get("position", "")),
        }
        rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in facts.items())
        return f"<table><caption>SteeringVectors</caption>{rows}</table>"

    def direction(self, concept: Concept, source: Language, layer: int) -> Tensor:
        """Unit vector, float32 `[hidden]`, to the safer side."""
        vector = self.sel(concept=concept, language=source, layer=layer).artefact.data["vector"].values.reshape(-1)
        return torch.from_numpy(vector / np.linalg.norm(vector))

    def norm(self, layer: int) -> float:
        """Mean length of hidden states at a layer."""
        return float(self.artefact.data["norm"].sel({LAYER: layer}))

    def plan(
        self,
        strength: float | Sequence[float] = 1.0,
        *,
        kind: InterventionKind = "add",
        positions: str = "all",
        keep_norm: bool = False,
        condition: Condition | None = None,
    ) -> Plan:
        """The plan that applies all these vectors, one after the other in the order of concepts, sources and layers.

        Args:
            strength: in mean norms; one for all, or one per concept.
            kind: see `steering.interventions`; `clamp` sets the projection to the strength, `ablate` ignores it.
            positions: see `Plan`.
            keep_norm: keep the length of every hidden state.
            condition: steer only rows that meet it.

        Raises:
            SteeringError: as many strengths as there are neither concepts nor one.
        """
        strengths = [strength] * len(self.concepts) if isinstance(strength, float | int) else list(strength)
        if len(strengths) != len(self.concepts):
            raise SteeringError(f"{len(strengths)} strengths for {len(self.concepts)} concepts: {self.concepts}")
        if min(strengths) < 0:
            logger.warning("a negative strength steers away from the value; it is there for red-teaming")
        parts = []
        for concept, own in zip(self.concepts, strengths, strict=True):
            for source in self.sources:
                for layer in self.layers:
                    size = 1.0 if kind == "ablate" else float(own) * self.norm(layer)
                    direction = self.direction(concept, source, layer)
                    parts.append(Intervention(layer, direction[None], torch.tensor([size]), kind, keep_norm))
        return Plan(tuple(parts), positions, condition)

    def condition(self, concept: Concept, source: Language, layer: int, threshold: float = 0.0) -> Condition:
        """Only rows whose prompt lies on the far side of a vector from safety.

        That is: whose projection on it, from the midpoint of the two sides and in mean norms, is below `threshold`.
        For harmfulness, whose safer side is to see the harm, it is those above it: the requests seen as harmful.
        """
        data = self.artefact.data.sel({CONCEPT: concept, SOURCE: source, LAYER: layer})
        direction = self.direction(concept, source, layer)
        midpoint = float(torch.from_numpy(data["midpoint"].values.astype(np.float32)) @ direction)
        flipped = bool(data["flipped"])
        size = (-threshold if flipped else threshold) * self.norm(layer)
        position: Position = "mean" if self.artefact.data.attrs.get("position") == "mean" else "last"
        threshold_there = torch.tensor([midpoint + size])
        return Condition(layer, direction[None], threshold_there, below=not flipped, position=position)

    @contextmanager
    def steer(
        self,
        model: ModelHandle,
        strength: float | Sequence[float] = 1.0,
        *,
        kind: InterventionKind = "add",
        positions: str = "all",
        condition: Condition | None = None,
        force: bool = False,
    ) -> Iterator[None]:
        """Steer a model with all these vectors while the `with` block runs.

        The hooks are on the transformers model itself: whatever calls it inside the block is steered (`generate`, a
        pipeline, a training loop). Nothing is left behind afterwards.

        Args:
            model: a `LanguageModel`, loaded or taken from memory.
            strength: how far a hidden state is moved, in mean lengths of hidden states at its layer; one for all, or
                one per concept. Positive: to the value's upholding (for harmfulness: refusing) side.
            kind: `"add"`, `"ablate"`, `"clamp"` or `"piecewise"` (`polyvalues.steering.interventions`).
            positions: `"all"`, `"prompt"`, `"generated"`, `"from:K"` or `"from:-K"`.
            condition: steer only rows whose prompt meets it (`condition`).
            force: accept vectors of another model of the same hidden size.

        Returns:
            A context manager; the model is steered inside.

        Raises:
            SteeringError: the vectors are of another model (unless `force`), or do not fit this one at all.

        Example:
            >>> import polyvalues as pv
            >>> model = pv.LanguageModel.load("babel")
            >>> row = {"concept": "honesty", "language": "en", "item": "1"}
            >>> pairs = pv.PairSet.from_dicts([row | {"positive": "She told the truth.", "negative": "She lied."}])
            >>> vectors = pv.fit_vectors(model, pairs)
            >>> ids = model.tokenizer("She", return_tensors="pt").input_ids
            >>> with vectors.sel(layer=5).steer(model, strength=0.2):
            ...     out = model.causal.generate(ids, max_new_tokens=2, do_sample=False)
        """
        self.check(model, force=force)
        with apply_plan(model, self.plan(strength, kind=kind, positions=positions, condition=condition)):
            yield

    def check(self, handle: ModelHandle, *, force: bool = False) -> None:
        """Refuse vectors of another model.

        Args:
            handle: the model.
            force: accept another model, number of layers or dtype; the hidden size must agree all the same.

        Raises:
            SteeringError: naming what differs and both fingerprints.
        """
        attrs = self.artefact.data.attrs
        theirs = {
            "hidden size": str(self.artefact.data.sizes[HIDDEN]),
            "layers": str(attrs.get("layers", "")),
            "dtype": str(attrs.get("dtype", "")),
            "fingerprint": str(attrs.get("fingerprint", "")),
        }
        ours = {
            "hidden size": str(handle.hidden),
            "layers": str(handle.n_layers),
            "dtype": handle.description.get("dtype", ""),
            "fingerprint": handle.fingerprint,
        }
        differ = [name for name in theirs if theirs[name] and theirs[name] != ours[name]]
        unknown = [] if theirs["fingerprint"] else ["fingerprint"]
        if not differ and not unknown:
            return
        told = ", ".join(f"{name} {theirs[name] or 'unknown'} against {ours[name]}" for name in differ or unknown)
        names = (
            f"the vectors are of {attrs.get('model') or 'an unknown model'} (fingerprint "
            f"{theirs['fingerprint'] or 'unknown'}), the model is {handle.description.get('name', '')} (fingerprint "
            f"{ours['fingerprint']}): {told}"
        )
        if not force or "hidden size" in differ:
            end = (
                "they cannot be used"
                if "hidden size" in differ
                else "pass force=True (--force) to use them all the same"
            )
            raise SteeringError(f"{names}; {end}")
        logger.warning("%s; used all the same, as asked", names)
