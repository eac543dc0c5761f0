"""The commands on a finished study: `divergence`, `noise`, `quality`, `mistakes`."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape
from rich.table import Table

import polyvalues as pv
from polyvalues.cli.console import OUT, progress_bar
from polyvalues.dimensions import DAMAGE_KINDS
from polyvalues.errors import SpecError

_QUALITY: Final = (
    "Folder of `translate` or `pairs quality`, or CSV or TSV with concept, language, item, quality (larger is better)."
)


def divergence_command(
    study: Annotated[Path, typer.Argument(help="The folder of a finished study.")],
    source: Annotated[str | None, typer.Option(help="Language to compare with; default: en, else the first.")] = None,
    quality: Annotated[Path | None, typer.Option(help=_QUALITY)] = None,
) -> None:
    """Items that single languages judge otherwise: candidates, to be read by people who speak the language."""
    opened = pv.load_study(study)
    found = pv.find_divergence(opened, source=source, rated=pv.read_quality(quality) if quality else None)
    statuses = found.table["status"].to_pylist()
    table = Table("status", "cells", box=None)
    for status in ("candidate", "doubtful", "bad item", "no sign", "cannot tell"):
        table.add_row(status, str(statuses.count(status)))
    OUT.print(table)
    for row in found.categories.to_pylist():
        if row["q"] <= 0.05:
            OUT.print(
                f"- {row['concept']} in {row['target']}: candidates gather in {escape(row['category'])} "
                f"({row['candidates']} of {row['items']}, q = {row['q']:.2g})",
                highlight=False,
            )
    OUT.print("Candidates only: to be read by people who speak the language.", highlight=False)
    OUT.print(f"page: {escape(str(opened.folder / 'divergence.html'))}", highlight=False, soft_wrap=True)


def noise_command(
    study: Annotated[Path, typer.Argument(help="The folder of a finished study.")],
    kinds: Annotated[str, typer.Option(help="Comma-separated: drop, swap, replace, characters.")] = ",".join(
        DAMAGE_KINDS
    ),
    doses: Annotated[str, typer.Option(help="Comma-separated shares of words damaged, up to 0.5.")] = "0.1,0.25,0.5",
    seed: Annotated[int, typer.Option(min=0, help="Of the damage.")] = 0,
    quality: Annotated[Path | None, typer.Option(help=_QUALITY)] = None,
) -> None:
    """Damage the tested texts by known amounts: how much is lost, and when does a conclusion change?"""
    opened = pv.load_study(study)
    rated = pv.read_quality(quality) if quality else None
    damage = pv.Damage(listed(kinds), tuple(_share(dose) for dose in listed(doses)), seed)
    with progress_bar() as bar:
        found, notes = pv.measure_noise(opened, damage, bar)
    table = Table("damage", "dose", "own-language recognition", "change", "tau of the order", box=None)
    for kind, dose, own, change, tau in pv.noise_rows(found):
        table.add_row(kind, f"{dose:g}", f"{own:.3f}", f"{change:+.3f}", f"{tau:.2f}")
    OUT.print(table)
    for note in (*notes, *(pv.measure_quality(opened, rated).notes if rated is not None else ())):
        OUT.print(f"- {escape(note)}", highlight=False)
    OUT.print(f"tables: {escape(str(opened.folder / 'findings'))}/noise*.csv", highlight=False, soft_wrap=True)


def study_quality_command(
    study: Annotated[Path, typer.Argument(help="The folder of a finished study.")],
    quality: Annotated[Path | None, typer.Option(help=f"{_QUALITY} Default: measured from the texts alone.")] = None,
    source: Annotated[str, typer.Option(help="Language that the texts were translated from.")] = "en",
) -> None:
    """Hold a study against the measured quality of its translations; what changes without the flagged ones?"""
    opened = pv.load_study(study)
    rated = pv.rate_study(opened, source) if quality is None else pv.read_quality(quality)
    found = pv.measure_quality(opened, rated)
    table = Table("language", "pairs", "flagged", "quality", "why (texts)", box=None)
    for row in pv.summarise_rated(rated).to_pylist():
        flagged = f"{row['flagged']} ({row['flagged'] / row['pairs']:.1%})"
        table.add_row(
            escape(row["language"]), str(row["pairs"]), flagged, f"{row['quality']:.2f}", escape(row["reasons"])
        )
    OUT.print(table)
    for note in found.notes:
        OUT.print(f"- {escape(note)}", highlight=False)
    OUT.print(f"page: {escape(str(opened.folder / 'report.html'))}", highlight=False, soft_wrap=True)


def mistakes_command(
    study: Annotated[Path, typer.Argument(help="The folder of a finished study.")],
    model: Annotated[bool, typer.Option(help="Load the model for its final norm.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of random splits.")] = 0,
) -> None:
    """Strict against paper: what each known mistake in measuring does to the numbers of a study."""
    opened = pv.load_study(study)
    found = pv.measure_mistakes(opened, with_model=model, seed=seed)
    table = Table("mistake", "quantity", "right", "mistaken", "difference", "interval", "over", box=None)
    for row in found.rows:
        interval = f"{row.lower:+.3f} to {row.upper:+.3f}" if row.interval else ""
        gap = row.mistaken - row.right
        table.add_row(
            row.mistake, row.quantity, f"{row.right:.3f}", f"{row.mistaken:.3f}", f"{gap:+.3f}", interval, row.interval
        )
    OUT.print(table)
    for note in found.notes:
        OUT.print(f"! {escape(note)}", highlight=False)
    OUT.print(f"table: {escape(str(opened.folder / 'findings/mistakes.csv'))}", highlight=False, soft_wrap=True)


def listed(text: str) -> tuple[str, ...]:
    """The parts of a comma-separated option."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SpecError(f"--doses: {text!r} is not a number") from None
