"""The commands that steer: `control`, `steer`, and `vectors` (export, import, bake)."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

import polyvalues as pv
from polyvalues.axes import INTERVENTIONS, VECTOR_FORMATS
from polyvalues.errors import SpecError
from polyvalues.terminal import ERR, OUT, progress_bar

vectors_app = typer.Typer(help="Vectors: export to other tools, import, bake into a model.", no_args_is_help=True)

Study = Annotated[Path, typer.Argument(help="The folder of a finished study.")]
Concept = Annotated[str, typer.Option(help="Whose vector.")]
Source = Annotated[str | None, typer.Option(help="Language of the vector; default: en, else the first.")]
Layers = Annotated[str | None, typer.Option(help="Comma-separated blocks; default: the one the study chose.")]
Force = Annotated[bool, typer.Option(help="Use vectors of another model.")]


def control_command(
    study: Study,
    settings: Annotated[
        Path | None, typer.Option(help="TOML with settings of the experiment; flags override it.")
    ] = None,
    concept: Annotated[str | None, typer.Option(help="Whose vectors steer; default: harmfulness.")] = None,
    source: Annotated[str | None, typer.Option(help="Language of the vector; default: the dominant one.")] = None,
    targets: Annotated[str | None, typer.Option(help="Comma-separated languages; default: all.")] = None,
    choice: Annotated[str | None, typer.Option(help="each, joint or source: for whom a setting is chosen.")] = None,
    layers: Annotated[str | None, typer.Option(help="Comma-separated blocks to try.")] = None,
    strengths: Annotated[str | None, typer.Option(help="Comma-separated first strengths, in mean norms.")] = None,
    gates: Annotated[str | None, typer.Option(help="Comma-separated shares of upholding prompts let through.")] = None,
    judge: Annotated[
        list[str] | None, typer.Option(help="May be repeated; the first decides. Default: openings.")
    ] = None,
    max_new_tokens: Annotated[int | None, typer.Option(min=1, help="Most tokens of an answer.")] = None,
    openings: Annotated[Path | None, typer.Option(help="JSON: language -> {refuse: [], comply: []}.")] = None,
    lexicon: Annotated[Path | None, typer.Option(help="JSON: language -> [words].")] = None,
    matrix: Annotated[bool | None, typer.Option(help="Also steer with the vectors of all other languages.")] = None,
) -> None:
    """Steer every language with a vector from one, and measure what it does and costs."""
    given = {
        "concept": concept, "source": source, "choice": choice, "judges": judge or None, "matrix": matrix,
        "targets": _texts(targets), "layers": _numbers("layers", layers, int),
        "strengths": _numbers("strengths", strengths, float), "gates": _numbers("gates", gates, float),
    }  # fmt: skip
    base = _toml(settings)
    base |= {name: value for name, value in given.items() if value is not None}
    if max_new_tokens is not None:
        base["generation"] = {**base.get("generation", {}), "max_new_tokens": max_new_tokens}
    spec = pv.build(pv.ControlSpec, base, origin=str(settings or ""))
    opened = pv.load_study(study)
    with progress_bar("answers") as bar:
        found = pv.run_control(opened, spec, bar, words=pv.load_words(openings, lexicon))
    table = Table(*found.heads, box=None)
    for row in found.rows:
        table.add_row(*map(escape, row))
    OUT.print(table)
    for text in found.words:
        OUT.print(f"- {escape(text)}", highlight=False)
    for note in found.notes:
        OUT.print(f"! {escape(note)}", highlight=False)
    OUT.print(f"page: {escape(str(opened.folder / f'control_{spec.concept}.html'))}", highlight=False, soft_wrap=True)


def steer_command(
    model: Annotated[str, typer.Argument(help="Local folder or Hub id, or babel.")],
    vectors: Annotated[str, typer.Option(help="A study's folder, or a file with --format.")],
    concept: Concept = "harmfulness",
    source: Source = None,
    layers: Layers = None,
    strength: Annotated[float, typer.Option(help="In mean lengths of hidden states; positive is safer.")] = 0.2,
    prompt: Annotated[
        list[str] | None, typer.Option(help="May be repeated; without one, prompts are asked for.")
    ] = None,
    kind: Annotated[str, typer.Option(help=f"One of: {', '.join(INTERVENTIONS)}.")] = "add",
    positions: Annotated[str, typer.Option(help="all, prompt, generated, from:K or from:-K.")] = "all",
    conditional: Annotated[bool, typer.Option(help="Only prompts on the far side of the vector from safety.")] = False,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Most tokens of an answer.")] = 48,
    form: Annotated[str | None, typer.Option("--format", help="Format of --vectors when it is no study.")] = None,
    force: Force = False,
) -> None:
    """Answer prompts with and without steering, side by side; without --prompt, they are asked for."""
    if kind not in INTERVENTIONS:
        raise SpecError(f"--kind {kind!r} is unknown; known: {', '.join(INTERVENTIONS)}")
    handle = pv.load_model(pv.ModelSpec(id=model), head=True)
    chosen = _vectors(vectors, form, concept, source, layers)
    chosen.check(handle, force=force)
    condition = None
    if conditional:
        condition = chosen.condition(chosen.concepts[0], chosen.sources[0], chosen.layers[-1])
    plan = chosen.plan(strength, kind=kind, positions=positions, condition=condition)
    spec = pv.GenerationSpec(max_new_tokens=max_new_tokens)
    asked = iter(prompt) if prompt else _questions()
    for text in asked:
        table = Table(
            "unsteered", f"{chosen.concepts[0]} of {chosen.sources[0]}, strength {strength:g}", title=escape(text)
        )
        (plain,), (steered,) = pv.generate(handle, [text], spec), pv.generate(handle, [text], spec, plan=plan)
        table.add_row(escape(plain.text), escape(steered.text))
        OUT.print(table)


@vectors_app.command("export")
def export_command(
    study: Study,
    form: Annotated[str, typer.Option("--format", help=f"One of: {', '.join(VECTOR_FORMATS)}.")],
    out: Annotated[Path, typer.Option(help="File or folder to write, as the format has it.")],
    concept: Annotated[str | None, typer.Option(help="Default: harmfulness (hub: all).")] = None,
    source: Source = None,
    layers: Annotated[str | None, typer.Option(help="Comma-separated blocks; default: all.")] = None,
    strength: Annotated[float, typer.Option(help="Put into the vectors, in mean norms.")] = 1.0,
    push: Annotated[str | None, typer.Option(help="Also upload a hub folder to this repository.")] = None,
) -> None:
    """Write a study's vectors in another tool's format."""
    if push is not None and form != "hub":
        raise SpecError("--push uploads hub folders only: --format hub")
    opened = pv.load_study(study)
    blocks = _numbers("layers", layers, int)
    if form == "hub":
        chosen = pv.steering_vectors(opened, None if concept is None else [concept]).sel(source=source, layer=blocks)
    else:
        chosen = pv.steering_vectors(opened, [concept or "harmfulness"])
        chosen = chosen.sel(source=_source(chosen, source), layer=blocks)
    pv.export_vectors(chosen, out, form, strength)
    OUT.print(f"vectors: {escape(str(out))}", highlight=False, soft_wrap=True)
    if push is not None:
        OUT.print(f"uploaded: {escape(pv.push_hub(out, push))}", highlight=False, soft_wrap=True)


@vectors_app.command("import")
def import_command(
    path: Annotated[str, typer.Argument(help="File, folder or (format hub) Hub id.")],
    form: Annotated[str, typer.Option("--format", help=f"One of: {', '.join(VECTOR_FORMATS)}.")],
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
def bake_command(
    study: Study,
    out: Annotated[Path, typer.Option(help="New folder for the model.")],
    strength: Annotated[
        float, typer.Option(help="In mean norms; positive: only the safer side can be made permanent.")
    ],
    concept: Concept = "harmfulness",
    source: Source = None,
    layers: Layers = None,
    model: Annotated[str | None, typer.Option(help="Default: the study's model.")] = None,
    force: Force = False,
) -> None:
    """Put a vector into a model's biases and save it as an ordinary model folder."""
    opened = pv.load_study(study)
    chosen = _vectors(str(study), None, concept, source, layers)
    spec = opened.spec.model if model is None else pv.ModelSpec(id=model)
    pv.bake_model(pv.load_model(spec, head=True), chosen, strength, out, force=force)
    OUT.print(f"model: {escape(str(out))}", highlight=False, soft_wrap=True)


