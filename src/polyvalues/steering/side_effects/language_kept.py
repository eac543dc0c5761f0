"""Language kept: whether the answer is in the language of its prompt, by py3langid, offline.

The identifier chooses among the languages of the run, which makes it far better on a short sentence than among all it
knows. An answer in a language outside the run is then called one of them; the note says which languages took part.
Of a language it does not know (Chichewa, for one) it cannot tell, nor of answers with fewer than three letters.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from polyvalues.artifacts import Generations, Judged
from polyvalues.dimensions import Language

_LEAST = 3


@dataclass(frozen=True, eq=False)
class LanguageCost:
    """Whether answers keep their language.

    Attributes:
        languages: to choose among; those of the run.
    """

    languages: tuple[Language, ...]

    @property
    def name(self) -> str:
        """`language kept`."""
        return "language kept"

    @property
    def behaviour(self) -> str:
        """`language kept`."""
        return "language kept"

    @cached_property
    def _identifier(self) -> Any:
        return LanguageIdentifier.from_model_file(MODEL_FILE)

    @cached_property
    def known(self) -> tuple[str, ...]:
        """Those of the languages that the identifier knows, by their first subtag."""
        there = set(map(str, self._identifier.nb_classes))
        return tuple(dict.fromkeys(tag.partition("-")[0] for tag in self.languages if tag.partition("-")[0] in there))

    def __call__(self, generations: Generations) -> Judged:
        """1 where the language is kept, 0 where not, NaN where it cannot be told."""
        unknown = [tag for tag in self.languages if tag.partition("-")[0] not in self.known]
        notes = [f"chosen among {', '.join(self.known)}"] + ([f"unknown: {', '.join(unknown)}"] if unknown else [])
        if self.known:
            self._identifier.set_languages(list(self.known))
        columns = (generations.table[name].to_pylist() for name in ("target", "answer"))
        scores = []
        for target, answer in zip(*columns, strict=True):
            tag = target.partition("-")[0]
            if tag not in self.known or sum(letter.isalpha() for letter in answer) < _LEAST:
                scores.append(float("nan"))
            else:
                scores.append(float(self._identifier.classify(answer)[0] == tag))
        return Judged(self.name, self.behaviour, np.array(scores), tuple(notes))
