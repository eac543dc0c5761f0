"""StereoSet: clusters of a stereotype, an anti-stereotype and an unrelated sentence.

Format: JSON `{"data": {"intrasentence": [...], "intersentence": [...]}}` of clusters `{id, target, bias_type, context,
sentences: [{sentence, gold_label}]}`. Positive is the anti-stereotype, negative the stereotype; `unrelated` is not
used. Intersentence: the prefix is the context and a space. The item is the cluster's id, which translations share; the
category its bias type. A cluster that lacks one of the two sentences is dropped as `unmatched`; one that has two of a
kind is refused. The path is a file, or a folder with one folder per language (`en/`, `pt/`). The language of a file
alone is the one given, else what its folder is called, else English if it has the name of an original file
(`dev.json`, `test.json`).
"""

from pathlib import Path
from typing import Any, Final

from polyvalues.artifacts import PairSet
from polyvalues.config import PairSource
from polyvalues.data.readers.base import Licence, Option, Reader, choose_options
from polyvalues.data.readers.parsing.column_mapping import id_text
from polyvalues.data.readers.parsing.language_from_path import language_folders, language_of_name
from polyvalues.data.readers.parsing.pair_rows import DropRow, PairRow, agree, assemble, concept_of, language_of
from polyvalues.data.readers.parsing.text_files import Record, json_document, kind, source_path
from polyvalues.errors import ReaderError

_NAME: Final = "stereoset"
_PARTS: Final = ("intrasentence", "intersentence")
_OPTIONS: Final = (Option("part", "both", "Which of the two tests is read.", (*_PARTS, "both")),)
_LABELS: Final = ("anti-stereotype", "stereotype", "unrelated")
_ORIGINALS: Final = ("dev.json", "test.json")


def read(source: PairSource) -> PairSet:
    """Pairs of an anti-stereotypical and a stereotypical sentence.

    Raises:
        ReaderError: the file has another shape, or a label is unknown.
        SpecError: nothing tells the language of a file, or `language` contradicts it.
    """
    part = choose_options(_NAME, _OPTIONS, source).text("part")
    concept = concept_of(_NAME, source, "fairness")
    path = source_path(source)
    if path.is_dir():
        folders, notes = language_folders(_NAME, path, (".json",))
    else:
        folders, notes = [(None, [path])], []
    rows: list[PairRow] = []
    drops: list[DropRow] = []
    for told, files in folders:
        for file in files:
            names = concept, _language(source, told, file)
            for section in _PARTS if part == "both" else (part,):
                found, dropped = _section_rows(_clusters(file, section), names, section)
                rows += found
                drops += dropped
    return assemble(_NAME, path, rows, drops, notes)


def _language(source: PairSource, told: str | None, file: Path) -> str:
    if told is not None:
        agree(_NAME, source, "language", [told])
    fallback = language_of_name(file.absolute().parent.name) or ("en" if file.name in _ORIGINALS else None)
    return language_of(_NAME, source, told or fallback)


def _clusters(path: Path, section: str) -> list[Record]:
    document = json_document(path)
    data = document.get("data") if isinstance(document, dict) else None
    clusters = data.get(section) if isinstance(data, dict) else None
    if not isinstance(clusters, list):
        got = "it is missing" if clusters is None else f"got {kind(clusters)}"
        raise ReaderError(path, f"a list of clusters; {got}", field=f"data.{section}")
    for number, cluster in enumerate(clusters, start=1):
        if not isinstance(cluster, dict):
            raise ReaderError(path, f"an object, got {kind(cluster)}", line=number, field=f"data.{section}")
    return [Record(path, number, cluster) for number, cluster in enumerate(clusters, start=1)]


def _section_rows(clusters: list[Record], names: tuple[str, str], section: str) -> tuple[list[PairRow], list[DropRow]]:
    rows: list[PairRow] = []
    drops: list[DropRow] = []
    for cluster in clusters:
        item, sentences = id_text(cluster, "id"), _sentences(cluster)
        missing = [label for label in _LABELS[:2] if label not in sentences]
        if missing:
            detail = f"{cluster.path.name}, {section} {cluster.line}: no sentence is labelled {' or '.join(missing)}"
            drops.append(DropRow(*names, item, "unmatched", detail))
            continue
        context = cluster.text("context") if section == "intersentence" else ""
        rows.append(
            PairRow(
                *names,
                item=item,
                positive=sentences["anti-stereotype"],
                negative=sentences["stereotype"],
                file=cluster.path,
                line=cluster.line,
                prefix=context if not context or context[-1].isspace() else f"{context} ",
                category=cluster.text("bias_type") if "bias_type" in cluster.values else "",
            )
        )
    return rows, drops


def _sentences(cluster: Record) -> dict[str, str]:
    """The sentence of each label."""
    entries: Any = cluster.values.get("sentences")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ReaderError(cluster.path, "a list of {sentence, gold_label}", line=cluster.line, field="sentences")
    found: dict[str, str] = {}
    for entry in entries:
        record = Record(cluster.path, cluster.line, entry)
        label = record.text("gold_label")
        if label not in _LABELS:
            expected = f"one of {', '.join(_LABELS)}, got {label!r:.40}"
            raise ReaderError(cluster.path, expected, line=cluster.line, field="gold_label")
        if label in found:
            raise ReaderError(
                cluster.path, f"one sentence per label, got two {label!r}", line=cluster.line, field="sentences"
            )
        found[label] = record.text("sentence")
    return found


READER: Final = Reader(
    name=_NAME,
    title="StereoSet and its translations (JSON)",
    concept="fairness",
    languages=None,
    obtain=(
        "StereoSet of Nadeem, Bethke and Reddy (2021): repository moinnadeem/StereoSet on GitHub (data/dev.json). "
        "CC BY-SA 4.0. Translations of the same file go into one folder per language."
    ),
    options=_OPTIONS,
    read=read,
    licence=(Licence("CC-BY-SA-4.0", "repository moinnadeem/StereoSet on GitHub"),),
    citation=(
        "Nadeem, Bethke and Reddy (2021). StereoSet: Measuring stereotypical bias in pretrained language models. ACL. "
        "arXiv 2004.09456."
    ),
)
