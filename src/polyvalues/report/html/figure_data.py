"""What the interactive figures of a page are drawn from: numbers, packed, as one block of JSON that runs nothing.

    packed number = round(number / step) as a 16-bit integer, little-endian, in base64; -32768: not measured
    step          = 0.0001, ten times more for every ten times that the largest number is out of reach

Nothing is computed here: every number is one of the findings, to four decimals where it is below 3.2767, and so that it
reads the same with two decimals as it does in the tables.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from markupsafe import Markup

from polyvalues.artifacts import Findings, StudyInfo
from polyvalues.dimensions import BOUNDS, CONCEPT, CONTROL, CONTROLS, INTERVAL, LAYER, SOURCE, TARGET
from polyvalues.report.content import EXCLUDED_WORDS, Beside, ControlReport
from polyvalues.report.formatting import visible
from polyvalues.report.views import LanguageView, concepts_of, edge, layer_label, own

_NOTHING: Final = -32768
_MOST: Final = 32767
_FINEST: Final = 1e-4
_ROOM: Final = 450_000
"""Most numbers of one figure over layers; with more, layers are left out evenly (the CSV files have all)."""


def live_data(findings: Findings, info: StudyInfo, languages: Sequence[LanguageView], beside: Beside) -> Markup:
    """The block: everything `charts.js`, `relations.js` and `explore.js` need.

    Text is written with its invisible characters spelled out, as on the rest of the page, and no character that could
    end the block is left in it.
    """
    tags = [language.tag for language in languages]
    names = list(concepts_of(findings))
    recognition = findings.recognition
    figures = [_accuracy(findings, tags, beside), _curves(findings, tags), _reliability(findings, tags), _drops(info)]
    if len(tags) > 1:
        figures += [
            *_matrices(findings, tags, beside),
            *_kinship(findings, tags, beside),
            *_direction(findings, tags, info, beside),
        ]
    figures += [figure for control in beside.controls for figure in _control(control)]
    figures += [_noise(beside.noise, tags)] if beside.noise else []
    figures += [_quality(beside.quality, tags)] if beside.quality else []
    figures += [_exclusion(beside.exclusion, tags)] if beside.exclusion else []
    chosen = [int(layer) for layer in recognition["chosen_layer"].values]
    block = {
        "languages": [
            {"tag": view.tag, "name": view.name, "family": view.family, "share": info.shares.get(view.tag)}
            for view in languages
        ],
        "concepts": names,
        "orders": _orders(tags, info, beside),
        "pairs": recognition["n_pairs"].transpose(CONCEPT, TARGET).sel({TARGET: tags}).values.tolist(),
        "groups": recognition["n_groups"].transpose(CONCEPT, TARGET).sel({TARGET: tags}).values.tolist(),
        "excluded": _excluded(findings, tags, beside),
        "chosen": [layer if layer >= 0 else None for layer in chosen],
        "layer": "layer" if recognition.attrs.get("layer_numbering") == "paper" else "block",
        "layerAxis": layer_label(findings),
        "figures": figures,
    }
    return block_text(block)


def block_text(block: Mapping[str, Any]) -> Markup:
    """Data as JSON that may stand in a script element: only ASCII, and no `<`, `>` or `&`."""
    text = json.dumps(_shown(block), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 (no character of markup is left)


def _shown(value: Any) -> Any:
    """Texts with their invisible characters spelled out; numbers that are not finite as null."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {str(key): _shown(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(part) for part in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value


def packed(values: xr.DataArray | np.ndarray) -> dict[str, Any]:
    """Numbers as text: `shape`, `step`, `data`."""
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    largest = float(np.abs(numbers[finite]).max(initial=0.0))
    step = _FINEST
    while largest / step > _MOST:
        step *= 10
    whole = np.full(numbers.shape, _NOTHING, dtype="<i2")
    whole[finite] = [_rounded(value, step) for value in numbers[finite].tolist()]
    return {"shape": list(numbers.shape), "step": step, "data": base64.b64encode(whole.tobytes()).decode()}


def _rounded(value: float, step: float) -> int:
    """The nearest step, or its neighbour where rounding that once more, to two decimals, would not give the same."""
    whole = round(value / step)
    if step == _FINEST and whole % 100 == 50:
        whole += 1 if round(value, 2) * 10_000 > whole else -1
    return whole


