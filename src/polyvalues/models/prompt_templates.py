"""From the two parts of a text to the text that is tokenised, without a doubled BOS.

The input is `prefix + side`, verbatim. `raw` reads it as it is. A template puts it in place of `{input}` by plain
replacement, so braces in the data mean nothing. `chat` is the tokenizer's chat template with the input as the only
user message and the generation prompt behind it; it brings its own special tokens, so the tokenizer adds none
(as `apply_chat_template(tokenize=True)` does). The tokenizer adds its special tokens to raw and templated text unless
the template already begins with what the tokenizer would put there. Control tokens in the input itself are characters
(`polyvalues.models.control_tokens`). A BOS that the model was trained with and the tokenizer leaves out
(`polyvalues.models.beginning_token`) is put in front of raw and templated text. A chat template that asks what day it
is prints a fixed one (`polyvalues.models.template_date`).
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from transformers import PreTrainedTokenizerBase

from polyvalues.config.dates import TEMPLATE_DAY
from polyvalues.errors import SpecError
from polyvalues.models.control_tokens import ControlTokens
from polyvalues.models.template_date import prints_day, with_day

INPUT: Final = "{input}"


@dataclass(frozen=True, eq=False)
class Template:
    """How a text is wrapped before it is tokenised.

    Attributes:
        name: `raw`, `chat`, or the template itself.
        tokenizer: the tokenizer that reads the result.
        add_special_tokens: whether the tokenizer adds its special tokens.
        front: the id of a BOS that the tokenizer does not add though it should; None: there is none.
        day: what a chat template prints that asks what day it is.
    """

    name: str
    tokenizer: PreTrainedTokenizerBase
    add_special_tokens: bool
    front: int | None = None
    day: datetime.date = TEMPLATE_DAY

    def encode(self, texts: Sequence[tuple[str, str]]) -> list[list[int]]:
        """Token ids of texts, given as `(prefix, side)`; empty where there is nothing to read.

        Raises:
            ReadingError: a text holds control tokens that cannot be read as characters.
        """
        found = self._reader.encode([prefix + side for prefix, side in texts])
        return found if self.front is None else [[self.front, *ids] for ids in found]

    @cached_property
    def _reader(self) -> ControlTokens:
        return ControlTokens(self.tokenizer, lambda text: self.render("", text)[0], self.add_special_tokens)

    @cached_property
    def source(self) -> str:
        """The text of the chat template; empty for other templates."""
        return str(self.tokenizer.get_chat_template()) if self.name == "chat" else ""

    @property
    def prints_day(self) -> bool:
        """Whether it is a chat template that asks what day it is."""
        return prints_day(self.source)

    def render(self, prefix: str, side: str) -> tuple[str, bool]:
        """The text to tokenise, and whether the tokenizer adds its special tokens to it."""
        text = prefix + side
        if self.name == "chat":
            rendered = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": text}],
                tokenize=False,
                add_generation_prompt=True,
                **with_day(self.source, self.day),
            )
            return str(rendered), self.add_special_tokens
        if self.name != "raw":
            text = self.name.replace(INPUT, text)
        return text, self.add_special_tokens


def make_template(
    template: str | None,
    tokenizer: PreTrainedTokenizerBase,
    *,
    front: int | None = None,
    day: datetime.date = TEMPLATE_DAY,
) -> Template:
    """A template for a tokenizer.

    Args:
        template: None or `raw`, `chat`, or a text with `{input}`.
        tokenizer: the tokenizer.
        front: the id of a BOS that the tokenizer does not add though it should. A chat template and one that begins
            with it bring their own.
        day: what a chat template prints that asks what day it is.

    Raises:
        SpecError: `chat` and the tokenizer has no chat template, or the text has no `{input}`.
    """
    name = template or "raw"
    if name == INPUT:
        name = "raw"
    if name == "chat":
        if not getattr(tokenizer, "chat_template", None):
            raise SpecError(
                f"template 'chat': the tokenizer of {tokenizer.name_or_path or 'this model'} has no chat template; "
                "use 'raw', or write the prompt out with '{input}' in it"
            )
        return Template(name, tokenizer, add_special_tokens=False, day=day)
    if name != "raw" and INPUT not in name:
        raise SpecError(f"template {name!r} is neither 'raw' nor 'chat' and has no '{INPUT}'")
    if (
        front is not None
        and name != "raw"
        and list(tokenizer(name, add_special_tokens=False)["input_ids"])[:1] == [front]
    ):
        front = None
    return Template(name, tokenizer, name == "raw" or not _brings_specials(name, tokenizer), front, day)


def _brings_specials(template: str, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the template begins with the special token the tokenizer would put in front."""
    text = template.replace(INPUT, "a")
    without = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    added = list(tokenizer(text, add_special_tokens=True)["input_ids"])
    return len(added) > 1 and added[0] == added[1] == without[0] and added[0] in tokenizer.all_special_ids
