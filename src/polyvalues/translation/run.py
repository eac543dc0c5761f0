"""Pairs into other languages, from settings to a folder: what it will take, doing it, the way back, quality, card.

The folder holds `pairs.parquet` (source and translations), `quality.csv`, `texts.csv`, `summary.csv`, `CARD.md`,
`card.json`, and `memory.jsonl`, the translations by text. Run again it goes on where it was. The card is the only
file with a clock in it.
"""

import contextlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from polyvalues.artifacts import PairSet
from polyvalues.config.translation import TranslateSpec
from polyvalues.dimensions import SIDES
from polyvalues.errors import SpecError
from polyvalues.languages.flores import flores_code
from polyvalues.storage.journal import Journal
from polyvalues.storage.package_versions import package_versions
from polyvalues.storage.store import Store, write_pairs
from polyvalues.translation.backends.base import Backend
from polyvalues.translation.backends.openai_endpoint import EndpointBackend
from polyvalues.translation.backends.seq2seq import load_seq2seq
from polyvalues.translation.backends.spreadsheet import SheetsBackend
from polyvalues.translation.cost_estimate import Estimate, cost, estimate
from polyvalues.translation.data_card import CARD, NOTHING_ELSE, About, card_markdown
from polyvalues.translation.pair_translation import Progress, Translated, Volume, Wanted, translate, trial, volume
from polyvalues.translation.quality.metrics import Helpers, TextKey, TextQuality, measure_translations
from polyvalues.translation.quality.quality_summary import summarise_quality
from polyvalues.translation.quality.run import write_quality


@dataclass(frozen=True, eq=False)
class Translation:
    """A finished run.

    Attributes:
        pairs: source and translations.
        quality: of the translations; None where nothing is translated yet.
        counts: pairs, asked, remembered, mended.
        missing: pairs without a translation, by language.
        usage: tokens sent and received and their cost, over all runs; seconds of this one.
        notes: what a reader should know.
        folder: where everything is.
    """

    pairs: PairSet
    quality: TextQuality | None
    counts: Mapping[str, int]
    missing: Mapping[str, int]
    usage: Mapping[str, Any]
    notes: tuple[str, ...]
    folder: Path


@dataclass(eq=False)
class TranslationJob:
    """One run, while its folder is held. Make it with `translation_job`."""

    pairs: PairSet
    spec: TranslateSpec
    store: Store
    memory: Journal
    usage: Journal
    backend: Backend
    about: About = NOTHING_ELSE
    _began: float = field(default_factory=time.monotonic)
    _done: Translated | None = None
    _back: dict[TextKey, str] = field(default_factory=dict)

    @property
    def wanted(self) -> Wanted:
        """Languages and names."""
        return Wanted(self.spec.source, self.spec.to, self.spec.names)

    def volumes(self) -> list[Volume]:
        """What is still to be translated, by language.

        Raises:
            PairsError: no pair is in the source language.
        """
        return volume(self.pairs, self.wanted, self.backend, self.memory)

    def estimate(self) -> Estimate | None:
        """Tokens, cost and time of an endpoint; None for other backends."""
        if self.spec.backend != "endpoint":
            return None
        return estimate(self.volumes(), self.spec.source, self.spec.endpoint)

    def rate(self) -> float | None:
        """Characters a second of a model here, by translating the first batch that is not known; the result is kept.

        None where nothing is to do, or another backend translates.
        """
        if self.spec.backend != "seq2seq":
            return None
        return trial(self.pairs, self.wanted, self.backend, self.memory)

    def run(self, progress: Progress | None = None) -> Translated:
        """Translate, and write the pairs.

        Raises:
            PolyvaluesError: as `translation.pair_translation.translate`.
        """
        self._done = translate(self.pairs, self.wanted, self.backend, self.memory, progress)
        write_pairs(self._done.pairs, self.store.path("pairs.parquet"))
        return self._done

    def back(self, progress: Progress | None = None) -> None:
        """Translate back, for the quality; nothing where the settings do not ask for it."""
        if not self.spec.round_trip or self._done is None:
            return
        for target in self.spec.to:
            table = self._done.pairs.table
            own = table.filter(pa.array([tag == target for tag in table["language"].to_pylist()]))
            if own.num_rows:
                wanted = Wanted(target, (self.spec.source,), self.spec.names)
                found = translate(PairSet(own), wanted, self.backend, self.memory, progress)
                for row in found.pairs.table.to_pylist():
                    if row["language"] == self.spec.source:
                        texts = {side: row["prefix"] + row[side] for side in SIDES}
                        keys = {side: (row["concept"], target, row["item"], side) for side in SIDES}
                        self._back |= {keys[side]: texts[side] for side in SIDES}

    def finish(self) -> Translation:
        """Measure, and write tables and card.

        Raises:
            SpecError: `run` has not been called.
        """
        if self._done is None:
            raise SpecError("nothing has been translated: call run first")
        done = self._done
        quality = None
        if set(done.pairs.table["language"].to_pylist()) != {self.spec.source}:
            helpers = Helpers(back=self._back or None, names=self.spec.names)
            quality = measure_translations(done.pairs, self.spec.source, helpers)
            write_quality(quality, self.store)
        pairs = done.pairs.table["language"].to_pylist().count(self.spec.source)
        counts = {"pairs": pairs, "asked": done.asked, "remembered": done.known, "mended": done.mended}
        notes = (*getattr(self.backend, "notes", ()), *(quality.notes if quality else ()))
        found = Translation(done.pairs, quality, counts, done.missing, self._spent(), notes, self.store.root)
        self._write_card(found)
        return found

    def _spent(self) -> dict[str, Any]:
        sent, received = (sum(int(record[at]) for record in self.usage.records()) for at in (0, 1))
        seconds = round(time.monotonic() - self._began, 1)
        if self.spec.backend != "endpoint":
            return {"seconds": seconds}
        price = cost(sent, received, self.spec.endpoint)
        return {"tokens sent": sent, "tokens received": received, "cost": price, "seconds": seconds}

    def _named(self) -> dict[str, Any]:
        """What a model is called, which its translations do not depend on."""
        own = self.spec.seq2seq
        return {"model": own.model, "revision": own.revision or "main"} if self.spec.backend == "seq2seq" else {}

    def _write_card(self, found: Translation) -> None:
        now = time.strftime("%Y-%m-%d", time.gmtime())
        path = self.store.path(CARD)
        try:
            first = str(json.loads(path.read_text(encoding="utf-8"))["when"]["first"])[:10]
        except (OSError, ValueError, KeyError, TypeError):
            first = now
        rows = summarise_quality(found.quality).to_pylist() if found.quality else []
        table = self.pairs.table
        card = {
            "source": self.spec.source,
            "targets": list(self.spec.to),
            "backend": self.spec.backend,
            "translator": self.spec.translator,
            "settings": dict(self.backend.settings) | self._named(),
            "when": {"first": first, "last": now},
            "counts": dict(found.counts),
            "missing": dict(found.missing),
            "usage": dict(found.usage),
            "origin": list(dict.fromkeys(table["source"].to_pylist())),
            "concepts": list(dict.fromkeys(table["concept"].to_pylist())),
            "quality": [{name: None if value != value else value for name, value in row.items()} for row in rows],
            "notes": list(found.notes),
            "versions": package_versions(),
        } | dict(self.about.facts)
        self.store.write(CARD, json.dumps(card, ensure_ascii=False, indent=1) + "\n")
        self.store.write("CARD.md", card_markdown(card, self.about))