def _vectors(path: str, form: str | None, concept: str, source: str | None, layers: str | None) -> Any:
    """Vectors of a study at the chosen layer, or of a file."""
    blocks = _numbers("layers", layers, int)
    if form is not None:
        found = pv.import_vectors(path, form)
        name = concept if concept in found.concepts else found.concepts[0]
        return found.sel(concept=name, source=_source(found, source), layer=blocks)
    opened = pv.load_study(Path(path))
    found = pv.steering_vectors(opened, [concept])
    if blocks is None:
        blocks = [int(opened.findings.recognition["chosen_layer"].sel(concept=concept))]
    return found.sel(source=_source(found, source), layer=blocks)


def _source(vectors: Any, source: str | None) -> str:
    return source or ("en" if "en" in vectors.sources else vectors.sources[0])


def _questions() -> Any:
    """Prompts typed one after the other; an empty line or the end of input stops."""
    while True:
        try:
            text = ERR.input("[bold]prompt[/bold] (empty: stop): ")
        except EOFError:
            return
        if not text.strip():
            return
        yield text


def _texts(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _numbers(name: str, text: str | None, kind: type) -> Any:
    try:
        return None if text is None else [kind(part) for part in _texts(text) or []]
    except ValueError:
        raise SpecError(f"--{name}: {text!r} is not a list of numbers") from None


def _toml(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SpecError(f"{path}: cannot be read as TOML ({error})") from None
