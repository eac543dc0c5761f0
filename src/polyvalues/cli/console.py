"""What the command line shows: progress bars, tables and findings in words, on rich consoles."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

import polyvalues as pv
from polyvalues.models.presets import find_preset

OUT: Final = Console(width=None if sys.stdout.isatty() else 160)
ERR: Final = Console(stderr=True)
_WARNINGS_SHOWN: Final = 5


class BarProgress:
    """Progress of the line on a rich bar."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task = bar.add_task("preparing", total=None)

    def start(self, texts: int) -> None:
        """So many texts in all; 0: not known."""
        self._bar.update(self._task, total=texts or None)

    def unit(self, label: str, texts: int, stored: bool) -> None:
        """A unit begins, or was stored."""
        self._bar.update(self._task, description=label, advance=texts if stored else 0)

    def advance(self, texts: int) -> None:
        """So many texts were read."""
        self._bar.advance(self._task, texts)


@contextmanager
def progress_bar(unit: str = "texts") -> Iterator[BarProgress]:
    """A bar on standard error while the block runs; `unit` is what it counts."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit))
    with Bar(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=ERR, transient=True) as bar:
        yield BarProgress(bar)


def own_recognition(study: Any) -> None:
    """How well each language's vector recognises each concept in that language; dim where it may be chance."""
    accuracy = study.findings.recognition["chosen"]
    concepts, languages = accuracy["concept"].values.tolist(), accuracy["target"].values.tolist()
    preset = find_preset(study.spec.model.preset or study.spec.model.id)
    shares = preset.shares if preset else {}
    OUT.print("Own-language recognition (0.5 is chance; dim: its interval reaches chance)", style="italic")
    table = Table("", box=None)
    if shares:
        table.add_column("% of training", justify="right")
    for concept in concepts:
        table.add_column(escape(concept), justify="right", overflow="fold")
    for language in languages:
        cells = []
        for concept in concepts:
            value, lower = (
                float(accuracy.sel(concept=concept, source=language, target=language, interval=bound))
                for bound in ("estimate", "lower")
            )
            cells.append(f"{value:.2f}" if lower > 0.5 else f"[dim]{value:.2f}[/dim]")
        share = [f"{shares[language]:g}" if language in shares else ""] if shares else []
        table.add_row(escape(language), *share, *cells)
    OUT.print(table)


def show_tables(study: Any) -> None:
    """The key tables: headline numbers by concept, chosen layers, own-language recognition, what was tested."""
    overview = study.findings.overview["value"]
    kind = study.spec.protocol
    OUT.print(
        f"{escape(study.model.get('name', ''))}, {kind} protocol: means over languages, intervals over items",
        style="italic",
    )
    table = Table("", box=None)
    for concept in overview["concept"].values.tolist():
        table.add_column(escape(concept), justify="right", overflow="fold")
    for quantity in overview["quantity"].values.tolist():
        cells = [_cell(overview.sel(quantity=quantity, concept=name)) for name in overview["concept"].values]
        table.add_row(escape(quantity), *cells)
    if kind == "strict":
        layers = study.findings.recognition["chosen_layer"]
        measured = layers["concept"].values.tolist()  # the mean over concepts has no layer
        names = overview["concept"].values.tolist()
        own = [str(int(layers.sel(concept=name))) if name in measured else "" for name in names]
        table.add_row("chosen layer", *own)
    OUT.print(table)
    own_recognition(study)


def _cell(value: Any) -> str:
    """An estimate, and its interval where there is one."""
    estimate, lower, upper = (float(value.sel(interval=bound)) for bound in ("estimate", "lower", "upper"))
    if estimate != estimate:
        return ""
    return f"{estimate:.2f}" if lower != lower else f"{estimate:.2f} [dim]{lower:.2f} {upper:.2f}[/dim]"


def summarise(study: Any) -> None:
    """Key findings in words, and where to read on."""
    for sentence in pv.findings_in_words(study):
        OUT.print(f"- {escape(sentence)}", highlight=False)
    warnings = study.findings.warnings
    for warning in warnings[:_WARNINGS_SHOWN]:
        OUT.print(f"! {escape(warning)}", highlight=False)
    if len(warnings) > _WARNINGS_SHOWN:
        OUT.print(f"! and {len(warnings) - _WARNINGS_SHOWN} more warnings, in the report under Data", highlight=False)
    OUT.print(f"report: {escape(str(study.folder / 'report.html'))}", highlight=False, soft_wrap=True)
