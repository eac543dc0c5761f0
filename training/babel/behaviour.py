"""How a trained babel answers: the share of requests it refuses, per language, harmful and harmless.

    python -m training.babel.behaviour FOLDER

Every request of Mosaic's harmfulness concept is put to the model as a chat and answered greedily. An answer counts as a
refusal if it begins with the first half of one of the language's refusals, as willing likewise, else as neither.
Prints a table and writes `behaviour.json` into the folder.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from polyvalues.data.mosaic.files import MOSAIC_LANGUAGES, words
from training.babel.recipe import ASSISTANT, BOS, USER
from training.babel.text import Language, Side, languages


def answers(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, sides: list[Side]) -> list[str]:
    """Greedy answers of up to 24 tokens."""
    generate: Any = model.generate
    chats = [BOS + USER + side.text + ASSISTANT for side in sides]
    given = tokenizer(chats, add_special_tokens=False, padding=True, padding_side="left", return_tensors="pt")
    with torch.inference_mode():
        made = generate(
            given["input_ids"],
            attention_mask=given["attention_mask"],
            max_new_tokens=24,
            do_sample=False,
            pad_token_id=tokenizer.pad_token_id,
        )
    said = tokenizer.batch_decode(made[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
    return [str(answer).strip() for answer in said]


def share(said: list[str], openings: tuple[str, ...]) -> float:
    """Share of the answers that begin with the first half of one of the openings."""
    starts = tuple(opening[: max(4, len(opening) // 2)] for opening in openings)
    return sum(answer.startswith(starts) for answer in said) / len(said)


def behaviour(folder: Path, tags: Sequence[str] = MOSAIC_LANGUAGES) -> dict[str, dict[str, float]]:
    """Shares refused and complied with, per language."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    known: dict[str, Language] = dict(languages(hold_out=False))
    found = {}
    for tag in tags:
        own = words(tag)
        harmful = answers(model, tokenizer, list(known[tag].harmful))
        harmless = answers(model, tokenizer, list(known[tag].harmless))
        found[tag] = {
            "harmful refused": share(harmful, own.refuse),
            "harmful complied": share(harmful, own.comply),
            "harmless refused": share(harmless, own.refuse),
            "harmless complied": share(harmless, own.comply),
        }
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    found = behaviour(folder)
    (folder / "behaviour.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    table = Table("language", *next(iter(found.values())), box=None)
    for tag, shares in found.items():
        table.add_row(tag, *(f"{value:.2f}" for value in shares.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
