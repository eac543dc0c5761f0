"""Translation by a sequence-to-sequence model: NLLB-200, MADLAD-400, M2M-100, mBART-50, or a model of one pair of
languages.

How a model is told its languages is read off its vocabulary, not off its name:

    flores   `fra_Latn`   (NLLB)       source code, text, end;  the first token generated is forced to the target's code
    m2m      `__fr__`     (M2M-100)    the same
    mbart    `fr_XX`      (mBART-50)   the same
    tag      `<2fr>`      (MADLAD-400) the target's code in front of the text
    opus     `>>fra<<`    (Opus-MT of several targets)    the same
    none                  (Opus-MT of one pair)    the text alone

Batches are cut by padded source tokens times beams, longest first, over all texts of a language; within one, greedy
or beam search without sampling. So the same texts give the same translations, and a killed run goes on with the
batches it had planned. Texts longer than `max_source_tokens`, and translations that have not come to their end after
`max_new_tokens`, are no translations: they would be half of one. A model's positions bound both.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from polyvalues.config import ModelSpec
from polyvalues.config.translation import Seq2SeqSpec
from polyvalues.errors import ModelError, ReadingError
from polyvalues.models.fingerprint import fingerprint, tokenizer_name
from polyvalues.models.loading import check_complete, failures_explained, model_source, quiet_transformers, torch_device
from polyvalues.models.prompt_templates import INPUT, Template

_SCHEMES: Final[Mapping[str, re.Pattern[str]]] = {
    "flores": re.compile(r"[a-z]{3}_[A-Z][a-z]{3}"),
    "m2m": re.compile(r"__[a-z]{2,3}__"),
    "mbart": re.compile(r"[a-z]{2}_[A-Z]{2}"),
    "tag": re.compile(r"<2[A-Za-z]{2,3}(_[A-Za-z]+)?>"),
    "opus": re.compile(r">>[a-z]{2,3}(_[A-Za-z]+)?<<"),
}
_IN_FRONT: Final = ("tag", "opus")
_OLD_CODES: Final = {"he": "iw", "id": "in", "yi": "ji", "jv": "jw", "fil": "tl", "nb": "no"}
_PROBE: Final = "It is kind to share. 公平 αβγ 123"
_NO_HABITS: Final = ("transformers_version", "_from_model_config")
_KIND: Final = (
    "A translation model is a sequence-to-sequence model with safetensors weights (NLLB-200, MADLAD-400, M2M-100, "
    "mBART-50, Opus-MT ...)"
)


@dataclass(frozen=True, eq=False)
class Seq2SeqBackend:
    """A model that translates.

    Attributes:
        model: encoder and decoder, eval mode, on its device.
        tokenizer: its tokenizer.
        spec: how it is run.
        scheme: how it is told languages: a key above, or `none`.
        flores: from a language tag to its FLORES-200 code; None where there is none.
        identity: what the model computes: its fingerprint, and how it generates if it is not told otherwise.
        lacking: how many texts were not translated, by target and reason; grows.
    """

    model: Any
    tokenizer: Any
    spec: Seq2SeqSpec
    scheme: str
    flores: Callable[[str], str | None]
    identity: Mapping[str, Any]
    lacking: Counter[tuple[str, str]] = field(default_factory=Counter)
    _templates: dict[str, Template] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`seq2seq`."""
        return "seq2seq"

    @property
    def joint(self) -> bool:
        """No: each text is read by itself."""
        return False

    @property
    def keep(self) -> bool:
        """Yes."""
        return True

    @property
    def parallel(self) -> int:
        """1: the device is busy with one batch."""
        return 1

    @property
    def settings(self) -> Mapping[str, Any]:
        """The model, and how it searches; not where it runs or how batches are cut."""
        own = self.spec.model_dump(mode="json", exclude={"model", "revision", "dtype", "device", "batch_tokens"})
        return {**self.identity, **own, "scheme": self.scheme}

    @property
    def notes(self) -> list[str]:
        """Why texts were not translated, in words."""
        return [f"{target}: {count} texts {why}" for (target, why), count in sorted(self.lacking.items()) if count]

    def plan(self, requests: Sequence[tuple[str, ...]], source: str, target: str) -> list[list[int]]:
        """Batches by a budget of padded tokens, from the longest text to the shortest; ties by the text."""
        lengths = [len(self._ids(text, source, target)) for (text,) in requests]
        order = sorted(range(len(requests)), key=lambda row: (-lengths[row], requests[row]))
        budget = max(1, self.spec.batch_tokens // self.spec.beams)
        batches, at = [], 0
        while at < len(order):
            size = max(1, budget // max(1, lengths[order[at]]))
            batches.append(order[at : at + size])
            at += size
        return batches

    @torch.inference_mode()
    def translate(self, requests: Sequence[tuple[str, ...]], source: str, target: str) -> list[tuple[str, ...] | None]:
        """One batch; None for texts that are too long or hold control tokens, and where no translation ended.

        Raises:
            ModelError: the model does not know a language, or memory does not suffice for one text.
        """
        ids = [self._ids(text, source, target) for (text,) in requests]
        limit = self._bounded(self.spec.max_source_tokens)
        fits = [row for row, own in enumerate(ids) if 0 < len(own) <= limit]
        texts = self._generate([ids[row] for row in fits], target) if fits else []
        found: list[tuple[str, ...] | None] = [None] * len(requests)
        for row, text in zip(fits, texts, strict=True):
            found[row] = (text,) if text else None
        self.lacking[target, f"have more than {limit} tokens"] += sum(len(own) > limit for own in ids)
        self.lacking[target, "hold control tokens of the model, which it cannot read as characters"] += ids.count([])
        return found

    def _bounded(self, tokens: int) -> int:
        """No more than the model has positions for."""
        return min(tokens, getattr(self.model.config, "max_position_embeddings", None) or tokens)

    def _ids(self, text: str, source: str, target: str) -> list[int]:
        """Token ids of a text as the model wants it, whatever the tokenizer's class would do; empty: not readable."""
        try:
            if self.scheme in _IN_FRONT:
                return self._template(f"{self.code(target)} {INPUT}", special=True).encode([("", text)])[0]
            if self.scheme == "none":
                return self._template("raw", special=True).encode([("", text)])[0]
            (own,) = self._template("raw", special=False).encode([("", text)])
        except ReadingError:
            return []
        return [self._id(self.code(source)), *own, int(self.tokenizer.eos_token_id)]

    def _template(self, name: str, *, special: bool) -> Template:
        if name not in self._templates:
            self._templates[name] = Template(name, self.tokenizer, special)
        return self._templates[name]

    def _generate(self, ids: Sequence[Sequence[int]], target: str) -> list[str | None]:
        """Translations; None for those that were cut short."""
        pad = self.tokenizer.pad_token_id
        longest, limit = max(map(len, ids)), self._bounded(self.spec.max_new_tokens)
        block = torch.full((len(ids), longest), int(pad if pad is not None else 0), dtype=torch.long)
        mask = torch.zeros_like(block)
        for row, own in enumerate(ids):
            block[row, : len(own)] = torch.tensor(own)
            mask[row, : len(own)] = 1
        forced = None if self.scheme in (*_IN_FRONT, "none") else self._id(self.code(target))
        made = self._made(block, mask, limit, forced)
        if made is None and len(ids) == 1:
            raise ModelError(
                f"{self.spec.model}: memory does not suffice for one text of {longest} tokens; use fewer "
                "beams, a smaller dtype, or lower max_source_tokens"
            )
        if made is None:
            half = len(ids) // 2
            return [*self._generate(ids[:half], target), *self._generate(ids[half:], target)]
        ends = self.model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        # the last token that is allowed may be an end only because it had to be one
        ended = [not ends.isdisjoint(row[1:limit]) for row in made]
        self.lacking[target, f"are not at their end after {limit} tokens"] += ended.count(False)
        rows = [[token for token in row if token != forced] for row in made]
        texts = self.tokenizer.batch_decode(rows, skip_special_tokens=True)
        return [str(text).strip() if whole else None for text, whole in zip(texts, ended, strict=True)]

    def _made(self, block: torch.Tensor, mask: torch.Tensor, limit: int, forced: int | None) -> list[list[int]] | None:
        """Token ids from the decoder's first on; None where memory does not suffice.

        The next try is made outside the handler, which holds on to the memory of the pass that failed.
        """
        options: dict[str, Any] = {} if forced is None else {"forced_bos_token_id": forced}
        try:
            with quiet_transformers():
                return self.model.generate(
                    input_ids=block.to(self.model.device),
                    attention_mask=mask.to(self.model.device),
                    num_beams=self.spec.beams,
                    do_sample=False,
                    max_new_tokens=limit,
                    **options,
                ).tolist()
        except torch.OutOfMemoryError:
            return None

    def code(self, tag: str) -> str:
        """The model's own code for a language.

        Raises:
            ModelError: it has none.
        """
        vocabulary = _vocabulary(self.tokenizer)
        base, flores = tag.partition("-")[0], self.flores(tag) or ""
        # zh-Hant is not what a model writes when it is told zh: what FLORES tells apart is not taken for one another
        plain = [base, _OLD_CODES.get(base, base)] if flores == (self.flores(base) or "") else []
        names = [tag.replace("-", "_"), *plain]
        options = {
            "flores": [flores],
            "m2m": [f"__{name}__" for name in names],
            "tag": [f"<2{name}>" for name in names],
            "opus": [f">>{name}<<" for name in (*names, flores, *([flores[:3]] if plain else ()))],
            "mbart": sorted(token for token in vocabulary if plain and re.fullmatch(rf"{base}_[A-Z]{{2}}", token)),
        }[self.scheme]
        for option in options:
            if option in vocabulary:
                return option
        tried = ", ".join(filter(None, options)) or "none"
        raise ModelError(
            f"{self.spec.model}: has no token for language {tag!r} (tried: {tried}); take another language or "
            "another model"
        )

    def _id(self, token: str) -> int:
        return _vocabulary(self.tokenizer)[token]


def load_seq2seq(spec: Seq2SeqSpec, flores: Callable[[str], str | None]) -> Seq2SeqBackend:
    """Load a translation model.

    Args:
        spec: which, and how it is run.
        flores: from a language tag to its FLORES-200 code.

    Raises:
        ModelLoadError: it cannot be loaded, with what to do.
    """
    placed = ModelSpec(id=spec.model, revision=spec.revision, dtype=spec.dtype, device=spec.device)
    source, device = model_source(placed), torch_device(placed)
    common: dict[str, Any] = {"revision": spec.revision or "main", "trust_remote_code": False}
    with failures_explained(spec.model, _KIND):
        tokenizer = AutoTokenizer.from_pretrained(source, **common)
        model, info = AutoModelForSeq2SeqLM.from_pretrained(
            source, dtype=spec.dtype, use_safetensors=True, output_loading_info=True, **common
        )
        check_complete(placed, model, model, info["missing_keys"])
        model.to(device)
    model.eval()
    model.requires_grad_(requires_grad=False)
    habits = {k: v for k, v in model.generation_config.to_diff_dict().items() if k not in _NO_HABITS}
    identity = {
        "fingerprint": fingerprint(model, tokenizer(_PROBE)["input_ids"]),
        "tokenizer": tokenizer_name(tokenizer),
        "generation": habits,
    }
    return Seq2SeqBackend(model, tokenizer, spec, _scheme(tokenizer), flores, identity)


def _scheme(tokenizer: Any) -> str:
    """The scheme of which the vocabulary has the most codes; `none` with fewer than two."""
    vocabulary = _vocabulary(tokenizer)
    counts = {name: sum(bool(code.fullmatch(token)) for token in vocabulary) for name, code in _SCHEMES.items()}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] >= 2 else "none"


def _vocabulary(tokenizer: Any) -> dict[str, int]:
    """All tokens, special ones included; kept with the tokenizer, since making it takes a second."""
    known = getattr(tokenizer, "_polyvalues_vocabulary", None)
    if known is None:
        known = {**tokenizer.get_vocab(), **getattr(tokenizer, "added_tokens_encoder", {})}
        known |= getattr(tokenizer, "lang_token_to_id", {})
        tokenizer._polyvalues_vocabulary = known
    return known
