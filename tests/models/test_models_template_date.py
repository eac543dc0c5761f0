"""Chat templates print a fixed day, and are otherwise what the tokenizer makes of them."""

import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polyvalues.config import ModelSpec, build
from polyvalues.config.dates import TEMPLATE_DAY
from polyvalues.errors import SpecError
from polyvalues.models.prompt_fingerprint import prompt_name
from polyvalues.models.prompt_templates import make_template
from polyvalues.models.template_date import with_day
from tiny_models import tiny_tokenizer

LLAMA = (
    "{{- bos_token }}\n"
    "{%- if not date_string is defined %}\n"
    "    {%- if strftime_now is defined %}\n"
    '        {%- set date_string = strftime_now("%d %b %Y") %}\n'
    "    {%- else %}\n"
    '        {%- set date_string = "26 Jul 2024" %}\n'
    "    {%- endif %}\n"
    "{%- endif %}\n"
    '{{- "Today Date: " + date_string + "\\n\\n" }}\n'
    "{%- for message in messages %}\n    {{- message.role + ': ' + message.content | trim }}\n{%- endfor %}\n"
    "{%- if add_generation_prompt %}{{- 'assistant: ' }}{%- endif %}"
)
MACRO = (
    "{% macro system() %}Today's Date: {{ strftime_now('%B %d, %Y') }}.{% endmacro %}"
    "{{ system() }} {{ messages[0].content }}"
)
DAY = datetime.date(2031, 3, 5)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (LLAMA, "<s>Today Date: 05 Mar 2031\n\nuser: Is it fair?assistant: "),
        (MACRO, "Today's Date: March 05, 2031. Is it fair?"),
        ("{{ strftime_now('%Y') | int + 1 }}", "2032"),
        ("{{ strftime_now('%-d.%-m. %H:%M, %% %%d %A') }}", "5.3. 00:00, % %d Wednesday"),
        ("\n  {% if true %}\n{{ strftime_now('%F') }}{% endif %}\n", "\n2031-03-05"),
    ],
)
def test_the_day_is_printed_in_every_form(source: str, wanted: str) -> None:
    template = make_template("chat", tiny_tokenizer("bos", chat_template=source), day=DAY)
    assert template.prints_day
    assert template.render("", "Is it fair?")[0] == wanted


def test_the_same_prompt_tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the clock of the library on another day; that it does go by the clock is seen without the mend."""
    tokenizer = tiny_tokenizer("bos", chat_template=LLAMA)
    messages: Any = [{"role": "user", "content": "a"}]
    frozen, plain = make_template("chat", tokenizer).render("", "a"), tokenizer.apply_chat_template(messages)
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=40)

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime.datetime:
            return tomorrow.astimezone(tz)

    monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", Later)
    assert make_template("chat", tokenizer).render("", "a") == frozen
    assert tokenizer.apply_chat_template(messages) != plain
    assert "26 Jul 2024" in frozen[0]


@settings(max_examples=30)
@given(st.text(max_size=12).map(lambda text: text.replace("strftime_now", "")), st.booleans())
def test_what_stands_in_front_changes_nothing_else(start: str, after: bool) -> None:
    """Blank lines, line breaks and blocks at the beginning of a template are rendered as without the macro."""
    tokenizer = tiny_tokenizer("bos")
    start = start.replace("{", "(").replace("}", ")")
    body = f"{start}{{% if true %}}\n  {{{{ messages[0].content }}}}\n{{% endif %}}"
    source = body + "{# strftime_now #}" if after else "{# strftime_now #}\n" + body
    messages: Any = [{"role": "user", "content": "a"}]
    plain = tokenizer.apply_chat_template(messages, chat_template=source, tokenize=False)
    assert tokenizer.apply_chat_template(messages, tokenize=False, **with_day(source, DAY)) == plain


def test_a_template_that_does_not_ask_is_left_alone() -> None:
    template = make_template("chat", tiny_tokenizer("bos", chat_template="{{ messages[0].content }}"), day=DAY)
    assert not template.prints_day
    assert with_day(template.source, DAY) == {}
    other = make_template("chat", template.tokenizer)
    assert prompt_name(template) == prompt_name(other)


def test_the_day_is_a_setting() -> None:
    assert build(ModelSpec, {"id": "babel"}).today == TEMPLATE_DAY
    assert build(ModelSpec, {"id": "babel", "today": "2031-03-05"}).today == DAY
    for wrong in ("tomorrow", "2031", 2031, 1e9, datetime.datetime(2031, 3, 5, 7, tzinfo=datetime.UTC), "2031-02-30"):
        with pytest.raises(SpecError):
            build(ModelSpec, {"id": "babel", "today": wrong})


def test_the_name_of_a_prompt_follows_what_the_model_is_given() -> None:
    chat = "{{ messages[0].content }}{% if add_generation_prompt %} A:{% endif %}"
    base: dict[str, Any] = {"template": "chat", "chat": chat, "kind": "bos"}
    changed: list[dict[str, Any]] = [
        {},
        {"chat": chat.replace("A:", "B:")},
        {"chat": chat.replace("content", "content | trim")},
        {"kind": "both"},
        {"template": "raw"},
        {"template": "Q: {input}"},
        {"special": {"additional_special_tokens": ["<think>"]}},
        {"special": {"eos_token": "<pad>"}},
        {"chat": LLAMA},
        {"chat": LLAMA, "day": DAY},
    ]
    names = [_name(**(base | change)) for change in changed]
    assert names == [_name(**(base | change)) for change in changed]
    assert len(set(names)) == len(names)


def _name(template: str, chat: str, kind: str, special: Any = None, day: datetime.date = TEMPLATE_DAY) -> str:
    tokenizer = tiny_tokenizer(kind, chat_template=chat)
    if special:
        tokenizer.add_special_tokens(special)
    return prompt_name(make_template(template, tokenizer, day=day))
