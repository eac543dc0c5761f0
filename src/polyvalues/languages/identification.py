"""Is a text in its language? By the margin of its own language over the best other one.

    identified = (log p(text | own) - max over others of log p(text | other)) / sqrt(bytes)

from py3langid's naive Bayes model of 140 languages, offline. The root makes short and long texts comparable.
Positive: taken for its own language. NaN for languages it does not know (Chichewa, for one) and texts with fewer than
three letters. Others that are the same language by another tag or name (`no`, `nb`, `nn`) are not others.
"""

import math
from functools import cache
from typing import Any, Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_LEAST: Final = 3
_SAME: Final = {name: frozenset({"no", "nb", "nn"}) for name in ("no", "nb", "nn")} | {
    "zh": frozenset({"zh", "wuu", "yue"}),
    "ar": frozenset({"ar", "arz", "ary"}),
    "ku": frozenset({"ku", "sdh"}),
    "uz": frozenset({"uz", "uzs"}),
}


def margin(text: str, language: str) -> tuple[float, str]:
    """The margin above, and the language the text is taken for (empty where that cannot be told)."""
    own = language.partition("-")[0]
    if sum(letter.isalpha() for letter in text) < _LEAST:
        return math.nan, ""
    ranked = [(str(name), float(score)) for name, score in _identifier().rank(text)]
    same = _SAME.get(own, frozenset({own}))
    known = [score for name, score in ranked if name in same]
    if not known:
        return math.nan, ranked[0][0]
    best = max(score for name, score in ranked if name not in same)
    scale = math.sqrt(len(text.encode("utf-8", "replace")))
    return (max(known) - best) / scale, ranked[0][0]


def identifies(language: str) -> bool:
    """Whether the identifier knows a language."""
    own = language.partition("-")[0]
    return not _SAME.get(own, frozenset({own})).isdisjoint(map(str, _identifier().nb_classes))


@cache
def _identifier() -> Any:
    return LanguageIdentifier.from_model_file(MODEL_FILE)
