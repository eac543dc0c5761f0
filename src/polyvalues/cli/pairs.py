"""Commands on text pairs: list the formats, convert, check, show, build, rate."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

import polyvalues as pv
from polyvalues.cli.console import OUT
from polyvalues.cli.translation import build_mvalue_command, pair_source, quality_command

pairs_app = typer.Typer(help="Text pairs: list formats, convert, check, look.", no_args_is_help=True)
pairs_app.command("quality")(quality_command)
build_app = typer.Typer(help="Pairs from original sources, by a recipe.", no_args_is_help=True)
build_app.command("mvalue")(build_mvalue_command)
build_app.callback()(lambda: None)  # or the only command would need no name
pairs_app.add_typer(build_app, name="build")


@pairs_app.command("readers")
def readers() -> None:
    """List the source formats, and where to obtain the data."""
    for reader in pv.READERS.values():
        OUT.print(f"[bold]{reader.name}[/bold]  {escape(reader.title)}")
        OUT.print(f"    {escape(reader.obtain)}", highlight=False)
        for option in reader.options:
            OUT.print(f"    ?{option.name}={escape(str(option.default))}  {escape(option.help)}", highlight=False)


@pairs_app.command("import")
def import_pairs(
    reader: Annotated[str, typer.Argument(help="Name of a source format (see `pairs readers`).")],
    paths: Annotated[list[str], typer.Argument(help="Files or folders; `?key=value` options as for --pairs.")],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
    concept: Annotated[str | None, typer.Option(help="Replaces the source's own concept.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of a source that does not say it.")] = None,
) -> None:
    """Convert sources to one Parquet file that the reader `table` reads."""
    given = {"concept": concept, "language": language}
    sources = [parsed_source(f"{reader}:{path}", given) for path in paths]
    pairs = pv.read_pairs(sources)
    pv.write_pairs(pairs, out)
    OUT.print(f"{pairs.table.num_rows} pairs -> {escape(str(out))}")
    for note in pairs.notes:
        OUT.print(f"note: {escape(note)}", highlight=False)


@pairs_app.command("check")
def check(
    pairs: Annotated[list[str], typer.Argument(help="NAME:PATH, or a Parquet file.")],
    languages: Annotated[str | None, typer.Option(help="Comma-separated; these only.")] = None,
    align: Annotated[bool, typer.Option(help="Drop items that some language lacks.")] = True,
) -> None:
    """Report pairs kept and dropped, with the reasons, and the balance of the two sides."""
    chosen = None if languages is None else languages.split(",")
    spec = pv.build(pv.CheckSpec, {"languages": chosen, "align": align})
    checked = pv.check_pairs(pv.read_pairs([parsed_source(text, {}) for text in pairs]), spec)
    table = Table("concept", "language", "kept", "groups", "dropped", "mended", "reasons", box=None)
    for name in ("chars +", "chars -", "+ longer"):
        table.add_column(name, justify="right")
    for row in pv.summarise_pairs(checked).to_pylist():
        lengths = (f"{row['characters_positive']:.1f}", f"{row['characters_negative']:.1f}")
        counts = (str(row[name]) for name in ("kept", "groups", "dropped", "mended"))
        table.add_row(
            row["concept"], row["language"], *counts, row["reasons"], *lengths, f"{row['positive_longer']:.0%}"
        )
    OUT.print(table)
    grouped, related = pv.related_items(checked, pv.SplitSpec().folds)
    if related.num_rows:
        table = Table("concept", "item", "other", "kind", "cosine", title="items that share a fold", box=None)
        for row in related.to_pylist():
            table.add_row(
                row["concept"], escape(row["item"]), escape(row["other"]), row["kind"], f"{row['cosine']:.2f}"
            )
        OUT.print(table)
    for note in grouped.notes:
        OUT.print(f"note: {escape(note)}", highlight=False)


@pairs_app.command("show")
def show(
    pairs: Annotated[list[str], typer.Argument(help="NAME:PATH, or a Parquet file.")],
    concept: Annotated[str | None, typer.Option(help="This concept only.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many items per concept.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Which ones.")] = 0,
) -> None:
    """Show some pairs, all languages side by side."""
    read = pv.read_pairs([parsed_source(text, {}) for text in pairs])
    found = dict.fromkeys(read.table["concept"].to_pylist())
    for name in found if concept is None else [concept]:
        for sample in pv.sample_pairs(read, name, n, seed):
            table = Table(
                "", "positive", "negative", title=escape(f"{name} {sample.item} {sample.category}"), show_lines=True
            )
            for version in sample.versions:
                sides = (escape(version.prefix + side) for side in (version.positive, version.negative))
                table.add_row(escape(version.language), *sides)
            OUT.print(table)


def parsed_source(text: str, given: dict[str, str | None]) -> Any:
    """A source from NAME:PATH, or from the path of a Parquet file that `pairs import` wrote."""
    chosen = {key: value for key, value in given.items() if value}
    return pv.build(pv.PairSource, pair_source(text).model_dump() | chosen)
