"""The commands that steer: `control`, `steer`, and `vectors` (export, import, bake)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

import polyvalues as pv
from polyvalues.cli.console import ERR, OUT, progress_bar
from polyvalues.cli.options import flags_of, merge, with_flags
from polyvalues.config import ChoiceSpec, ControlSpec, SteerSpec
from polyvalues.config.toml import read_toml
from polyvalues.dimensions import VECTOR_FORMATS
from polyvalues.errors import SpecError

vectors_app = typer.Typer(help="Vectors: export to other tools, import, bake into a model.", no_args_is_help=True)

_CONTROL: Final = flags_of(ControlSpec)
_CHOICE: Final = flags_of(ChoiceSpec)
_STEER: Final = flags_of(SteerSpec)
_NAMES: Final = ", ".join(VECTOR_FORMATS)

Study = Annotated[Path, typer.Argument(help="The folder of a finished study.")]
Engine = Annotated[str, typer.Option(help="What runs the model: local, or vllm.")]
Form = Annotated[str, typer.Option("--format", help=f"One of: {_NAMES}.")]


@with_flags(_CONTROL)
def control_command(
    study: Study,
    experiment: Annotated[Path | None, typer.Option(help="TOML with the settings below; flags override it.")] = None,
    openings: Annotated[Path | None, typer.Option(help="JSON: language -> {refuse: \\[], comply: \\[]}.")] = None,
    lexicon: Annotated[Path | None, typer.Option(help="JSON: language -> \\[words].")] = None,
    engine: Engine = "local",
    *,
    settings: dict[str, Any],
) -> None:
    """Steer every language with a vector from one, and measure what it does and costs."""
    spec = pv.build(
        ControlSpec,
        merge(read_toml(experiment) if experiment else {}, settings, _CONTROL),
        origin=str(experiment or ""),
    )
    opened = pv.load_study(study)
    with progress_bar("answers") as bar:
        found = pv.run_control(opened, spec, bar, words=pv.load_words(openings, lexicon), engine=_engine(engine))
    table = Table(*found.heads, box=None)
    for row in found.rows:
        table.add_row(*map(escape, row))
    OUT.print(table)
    for text in found.words:
        OUT.print(f"- {escape(text)}", highlight=False)
    for note in found.notes:
        OUT.print(f"! {escape(note)}", highlight=False)
    OUT.print(f"page: {escape(str(opened.folder / f'control_{spec.concept}.html'))}", highlight=False, soft_wrap=True)


@with_flags(_STEER)
def steer_command(
    model: Annotated[str, typer.Argument(help="Local folder or Hub id, or babel.")],
    vectors: Annotated[str, typer.Option(help="A study's folder; a file with --format.")],
    prompt: Annotated[list[str] | None, typer.Option(help="May be repeated; without, prompts are asked for.")] = None,
    engine: Engine = "local",
    *,
    settings: dict[str, Any],
) -> None:
    """Answer prompts with and without steering, side by side; without --prompt, they are asked for."""
    spec = pv.build(SteerSpec, merge({}, settings, _STEER))
    handle = pv.load_model(_engine(engine).model(pv.ModelSpec(id=model)), head=True)
    chosen = _vectors(vectors, spec, spec.format)
    chosen.check(handle, force=spec.force)
    condition = None
    if spec.conditional:
        condition = chosen.condition(chosen.concepts[0], chosen.sources[0], chosen.layers[-1])
    plan = chosen.plan(spec.strength, kind=spec.kind, positions=spec.positions, condition=condition)
    head = f"{chosen.concepts[0]} of {chosen.sources[0]}, strength {spec.strength:g}"
    for text in iter(prompt) if prompt else _questions():
        (plain,), (steered,) = (pv.generate(handle, [text], spec.generation, plan=own) for own in (None, plan))
        table = Table("unsteered", escape(head), title=escape(text))
        table.add_row(escape(plain.text), escape(steered.text))
        OUT.print(table)


@vectors_app.command("export")
@with_flags(_CHOICE)
def export_command(
    study: Study,
    form: Form,
    out: Annotated[Path, typer.Option(help="File or folder to write, as the format has it.")],
    push: Annotated[str | None, typer.Option(help="Also upload a hub folder to this repository.")] = None,
    *,
    settings: dict[str, Any],
) -> None:
    """Write a study's vectors in another tool's format; hub: all that is not narrowed, else one concept and source."""
    if push is not None and form != "hub":
        raise SpecError("--push uploads hub folders only: --format hub")
    spec = pv.build(ChoiceSpec, merge({}, settings, _CHOICE))
    if form == "hub":
        whole = pv.steering_vectors(pv.load_study(study), [spec.concept] if "concept" in settings else None)
        chosen = whole.sel(language=spec.source, layer=spec.layers)
    else:
        chosen = _vectors(str(study), spec, None)
    pv.export_vectors(chosen, out, form, spec.strength)
    OUT.print(f"vectors: {escape(str(out))}", highlight=False, soft_wrap=True)
    if push is not None:
        OUT.print(f"uploaded: {escape(pv.push_hub(out, push))}", highlight=False, soft_wrap=True)


@vectors_app.command("import")
def import_command(
    path: Annotated[str, typer.Argument(help="File, folder or (format hub) Hub id.")],
    form: Form,
    out: Annotated[Path, typer.Option(help="Folder to write, in the format hub.")],
) -> None:
    """Read vectors in another tool's format, and write them as a folder with labels and card."""
    found = pv.import_vectors(path, form)
    pv.export_vectors(found, out, "hub")
    OUT.print(
        f"{len(found.concepts)} concept(s), {len(found.sources)} language(s), blocks "
        f"{', '.join(map(str, found.layers))} -> {escape(str(out))}",
        highlight=False,
    )


