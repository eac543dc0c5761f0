"""The day that chat templates print.

Templates may ask what day it is (`strftime_now`: Llama 3.x, Granite, Mistral); the same text would be another prompt
tomorrow. A template that asks is given a macro of that name in front, which formats one fixed day at midnight. The
macro is rendered by the tokenizer's own `apply_chat_template` with plain data, which every release from 4.57 takes; a
function handed over in its place becomes a text in releases that show templates plain data only.
"""

import datetime
from functools import cache
from typing import Any, Final

_ASKS: Final = "strftime_now"
_FORMATS: Final = (
    *"aAbBcdDeFGgHIjklmMnpPRrsSTtuUVwWxXyYzZ",
    "-d",
    "-e",
    "-H",
    "-I",
    "-j",
    "-k",
    "-l",
    "-m",
    "-M",
    "-S",
    "-y",
)
_PERCENT: Final = "\ue000"
_MACRO: Final = (
    "{% macro strftime_now(format) %}"
    "{% for part in format.replace('%%', '" + _PERCENT + "').split('%') %}"
    "{% if loop.first %}{{ part.replace('" + _PERCENT + "', '%') }}"
    "{% elif part[:2] in printed_day %}{{ printed_day[part[:2]] + part[2:].replace('" + _PERCENT + "', '%') }}"
    "{% elif part[:1] in printed_day %}{{ printed_day[part[:1]] + part[1:].replace('" + _PERCENT + "', '%') }}"
    "{% else %}{{ '%' + part.replace('" + _PERCENT + "', '%') }}{% endif %}"
    "{% endfor %}{% endmacro %}\n"
)
"""Ends in a line break, which Jinja takes away behind a block: the template begins as if nothing stood in front."""


def prints_day(template: str) -> bool:
    """Whether a chat template asks what day it is."""
    return _ASKS in template


@cache
def with_day(template: str, day: datetime.date) -> dict[str, Any]:
    """What `apply_chat_template` is given besides messages, so that a template prints this day; often nothing."""
    if not prints_day(template):
        return {}
    moment = datetime.datetime.combine(day, datetime.time(), tzinfo=datetime.UTC)
    return {
        "chat_template": _MACRO + template,
        "printed_day": {form: moment.strftime(f"%{form}") for form in _FORMATS},
    }
