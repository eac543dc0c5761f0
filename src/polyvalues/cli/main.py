"""The command line: one thin command per stage.

Flags of `polyvalues run` are generated from the settings in `polyvalues.config`, so what `--help` says is what is
validated. Errors that polyvalues foresees are printed as one message on standard error, with exit status 2.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.logging import RichHandler
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

import polyvalues as pv
from polyvalues.cli.console import ERR, OUT, own_recognition, progress_bar, show_tables, summarise
from polyvalues.cli.experiments import (
    divergence_command,
    listed,
    mistakes_command,
    noise_command,
    study_quality_command,
)
from polyvalues.cli.options import FLAGS, flags_of, merge, with_flags, with_settings
from polyvalues.cli.pairs import pairs_app, parsed_source
from polyvalues.cli.steering import control_command, steer_command, vectors_app
from polyvalues.cli.translation import (
    languages_command,
    translate_command,
)
from polyvalues.config import EMBEDDED_MODEL, EngineSpec, StudySpec
from polyvalues.errors import PolyvaluesError, SpecError

app = typer.Typer(
    name="polyvalues",
    help="Find, measure and steer multilingual value concepts in language models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(pairs_app, name="pairs")
app.add_typer(vectors_app, name="vectors")
app.command("divergence")(divergence_command)
app.command("noise")(noise_command)
app.command("quality")(study_quality_command)
app.command("mistakes")(mistakes_command)
app.command("control")(control_command)
app.command("steer")(steer_command)
app.command("translate")(translate_command)
app.command("languages")(languages_command)


_ENGINE: Final = flags_of(EngineSpec)


# --- commands --------------------------------------------------------------------------------------------------------


@app.command()
@with_flags((*FLAGS, *_ENGINE))
def run(
    study: Annotated[Path | None, typer.Argument(help="A study.toml; flags override what it says.")] = None,
    pairs: Annotated[list[str] | None, typer.Option(help="NAME:PATH, may be repeated; default: mosaic.")] = None,
    out: Annotated[str | None, typer.Option(help="The study's folder.")] = None,
    protocol: Annotated[str | None, typer.Option(help="strict, or paper (for comparison with its figures).")] = None,
    *,
    settings: dict[str, Any],
) -> None:
    """Run a study: pairs, vectors, scores, findings, report. Run it again to go on where it stopped."""
    spec = _study_spec(study, pairs, {"out": out, "protocol": protocol}, settings)
    engine = pv.build(pv.EngineSpec, merge({}, settings, _ENGINE), origin="engine")
    if spec.model.tensor_parallel and pv.follow_study(spec):
        return
    with progress_bar() as bar:
        finished = pv.run_study(spec, bar, engine)
    if spec.protocol == "strict" and (rated := pv.quality_beside(finished)) is not None:
        pv.measure_quality(finished, rated)
    summarise(finished)


@app.command()
@with_settings
def demo(
    out: Annotated[str, typer.Option(help="The study's folder.")] = "out/demo",
    *,
    settings: dict[str, Any],
) -> None:
    """Run the whole line offline: babel, the small model in the package, on Mosaic, the data in the package."""
    spec = _study_spec(None, None, {"out": out}, {"model": EMBEDDED_MODEL} | settings)
    with progress_bar() as bar:
        finished = pv.run_study(spec, bar)
    own_recognition(finished)
    summarise(finished)


@app.command()
def report(
    study: Annotated[Path, typer.Argument(help="The folder of a finished study.")],
) -> None:
    """Write the tables, figures and the page of a finished study again; no model is loaded."""
    opened = pv.load_study(study)
    pv.write_report(opened)
    summarise(opened)


@app.command("show")
def show_command(
    study: Annotated[Path, typer.Argument(help="The folder of a finished study.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines: one JSON object.")] = False,
) -> None:
    """Print the key tables and findings of a finished study; no model is loaded and nothing is written."""
    opened = pv.load_study(study)
    if as_json:
        typer.echo(json.dumps(pv.glance(opened), ensure_ascii=False, allow_nan=False))
        return
    show_tables(opened)
    summarise(opened)


@app.command("compare")
def compare_command(
    studies: Annotated[list[Path], typer.Argument(help="Folders of finished studies, one per model.")],
    out: Annotated[Path, typer.Option(help="Folder for tables, figures and the page.")] = Path("out/compare"),
) -> None:
    """Several models at once: traits against training mixtures, paired differences, advice on the mixture."""
    found = pv.compare_studies([pv.load_study(folder) for folder in studies], out)
    for text in (*pv.difference_words(found), *(advice.text for advice in found.advice)):
        OUT.print(f"- {escape(text)}", highlight=False)
    for note in found.notes:
        OUT.print(f"! {escape(note)}", highlight=False)
    OUT.print(f"({escape(found.advice[0].caveat)})", highlight=False)
    OUT.print(f"page: {escape(str(out / 'compare.html'))}", highlight=False, soft_wrap=True)


@app.command("figures")
def figures_command(
    studies: Annotated[list[Path], typer.Argument(help="Folders of finished studies, one per model.")],
    style: Annotated[
        str, typer.Option(help="paper (two-column page, 8 point) or talk (16:9, large letters).")
    ] = "paper",
    out: Annotated[Path | None, typer.Option(help="Folder; default: figures/STYLE in the first study.")] = None,
    formats: Annotated[str, typer.Option("--format", help="Comma-separated: svg, pdf, png.")] = "svg,pdf,png",
    only: Annotated[str | None, typer.Option(help="Comma-separated numbers of figures and tables.")] = None,
) -> None:
    """The paper's figures 2, 4, 5, 7, 8 and tables 1, 2, 6 from finished studies; no model is loaded."""
    opened = [pv.load_study(folder) for folder in studies]
    made = pv.paper_set(opened, style, None if only is None else [_figure_number(part) for part in listed(only)])
    folder = out or opened[0].folder / "figures" / style
    for name in pv.write_paper_set(made, folder, listed(formats)):
        OUT.print(escape(str(folder / name)), highlight=False, soft_wrap=True)
    for words in made.missing:
        OUT.print(f"! {escape(words)}", highlight=False, soft_wrap=True)


