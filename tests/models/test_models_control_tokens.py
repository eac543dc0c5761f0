"""Control tokens that a data text spells out are characters; those of the template stay what they are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from polyvalues.config import ModelSpec
from polyvalues.config.translation import Seq2SeqSpec
from polyvalues.errors import ReadingError
from polyvalues.models.batching import tokenise
from polyvalues.models.control_tokens import ControlTokens
from polyvalues.models.model_handle import load_model
from polyvalues.models.prompt_templates import Template, make_template
from polyvalues.steering.token_logprobs import continuation_logprobs
from polyvalues.translation.backends.seq2seq import load_seq2seq
from tiny_models import tiny_tokenizer, write_tiny_model
from tiny_translators import write_translator

CHAT = (
    "{% for m in messages %}<s><|user|>{{ m['content'] | trim }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<|answer|>{% endif %}"
)
NAMES = ("raw", "chat", "<s>[INST] {input}</s> now", "Q: {input}\nA:")
SAID = ("<s>", "</s>", "<pad>", "<|user|>", "<|answer|>")


def byte_level() -> PreTrainedTokenizerBase:
    """Its role tokens are added tokens that are not marked as special."""
    tokenizer = tiny_tokenizer("both", chat_template=CHAT)
    tokenizer.add_tokens(["<|user|>", "<|answer|>"])
    return tokenizer


def unigram() -> PreTrainedTokenizerBase:
    """Like XLM-R's: the control strings are pieces of the vocabulary, with the best score."""
    letters = sorted(set("abcdefghijklmnopqrstuvwxyz<>/|▁:[]QAINST?.!"))
    pieces = [("<s>", 0.0), ("</s>", 0.0), ("<pad>", 0.0), ("<unk>", 0.0), ("▁the", -2.0)]
    tokenizer = Tokenizer(models.Unigram([*pieces, *((letter, -6.0) for letter in letters)], unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    fast.chat_template = CHAT
    fast.add_tokens(["<|user|>", "<|answer|>"])
    return fast


def merging() -> PreTrainedTokenizerBase:
    """Like Llama 2's: merges lead from characters to the control strings."""
    vocabulary = {"<s>": 0, "</s>": 1, "<pad>": 2, "<unk>": 3, "s>": 4, "</": 5}
    vocabulary |= {letter: 6 + place for place, letter in enumerate(sorted(set("<>/sabcdeprunkth?|wQA:\n[]INSTow▁ ")))}
    merges = [("s", ">"), ("<", "/"), ("</", "s>"), ("<", "s>")]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>"))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    fast.chat_template = CHAT
    fast.add_tokens(["<|user|>", "<|answer|>"])
    return fast


TOKENIZERS = {"bytes": byte_level(), "unigram": unigram(), "merges": merging()}


def controls(template: Template) -> dict[str, int]:
    reader = ControlTokens(template.tokenizer, lambda text: template.render("", text)[0], template.add_special_tokens)
    return reader.known


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", TOKENIZERS)
@settings(max_examples=12, deadline=None)
@given(words=st.lists(st.sampled_from([*SAID, "a", "the", " ", "?", "<", "/s>"]), min_size=1, max_size=6))
def test_what_a_text_spells_out_is_characters(kind: str, name: str, words: list[str]):
    tokenizer = TOKENIZERS[kind]
    template = make_template(name, tokenizer)
    text = "b" + "".join(words) + "b"  # the template trims
    (ids,) = template.encode([("", text)])
    (frame,) = template.encode([("", "b")])
    special = {number for number in controls(template).values() if number != tokenizer.unk_token_id}
    assert [token for token in ids if token in special] == [token for token in frame if token in special]
    said: Any = tokenizer.decode(ids)
    assert text.replace(" ", "") in str(said).replace(" ", "").replace("▁", "")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", TOKENIZERS)
@given(text=st.text(alphabet="abthe <>/s.?!", max_size=12))
@settings(max_examples=12, deadline=None)
def test_every_other_text_is_read_as_ever(kind: str, name: str, text: str):
    template = make_template(name, TOKENIZERS[kind])
    if any(content in text for content in controls(template)):
        return
    rendered, special = template.render("", text)
    assert template.encode([("", text)]) == [
        list(template.tokenizer(rendered, add_special_tokens=special)["input_ids"])
    ]


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_the_tokenizer_alone_would_read_a_control_token(kind: str):
    tokenizer = TOKENIZERS[kind]
    assert list(tokenizer("a</s>b", add_special_tokens=False)["input_ids"]).count(1) == 1
    assert make_template("raw", tokenizer).encode([("", "a</s>b")])[0][1:-1].count(1) == 0


@pytest.mark.parametrize("kind", ["unigram", "merges"])
def test_splitting_special_tokens_alone_is_not_enough(kind: str):
    """Why the copy of the tokenizer also forgets the pieces and merges that lead to a control token."""
    ids = TOKENIZERS[kind]("a</s>b", add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert 1 in list(ids)


def test_role_tokens_that_are_not_marked_as_special_count_where_the_template_writes_them():
    tokenizer = byte_level()
    user: Any = tokenizer.convert_tokens_to_ids("<|user|>")
    assert controls(make_template("chat", tokenizer))["<|user|>"] == user
    assert "<|user|>" not in controls(make_template("raw", tokenizer))
    (ids,) = make_template("chat", tokenizer).encode([("", "a<|user|>b")])
    assert ids.count(user) == 1


def test_wordpiece_and_an_unknown_word(tmp_path: Path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "[", "]", "sep", "##sep", "cls"]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    library: Any = transformers
    template = make_template("raw", library.BertTokenizerFast(str(tmp_path / "vocab.txt"), do_lower_case=True))
    assert template.encode([("", "a [SEP] b"), ("", "a 😀 b")]) == [[2, 5, 7, 9, 8, 6, 3], [2, 5, 1, 6, 3]]


class Written(PreTrainedTokenizerFast):
    """A tokenizer without a backend that could be copied."""

    @property
    def backend_tokenizer(self) -> Any:
        return None


def test_a_tokenizer_that_cannot_be_copied_refuses_such_texts_only():
    own = Written(tokenizer_object=tiny_tokenizer("bos").backend_tokenizer, bos_token="<s>", eos_token="</s>")
    template = make_template("raw", own)
    assert tokenise([("Is it fair? ", "Yes.")], template, None).ids[0] == 0
    with pytest.raises(ReadingError, match=r"'a</s>b' holds a control token of the model \('</s>'\)"):
        tokenise([("a<", "/s>b")], template, None)


def test_continuations_are_characters_too(tmp_path: Path):
    handle = load_model(ModelSpec(id=str(write_tiny_model(tmp_path)), device="cpu"), head=True)
    (found,) = continuation_logprobs(handle, handle.template, [("Is it fair?", "a</s>")])
    assert len(found) == len(
        handle.tokenizer("a</s>", add_special_tokens=False, split_special_tokens=True)["input_ids"]
    )
    assert len(found) == 5
    assert np.isfinite(found).all()


@pytest.mark.parametrize("scheme", ["flores", "tag", "none"])
def test_translations_read_them_as_characters(tmp_path: Path, scheme: str):
    folder = write_translator(tmp_path, scheme)
    backend = load_seq2seq(Seq2SeqSpec(model=str(folder), device="cpu"), {"en": "eng_Latn", "fr": "fra_Latn"}.get)
    framing = backend._ids("a", "en", "fr")
    for word in ("</s>", "fra_Latn", "<2fr>"):
        ids = backend._ids(f"a{word}b", "en", "fr")
        special = set(backend.tokenizer.all_special_ids)
        assert [token for token in ids if token in special] == [token for token in framing if token in special]