@vectors_app.command("bake")
@with_flags(_CHOICE)
def bake_command(
    study: Study,
    out: Annotated[Path, typer.Option(help="New folder for the model.")],
    model: Annotated[str | None, typer.Option(help="Default: the study's model.")] = None,
    *,
    settings: dict[str, Any],
) -> None:
    """Put a vector into a model's biases and save it as an ordinary model folder; the safer side only."""
    spec = pv.build(ChoiceSpec, merge({}, settings, _CHOICE))
    chosen = _vectors(str(study), spec, None)
    own = pv.load_study(study).spec.model.model_copy(update={"runtime": "transformers"})
    wanted = own if model is None else pv.ModelSpec(id=model)
    pv.bake_model(pv.load_model(wanted, head=True), chosen, spec.strength, out, force=spec.force)
    OUT.print(f"model: {escape(str(out))}", highlight=False, soft_wrap=True)


def _vectors(path: str, spec: ChoiceSpec, form: str | None) -> Any:
    """Vectors of a study at the chosen layer, or of a file."""
    if form is not None:
        found = pv.import_vectors(path, form)
        name = spec.concept if spec.concept in found.concepts else found.concepts[0]
        return found.sel(concept=name, language=_source(found, spec.source), layer=spec.layers)
    opened = pv.load_study(Path(path))
    found = pv.steering_vectors(opened, [spec.concept])
    blocks = spec.layers or (int(opened.findings.recognition["chosen_layer"].sel(concept=spec.concept)),)
    return found.sel(language=_source(found, spec.source), layer=blocks)


def _engine(name: str) -> pv.EngineSpec:
    if name not in ("local", "vllm"):
        raise SpecError(f"--engine {name}: answers are written by 'local' or 'vllm'")
    return pv.build(pv.EngineSpec, {"name": name})


def _source(vectors: Any, source: str | None) -> str:
    return source or ("en" if "en" in vectors.sources else vectors.sources[0])


def _questions() -> Iterator[str]:
    """Prompts typed one after the other; an empty line or the end of input stops."""
    while True:
        try:
            text = ERR.input("[bold]prompt[/bold] (empty: stop): ")
        except EOFError:
            return
        if not text.strip():
            return
        yield text