def _orders(tags: Sequence[str], info: StudyInfo, beside: Beside) -> dict[str, Any]:
    known = [tag for tag in tags if tag in info.shares]
    orders: dict[str, Any] = {"clustering": {name: list(order) for name, order in beside.clusters.items()}}
    if known:
        rest = [tag for tag in tags if tag not in info.shares]
        orders["share"] = [*sorted(known, key=lambda tag: -info.shares[tag]), *rest]
    return orders


def _ordered(values: xr.DataArray, tags: Sequence[str], *dims: str) -> xr.DataArray:
    """`values` with languages in the page's order, bounds last."""
    pick = {dim: list(tags) for dim in dims if dim in (SOURCE, TARGET)}
    return values.sel({**pick, INTERVAL: list(BOUNDS)}).transpose(*dims, INTERVAL)


def _thinned(layers: np.ndarray, per_layer: int) -> np.ndarray:
    """Positions of the layers that fit, evenly spaced, the first and the last among them."""
    most = max(2, _ROOM // max(per_layer, 1))
    if len(layers) <= most:
        return np.arange(len(layers))
    return np.unique(np.rint(np.linspace(0, len(layers) - 1, most)).astype(int))


def _excluded(findings: Findings, tags: Sequence[str], beside: Beside) -> dict[str, Any]:
    """By which pairs are left out: words for it, and how many pairs and groups are left; empty where none are."""
    if not beside.exclusion:
        return {}
    order = {CONCEPT: list(concepts_of(findings)), TARGET: list(tags)}
    found = {}
    for kind, words in EXCLUDED_WORDS.items():
        counts = beside.exclusion.sel({"excluded": kind, **order}).transpose(CONCEPT, TARGET, ...)
        found[kind] = {
            "words": words, "pairs": counts["n_kept"].values.tolist(), "groups": counts["n_groups"].values.tolist(),
        }  # fmt: skip
    return found


def _without(values: xr.DataArray, tags: Sequence[str]) -> dict[str, Any]:
    """Numbers without flagged pairs, by which are left out; `[concept, (source,) target, interval]`."""
    dims = [dim for dim in (CONCEPT, SOURCE, TARGET) if dim in values.dims]
    return {kind: packed(_ordered(values.sel({"excluded": kind}), tags, *dims)) for kind in EXCLUDED_WORDS}


def _accuracy(findings: Findings, tags: Sequence[str], beside: Beside) -> dict[str, Any]:
    data = findings.recognition
    series = [("own vector", own(data["chosen"], tags))]
    words = {"random": "random direction", "permuted": "swapped sides"}
    series += [(words[name], data["control_chosen"].sel({CONTROL: name})) for name in CONTROLS]
    shown = [{"name": name, "values": packed(_ordered(part, tags, CONCEPT, TARGET))} for name, part in series]
    if beside.exclusion:
        shown[0]["without"] = _without(own(beside.exclusion["kept"], tags), tags)
    return {
        "name": "accuracy", "form": "points", "label": "accuracy", "reference": 0.5, "counted": True,
        "domain": [0.4, 1.0], "series": shown,
    }  # fmt: skip


def _exclusion(data: xr.Dataset, tags: Sequence[str]) -> dict[str, Any]:
    """What leaving out flagged pairs changes in a language's own accuracy."""
    change = own(data["change"], tags)
    widest = edge(change)
    series = [
        {"name": words, "values": packed(_ordered(change.sel({"excluded": kind}), tags, CONCEPT, TARGET))}
        for kind, words in EXCLUDED_WORDS.items()
    ]
    return {
        "name": "exclusion", "form": "points", "label": "change in accuracy", "reference": 0.0, "counted": False,
        "signed": True, "domain": [-widest, widest], "series": series,
    }  # fmt: skip


def _reliability(findings: Findings, tags: Sequence[str]) -> dict[str, Any]:
    values = _ordered(findings.consistency["reliability_chosen"], tags, CONCEPT, SOURCE)
    return {
        "name": "reliability", "form": "points", "label": "reliability", "reference": None, "counted": False,
        "domain": [0.5, 1.0], "series": [{"name": "reliability", "values": packed(values)}],
    }  # fmt: skip


def _curves(findings: Findings, tags: Sequence[str]) -> dict[str, Any]:
    data = findings.recognition
    curves = _ordered(own(data["accuracy"], tags), tags, CONCEPT, TARGET, LAYER)
    random = _ordered(data["control"].sel({CONTROL: "random"}), tags, CONCEPT, TARGET, LAYER)
    keep = _thinned(data[LAYER].values, 2 * int(curves.size / curves.sizes[LAYER]))
    return {
        "name": "layers", "form": "curves", "label": "accuracy", "domain": [0.4, 1.0],
        "layers": [int(layer) for layer in data[LAYER].values[keep]],
        "series": [
            {"name": "own vector", "values": packed(curves.isel({LAYER: keep}))},
            {"name": "random direction", "values": packed(random.isel({LAYER: keep}))},
        ],
    }  # fmt: skip


def _drops(info: StudyInfo) -> dict[str, Any]:
    rows = [
        {name: row[name] for name in ("concept", "language", "kept", "dropped", "reasons")}
        for row in info.summary.to_pylist()
    ]
    return {"name": "drops", "form": "drops", "rows": rows}


@dataclass(frozen=True)
class _Scale:
    """How numbers of a matrix become colours; `reference`: what an interval may leave out; `diagonal`: it counts."""

    label: str
    domain: tuple[float, float]
    colours: str
    reference: float
    signed: bool = False
    diagonal: bool = False


def _matrices(findings: Findings, tags: Sequence[str], beside: Beside) -> list[dict[str, Any]]:
    data, alike, moved = findings.recognition, findings.consistency, findings.transfer

    def figure(name: str, *series: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "form": "matrix", "counted": name in ("recognition", "transfer"), "series": list(series)}

    def accuracy(name: str, chosen: xr.DataArray, by_layer: xr.DataArray | None) -> dict[str, Any]:
        scale = _Scale(f"{name}, 0.5: chance", (0.5, 1.0), "viridis", 0.5, diagonal=True)
        return _matrix(name, scale, _spread(chosen, by_layer, tags))

    def change(name: str, label: str, values: xr.DataArray) -> dict[str, Any]:
        widest = edge(values)
        return _matrix(name, _Scale(label, (-widest, widest), "PuOr", 0.0, signed=True), _spread(values, None, tags))

    negative = bool((alike["chosen"].sel({INTERVAL: BOUNDS[0]}).values < -0.1).any())
    colours = ((-1.0, 1.0), "PuOr") if negative else ((0.0, 1.0), "YlGnBu")

    def cosine(name: str, label: str, chosen: str, by_layer: str) -> dict[str, Any]:
        values, layers = _spread(alike[chosen], alike[by_layer], tags)
        upper = np.triu_indices(len(tags))
        return _matrix(name, _Scale(label, *colours, 0.0), (values[:, upper[0], upper[1]], layers), symmetric=True)

    def without(name: str) -> dict[str, Any]:
        return {"without": _without(beside.exclusion[name], tags)} if beside.exclusion else {}

    return [
        figure(
            "recognition",
            accuracy("recognition", data["chosen"], data["accuracy"]) | without("kept"),
            accuracy("AUROC over single texts", data["auroc"], None),
        ),
        figure(
            "transfer",
            change("change in accuracy", "change in accuracy", moved["transfer"]) | without("transfer"),
            change("asymmetry", "row to column, minus back", moved["asymmetry"]),
        ),
        figure("cosine", cosine("cosine", "cosine", "chosen", "cosine")),
        figure(
            "disattenuated",
            cosine("disattenuated cosine", "cosine, noise taken out", "disattenuated_chosen", "disattenuated"),
        ),
    ]


def _spread(
    chosen: xr.DataArray, by_layer: xr.DataArray | None, tags: Sequence[str]
) -> tuple[np.ndarray, list[int] | None]:
    """`[concept, source, target, 1 + layer, interval]`, the chosen layer first, and the layers after it.

    Without layers the dimension is left out, and so are the layers.
    """
    first = _ordered(chosen, tags, CONCEPT, SOURCE, TARGET)
    if by_layer is None:
        return first.values, None
    rest = _ordered(by_layer, tags, CONCEPT, SOURCE, TARGET, LAYER)
    keep = _thinned(rest[LAYER].values, first.size)
    values = np.concatenate([first.values[..., None, :], rest.isel({LAYER: keep}).values], axis=-2)
    return values, [int(layer) for layer in rest[LAYER].values[keep]]


def _matrix(
    name: str, scale: _Scale, spread: tuple[np.ndarray, list[int] | None], *, symmetric: bool = False
) -> dict[str, Any]:
    values, layers = spread
    return {"name": name, **asdict(scale), "values": packed(values), "layers": layers, "symmetric": symmetric}


def _kinship(findings: Findings, tags: Sequence[str], beside: Beside) -> list[dict[str, Any]]:
    data = beside.kinship
    if not data or not beside.distances:
        return []
    tables = [str(table) for table in data["table"].values if str(table) in beside.distances]
    names = {dim: [str(name) for name in data[dim].values] for dim in ("of", "kind", "coefficient", "form")}
    pick = {SOURCE: list(tags), TARGET: list(tags)}
    far = np.stack([[beside.distances[table][kind].sel(pick).values for kind in names["kind"]] for table in tables])
    order = ("table", CONCEPT, "of", "kind", "coefficient", "form")
    kept = data.sel({"table": tables, CONCEPT: list(concepts_of(findings))})
    interval = kept["both"].sel({INTERVAL: list(BOUNDS)}).transpose(*order, INTERVAL).values
    tests = [kept[name].transpose(*order).values[..., None] for name in ("p", "q")]
    return [
        {
            "name": "kinship", "form": "kinship", "tables": tables, "of": names["of"], "kinds": names["kind"],
            "coefficients": names["coefficient"], "forms": names["form"], "distances": packed(far),
            "tests": packed(np.concatenate([interval, *tests], axis=-1)),
            "counts": packed(kept["pairs"].transpose(*order[:4])), "given": _given(kept, names["kind"]),
        }
    ]  # fmt: skip


def _given(data: xr.Dataset, kinds: Sequence[str]) -> list[str]:
    """What the form `beyond` of each kind holds fixed, in the first table."""
    first = data["given"].isel(table=0) if "table" in data["given"].dims else data["given"]
    return [str(first.sel(kind=kind).item()) for kind in kinds]


def _direction(findings: Findings, tags: Sequence[str], info: StudyInfo, beside: Beside) -> list[dict[str, Any]]:
    data, names = beside.direction, concepts_of(findings)
    if not data:
        return []
    own = data.sel({CONCEPT: list(names)})
    shares = np.array([info.shares.get(tag, np.nan) for tag in tags])
    with np.errstate(divide="ignore"):
        logs = np.where(shares > 0, np.log10(shares), np.nan)
    return [
        {
            "name": "direction", "form": "direction", "slopes": list(names),
            "ratio": packed(logs[:, None] - logs[None, :]),
            "asymmetry": packed(_ordered(findings.transfer["asymmetry"], tags, CONCEPT, SOURCE, TARGET)),
            "slope": packed(own["slope"].sel({INTERVAL: list(BOUNDS)}).transpose(CONCEPT, INTERVAL)),
            "p": packed(own["p"]),
        }
    ]  # fmt: skip


def _control(control: ControlReport) -> list[dict[str, Any]]:
    columns = (
        "target", "layers", "strength", "gate", "effect", "benign", "language", "base_effect", "base_benign",
        "base_language", "chosen", "front", "shown",
    )  # fmt: skip
    rows = [{name: row[name] for name in columns} for row in control.trials.to_dict("records")]
    attrs = control.findings.attrs
    shared = {
        "behaviour": str(attrs["behaviour"]), "targets": list(dict.fromkeys(control.trials["target"])), "trials": rows,
    }  # fmt: skip
    return [shared | {"name": f"{form}-{attrs['concept']}", "form": form} for form in ("dose", "cost")]


def _noise(data: xr.Dataset, tags: Sequence[str]) -> dict[str, Any]:
    """Own-language accuracy by dose of damage."""
    own_cells = own(data["accuracy"], [tag for tag in tags if tag in data[TARGET].values])
    return {
        "name": "noise", "form": "noise", "label": "accuracy", "domain": [0.4, 1.0],
        "concepts": [str(name) for name in data[CONCEPT].values],
        "damages": [str(name) for name in data["damage"].values],
        "doses": [float(dose) for dose in data["dose"].values],
        "tags": [str(tag) for tag in own_cells[TARGET].values],
        "values": packed(_ordered(own_cells, own_cells[TARGET].values.tolist(), "damage", CONCEPT, TARGET, "dose")),
    }  # fmt: skip


def _quality(data: xr.Dataset, tags: Sequence[str]) -> dict[str, Any]:
    """Accuracy of each language against the mean quality of its translations."""
    known = [tag for tag in tags if tag in data[TARGET].values]
    rows = [
        {"concept": concept, "language": tag} | {
            name: float(data[variable].sel({CONCEPT: concept, TARGET: tag}))
            for name, variable in (("quality", "mean_quality"), ("estimate", "accuracy"), ("n", "n_pairs"))
        }
        for concept in map(str, data[CONCEPT].values) for tag in known
    ]  # fmt: skip
    tests = {str(c): [float(data[name].sel({CONCEPT: c})) for name in ("rho", "p")] for c in data[CONCEPT].values}
    return {"name": "quality", "form": "quality", "concepts": list(tests), "rows": rows, "tests": tests}
