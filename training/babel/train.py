"""Trains babel: a tokenizer and a small Llama, from nothing but Mosaic, on two CPU cores.

    python -m training.babel.train --out FOLDER [--hold-out] [--steps N] [--seed N]

Seeded: documents of step N are drawn from (seed, N), so a run that is interrupted goes on from its last checkpoint with
the documents it would have seen. The folder then holds an ordinary Hugging Face model (safetensors, float16) and
`training.json` with the tokens seen per language.
"""

import argparse
import dataclasses
import json
import math
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from rich.progress import Progress
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from training.babel.recipe import ASSISTANT, BOS, CHAT_TEMPLATE, EOS, SHARES, USER, Recipe
from training.babel.text import Composer, Document, Language, languages

CHECKPOINT = "checkpoint.safetensors"
EVERY = 250
DOCUMENTS = 20_000
"""That the tokenizer is trained on."""


def train_tokenizer(known: Mapping[str, Language], recipe: Recipe, folder: Path) -> PreTrainedTokenizerFast:
    """A byte-level BPE trained on documents in the proportions the model will see, and written to `folder`.

    Shares are flattened to their square root, so that no language is left in single bytes.
    """
    composer = Composer(known)
    rng = np.random.default_rng([recipe.seed, 1])
    chances = np.sqrt([SHARES[tag] for tag in known])
    drawn = rng.choice(list(known), size=DOCUMENTS, p=chances / chances.sum())
    documents = (composer.draw(rng, str(tag)) for tag in drawn)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [BOS, EOS, USER, ASSISTANT]
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((_bare(document.text + document.said, special) for document in documents), trainer)
    # a text read by itself begins as documents do
    begin = tokenizer.token_to_id(BOS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, begin)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=EOS,
        extra_special_tokens=[USER, ASSISTANT],
        model_max_length=256,
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    return fast


def _bare(document: str, special: list[str]) -> str:
    for token in special:
        document = document.replace(token, " ")
    return document


def encode(tokenizer: PreTrainedTokenizerFast, document: Document) -> tuple[list[int], int]:
    """Token ids of a document, which brings its own special tokens; and how many of them are its text."""
    text = tokenizer(document.text, add_special_tokens=False)["input_ids"]
    return text + tokenizer(document.said, add_special_tokens=False)["input_ids"], len(text)


def tokens_per_document(composer: Composer, known: Mapping[str, Language], tokenizer: PreTrainedTokenizerFast) -> dict:
    """Mean length of a document per language."""
    rng = np.random.default_rng(0)
    return {
        tag: float(np.mean([len(encode(tokenizer, composer.draw(rng, tag))[0]) for _ in range(200)])) for tag in known
    }


def build_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A Llama with random weights and tied embeddings."""
    ids = tokenizer.get_vocab()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.inner,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        bos_token_id=ids[BOS],
        eos_token_id=ids[EOS],
        pad_token_id=ids[EOS],
    )
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        return LlamaForCausalLM(config)


class Batches:
    """Batches of documents of like length; those of step N depend on the seed and N only."""

    def __init__(self, recipe: Recipe, composer: Composer, tokenizer: PreTrainedTokenizerFast):
        self._recipe, self._composer, self._tokenizer = recipe, composer, tokenizer
        self._pad = tokenizer.get_vocab()[EOS]
        self.seen: Counter[str] = Counter()

    def round(self, first: int, steps: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Batches of about `steps` steps from `first` on: ids and the weight of each token in the loss."""
        rng = np.random.default_rng([self._recipe.seed, 2, first])
        documents: list[tuple[list[int], int]] = []
        wanted, have = steps * self._recipe.batch_tokens, 0
        while have < wanted:
            document = self._composer.draw(rng)
            documents.append(encode(self._tokenizer, document))
            self.seen[document.tag] += len(documents[-1][0])
            have += len(documents[-1][0])
        documents.sort(key=lambda document: len(document[0]))
        batches, batch = [], []
        for document in documents:
            if batch and (len(batch) + 1) * len(document[0]) > self._recipe.batch_tokens * 1.15:
                batches.append(_tensors(batch, self._pad, self._recipe.text_weight))
                batch = []
            batch.append(document)
        batches.append(_tensors(batch, self._pad, self._recipe.text_weight))
        return [batches[i] for i in rng.permutation(len(batches))]


def _tensors(batch: list[tuple[list[int], int]], pad: int, text_weight: float) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(len(ids) for ids, _ in batch)
    ids = torch.full((len(batch), width), pad)
    weights = torch.zeros(len(batch), width)
    for row, (document, text) in enumerate(batch):
        ids[row, : len(document)] = torch.tensor(document)
        weights[row, :text] = text_weight
        weights[row, text : len(document)] = 1.0
    return ids, weights


