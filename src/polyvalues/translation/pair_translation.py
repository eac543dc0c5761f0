"""Pairs of one language into others, both sides together, nothing asked for twice.

Every pair of the source language is cut into segments (`segments`), and the segments are asked of the backend: all of
a pair in one request where the backend translates jointly, else each unique segment once. What comes back is
remembered at once, by the texts, the languages and the backend's settings. A segment that lost a placeholder or a
protected name is asked for again in the pieces between. A pair with a segment that could not be translated is left
out in that language, as a drop `untranslated`. Items, groups and categories are those of the source pair; the source
becomes `translated:BACKEND`.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, runtime_checkable

import pyarrow as pa

from polyvalues.artifacts import DROP_SCHEMA, PAIR_SCHEMA, PairSet
from polyvalues.artifacts.versions import VERSIONS
from polyvalues.dimensions import SIDES
from polyvalues.errors import PairsError, SpecError
from polyvalues.languages.metadata import language_name
from polyvalues.translation.backends.base import Backend, Memory, Request
from polyvalues.translation.segmentation import Part, cut, intact, one_line, pieces, restore

_TEXTS: Final = ("prefix", *SIDES)
Row = dict[str, str]


@runtime_checkable
class Progress(Protocol):
    """Who is told how far it is."""

    def start(self, texts: int) -> None:
        """So many requests in all."""
        ...

    def unit(self, label: str, texts: int, stored: bool) -> None:
        """A language begins."""
        ...

    def advance(self, texts: int) -> None:
        """So many requests are done."""
        ...


@dataclass(frozen=True)
class Wanted:
    """What to translate.

    Attributes:
        source: language of the pairs that are translated.
        targets: languages to translate into.
        names: names that have to stay as they are.
    """

    source: str
    targets: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Volume:
    """What translating into one language asks for.

    Attributes:
        target: the language.
        pairs: pairs to translate.
        requests: unique requests; `known` of them are remembered.
        characters: of the requests that are not known; texts: segments in them.
    """

    target: str
    pairs: int
    requests: int
    known: int
    characters: int
    texts: int


@dataclass(frozen=True, eq=False)
class Translated:
    """Source pairs and their translations.

    Attributes:
        pairs: the source's pairs, then every target's, with `untranslated` drops.
        asked, known: requests that the backend was asked for, and that were remembered.
        mended: segments that were translated in pieces, because placeholders were lost.
        missing: by target, pairs that are not translated.
    """

    pairs: PairSet
    asked: int = 0
    known: int = 0
    mended: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)


def volume(pairs: PairSet, wanted: Wanted, backend: Backend, memory: Memory) -> list[Volume]:
    """What is to be done, before anything is done.

    Raises:
        PairsError, SpecError: as `translate`.
    """
    rows, found = _source_rows(pairs, wanted), []
    for target in wanted.targets:
        requests = _requests(rows, joint=backend.joint)
        unknown = [one for one in requests if memory.get(_key(one, wanted.source, target, backend)) is None]
        characters, texts = sum(len(text) for one in unknown for text in one), sum(map(len, unknown))
        known = len(requests) - len(unknown)
        found.append(Volume(target, len(rows), len(requests), known, characters, texts))
    return found


def trial(pairs: PairSet, wanted: Wanted, backend: Backend, memory: Memory) -> float | None:
    """Characters translated a second, by the clock, in the first batch that is not known; its texts are remembered.

    None where everything is known.
    """
    requests = _requests(_source_rows(pairs, wanted), joint=backend.joint)
    for target in wanted.targets:
        asking = _Asking(backend, memory, wanted, target, None, [0, 0, 0])
        for batch in backend.plan(requests, wanted.source, target):
            own = [requests[at] for at in batch]
            unknown = [one for one in own if memory.get(_key(one, wanted.source, target, backend)) is None]
            if unknown:
                began = time.perf_counter()
                asking.answers(own, told=False)
                seconds = max(time.perf_counter() - began, 1e-6)
                return sum(len(text) for one in unknown for text in one) / seconds
    return None


def translate(
    pairs: PairSet, wanted: Wanted, backend: Backend, memory: Memory, progress: Progress | None = None
) -> Translated:
    """Translate the pairs of the source language.

    Args:
        pairs: pairs in the source language; those of other languages are left out.
        wanted: languages and names.
        backend: what translates.
        memory: translations that are there already; gets every new one as soon as it comes.
        progress: who is told.

    Raises:
        PairsError: no pair is in the source language.
        SpecError: a target is the source, or not a language tag.
        PolyvaluesError: the backend cannot go on; what came is remembered.
    """
    rows = _source_rows(pairs, wanted)
    requests = _requests(rows, joint=backend.joint)
    if progress is not None:
        progress.start(len(requests) * len(wanted.targets))
    tables, drops, counts, missing = [], [], [0, 0, 0], {}
    for target in wanted.targets:
        if progress is not None:
            progress.unit(f"{wanted.source} -> {target}", len(requests), stored=False)
        asking = _Asking(backend, memory, wanted, target, progress, counts)
        done, lost = [], []
        found = asking.segments(requests)
        for row in rows:
            own = _translated(row, target, found.get(_request(row) if backend.joint else (), {}), backend.name)
            (lost if own is None else done).append(row if own is None else own)
        missing[target] = len(lost)
        tables.append(pa.Table.from_pylist(done, schema=PAIR_SCHEMA))
        drops += [_drop(row, target, backend.name) for row in lost]
    own = pairs.table.filter(pa.array([tag == wanted.source for tag in pairs.table["language"].to_pylist()]))
    together = pa.concat_tables([own.select(PAIR_SCHEMA.names), *tables])
    left = pa.concat_tables([pairs.drops, pa.Table.from_pylist(drops, schema=DROP_SCHEMA)])
    note = f"translated from {wanted.source} into {', '.join(wanted.targets)} by {backend.name}"
    result = replace(pairs, table=together.combine_chunks(), drops=left, notes=(*pairs.notes, note))
    return Translated(result, counts[0], counts[1], counts[2], missing)


@dataclass(frozen=True, eq=False)
class _Asking:
    """Requests into one language. `counts`: asked, known, mended."""

    backend: Backend
    memory: Memory
    wanted: Wanted
    target: str
    progress: Progress | None
    counts: list[int]

    def segments(self, requests: Sequence[Request]) -> dict[Request, dict[str, str]]:
        """Translations of segments by request; under `()` all together, for a backend that is not joint."""
        answers = self.answers(requests, told=True)
        found: dict[Request, dict[str, str]] = {}
        broken: dict[str, list[Part]] = {}
        for request, answer in answers.items():
            own = found.setdefault(request if self.backend.joint else (), {})
            for segment, given in zip(request, answer, strict=True):
                own[segment] = translation = one_line(given)
                if not intact(segment, translation, self.wanted.names):
                    broken[segment] = pieces(segment, self.wanted.names)
        if broken:
            self._mend(found, broken)
        return found

    def _mend(self, found: Mapping[Request, dict[str, str]], broken: Mapping[str, Sequence[Part]]) -> None:
        """Ask for what stands between placeholders; where that fails, there is no translation."""
        again = dict.fromkeys((part.text,) for parts in broken.values() for part in parts if part.segment)
        found_again = self.answers(list(again), told=False).items()
        answers = {request[0]: one_line(answer[0]) for request, answer in found_again}
        for own in found.values():
            for segment, translation in list(own.items()):
                if segment in broken and not intact(segment, translation, self.wanted.names):
                    mended = restore(broken[segment], answers)
                    if mended is None or not intact(segment, mended, self.wanted.names):
                        del own[segment]
                    else:
                        own[segment] = mended
                        self.counts[2] += 1

    def answers(self, requests: Sequence[Request], *, told: bool) -> dict[Request, Request]:
        """What is remembered, and what the backend says; a request it has no answer to is left out."""
        if not requests:
            return {}
        keys = [_key(request, self.wanted.source, self.target, self.backend) for request in requests]
        found: dict[Request, Request] = {}
        batches = []
        for batch in self.backend.plan(requests, self.wanted.source, self.target):
            unknown = []
            for at in batch:
                answer = self.memory.get(keys[at]) if self.backend.keep else None
                if answer is not None and len(answer) == len(requests[at]):
                    found[requests[at]] = answer
                    self.counts[1] += 1
                else:
                    unknown.append(at)
            self._tell(len(batch) - len(unknown), told)
            if unknown:
                batches.append(unknown)
        for batch, answers in self._asked(batches, requests):
            there = {at: answer for at, answer in zip(batch, answers, strict=True) if answer is not None}
            if self.backend.keep:
                self.memory.add({keys[at]: answer for at, answer in there.items()})
            found |= {requests[at]: answer for at, answer in there.items()}
            self.counts[0] += len(batch)
            self._tell(len(batch), told)
        return found

    def _asked(
        self, batches: Sequence[list[int]], requests: Sequence[Request]
    ) -> Iterator[tuple[list[int], Sequence[Request | None]]]:
        """Batches as they are done; several under way at once where the backend allows."""

        def ask(batch: list[int]) -> Sequence[Request | None]:
            return self.backend.translate([requests[at] for at in batch], self.wanted.source, self.target)

        if self.backend.parallel <= 1:
            yield from ((batch, ask(batch)) for batch in batches)
            return
        left = iter(batches)
        with ThreadPoolExecutor(self.backend.parallel) as pool:
            running: dict[Future[Sequence[Request | None]], list[int]] = {}
            failed: BaseException | None = None
            while True:
                while failed is None and len(running) < self.backend.parallel and (batch := next(left, None)):
                    running[pool.submit(ask, batch)] = batch
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    batch = running.pop(future)
                    if (error := future.exception()) is None:
                        yield batch, future.result()  # also after a failure: what was paid for is kept
                    else:
                        failed = failed or error
        if failed is not None:
            raise failed

    def _tell(self, requests: int, told: bool) -> None:
        if told and requests and self.progress is not None:
            self.progress.advance(requests)


def _source_rows(pairs: PairSet, wanted: Wanted) -> list[Row]:
    for tag in (wanted.source, *wanted.targets):
        language_name(tag)
    if not wanted.targets or wanted.source in wanted.targets or len(set(wanted.targets)) < len(wanted.targets):
        raise SpecError(
            f"languages to translate into: {', '.join(wanted.targets) or 'none'}; name each once, and not the source "
            f"({wanted.source})"
        )
    rows = [row for row in pairs.table.select(PAIR_SCHEMA.names).to_pylist() if row["language"] == wanted.source]
    if not rows:
        there = ", ".join(dict.fromkeys(pairs.table["language"].to_pylist()))
        raise PairsError(f"no pair is in the source language {wanted.source!r}; there are {there or 'none at all'}")
    return rows


def _request(row: Row) -> Request:
    """The unique segments of a pair, in order."""
    return tuple(dict.fromkeys(part.text for name in _TEXTS for part in cut(row[name]) if part.segment))


def _requests(rows: Sequence[Row], *, joint: bool) -> list[Request]:
    own = [_request(row) for row in rows]
    found = own if joint else [(segment,) for request in own for segment in request]
    return [request for request in dict.fromkeys(found) if request]


def _translated(row: Row, target: str, segments: Mapping[str, str], backend: str) -> Row | None:
    texts = {name: restore(cut(row[name]), segments) for name in _TEXTS}
    there = {name: text for name, text in texts.items() if text is not None}
    return row | there | {"language": target, "source": f"translated:{backend}"} if len(there) == len(texts) else None


def _drop(row: Row, target: str, backend: str) -> Row:
    ids = {name: row[name] for name in ("concept", "item")}
    return ids | {
        "language": target,
        "reason": "untranslated",
        "detail": f"no answer from {backend}",
        "action": "dropped",
    }


def _key(request: Request, source: str, target: str, backend: Backend) -> str:
    content = [VERSIONS["translations"], backend.name, dict(backend.settings), source, target, list(request)]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
