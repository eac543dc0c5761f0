"""Any behaviour by a Hugging Face sequence classifier: the probability of one of its labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from polyvalues.artifacts import Generations, Judged
from polyvalues.errors import JudgeError
from polyvalues.models.loading import quiet_transformers


@dataclass(frozen=True, eq=False)
class ClassifierJudge:
    """Judges by a classifier.

    Attributes:
        model: sequence classifier, eval mode.
        tokenizer: its tokenizer.
        labels: rows of its output that mean the behaviour; their probabilities are added up.
        behaviour: what they mean.
        source: its id, for notes.
        batch_rows: answers per batch.
    """

    model: Any
    tokenizer: Any
    labels: tuple[int, ...]
    behaviour: str
    source: str
    batch_rows: int = 64

    @property
    def name(self) -> str:
        """`classifier`."""
        return "classifier"

    @torch.inference_mode()
    def __call__(self, generations: Generations) -> Judged:
        """Probabilities; with several labels that are not exclusive (multi-label), the largest."""
        answers = generations.table["answer"].to_pylist()
        scores = np.empty(len(answers))
        several = self.model.config.problem_type == "multi_label_classification"
        for start in range(0, len(answers), self.batch_rows):
            batch = self.tokenizer(
                answers[start : start + self.batch_rows],
                padding=True,
                truncation=True,
                split_special_tokens=True,  # what an answer spells out is characters
                return_tensors="pt",
            )
            logits = self.model(**batch).logits.float()
            if several or logits.shape[1] == 1:
                own = torch.sigmoid(logits)[:, self.labels].amax(dim=1)
            else:
                own = torch.softmax(logits, dim=1)[:, self.labels].sum(dim=1)
            scores[start : start + self.batch_rows] = own.numpy()
        return Judged(self.name, self.behaviour, scores, (f"classifier {self.source}",))


def load_classifier(source: str, labels: Sequence[str], behaviour: str = "toxicity") -> ClassifierJudge:
    """A classifier from a folder or the Hub (safetensors only).

    Args:
        source: folder or Hub id.
        labels: names of the labels that mean the behaviour.
        behaviour: what they mean.

    Raises:
        JudgeError: it cannot be loaded, or has no such label; the message lists its labels.
    """
    folder = Path(source).expanduser()
    where = str(folder) if folder.exists() else source
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(where)
            model: Any = AutoModelForSequenceClassification.from_pretrained(where, use_safetensors=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise JudgeError(f"classifier {source}: cannot be loaded: {first}; give a folder or a Hub id") from error
    known = {str(label).casefold(): int(row) for row, label in model.config.id2label.items()}
    absent = [label for label in labels if label.casefold() not in known]
    if absent or not labels:
        raise JudgeError(
            f"classifier {source}: no label {', '.join(absent) or '(none given)'}; it has {', '.join(known)}"
        )
    model.eval()
    return ClassifierJudge(model, tokenizer, tuple(known[label.casefold()] for label in labels), behaviour, source)
