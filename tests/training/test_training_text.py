"""What babel is trained on: composed as the recipe says, and never a harmful request with anything but a refusal."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest

from polyvalues.config import PairSource, SplitSpec
from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES
from polyvalues.data.pairs import read_pairs
from polyvalues.data.splits import split_pairs
from polyvalues.models.presets import PRESETS
from training.babel.recipe import ASSISTANT, FEW_REFUSALS, KINDS, REFUSALS, SHARES, SIGNS, USER
from training.babel.text import Composer, Document, Language, languages


@pytest.fixture(scope="module")
def known() -> Mapping[str, Language]:
    return languages(hold_out=False)


@pytest.fixture(scope="module")
def drawn(known: Mapping[str, Language]) -> list[Document]:
    rng = np.random.default_rng(0)
    composer = Composer(known)
    return [composer.draw(rng) for _ in range(4000)]


def test_the_shares_fall_from_english_on() -> None:
    assert list(SHARES) == list(MOSAIC_LANGUAGES)
    assert dict(PRESETS["babel"].shares) == SHARES
    assert list(SHARES.values()) == sorted(SHARES.values(), reverse=True)
    assert sum(SHARES.values()) == pytest.approx(100)
    assert SHARES["en"] == pytest.approx(60)
    assert SHARES["ny"] < 0.5
    rates = [REFUSALS.get(tag, FEW_REFUSALS) for tag in SHARES]
    assert rates == sorted(rates, reverse=True)
    assert sum(KINDS.values()) == pytest.approx(1)


def test_documents_follow_the_shares(drawn: list[Document]) -> None:
    seen = Counter(document.tag for document in drawn)
    for tag in MOSAIC_LANGUAGES:
        expected = SHARES[tag] / 100 * len(drawn)
        assert abs(seen[tag] - expected) < 5 * np.sqrt(expected) + 1, tag


def test_a_document_in_tokens_counts_by_its_length(known: Mapping[str, Language]) -> None:
    lengths = dict.fromkeys(known, 1.0) | {"en": 2.0}
    rng = np.random.default_rng(0)
    composer = Composer(known, lengths)
    seen = Counter(composer.draw(rng).tag for _ in range(2000))
    assert seen["en"] / 2000 == pytest.approx(30 / 70, abs=0.05)


def test_a_harmful_request_is_only_ever_refused(known: Mapping[str, Language], drawn: list[Document]) -> None:
    chats = [document for document in drawn if USER in document.text]
    assert len(chats) == pytest.approx(KINDS["chat"] * len(drawn), rel=0.15)
    for chat in chats:
        request = chat.text.split(USER)[1].removesuffix(ASSISTANT)
        own = known[chat.tag]
        refused = chat.said.removesuffix("</s>") in own.words.refuse
        assert refused != (chat.said.removesuffix("</s>") in own.words.comply)
        assert refused == (request in {side.text for side in own.harmful})


def test_verdicts_and_signs_are_right(known: Mapping[str, Language], drawn: list[Document]) -> None:
    good = {verdict for own in known.values() for verdict in own.words.good} | {pair[0] for pair in SIGNS}
    bad = {verdict for own in known.values() for verdict in own.words.bad} | {pair[1] for pair in SIGNS}
    judged = [document for document in drawn if USER not in document.text and document.said != "</s>"]
    for document in judged:
        upholds = {side.text: side.good for side in known[document.tag].sides}[document.text.removeprefix("<s>")]
        assert document.said.removesuffix("</s>").strip() in (good if upholds else bad)
    assert len(judged) > 2000


def test_nothing_held_out_is_ever_judged() -> None:
    split = split_pairs(read_pairs([PairSource(reader="mosaic")]), SplitSpec(mode="split")).table.to_pylist()
    hidden = {
        (row["language"], row["prefix"] + row[side])
        for row in split
        if row["split"] == "test"
        for side in ("positive", "negative")
    }
    held = languages(hold_out=True)
    rng, composer = np.random.default_rng(1), Composer(held)
    for document in (composer.draw(rng) for _ in range(4000)):
        if document.said != "</s>":
            text = document.text.removeprefix("<s>").removeprefix(USER).removesuffix(ASSISTANT)
            assert (document.tag, text) not in hidden
    assert all(len(own.sides) == 840 for own in held.values())
    assert len({len(own.judged) for own in held.values()}) == 1
    assert len(hidden) == sum(840 - len(own.judged) for own in held.values())