@contextlib.contextmanager
def translation_job(
    pairs: PairSet, spec: TranslateSpec, out: Path, about: About = NOTHING_ELSE
) -> Iterator[TranslationJob]:
    """A run of a translation; the folder is held while the block lasts.

    Args:
        pairs: with pairs in the source language.
        spec: languages, backend and its settings.
        out: folder for pairs, quality, card and memory.
        about: what else the card says of the pairs.

    Raises:
        StudyLocked: another run holds the folder.
        PolyvaluesError: the model cannot be loaded.
    """
    store = Store(out)
    with store.locked():
        memory, usage = Journal(store, "memory.jsonl"), Journal(store, "usage.jsonl")
        yield TranslationJob(pairs, spec, store, memory, usage, _backend(spec, store, usage), about)


def translate_pairs(pairs: PairSet, spec: TranslateSpec, out: Path, progress: Progress | None = None) -> Translation:
    """Translate pairs into other languages; resumable, nothing is asked for twice.

    Args:
        pairs: with pairs in the source language.
        spec: languages, backend and its settings.
        out: folder for pairs, quality, card and memory.
        progress: who is told.

    Raises:
        PolyvaluesError: what cannot be translated, with what to do; what came before is kept.
    """
    with translation_job(pairs, spec, out) as job:
        job.run(progress)
        job.back(progress)
        return job.finish()


def _backend(spec: TranslateSpec, store: Store, usage: Journal) -> Backend:
    if spec.backend == "seq2seq":
        found = load_seq2seq(spec.seq2seq, flores_code)
        if found.scheme == "none" and (len(spec.to) > 1 or spec.round_trip):
            raise SpecError(
                f"{spec.seq2seq.model}: has no tokens for languages, so it translates one language into one other; "
                "give that one alone in --to, and leave out --round-trip"
            )
        return found
    if spec.backend == "endpoint":

        def spent(sent: int, received: int) -> None:
            usage.add({secrets.token_hex(8): (str(sent), str(received))})

        return EndpointBackend(spec.endpoint, spec.names, spent)
    folder = Path(spec.sheets) if spec.sheets else store.root / "sheets"
    return SheetsBackend(folder, Store(folder).write)
