"""The commands on translations: `pairs quality`."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

import polyvalues as pv
from polyvalues.flags import flags_of, merge, with_flags
from polyvalues.terminal import OUT
from polyvalues.translation_specs import QualitySpec

_NOTES_SHOWN: Final = 10
_QUALITY: Final = flags_of(QualitySpec)


@with_flags(_QUALITY)
def quality_command(
    pairs: Annotated[list[str], typer.Argument(help="NAME:PATH, or a Parquet file; source and translations.")],
    out: Annotated[Path, typer.Option(help="Folder for the tables.")] = Path("out/quality"),
    kept: Annotated[Path | None, typer.Option(help="Parquet file for the pairs without flagged texts.")] = None,
    calibrate: Annotated[bool, typer.Option(help="Also plant damage, and count what is found.")] = False,
    *,
    settings: dict[str, Any],
) -> None:
    """Measure every translated text: language, script, length, copies, loops, numbers, sides, meaning."""
    spec = pv.build(QualitySpec, merge({}, settings, _QUALITY))
    read = pv.read_pairs([pair_source(text) for text in pairs])
    found = pv.rate_translations(read, spec, out)
    show_quality(found)
    if calibrate:
        rates = pv.calibrate_quality(read, spec.source)
        pv.Store(out).write("calibration.csv", pv.table_csv(rates))
        _show_rates(rates)
    if kept is not None:
        pv.write_pairs(pv.drop_flagged(read, found), kept)
    OUT.print(f"tables: {escape(str(out))}/quality.csv, texts.csv, summary.csv", highlight=False, soft_wrap=True)


def pair_source(text: str) -> Any:
    """A source from NAME:PATH, or from the path of a Parquet file that `pairs import` wrote."""
    bare = text.endswith(".parquet") and ":" not in text
    return pv.PairSource.parse(f"table:{text}" if bare else text)


def show_quality(found: Any) -> None:
    """What was found, by language."""
    table = Table("language", "texts", "flagged", "pairs kept", "quality", "after", "why", box=None)
    for row in pv.summarise_quality(found).to_pylist():
        table.add_row(
            escape(row["language"]),
            str(row["texts"]),
            f"{row['flagged']} ({row['flagged'] / row['texts']:.1%})",
            f"{row['pairs_kept']} of {row['pairs']}",
            f"{row['quality_before']:.3f}",
            f"{row['quality_after']:.3f}",
            escape(row["reasons"]),
        )
    OUT.print(table)
    for note in found.notes[:_NOTES_SHOWN]:
        OUT.print(f"! {escape(note)}", highlight=False)


def _show_rates(rates: Any) -> None:
    """Which share of planted damage was flagged, by kind and language."""
    rows = rates.to_pylist()
    languages = list(dict.fromkeys(row["language"] for row in rows))
    share = {(row["language"], row["damage"]): row["flagged"] / row["texts"] for row in rows}
    table = Table("flagged", *map(escape, languages), box=None)
    for kind in dict.fromkeys(row["damage"] for row in rows):
        cells = (f"{share[tag, kind]:.0%}" if (tag, kind) in share else "" for tag in languages)
        table.add_row("sound texts" if kind == "none" else kind, *cells)
    OUT.print(table)
