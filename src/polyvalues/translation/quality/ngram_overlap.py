"""How much of one text stands in another, in order: sentence chrF and BLEU as sacrebleu computes them, over 100.

    chrF   F_2 of character n-grams, n = 1..6, white space left out (`nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no`)
    BLEU   geometric mean of word n-gram precisions, n = 1..4 or as many as there are, zero counts smoothed
           exponentially, times the brevity penalty; words are characters in languages without spaces

0 to 1; 0 where one text is empty. chrF: Popovic 2015 (https://aclanthology.org/W15-3049); BLEU: Papineni et al. 2002
(https://aclanthology.org/P02-1040); sacrebleu: Post 2018 (https://aclanthology.org/W18-6319). Of one sentence BLEU is
a rough number: means over many say more.
"""

from functools import cache, lru_cache
from typing import Final

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from polyvalues.data.perturbations import spaced

_CHRF: Final = CHRF()


@lru_cache(maxsize=1 << 15)
def chrf(text: str, reference: str) -> float:
    """ChrF of `text` against `reference`."""
    return _CHRF.sentence_score(text, [reference]).score / 100


def bleu(text: str, reference: str, language: str) -> float:
    """BLEU of `text` against `reference`, both in `language`."""
    if not text.strip() or not reference.strip():
        return 0.0
    return _bleu("13a" if spaced(language) else "char").sentence_score(text, [reference]).score / 100


@cache
def _bleu(words: str) -> BLEU:
    return BLEU(tokenize=words, effective_order=True)
