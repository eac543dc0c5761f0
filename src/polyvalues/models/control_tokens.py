"""Control tokens written out in a data text (`a</s>b`) are read as the characters they are.

A tokenizer turns the string of a control token into that token wherever it stands. In a template this is meant; in a
data text it would end the text, open another turn or hide a part. Control tokens are the added tokens that the
tokenizer marks as special and those that the template itself writes (some tokenizers do not mark `<|User|>`).

A text is suspect if it holds such a string, or if its tokens hold more control tokens than the template brings. A
suspect text is tokenised by a copy of the tokenizer that does not know these strings; the control tokens of the
template are written as aliases, which it does know. All others are tokenised as ever. A text that holds control tokens
even so, and any suspect text of a tokenizer that cannot be copied (one written in Python), is refused.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from tokenizers import AddedToken, Tokenizer
from transformers import PreTrainedTokenizerBase

from polyvalues.errors import ReadingError

_ALIAS: Final = "\U0010fff1"
_MARK: Final = "\U0010fff2"
"""Private-use characters that stand around the number of a control token."""

_HARMLESS: Final = "a"
_SHOWN: Final = 60
_LOW: Final = 1e4


@dataclass(frozen=True, eq=False)
class ControlTokens:
    """The control tokens of a tokenizer under one template.

    Attributes:
        tokenizer: the tokenizer.
        render: from a data text to what is tokenised.
        special: whether the tokenizer adds its special tokens to it.
    """

    tokenizer: PreTrainedTokenizerBase
    render: Callable[[str], str]
    special: bool

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of data texts in the template.

        Raises:
            ReadingError: a text holds control tokens that cannot be read as characters.
        """
        rendered = [self.render(text) for text in texts]
        encoded: Any = self._plainly(rendered)
        return [
            self._as_characters(text) if self._suspect(text, ids) else ids
            for text, ids in zip(texts, encoded, strict=True)
        ]

    @cached_property
    def known(self) -> dict[str, int]:
        """String and id of every control token."""
        own: Any = self.tokenizer
        added = {int(number): token for number, token in own.added_tokens_decoder.items()}
        frame = self.render(_HARMLESS)
        found = {
            str(token.content): number
            for number, token in added.items()
            if token.special or (str(token.content).strip() and str(token.content) in frame)
        }
        for content, number in zip(own.all_special_tokens, own.all_special_ids, strict=True):
            found.setdefault(str(content), int(number))
        return {content: number for content, number in found.items() if content.strip()}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.known, key=lambda content: (-len(content), content))
        return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    @cached_property
    def _counted(self) -> frozenset[int]:
        """Ids that ordinary characters never give; the unknown token is one that they may."""
        unknown: Any = self.tokenizer.unk_token_id
        return frozenset(self.known.values()) - {unknown}

    @cached_property
    def _framing(self) -> int:
        """Control tokens that the template and the tokenizer bring."""
        return self._count(self._plainly([self.render(_HARMLESS)])[0])

    def _count(self, ids: Sequence[int]) -> int:
        counted = self._counted
        return sum(token in counted for token in ids)

    def _suspect(self, text: str, ids: Sequence[int]) -> bool:
        return self._count(ids) != self._framing or self._pattern.search(text) is not None

    def _plainly(self, rendered: Sequence[str]) -> list[list[int]]:
        encoded: Any = self.tokenizer(
            list(rendered), add_special_tokens=self.special, return_attention_mask=False, verbose=False
        )
        return [list(ids) for ids in encoded["input_ids"]]

    def _as_characters(self, text: str) -> list[int]:
        """Ids of a text whose control strings are characters."""
        if self._copy is None or _ALIAS in text or _MARK in text:
            raise self._refusal(text)
        contents = list(self.known)
        numbers = {content: place for place, content in enumerate(contents)}
        # The template may trim what it is given, so it is given marks, and only what it adds itself becomes an alias.
        marked = self._pattern.sub(lambda found: f"{_MARK}{numbers[found.group()]}{_MARK}", text)
        framed = self._pattern.sub(lambda found: _alias(numbers[found.group()]), self.render(marked))
        restored = re.sub(rf"{_MARK}(\d+){_MARK}", lambda found: contents[int(found.group(1))], framed)
        ids = self._by_copy(self._copy, restored)
        if self._count(ids) != self._framing:
            raise self._refusal(text)
        return ids

    def _by_copy(self, copy: tuple[Tokenizer, dict[int, int]], text: str) -> list[int]:
        tokenizer, originals = copy
        return [originals.get(token, token) for token in tokenizer.encode(text, add_special_tokens=self.special).ids]

    @cached_property
    def _copy(self) -> tuple[Tokenizer, dict[int, int]] | None:
        """A tokenizer that knows aliases of control tokens, and what they stand for; None: there is none."""
        backend: Any = getattr(self.tokenizer, "backend_tokenizer", None)
        if not isinstance(backend, Tokenizer):
            return None
        try:
            copy = Tokenizer.from_str(json.dumps(_without_controls(json.loads(backend.to_str()), self.known)))
        except Exception:  # noqa: BLE001  # the library raises nothing narrower for parts that cannot be written down
            return None
        copy.encode_special_tokens = True
        copy.no_truncation()
        copy.no_padding()
        flags = {str(token.content): token for token in self.tokenizer.added_tokens_decoder.values()}
        originals = {}
        for place, (content, number) in enumerate(self.known.items()):
            own: Any = flags.get(content, AddedToken(content, normalized=False))
            name = _alias(place)
            copy.add_tokens(
                [AddedToken(name, single_word=False, lstrip=own.lstrip, rstrip=own.rstrip, normalized=own.normalized)]
            )
            originals[copy.token_to_id(name)] = number
        # What it makes of a harmless text must be what the tokenizer itself makes of it.
        frame = self.render(_HARMLESS)
        numbers = {content: place for place, content in enumerate(self.known)}
        aliased = self._pattern.sub(lambda found: _alias(numbers[found.group()]), frame)
        same = self._by_copy((copy, originals), aliased) == self._plainly([frame])[0]
        return (copy, originals) if same else None

    def _refusal(self, text: str) -> ReadingError:
        found = self._pattern.search(text)
        what = f"{found.group()!r}" if found else "a character that its tokenizer turns into one"
        shown = repr(text[:_SHOWN]) + ("..." if len(text) > _SHOWN else "")
        return ReadingError(
            f"text {shown} holds a control token of the model ({what}), which its tokenizer cannot read as "
            "characters; drop the text or take the token out of it"
        )


def _alias(place: int) -> str:
    return f"{_ALIAS}{place}{_ALIAS}"


def _without_controls(content: Any, known: dict[str, int]) -> Any:
    """The file of a tokenizer, changed so that characters do not come together to a control token."""
    for entry in content["added_tokens"]:
        if entry["content"] in known:
            entry["special"] = True
    model = content["model"]
    if model["type"] == "Unigram":
        # Its vocabulary holds the strings as pieces, and as probable ones.
        least = min(score for _, score in model["vocab"])
        model["vocab"] = [[piece, least - _LOW if piece in known else score] for piece, score in model["vocab"]]
    if model["type"] == "BPE":
        model["merges"] = [
            merge
            for merge in model["merges"]
            if (merge.replace(" ", "", 1) if isinstance(merge, str) else "".join(merge)) not in known
        ]
    return content
