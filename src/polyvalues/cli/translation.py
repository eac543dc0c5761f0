"""The commands on translations: `translate`, `pairs quality`, `pairs build mvalue`, `languages`."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

import polyvalues as pv
from polyvalues.cli.console import OUT, progress_bar
from polyvalues.cli.options import flags_of, merge, with_flags
from polyvalues.config.mvalue import MvalueSpec
from polyvalues.config.toml import read_toml
from polyvalues.config.translation import QualitySpec, TranslateSpec
from polyvalues.errors import SpecError

_NOTES_SHOWN: Final = 10
_QUALITY: Final = flags_of(QualitySpec)
_TRANSLATE: Final = flags_of(TranslateSpec)
_MVALUE: Final = flags_of(MvalueSpec)
_MVALUE_TRANSLATE: Final = tuple(flag for flag in _TRANSLATE if flag.field != "source")


@with_flags(_TRANSLATE)
def translate_command(
    pairs: Annotated[list[str], typer.Argument(help="NAME:PATH, a Parquet file, or mosaic.")],
    out: Annotated[Path, typer.Option(help="Folder for pairs, quality, card and memory.")] = Path("out/translated"),
    settings_file: Annotated[Path | None, typer.Option("--settings", help="TOML; flags override it.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what there is to do and what it will take, and stop.")] = False,
    *,
    settings: dict[str, Any],
) -> None:
    """Translate pairs into other languages, measure every text, and write a data card. Run it again to go on."""
    base = read_toml(settings_file) if settings_file else {}
    spec = pv.build(TranslateSpec, merge(base, settings, _TRANSLATE), origin=str(settings_file or ""))
    read = pv.read_pairs([pair_source(text) for text in pairs])
    with pv.translation_job(read, spec, out) as job:
        _show_volumes(job)
        if dry_run:
            return
        _translate(job)
        done = job.finish()
    _show_done(done)


@with_flags((*_MVALUE, *_MVALUE_TRANSLATE))
def build_mvalue_command(
    out: Annotated[Path, typer.Option(help="Folder for pairs, quality, card and memory.")] = Path("out/mvalue"),
    settings_file: Annotated[Path | None, typer.Option("--settings", help="TOML; flags override it.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what there is to do and what it will take, and stop.")] = False,
    *,
    settings: dict[str, Any],
) -> None:
    """Build MVALUE anew: 7 concepts from their original sources, translated (into the paper's 15 other languages where
    --to says nothing else), measured, with a data card. Run it again to go on.
    """
    base = read_toml(settings_file) if settings_file else {}
    origin = str(settings_file or "")
    own = base.pop("translate", {})
    if not isinstance(own, dict):
        raise SpecError(f"{origin}: translate: expected a table of the translation's settings, got {own!r}")
    spec = pv.build(MvalueSpec, merge(base, settings, _MVALUE), origin=origin)
    wanted = merge({"to": pv.MVALUE_TARGETS} | own, settings, _MVALUE_TRANSLATE)
    translation = pv.build(TranslateSpec, wanted, origin=origin)
    english = pv.build_english(spec)
    _show_recipe(english)
    with pv.mvalue_job(spec, english, translation, out) as job:
        _show_volumes(job)
        if dry_run:
            return
        _translate(job)
        done = pv.finish_mvalue(spec, english, job)
    _show_done(done)


def _show_recipe(english: Any) -> None:
    """What became of the sources, by concept."""
    table = Table("concept", "read", "left out", "usable", "groups", "asked", "taken", "reasons", box=None)
    for one in english.accounts:
        reasons = ", ".join(f"{reason} {count}" for reason, count in one.left_out.items())
        counts = (one.pairs, sum(one.left_out.values()), one.usable, one.groups, one.asked, one.taken)
        table.add_row(one.concept, *(f"{count:,}" for count in counts), escape(reasons))
    OUT.print(table)
    for one in english.accounts:
        if one.taken < one.asked:
            more = f" (another {one.spare:,} with a larger --max-per-group)" if one.spare else ""
            OUT.print(f"! {one.concept}: {one.taken} pairs of {one.asked} asked for: there are no more{more}")


def _translate(job: Any) -> None:
    """Translate, and back where that is asked for, with progress."""
    with progress_bar() as bar:
        job.run(bar)
    if job.spec.round_trip:
        with progress_bar("texts back") as bar:
            job.back(bar)


def _show_done(done: Any) -> None:
    """What a finished translation is like, and where it is."""
    if done.quality is not None:
        show_quality(done.quality)
    for note in done.notes if done.quality is None else done.notes[: len(done.notes) - len(done.quality.notes)]:
        OUT.print(f"! {escape(note)}", highlight=False)
    for tag, missing in done.missing.items():
        if missing:
            OUT.print(f"! {escape(tag)}: {missing} pairs are not translated", highlight=False)
    said = ", ".join(f"{name} {value:g}" for name, value in done.usage.items() if value is not None)
    OUT.print(f"asked {done.counts['asked']}, remembered {done.counts['remembered']}; {said}", highlight=False)
    where = [escape(str(done.folder / name)) for name in ("pairs.parquet", "CARD.md")]
    OUT.print(f"pairs: {where[0]}, card: {where[1]}", highlight=False)


def _show_volumes(job: Any) -> None:
    """What there is to do, by language, and what it will take."""
    table = Table("to", "pairs", "texts", "known", "to translate", "characters", box=None)
    for one in job.volumes():
        left = one.requests - one.known
        table.add_row(one.target, *(f"{n:,}" for n in (one.pairs, one.requests, one.known, left, one.characters)))
    OUT.print(table)
    expected = job.estimate()
    if expected is not None:
        price = "no price given" if expected.cost is None else f"cost about {expected.cost:,.2f}"
        OUT.print(
            f"about {expected.requests:,} requests, {expected.sent:,} tokens sent, {expected.received:,} received; "
            f"{price}; {_duration(expected.seconds)}",
            highlight=False,
        )
    elif (rate := job.rate()) is not None:
        seconds = sum(one.characters for one in job.volumes()) / rate
        OUT.print(f"{rate:,.0f} characters a second in a first batch: {_duration(seconds)}", highlight=False)


def _duration(seconds: float) -> str:
    return f"about {seconds / 60:,.0f} minutes" if seconds >= 90 else f"about {seconds:.0f} seconds"


def languages_command(
    words: Annotated[
        list[str] | None, typer.Argument(help="Show those whose tag, name or code has one of these.")
    ] = None,
) -> None:
    """The languages of FLORES-200: tags, names, scripts, codes, and what can be measured of them."""
    table = Table("tag", "name", "script", "family", "FLORES-200", "identified", "distances", box=None)
    asked = [word.casefold() for word in words or ()]
    for one in pv.known_languages():
        if asked and not any(word in f"{one.tag} {one.name} {one.code}".casefold() for word in asked):
            continue
        identified = "yes" if one.identified else ""
        cells = (one.tag, one.name, one.script, one.family, one.code, identified, str(len(one.distances)))
        table.add_row(*map(escape, cells))
    OUT.print(table)


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
