"""PolyRefuse-like files of harmful and harmless instructions in several languages.

Format: a folder of `{harmful,harmless}_{train,val,test}_translated_{language}.json` (see `instruction_files`); English
originals may be called `harmful_train.json` or `harmless_train_200_sampled.json` and may lie in a folder inside it.
Traps:

- in train and val, `instruction` is **already translated**; in test it is English and `instruction_translated` is the
  text;
- position does not prove that two files are translations (`alignment`): the Chinese harmless train and val files are
  another sample. Aligned languages share their items, others get ids of their own (`LANGUAGE:...`);
- a file may be missing (Chinese harmless test): what has no counterpart is counted in a note;
- the English harmless test set exists twice, as two different samples: the file called `_translated_` is the one the
  translations were made from, and wins.

Harmful (negative) and harmless (positive) instructions are matched on length once per split, in the reference
language, and all aligned languages use the same pairs of positions: the item `test-7+12` is harmless 7 with harmful 12
everywhere. The group is the harmful instruction (the first of those that are equal). One harmful file alone works too,
with the option `harmless`.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Int

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Chosen, Licence, Option, Reader, choose_options
from polyvalues.data.readers.parsing.instruction_files import Instruction, read_instructions
from polyvalues.data.readers.parsing.length_matching import MATCHING_OPTIONS, describe_matching, match_lengths
from polyvalues.data.readers.parsing.line_alignment import Alignment, align
from polyvalues.data.readers.parsing.pair_rows import PairRow, assemble, concept_of, file_name, is_language, language_of
from polyvalues.data.readers.parsing.text_files import list_folder, nothing_in, source_path, unread
from polyvalues.errors import ReaderError, SpecError

_NAME: Final = "instructions"
_SPLITS: Final = ("train", "val", "test")
_OPTIONS: Final = (
    Option("split", "all", "Which files of a folder are read.", (*_SPLITS, "all")),
    Option("harmless", "", "File of harmless instructions, when the path is one file of harmful ones."),
    *MATCHING_OPTIONS,
)
_STEM: Final = re.compile(
    r"(?P<kind>harmful|harmless)_(?P<split>train|val|test)(?P<translated>_translated)?"
    r"(_(?P<language>[a-z]{2,3}(-[A-Za-z0-9]{2,8})*))?(_\d+_sampled)?"
)
_SUFFIXES: Final = (".json", ".jsonl", ".csv", ".txt")


class _Named(NamedTuple):
    kind: str
    split: str
    language: str
    translated: bool
    path: Path


class _Side(NamedTuple):
    """The instructions of one kind and split, by language, and which languages are aligned."""

    paths: Mapping[str, Path]
    texts: Mapping[str, Sequence[Instruction]]
    alignment: Alignment


def read(source: PairSource) -> PairSet:
    """Pairs of a harmless and a harmful instruction; aligned languages share their items.

    Raises:
        ReaderError: no file of the format, a file of another shape, or one that is not translated.
        SpecError: the path is one file and the option `harmless` is missing, or is given for a folder.
    """
    chosen = choose_options(_NAME, _OPTIONS, source)
    concept = concept_of(_NAME, source, "harmfulness")
    path = source_path(source)
    if path.is_dir():
        if chosen.text("harmless"):
            raise SpecError(
                f"{_NAME}:{source.path}: the option 'harmless' goes with one harmful file, not with a folder"
            )
        files, notes = _folder_files(path, chosen.text("split"))
        if source.language is not None and {file.language for file in files} != {source.language}:
            told = ", ".join(sorted({file.language for file in files}))
            raise SpecError(
                f"{_NAME}:{source.path}: the files say their languages themselves ({told}); leave language out"
            )
    else:
        files, notes = _two_files(source, path, chosen)
    rows: list[PairRow] = []
    for split in dict.fromkeys(file.split for file in files):
        sides = [
            _side([file for file in files if (file.split, file.kind) == (split, kind)])
            for kind in ("harmless", "harmful")
        ]
        found, said = _split_rows(split, sides, concept, chosen)
        rows += found
        notes += said
    return assemble(_NAME, path, rows, (), notes)


def _split_rows(
    split: str, sides: Sequence[_Side | None], concept: str, chosen: Chosen
) -> tuple[list[PairRow], list[str]]:
    """The pairs of one split in all languages."""
    harmless, harmful = sides
    if harmless is None or harmful is None:
        there = "harmful" if harmless is None else "harmless"
        return [], [f"{_NAME}, {split}: there are only {there} instructions; they are not used"]
    notes = [*harmful.alignment.notes, *harmless.alignment.notes]
    shared = [language for language in harmful.alignment.aligned if language in harmless.alignment.aligned]
    index: dict[str, np.ndarray] = {}
    if shared:
        scope = f"{split}, {shared[0]} (the same positions in {', '.join(shared)})"
        common, note = _match(scope, harmless.texts[shared[0]], harmful.texts[shared[0]], chosen)
        index = dict.fromkeys(shared, common)
        notes.append(note)
    rows: list[PairRow] = []
    for language in sorted({*harmful.texts, *harmless.texts}, key=lambda name: (name != "en", name)):
        there = [kind for kind, side in (("harmless", harmless), ("harmful", harmful)) if language in side.texts]
        if len(there) == 1:
            count = len((harmless if there == ["harmless"] else harmful).texts[language])
            notes.append(f"{_NAME}, {split}: {language} has {there[0]} instructions only; {count} are not used")
            continue
        if language not in index:
            scope = f"{split}, {language}"
            index[language], note = _match(scope, harmless.texts[language], harmful.texts[language], chosen)
            notes.append(note)
        prefix = f"{split}-" if language in shared else f"{language}:{split}-"
        rows += _language_rows((concept, language), prefix, (harmless, harmful), split, index[language])
    return rows, notes


def _match(
    scope: str, harmless: Sequence[Instruction], harmful: Sequence[Instruction], chosen: Chosen
) -> tuple[Int[np.ndarray, "pair side"], str]:
    """Positions of harmless and harmful instructions of about the same length, and a note."""
    lengths = [len(entry.text) for entry in harmless], [len(entry.text) for entry in harmful]
    ratio, seed = chosen.number("max_length_ratio"), chosen.integer("seed")
    index = match_lengths(lengths, ([""] * len(harmless), [""] * len(harmful)), ratio, seed)
    return index, describe_matching(f"{_NAME}, {scope}", lengths, index, ratio, seed)


def _language_rows(
    names: tuple[str, str], prefix: str, sides: tuple[_Side, _Side], split: str, index: Int[np.ndarray, "pair side"]
) -> list[PairRow]:
    """The pairs of one language."""
    language = names[1]
    harmless, harmful = (side.texts[language] for side in sides)
    files = "+".join(file_name(side.paths[language]) for side in sides)
    groups = _groups(split, language, sides[1])
    return [
        PairRow(
            *names,
            item=f"{prefix}{first + 1}+{second + 1}",
            positive=harmless[first].text,
            negative=harmful[second].text,
            file=sides[1].paths[language],
            line=harmful[second].line,
            group=groups[second],
            category=harmful[second].category,
            files=files,
        )
        for first, second in index.tolist()
    ]


def _groups(split: str, language: str, harmful: _Side) -> list[str]:
    """One group per harmful instruction: the first with the same text, in the reference language where aligned."""
    aligned = language in harmful.alignment.aligned
    texts = harmful.texts[harmful.alignment.reference if aligned else language]
    first = {entry.text: at for at, entry in reversed(list(enumerate(texts, start=1)))}
    prefix = "" if aligned else f"{language}:"
    return [f"{prefix}{split}-{first[entry.text]}" for entry in texts]


def _side(files: Sequence[_Named]) -> _Side | None:
    """Read the files of one kind and split."""
    if not files:
        return None
    texts = {file.language: read_instructions(file.path) for file in files}
    if "en" in texts:
        # English texts are their own originals
        texts["en"] = [entry._replace(original=entry.original or entry.text) for entry in texts["en"]]
        _refuse_untranslated(files, texts)
    what = f"{_NAME}, {files[0].kind} {files[0].split}"
    return _Side({file.language: file.path for file in files}, texts, align(what, texts))


def _refuse_untranslated(files: Sequence[_Named], texts: Mapping[str, Sequence[Instruction]]) -> None:
    """Refuse a file of another language that holds the English texts."""
    english = {entry.text for entry in texts["en"]}
    for file in files:
        entries = texts[file.language]
        if file.language == "en" or not entries:
            continue
        same = sum(entry.text in english for entry in entries)
        if 2 * same > len(entries):
            expected = f"instructions in {file.language!r}; {same} of {len(entries)} are the English ones"
            raise ReaderError(file.path, expected)


def _folder_files(path: Path, split: str) -> tuple[list[_Named], list[str]]:
    """One file per kind, split and language, and notes on what else is there."""
    entries = list_folder(path)
    inner = [entry for folder in entries if folder.is_dir() for entry in list_folder(folder)]
    found: list[_Named] = []
    left: list[Path] = []
    for entry in (*(entry for entry in entries if not entry.is_dir()), *inner):
        match = _STEM.fullmatch(entry.stem)
        language = (match["language"] or "en") if match else ""
        if match and entry.suffix in _SUFFIXES and entry.is_file() and is_language(language):
            found.append(_Named(match["kind"], match["split"], language, bool(match["translated"]), entry))
        else:
            left.append(entry)
    if not found:
        raise nothing_in(path, "files such as harmful_train_translated_es.json and harmless_train_translated_es.json")
    kept: dict[tuple[str, str, str], _Named] = {}
    for file in sorted(found, key=lambda file: not file.translated):
        earlier = kept.setdefault((file.kind, file.split, file.language), file)
        if earlier is not file:
            left.append(file.path)
    chosen = [file for file in kept.values() if split in ("all", file.split)]
    if not chosen:
        raise nothing_in(path, f"files of the split {split!r}")
    left += [file.path for file in kept.values() if file not in chosen]
    chosen.sort(key=lambda file: (_SPLITS.index(file.split), file.kind, file.language != "en", file.language))
    return chosen, list(unread(_NAME, path, left))


def _two_files(source: PairSource, path: Path, chosen: Chosen) -> tuple[list[_Named], list[str]]:
    """One harmful file and the harmless one that the option names."""
    if "split" in chosen.given:
        raise SpecError(f"{_NAME}:{source.path}: the option 'split' chooses among the files of a folder; leave it out")
    if not chosen.text("harmless"):
        raise SpecError(
            f"{_NAME}:{source.path}: one file holds one kind of instruction; give the folder, or the harmless file "
            f"with the option 'harmless', e.g. {_NAME}:FILE?harmless=FILE"
        )
    match = _STEM.fullmatch(path.stem)
    language = language_of(_NAME, source, match["language"] if match else None)
    split = match["split"] if match else "file"
    files = [
        _Named("harmless", split, language, False, Path(chosen.text("harmless")).expanduser()),
        _Named("harmful", split, language, False, path),
    ]
    note = (
        f"{_NAME}: a single file shows no alignment, so its items are its own; give the folder of all languages "
        f"for items "
        "that they share"
    )
    return files, [note]


READER: Final = Reader(
    name=_NAME,
    title="Harmful and harmless instructions in several languages, as PolyRefuse has them (JSON)",
    concept="harmfulness",
    languages=None,
    obtain=(
        "PolyRefuse of Wang et al. (2025), 'Refusal Direction is Universal Across Safety-Aligned Languages': folder "
        "PolyRefuse of the paper's GitHub repository. Apache-2.0."
    ),
    options=_OPTIONS,
    read=read,
    licence=(Licence("Apache-2.0", "file LICENSE in the folder PolyRefuse of the paper's repository on GitHub"),),
)
