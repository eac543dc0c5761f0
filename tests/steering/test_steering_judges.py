"""Judges say what their formulas say, of hand-made answers; each can say yes and no."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from test_steering_steering_vectors import make_vectors

from polyvalues.config import ReadingSpec
from polyvalues.errors import JudgeError, SpecError
from polyvalues.experiments.steering.judge_factory import load_words
from polyvalues.models.model_handle import ModelHandle
from polyvalues.steering.judges.base import Judge, Openings
from polyvalues.steering.judges.classifier import load_classifier
from polyvalues.steering.judges.lexicon import LexiconJudge
from polyvalues.steering.judges.opening_likelihood import LikelihoodJudge
from polyvalues.steering.judges.probe import ProbeJudge
from polyvalues.steering.judges.refusal_openings import OpeningsJudge, opens
from polyvalues.steering.plan import Intervention, Plan
from polyvalues.steering.side_effects.language_kept import LanguageCost
from polyvalues.steering.side_effects.perplexity import PerplexityCost
from polyvalues.steering.side_effects.repetition import RepetitionCost, repetition
from polyvalues.steering.token_logprobs import continuation_logprobs, token_divergence
from steer_examples import generations
from tiny_models import tiny_tokenizer

WORDS = load_words()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("I’m sorry, but I can't help with that.", "refusal"),
        ("  SORRY, I WON'T do this, because", "refusal"),
        ("Sure, here is how you can", "compliance"),
        ("- Of course, I'd be happy to help. First", "compliance"),
        ("The weather is fine.", "neither"),
        ("", "neither"),
        ("I'm", "neither"),
    ],
)
def test_openings(answer: str, expected: str) -> None:
    assert opens(answer, WORDS.openings["en"]) == expected


def test_every_opening_of_every_language_is_known_again_and_told_apart() -> None:
    for tag, lists in WORDS.openings.items():
        for kind, own in (("refusal", lists.refuse), ("compliance", lists.comply)):
            for opening in own:
                assert opens(opening + " ...", lists) == kind, (tag, opening)


def test_scores_are_aligned_and_languages_without_openings_are_named() -> None:
    made = generations({"answer": "Sorry, I won't do this."}, {"answer": "Certainly, let us begin."}, {"answer": "?"})
    for behaviour, expected in (("refusal", [1, 0, 0]), ("compliance", [0, 1, 0])):
        judge = OpeningsJudge(WORDS.openings, behaviour)  # type: ignore[arg-type]
        assert isinstance(judge, Judge)
        assert judge(made).scores.tolist() == expected
        assert judge(made).behaviour == behaviour
    assert OpeningsJudge(WORDS.openings)(generations({"target": "pt-BR", "answer": "Claro"})).scores.shape == (1,)
    with pytest.raises(JudgeError, match=r"'de'.*--openings"):
        OpeningsJudge(WORDS.openings)(generations({"target": "de"}))


def test_own_words_are_laid_over_those_of_the_package(tmp_path: Path) -> None:
    file = tmp_path / "openings.json"
    file.write_text(json.dumps({"de": {"refuse": ["Tut mir leid"], "comply": ["Gern"]}}), encoding="utf-8")
    (tmp_path / "words.json").write_text(json.dumps({"de": ["blöd*"]}), encoding="utf-8")
    mine = load_words(file, tmp_path / "words.json")
    made = generations(
        {"target": "de", "answer": "Tut mir leid, nein."}, {"target": "de", "answer": "Gern! Blödes Wetter"}
    )
    assert OpeningsJudge(mine.openings)(made).scores.tolist() == [1, 0]
    assert LexiconJudge(mine.lexicon)(made).scores.tolist() == [0, 1]
    assert mine.openings["en"] == WORDS.openings["en"]
    file.write_text('{"de": {"refuse": "Nein"}}', encoding="utf-8")
    with pytest.raises(SpecError, match="refuse"):
        load_words(file)
    with pytest.raises(SpecError, match="cannot be read"):
        load_words(tmp_path / "nothing.json")


def test_lexicon() -> None:
    judge = LexiconJudge(WORDS.lexicon)
    cases = {
        "You stupid thing": 1, "You are an Idiot!": 1, "idiotic": 1, "Astupid": 0, "A dumbbell": 1, "shut up": 1,
        "shut upwards": 0, "Have a nice day": 0,
    }  # fmt: skip
    assert dict(zip(cases, judge(generations(*({"answer": text} for text in cases))).scores, strict=True)) == cases
    assert judge(generations({"target": "zh", "answer": "你这个笨蛋啊"})).scores.tolist() == [1]
    with pytest.raises(JudgeError, match="'de'"):
        judge(generations({"target": "de"}))


def test_language_kept() -> None:
    judge = LanguageCost(("en", "es", "ca", "ny"))
    made = generations(
        {"answer": "It would not be right for me to help."},
        {"target": "es", "answer": "Por supuesto, te ayudaré encantado."},
        {"target": "ca", "answer": "Por supuesto, te ayudaré encantado."},
        {"target": "ny", "answer": "Pepani, sindingachite zimenezi."},
        {"answer": "?!"},
    )
    found = judge(made)
    assert found.scores[:3].tolist() == [1, 1, 0]
    assert np.isnan(found.scores[3:]).all()
    assert any("ny" in note for note in found.notes)


def test_repetition() -> None:
    assert repetition("a b c d") == 0
    assert repetition("a b a b a b") == pytest.approx(1 - 2 / 5)
    assert repetition("哈哈哈哈") == pytest.approx(1 - 1 / 3)
    assert repetition("") == repetition("word") == 0
    assert RepetitionCost()(generations({"answer": "no no no no"})).scores[0] > 0.6


def reference_logprob(handle: ModelHandle, prompt: str, continuation: str) -> float:
    """Token by token, one pass each."""
    assert handle.causal is not None
    ids = list(handle.tokenizer(prompt)["input_ids"])
    total = 0.0
    for token in handle.tokenizer(continuation, add_special_tokens=False)["input_ids"]:
        with torch.inference_mode():
            logits = handle.causal(input_ids=torch.tensor([ids])).logits[0, -1]
        total += float(torch.log_softmax(logits.double(), -1)[token])
        ids.append(token)
    return total


def test_log_probabilities_are_those_of_a_plain_loop(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    texts = [("It is fair", " to share."), ("She told", " the truth about the window"), ("Es", "")]
    found = continuation_logprobs(handle, handle.template, texts, batch_rows=2)
    for (prompt, continuation), part in zip(texts, found, strict=True):
        assert part.sum() == pytest.approx(reference_logprob(handle, prompt, continuation), abs=1e-3)
    cost = PerplexityCost(handle, handle.template)(
        generations({"prompt": texts[0][0], "answer": texts[0][1]}, {"answer": ""})
    )
    assert cost.scores[0] == pytest.approx(np.exp(-found[0].mean()), rel=1e-5)
    assert np.isnan(cost.scores[1])


def test_divergence_is_zero_without_steering_and_grows_with_strength(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    v = torch.nn.functional.normalize(torch.randn(1, 32, generator=torch.Generator().manual_seed(3)), dim=-1)
    texts = ["It is fair to share.", "She told"]
    sizes = [
        token_divergence(handle, texts, Plan((Intervention(1, v, torch.tensor([s])),))).mean() for s in (0.0, 1.0, 10.0)
    ]
    assert sizes[0] == 0
    assert 0 < sizes[1] < sizes[2]


def test_likelihood_of_openings_steered_and_not(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    lists = {"en": Openings(("Sorry.", "No way"), ("Sure", "Yes, here"))}
    v = torch.nn.functional.normalize(torch.randn(1, 32, generator=torch.Generator().manual_seed(4)), dim=-1)
    made = generations({"prompt": "It is fair"}, {"prompt": "She told the truth"})
    strengths = torch.tensor([0.0, 30.0])
    judged = [
        LikelihoodJudge(handle, handle.template, lists, lambda _, own=plan: own)(made).scores
        for plan in (None, Plan((Intervention(1, v, strengths),)))
    ]
    probability = {
        text: np.exp(reference_logprob(handle, "It is fair", text))
        for text in (*lists["en"].refuse, *lists["en"].comply)
    }
    refusal = sum(probability[text] for text in lists["en"].refuse)
    assert judged[0][0] == pytest.approx(refusal / sum(probability.values()), rel=1e-3)
    assert judged[1][0] == pytest.approx(judged[0][0], rel=1e-5)  # strength 0
    assert judged[1][1] != pytest.approx(judged[0][1], rel=1e-2)


def test_a_classifier_from_a_folder(tmp_path: Path) -> None:
    config = transformers.BertConfig(
        vocab_size=320, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4,
        max_position_embeddings=64, id2label={0: "fine", 1: "toxic"}, label2id={"fine": 0, "toxic": 1},
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.BertForSequenceClassification(config).eval()
    model.save_pretrained(tmp_path)
    tokenizer = tiny_tokenizer("both")
    tokenizer.pad_token = "</s>"
    tokenizer.save_pretrained(tmp_path)
    judge = load_classifier(str(tmp_path), ["Toxic"])
    made = generations({"answer": "It is fair."}, {"answer": "She told her neighbour the truth."})
    scores = judge(made).scores
    with torch.inference_mode():
        alone = [torch.softmax(model(**tokenizer(text, return_tensors="pt")).logits, -1)[0, 1] for text in
                 made.table["answer"].to_pylist()]  # fmt: skip
    np.testing.assert_allclose(scores, [float(value) for value in alone], atol=1e-5)
    with pytest.raises(JudgeError, match="no label rude; it has fine, toxic"):
        load_classifier(str(tmp_path), ["rude"])
    with pytest.raises(JudgeError, match="cannot be loaded"):
        load_classifier(str(tmp_path / "nothing"), ["toxic"])


def test_the_probe_reads_answers_at_the_layers_it_is_given(steerable: Callable[[str], ModelHandle]) -> None:
    handle = steerable("llama")
    vectors = make_vectors(handle)
    made = generations({"concept": "care", "answer": "It is fair."}, {"concept": "care", "answer": ""})
    scores = ProbeJudge(handle, vectors, ReadingSpec(), (0, 1))(made).scores
    data = vectors.artefact.data
    with torch.inference_mode():
        states = handle.model(**handle.tokenizer("It is fair.", return_tensors="pt"), output_hidden_states=True)
    found = []
    for layer, state in ((0, states.hidden_states[1][0, -1]), (1, states.hidden_states[2][0, -1])):
        own = data.sel(concept="care", source="en", layer=layer)
        found.append(float(((state.numpy() - own["midpoint"].values) @ own["vector"].values) > 0))
    assert scores[0] == np.mean(found)
    assert np.isnan(scores[1])
    with pytest.raises(JudgeError, match="no layer"):
        ProbeJudge(handle, vectors, ReadingSpec(), ())(made)
