"""Tokens are whole, batches respect the budget, and limits are errors that name the text."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyvalues.config import ReadingSpec
from polyvalues.errors import ReadingError
from polyvalues.models.batching import Tokens, next_batch, shown, tokenise
from polyvalues.models.extraction import record
from polyvalues.models.prompt_templates import make_template
from tiny_models import tiny_tokenizer

TOKENIZER = tiny_tokenizer("bos")
RAW = make_template("raw", TOKENIZER)


def test_ids_are_the_tokenizers_over_many_chunks():
    texts = [("", f"She told {i} truths." + " Share." * (i % 7)) for i in range(1500)]
    tokens = tokenise(texts, RAW, None)
    assert tokens.ids.dtype == np.int32
    for row in (0, 1, 511, 512, 1023, 1499):
        assert tokens.ids[tokens.starts[row] : tokens.starts[row + 1]].tolist() == TOKENIZER(texts[row][1])["input_ids"]


@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=60), budget=st.integers(1, 200))
def test_batches_cover_every_text_once_within_the_budget(lengths: list[int], budget: int):
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    order = np.argsort(-np.array(lengths), kind="stable")
    tokens = Tokens(np.arange(starts[-1], dtype=np.int32), starts, order)
    first, seen = 0, []
    while first < len(lengths):
        rows = next_batch(tokens, first, budget)
        longest = max(lengths[row] for row in rows)
        assert len(rows) == 1 or len(rows) * longest <= budget
        last = first + len(rows)
        assert last == len(lengths) or (len(rows) + 1) * longest > budget
        ids, counts = tokens.padded(rows, -7)
        assert ids.shape == (len(rows), longest)
        for place, row in enumerate(rows):
            assert ids[place, : counts[place]].tolist() == list(range(starts[row], starts[row + 1]))
            assert (ids[place, counts[place] :] == -7).all()
        seen += rows.tolist()
        first = last
    assert sorted(seen) == list(range(len(lengths)))
    assert seen == sorted(seen, key=lambda row: (-lengths[row], row))


def test_a_text_over_the_limit_is_named_not_cut():
    long = "She told the truth\n" * 20
    count = len(TOKENIZER(long)["input_ids"])
    with pytest.raises(ReadingError, match=rf"'She told the truth\\nShe .*\.\.\. has {count} tokens, the limit is 30"):
        tokenise([("", "short"), ("", long)], RAW, 30)
    assert tokenise([("", long)], RAW, count).starts[-1] == count


def test_a_text_without_tokens_is_named():
    with pytest.raises(ReadingError, match="text '' has no tokens"):
        tokenise([("", "")], make_template("raw", tiny_tokenizer("plain")), None)
    assert tokenise([("", "")], RAW, None).ids.tolist() == [TOKENIZER.bos_token_id]


@pytest.mark.parametrize("name", ["llama", "gpt2", "opt", "bert", "roberta"])
def test_the_models_own_limit_holds_and_can_be_reached(loaded: Callable[[str], Any], name: str):
    handle = loaded(name).handle
    (reading,) = record(handle, [("", "x" * 95)], ReadingSpec())
    assert np.isfinite(reading.states).all()
    with pytest.raises(ReadingError, match="has 97 tokens, the limit is 96"):
        record(handle, [("", "x" * 96)], ReadingSpec())
    with pytest.raises(ReadingError, match="has 21 tokens, the limit is 20"):
        record(handle, [("", "x" * 20)], ReadingSpec(max_tokens=20))


@pytest.mark.parametrize("name", ["bloom", "falcon_alibi"])
def test_alibi_has_no_limit(loaded: Callable[[str], Any], name: str):
    (reading,) = record(loaded(name).handle, [("", "x" * 3000)], ReadingSpec())
    assert reading.states.shape == (3, 1, 32)


def test_shown_escapes_and_shortens():
    assert shown("a\x1b[31m\nb") == "'a\\x1b[31m\\nb'"
    assert shown("x" * 61) == repr("x" * 60) + "..."