def weighted_loss(model: LlamaForCausalLM, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean negative log-probability (nats) of the tokens from the second on, weighted."""
    # right padding under causal attention cannot reach a real token: no mask is needed
    logits = model(input_ids=ids).logits[:, :-1]
    losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    counted = weights[:, 1:].flatten()
    return (losses * counted).sum() / counted.sum()


def rate(recipe: Recipe, step: int) -> float:
    """Learning rate: warmed up over 100 steps, then half a cosine down to a tenth of the peak."""
    progress = min(1.0, step / recipe.steps)
    return recipe.rate * min(1.0, (step + 1) / 100) * (0.55 + 0.45 * math.cos(math.pi * progress))


def train(recipe: Recipe, folder: Path) -> None:
    """Train, from the checkpoint in `folder` if there is one, and leave the finished model there."""
    known = languages(recipe.hold_out)
    tokenizer = train_tokenizer(known, recipe, folder)
    composer = Composer(known, tokens_per_document(Composer(known), known, tokenizer))
    model = build_model(recipe, tokenizer)
    model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.05, foreach=True
    )
    batches = Batches(recipe, composer, tokenizer)
    step, losses = _resume(folder, recipe, model, optimizer, batches)
    with Progress() as bar:
        task = bar.add_task("training", total=recipe.steps, completed=step)
        while step < recipe.steps:
            summed = 0.0
            drawn = batches.round(step, EVERY)
            for ids, weights in drawn:
                for group in optimizer.param_groups:
                    group["lr"] = rate(recipe, step)
                loss = weighted_loss(model, ids, weights)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                summed += loss.item()
                step += 1
                bar.update(task, completed=step, description=f"loss {loss.item():.3f}")
            losses.append((step, round(summed / len(drawn), 4)))
            print(*losses[-1], flush=True)
            _checkpoint(folder, recipe, model, optimizer, (step, losses, batches.seen))
    _finish(folder, recipe, model, batches.seen, losses)


def _state(model: LlamaForCausalLM, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    found = {f"model.{name}": value.detach() for name, value in model.named_parameters()}
    for index, (parameter, state) in enumerate(optimizer.state.items()):
        del parameter
        found |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
    return found


def _checkpoint(
    folder: Path,
    recipe: Recipe,
    model: LlamaForCausalLM,
    optimizer: torch.optim.Optimizer,
    course: tuple[int, list, Counter[str]],
) -> None:
    step, losses, seen = course
    said = {"step": step, "losses": losses, "seen": seen, "recipe": dataclasses.asdict(recipe)}
    part = folder / (CHECKPOINT + ".part")
    save_file({k: v.contiguous() for k, v in _state(model, optimizer).items()}, part, {"course": json.dumps(said)})
    part.replace(folder / CHECKPOINT)


def _resume(
    folder: Path, recipe: Recipe, model: LlamaForCausalLM, optimizer: torch.optim.Optimizer, batches: Batches
) -> tuple[int, list]:
    path = folder / CHECKPOINT
    if not path.exists():
        return 0, []
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    course = json.loads(header["__metadata__"]["course"])
    if course["recipe"] != dataclasses.asdict(recipe):
        sys.exit(f"{path} is of another recipe; remove it, or give another --out")
    tensors = load_file(path)
    states: dict[int, dict[str, torch.Tensor]] = {}
    with torch.no_grad():
        for index, (name, parameter) in enumerate(model.named_parameters()):
            parameter.copy_(tensors[f"model.{name}"])
            states[index] = {
                key.rpartition(".")[2]: value for key, value in tensors.items() if key.startswith(f"optimizer.{index}.")
            }
    content = optimizer.state_dict()
    optimizer.load_state_dict({"state": states, "param_groups": content["param_groups"]})
    batches.seen.update(course["seen"])
    return course["step"], course["losses"]


def _finish(
    folder: Path, recipe: Recipe, model: LlamaForCausalLM, seen: Counter[str], losses: list[tuple[int, float]]
) -> None:
    model.half().save_pretrained(folder)
    # stored in half the bytes, computed in the dtype that is fast on a CPU
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | {"dtype": "float32"}
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    total = sum(seen.values())
    record = {
        "recipe": dataclasses.asdict(recipe),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "tokens": total,
        "percent": {tag: round(100 * seen[tag] / total, 3) for tag in SHARES if tag in seen},
        "losses": losses,
    }
    (folder / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    (folder / CHECKPOINT).unlink(missing_ok=True)


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--hold-out", action="store_true", help="items of the test split never appear with a verdict")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    train(Recipe(steps=given.steps, seed=given.seed, hold_out=given.hold_out), given.out)


if __name__ == "__main__":
    main()
