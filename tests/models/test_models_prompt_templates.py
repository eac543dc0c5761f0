"""Templates: the text is wrapped verbatim, and no BOS is doubled."""

from typing import Any

import pytest

from polyvalues.errors import SpecError
from polyvalues.models.batching import tokenise
from polyvalues.models.prompt_templates import make_template
from tiny_models import tiny_tokenizer

CHAT = (
    "{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
BOS = 0
CHAT_WITHOUT_BOS = CHAT.replace("<s>", "")


def ids(template, text: str) -> list[int]:
    return tokenise([("", text)], template, None).ids.tolist()


@pytest.mark.parametrize("name", [None, "raw", "{input}"])
def test_raw_is_the_text_itself(name: str | None):
    tokenizer = tiny_tokenizer("bos")
    template = make_template(name, tokenizer)
    assert template.name == "raw"
    assert template.render("Is it fair? ", "Yes.") == ("Is it fair? Yes.", True)
    assert ids(template, "Yes.") == tokenizer("Yes.")["input_ids"]


@pytest.mark.parametrize("text", ["{0}", "{input}", "{", "100 % {} {{x}}", "\\1 \\g<0>", "{{ 7 * 7 }}"])
@pytest.mark.parametrize("name", ["Q: {input}\nA:", "chat"])
def test_braces_in_the_data_mean_nothing(name: str, text: str):
    template = make_template(name, tiny_tokenizer("bos", chat_template=CHAT))
    rendered, _ = template.render(text, text)
    expected = f"<s>user: {text + text}</s>assistant:" if name == "chat" else f"Q: {text + text}\nA:"
    assert rendered == expected


@pytest.mark.parametrize("kind", ["plain", "bos", "eos", "both"])
@pytest.mark.parametrize("chat", [CHAT, CHAT_WITHOUT_BOS])
def test_chat_is_what_the_tokenizer_makes_of_a_conversation(kind: str, chat: str):
    tokenizer = tiny_tokenizer(kind, chat_template=chat)
    found = ids(make_template("chat", tokenizer), "Share.")
    encoded: Any = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Share."}], tokenize=True, add_generation_prompt=True, return_dict=True
    )
    assert found == list(encoded["input_ids"])
    assert found.count(BOS) == (1 if chat == CHAT else 0)


def test_chat_without_a_chat_template():
    with pytest.raises(SpecError, match="has no chat template; use 'raw'"):
        make_template("chat", tiny_tokenizer())


@pytest.mark.parametrize("kind", ["plain", "bos", "eos", "both"])
@pytest.mark.parametrize("prompt", ["<s>[INST] {input} [/INST]", "[INST] {input} [/INST]", "{input}</s>"])
def test_a_template_never_doubles_the_bos(kind: str, prompt: str):
    tokenizer = tiny_tokenizer(kind)
    found = ids(make_template(prompt, tokenizer), "Share.")
    wanted = 1 if "<s>" in prompt or kind in ("bos", "both") else 0
    assert found.count(BOS) == wanted
    assert found[:1] == [BOS] * wanted or wanted == 0


def test_the_doubled_bos_would_be_seen():
    tokenizer = tiny_tokenizer("bos")
    assert list(tokenizer("<s>[INST] a")["input_ids"]).count(BOS) == 2


def test_a_template_without_input():
    with pytest.raises(SpecError, match=r"has no '\{input\}'"):
        make_template("Hello", tiny_tokenizer())
