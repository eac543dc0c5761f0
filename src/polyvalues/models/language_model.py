"""A language model to read and to steer: loaded by its id, or taken from memory.

model = LanguageModel.load("babel")
states = model.hidden_states(["It is fair.", "It is unfair."], layers=[3, 5])
states.sel(layer=5)                       # xarray: text, hidden
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import xarray as xr
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from polyvalues.config import ModelSpec, ReadingSpec, build
from polyvalues.dimensions import HIDDEN, LAYER, TEXT, Position
from polyvalues.errors import ModelLoadError, ReadingError
from polyvalues.models.extraction import record
from polyvalues.models.hidden_states import Reading
from polyvalues.models.loading import parts_in_memory
from polyvalues.models.model_handle import ModelHandle, assemble, load_as, model_fingerprint
from polyvalues.models.presets import find_preset

Text = str | tuple[str, str]
"""A text, or a text in two parts `(prefix, side)` that are read as one."""


@dataclass(frozen=True, eq=False, repr=False)
class LanguageModel(ModelHandle):
    """A language model in memory, ready to be read and steered.

    Make one with `LanguageModel.load` or `LanguageModel.from_transformers`. Layer `i` is the output of decoder block
    `i`, counted from 0. The attributes are those of `polyvalues.models.model_handle.ModelHandle`; the most useful are
    `n_layers`, `hidden` (size of a hidden state), `fingerprint` (16 hex digits that name weights and tokenizer) and
    `causal` (the transformers model with its LM head, None for an encoder).

    Example:
        >>> import polyvalues as pv
        >>> model = pv.LanguageModel.load("babel")
        >>> model.hidden_states(["It is fair."], layers=[5]).sizes["hidden"] == model.hidden
        True

    References:
        Xu et al., Exploring Multilingual Concepts of Human Values in Large Language Models (2024), section 3.1.
    """

    @classmethod
    def load(cls, id: str, **settings: Any) -> "LanguageModel":  # noqa: A002 (the word of the settings)
        """Load a model from a folder or from the Hugging Face Hub.

        Args:
            id: a local folder, a Hub id, or `"babel"` (the small model in this package).
            **settings: fields of `polyvalues.config.ModelSpec`, such as `dtype="bfloat16"`, `device="cuda"`,
                `template="chat"`, `revision="main"`.

        Returns:
            The model in evaluation mode, without gradients, with its LM head where the checkpoint has one.

        Raises:
            SpecError: an unknown setting or value; the message names the nearest one.
            ModelLoadError: the model cannot be loaded; the message says why and what to do.

        Example:
            >>> import polyvalues as pv
            >>> pv.LanguageModel.load("babel", dtype="float32").n_layers
            8
        """
        return load_as(cls, build(ModelSpec, {"id": id, **settings}, origin="LanguageModel.load"), head=None)

    @classmethod
    def from_transformers(
        cls, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, **settings: Any
    ) -> "LanguageModel":
        """Take a transformers model and its tokenizer from memory; neither is changed or copied.

        Args:
            model: a decoder with or without its LM head, or an encoder; on its device, in any mode and dtype.
            tokenizer: the tokenizer that belongs to it.
            **settings: `template` (`"raw"`, `"chat"` or a text with `{input}`), `bos` (`"auto"`, `"add"`, `"leave"`),
                `today`, `preset`: as in `polyvalues.config.ModelSpec`.

        Returns:
            A view of the model. It is read in evaluation mode whatever mode it is in. Make a new one after the weights
            have changed: the fingerprint is taken here.

        Raises:
            SpecError: an unknown setting or value.
            ModelLoadError: the model cannot be read, or the tokenizer is another model's.
            ArchitectureError: the decoder blocks cannot be found.

        Example:
            >>> import polyvalues as pv
            >>> loaded = pv.LanguageModel.load("babel")
            >>> again = pv.LanguageModel.from_transformers(loaded.causal, loaded.tokenizer)
            >>> again.fingerprint == loaded.fingerprint
            True
        """
        allowed = {"template", "bos", "today", "preset"}
        name = model.name_or_path or type(model).__name__
        spec = build(ModelSpec, {"id": name, **settings}, origin="LanguageModel.from_transformers")
        fixed = sorted(settings.keys() - allowed)
        if fixed:
            raise ModelLoadError(
                f"LanguageModel.from_transformers: {fixed[0]!r} belongs to loading; the model is in memory already. "
                f"Settings here are {', '.join(sorted(allowed))}"
            )
        parts = parts_in_memory(model, tokenizer, spec.bos)
        return assemble(cls, spec, parts, find_preset(spec.preset or name))

    def hidden_states(
        self,
        texts: Sequence[Text],
        *,
        layers: int | Sequence[int] | None = None,
        position: Position = "last",
        batch_tokens: int | None = None,
    ) -> xr.DataArray:
        """Hidden states of texts, at one position of each.

        Args:
            texts: any number of texts, each a string or `(prefix, side)`; read through the model's template.
            layers: 0-based decoder blocks; None: all of them.
            position: `"last"` (the last token the tokenizer gives) or `"mean"` (the mean over the text's own tokens,
                attention sinks left out).
            batch_tokens: most tokens in one forward pass; None: the default of `polyvalues.config.ReadingSpec`.

        Returns:
            float32 `[layer, text, hidden]` in the units of the model's residual stream, in the order of `texts`;
            coordinates `layer` and `text`. Memory: 4 bytes times layers times texts times hidden size.

        Raises:
            ReadingError: a text has no tokens, more than the model can take, or its states are not finite.
            SpecError: a block that the model does not have.

        Example:
            >>> import polyvalues as pv
            >>> model = pv.LanguageModel.load("babel")
            >>> states = model.hidden_states(["It is fair.", "It is unfair."], layers=[3, 5])
            >>> states.dims, states.sel(layer=5).shape[0]
            (('layer', 'text', 'hidden'), 2)
        """
        wanted, spec = _pairs(texts), self._reading(layers, position, batch_tokens)
        blocks = spec.layers or tuple(range(self.n_layers))
        out = np.empty((len(blocks), len(wanted), self.hidden), np.float32)
        for reading in record(self, wanted, spec) if wanted else ():
            out[:, reading.index] = reading.states
        return self._labelled(out, wanted, blocks, spec.position)

    def stream_hidden_states(
        self,
        texts: Sequence[Text],
        *,
        layers: int | Sequence[int] | None = None,
        position: Position = "last",
        batch_tokens: int | None = None,
    ) -> Iterator[xr.DataArray]:
        """Hidden states of many texts, batch by batch, for more than fits into memory.

        Args:
            texts: as in `hidden_states`.
            layers: as in `hidden_states`.
            position: as in `hidden_states`.
            batch_tokens: as in `hidden_states`.

        Returns:
            An iterator of arrays as `hidden_states` gives them, each of one batch. Batches come in an order that makes
            reading fast; the coordinate `row` (int64, one per text) says which texts of `texts` a batch holds.

        Raises:
            ReadingError: as `hidden_states`.
            SpecError: as `hidden_states`.

        Example:
            >>> import polyvalues as pv
            >>> model = pv.LanguageModel.load("babel")
            >>> sorted(int(i) for part in model.stream_hidden_states(["One.", "Two."]) for i in part["row"])
            [0, 1]
        """
        wanted, spec = _pairs(texts), self._reading(layers, position, batch_tokens)
        blocks = spec.layers or tuple(range(self.n_layers))
        return (self._batch(reading, wanted, blocks, spec.position) for reading in record(self, wanted, spec))

    def changed(self) -> bool:
        """Whether the weights are no longer those that the fingerprint was taken of.

        Returns:
            True where the model was trained or edited since `load` or `from_transformers`.
        """
        adapters = getattr(self.causal or self.model, "peft_config", None) or {}
        return model_fingerprint(self.model, self.tokenizer, self.front, adapters) != self.fingerprint

    def _reading(self, layers: int | Sequence[int] | None, position: str, batch_tokens: int | None) -> ReadingSpec:
        blocks = (layers,) if isinstance(layers, int) else layers
        wanted = None if blocks is None else sorted(set(blocks))
        given = {"layers": wanted, "position": position, "batch_tokens": batch_tokens}
        return build(ReadingSpec, {name: value for name, value in given.items() if value is not None})

    def _batch(
        self, reading: Reading, texts: Sequence[tuple[str, str]], layers: Sequence[int], position: str
    ) -> xr.DataArray:
        own = self._labelled(reading.states, [texts[row] for row in reading.index], layers, position)
        return own.assign_coords(row=(TEXT, reading.index.astype(np.int64)))

    def _labelled(
        self, states: np.ndarray, texts: Sequence[tuple[str, str]], layers: Sequence[int], position: str
    ) -> xr.DataArray:
        return xr.DataArray(
            states,
            dims=(LAYER, TEXT, HIDDEN),
            coords={LAYER: list(layers), TEXT: ["".join(text) for text in texts]},
            name="hidden_states",
            attrs={"model": self.description["name"], "fingerprint": self.fingerprint, "position": position},
        )

    def _facts(self) -> dict[str, str]:
        kind = self.description.get("architecture", type(self.model).__name__)
        return {
            "name": self.description.get("name", ""),
            "architecture": f"{kind}, {'encoder' if self.encoder else 'decoder'}",
            "layers": f"0 to {self.n_layers - 1}",
            "hidden size": str(self.hidden),
            "dtype and device": f"{str(self.model.dtype).removeprefix('torch.')} on {self.device}",
            "template": self.template.name,
            "LM head": "none" if self.causal is None else "kept",
            "fingerprint": self.fingerprint,
        }

    def __repr__(self) -> str:
        facts = self._facts()
        return (
            f"<LanguageModel {facts['name']}: {facts['architecture']}, layers {facts['layers']}, hidden {self.hidden}, "
            f"{facts['dtype and device']}, template {facts['template']!r}>"
        )

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in self._facts().items())
        return f"<table><caption>LanguageModel</caption>{rows}</table>"


def _pairs(texts: Sequence[Text]) -> list[tuple[str, str]]:
    if isinstance(texts, str):
        raise ReadingError("texts: got one string; give a list of texts, such as ['It is fair.']")
    wanted = []
    for number, text in enumerate(texts):
        parts = ("", text) if isinstance(text, str) else tuple(text) if isinstance(text, tuple | list) else ()
        if len(parts) != 2 or not all(isinstance(part, str) for part in parts):
            raise ReadingError(f"texts[{number}] is {text!r}; expected a string or (prefix, side)")
        wanted.append((parts[0], parts[1]))
    return wanted
