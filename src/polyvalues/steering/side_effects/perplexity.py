"""Fluency: how surprised the unsteered model is by an answer.

perplexity = exp( - 1/n sum_i log p(answer token i | prompt, answer tokens before it) )
"""

from dataclasses import dataclass

import numpy as np

from polyvalues.artifacts import Generations, Judged
from polyvalues.models.model_handle import ModelHandle
from polyvalues.models.prompt_templates import Template
from polyvalues.steering.token_logprobs import continuation_logprobs


@dataclass(frozen=True)
class PerplexityCost:
    """Perplexity of answers under the unsteered model.

    Attributes:
        handle: the model, loaded with its head.
        template: how prompts are wrapped.
    """

    handle: ModelHandle
    template: Template

    @property
    def name(self) -> str:
        """`perplexity`."""
        return "perplexity"

    @property
    def behaviour(self) -> str:
        """`perplexity`."""
        return "perplexity"

    def __call__(self, generations: Generations) -> Judged:
        """At least 1; NaN for an empty answer."""
        columns = (generations.table[name].to_pylist() for name in ("prompt", "answer"))
        texts = list(zip(*columns, strict=True))
        unique = list(dict.fromkeys(texts))
        found = continuation_logprobs(self.handle, self.template, unique)
        value = {
            text: float(np.exp(-part.mean())) if len(part) else float("nan")
            for text, part in zip(unique, found, strict=True)
        }
        return Judged(self.name, self.behaviour, np.array([value[text] for text in texts]))