@app.command("verify")
def verify_command(
    replications: Annotated[int, typer.Option(min=20, help="Of each simulation.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of everything.")] = 0,
    power: Annotated[bool, typer.Option(help="Power by number of pairs, too.")] = True,
    quick: Annotated[bool, typer.Option("--quick", help="Only quick simulations, 100 replications, no power.")] = False,
    out: Annotated[Path, typer.Option(help="The CSV file to write.")] = Path("out/verify.csv"),
) -> None:
    """Planted truth: do intervals cover, do tests keep their level, how many pairs are enough? No model is needed."""
    if quick:
        replications, power = 100, False
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=ERR, transient=True) as bar:
        task = bar.add_task("replications", total=pv.verify_steps(replications, with_power=power, quick=quick))
        found = list(pv.verify(replications, seed, lambda: bar.advance(task), with_power=power, quick=quick))
    pv.write_verified(found, out)
    for kind in ("coverage", "size"):
        table = Table(kind, "share", "its interval", "bias", "", box=None)
        for row in (row for row in found if row.kind == kind):
            bias = "" if kind == "size" else f"{row.bias:+.3f}"
            table.add_row(row.name, f"{row.share:.1%}", f"{row.lower:.1%} to {row.upper:.1%}", bias, row.verdict)
        OUT.print(table)
    if power:
        numbers = sorted({row.items for row in found if row.items})
        table = Table("power", *(f"{items} pairs" for items in numbers), box=None)
        for name in dict.fromkeys(row.name for row in found if row.kind == "power"):
            own = {row.items: row.share for row in found if row.name == name}
            table.add_row(name, *(f"{own[items]:.0%}" for items in numbers))
        OUT.print(table)
    OUT.print(f"table: {escape(str(out))}", highlight=False, soft_wrap=True)


@app.command()
def models() -> None:
    """List the model presets: ids, templates, dominant languages."""
    table = Table("name", "id", "template", "dominant", box=None)
    for preset in pv.PRESETS.values():
        table.add_row(escape(preset.name), escape(preset.id), escape(repr(preset.template)), " ".join(preset.dominant))
    OUT.print(table)


def _figure_number(text: str) -> int:
    if not text.isdecimal():
        raise SpecError(f"--only: {text!r} is not a number of a figure or table")
    return int(text)


# --- helpers ---------------------------------------------------------------------------------------------------------


def _study_spec(
    study: Path | None, pairs: list[str] | None, given: dict[str, Any], settings: dict[str, Any]
) -> StudySpec:
    base: dict[str, Any] = {}
    if study is not None:
        base = pv.load_study_spec(study).model_dump(mode="json", exclude_none=True)
    if pairs:
        base["pairs"] = [parsed_source(text, {}).model_dump() for text in pairs]
    base |= {key: value for key, value in given.items() if value is not None}
    merged = merge(base, settings)
    if "model" not in merged:
        raise SpecError("no model: give --model FOLDER_OR_ID, or a study.toml with a [model] table")
    return pv.build(StudySpec, merged)


def main() -> None:
    """Entry point: runs the command, prints foreseen errors as one message."""
    handler = RichHandler(console=ERR, show_time=False, show_path=False)
    logging.getLogger("polyvalues").addHandler(handler)
    try:
        app(standalone_mode=True)
    except PolyvaluesError as error:
        ERR.print(f"[bold red]error[/bold red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        ERR.print("interrupted; what was finished is kept: run the same command again to go on")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output (head, less) has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
