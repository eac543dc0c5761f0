"""Synthetic findings with a known, plausible shape, for looking at and for testing the report."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import xarray as xr

from polyvalues.artifacts import SUMMARY_SCHEMA, Findings, StudyInfo
from polyvalues.dimensions import ALL_CONCEPTS, BOUNDS, CONTROLS
from polyvalues.report.views import LanguageView

PAPER: Final = (
    ("en", "English", "Indo-European"),
    ("fr", "French", "Indo-European"),
    ("es", "Spanish", "Indo-European"),
    ("pt", "Portuguese", "Indo-European"),
    ("ca", "Catalan", "Indo-European"),
    ("zh", "Chinese", "Sino-Tibetan"),
    ("vi", "Vietnamese", "Austroasiatic"),
    ("id", "Indonesian", "Austronesian"),
    ("ja", "Japanese", "Japonic"),
    ("ko", "Korean", "Koreanic"),
    ("fi", "Finnish", "Uralic"),
    ("hu", "Hungarian", "Uralic"),
    ("ta", "Tamil", "Dravidian"),
    ("te", "Telugu", "Dravidian"),
    ("sw", "Swahili", "Atlantic-Congo"),
    ("ny", "Nyanja", "Atlantic-Congo"),
)
CONCEPTS: Final = ("deontology", "fairness", "harmfulness", "morality", "toxicity", "truthfulness", "utilitarianism")
QUANTITIES: Final = ("within", "cross", "random", "permuted", "transfer", "cosine", "disattenuated", "reliability")


@dataclass(frozen=True)
class Example:
    findings: Findings
    info: StudyInfo
    languages: tuple[LanguageView, ...]


def views(tags: tuple[str, ...]) -> tuple[LanguageView, ...]:
    known = {tag: LanguageView(tag, name, family) for tag, name, family in PAPER}
    ordered = [known[tag] for tag, _, _ in PAPER if tag in tags]
    return (*ordered, *(LanguageView(tag, f"Language {tag}", "Other", "rtl") for tag in tags if tag not in known))


def interval(estimate: np.ndarray, half: float | np.ndarray, low: float, high: float) -> np.ndarray:
    """`[..., interval]` with bounds inside the quantity's range."""
    estimate = np.clip(estimate, low, high)
    return np.stack([estimate, np.clip(estimate - half, low, high), np.clip(estimate + half, low, high)], axis=-1)


def build(
    concepts: tuple[str, ...] = CONCEPTS[:3],
    tags: tuple[str, ...] = ("en", "zh", "ta", "sw"),
    layers: int = 8,
    *,
    protocol: str = "strict",
    holes: bool = True,
    cross_fitted: bool = False,
) -> Example:
    """Findings in which languages differ in quality and middle layers are best."""
    rng = np.random.default_rng(7)
    attrs = {"protocol": protocol, "confidence": 0.95, "layer_numbering": "paper" if protocol == "paper" else "block"}
    first = 1 if protocol == "paper" else 0
    coords = {
        "concept": list(concepts), "source": list(tags), "target": list(tags),
        "layer": np.arange(first, first + layers), "interval": list(BOUNDS),
        "control_kind": list(CONTROLS),
    }  # fmt: skip
    ranks = {tag: rank for rank, (tag, _, _) in enumerate(PAPER)}
    quality = np.array([1 - 0.5 * ranks.get(tag, 16) / 16 for tag in tags])
    best = rng.integers(layers // 3, max(layers // 3 + 1, 2 * layers // 3), len(concepts))
    peak = np.exp(-(((np.arange(layers)[None] - best[:, None]) / (0.6 * layers)) ** 2))
    ease = 0.75 + 0.25 * rng.random(len(concepts))
    drop = np.where(np.eye(len(tags)) == 1, 1.0, 0.72 + 0.2 * quality[:, None] * np.ones((1, len(tags))))
    signal = ease[:, None, None, None] * quality[None, None, :, None] * drop[None, :, :, None] * peak[:, None, None, :]
    noise = 0.012 * rng.standard_normal(signal.shape)
    accuracy = interval(0.5 + 0.47 * signal + noise, 0.045, 0.0, 1.0)
    control = interval(0.5 + 0.02 * rng.standard_normal((len(concepts), len(tags), layers, 2)), 0.03, 0.0, 1.0)
    pick = np.arange(len(concepts))
    chosen = accuracy[pick, :, :, best]
    n_pairs = rng.integers(90, 400, (len(concepts), len(tags))).astype(np.int32)
    if holes and len(tags) > 1:
        accuracy[-1, :, -1], accuracy[-1, -1], chosen[-1, :, -1], chosen[-1, -1] = np.nan, np.nan, np.nan, np.nan
        control[-1, -1], n_pairs[-1, -1] = np.nan, 0
    cell = ("concept", "source", "target")
    least = np.where(n_pairs[..., None] > 0, 1 / 65, np.nan).repeat(2, -1)
    recognition = xr.Dataset(
        {
            "accuracy": ((*cell, "layer", "interval"), accuracy),
            "chosen": ((*cell, "interval"), chosen),
            "auroc": ((*cell, "interval"), np.clip(chosen + 0.02, None, 1.0)),
            "control": (("concept", "target", "layer", "control_kind", "interval"), control),
            "control_chosen": (("concept", "target", "control_kind", "interval"), control[pick, :, best]),
            "control_range": (("concept", "target", "control_kind", "interval"), control[pick, :, best]),
            "control_p": (("concept", "target", "control_kind"), least),
            "control_p_smallest": (("concept", "target", "control_kind"), least),
            "n_pairs": (("concept", "target"), n_pairs),
            "n_groups": (("concept", "target"), (n_pairs * 0.8).astype(np.int32)),
            "chosen_layer": ("concept", (best + first).astype(np.int32)),
            "fold_layer": (
                ("concept", "fold"),
                np.repeat((best + first)[:, None], 4, axis=1).astype(np.int32)
                + (np.arange(4) % 2 * cross_fitted).astype(np.int32),
            ),
        },
        coords=coords,
        attrs=attrs,
    )
    if protocol == "paper":
        recognition = recognition.drop_vars("fold_layer")
        recognition["chosen_layer"] = ("concept", np.full(len(concepts), -1, dtype=np.int32))
        recognition["fold_layer"] = (("concept", "fold"), np.full((len(concepts), 1), -1, dtype=np.int32))
        recognition["cell_layer"] = (
            cell,
            np.broadcast_to((best + first)[:, None, None], (len(concepts), len(tags), len(tags))).copy(),
        )
    consistency = _consistency(rng, recognition, quality, best)
    gone = list(tags)[-1]
    warning = f"{concepts[-1]}: no test pairs in {gone}, its cells are left out"
    return Example(
        Findings(
            recognition, consistency, _transfer(recognition), _overview(recognition, consistency),
            warnings=(warning,) if holes else (),
        ),
        info(concepts, tags, layers, protocol),
        views(tags),
    )  # fmt: skip


def _consistency(
    rng: np.random.Generator, recognition: xr.Dataset, quality: np.ndarray, best: np.ndarray
) -> xr.Dataset:
    n_concepts, n, layers = (recognition.sizes[dim] for dim in ("concept", "source", "layer"))
    pick = np.arange(n_concepts)
    reliable = 0.55 + 0.4 * quality[None, :, None] + 0.02 * rng.standard_normal((n_concepts, n, layers))
    shared = 0.55 + 0.3 * np.minimum(quality[:, None], quality[None, :])
    true = np.clip(shared[None, :, :, None] + 0.03 * rng.standard_normal((n_concepts, n, n, layers)), -1, 1)
    true = np.where(np.eye(n)[None, :, :, None] == 1, 1.0, (true + true.transpose(0, 2, 1, 3)) / 2)
    raw = np.where(np.eye(n)[None, :, :, None] == 1, 1.0, true * np.sqrt(reliable[:, :, None] * reliable[:, None, :]))
    spread = np.where(np.eye(n)[None, :, :, None] == 1, 0.0, 0.04)
    arrays = {"cosine": interval(raw, spread, -1, 1), "disattenuated": interval(true, 1.5 * spread, -2, 2)}
    arrays["reliability"] = interval(reliable, 0.03, 0, 1)
    control = interval(0.03 * rng.standard_normal((n_concepts, n, n, layers, 2)), 0.05, -1, 1)
    hole = np.isnan(recognition["chosen"].values[-1, -1, -1, 0])
    if hole:
        for name in ("cosine", "disattenuated"):
            arrays[name][-1, -1], arrays[name][-1, :, -1] = np.nan, np.nan
        arrays["reliability"][-1, -1] = np.nan
        control[-1, -1], control[-1, :, -1] = np.nan, np.nan
    cell = ("concept", "source", "target")
    return xr.Dataset(
        {
            "cosine": ((*cell, "layer", "interval"), arrays["cosine"]),
            "chosen": ((*cell, "interval"), arrays["cosine"][pick, :, :, best]),
            "disattenuated": ((*cell, "layer", "interval"), arrays["disattenuated"]),
            "disattenuated_chosen": ((*cell, "interval"), arrays["disattenuated"][pick, :, :, best]),
            "reliability": (("concept", "source", "layer", "interval"), arrays["reliability"]),
            "reliability_chosen": (("concept", "source", "interval"), arrays["reliability"][pick, :, best]),
            "control": ((*cell, "layer", "control_kind", "interval"), control),
            "control_chosen": ((*cell, "control_kind", "interval"), control[pick, :, :, best]),
        },
        coords={
            name: recognition[name].values
            for name in ("concept", "source", "target", "layer", "interval", "control_kind")
        },
        attrs=recognition.attrs,
    )


def _transfer(recognition: xr.Dataset) -> xr.Dataset:
    estimate = recognition["chosen"].values[..., 0]
    own = np.diagonal(estimate, axis1=1, axis2=2)
    change = estimate - own[:, None, :]
    width = np.where(np.eye(estimate.shape[1]) == 1, 0.0, 0.05)
    difference = change - change.transpose(0, 2, 1)
    cell = ("concept", "source", "target", "interval")
    return xr.Dataset(
        {"transfer": (cell, interval(change, width, -1, 1)), "asymmetry": (cell, interval(difference, width, -2, 2))},
        coords={name: recognition[name].values for name in cell},
        attrs=recognition.attrs,
    )


def _overview(recognition: xr.Dataset, consistency: xr.Dataset) -> xr.Dataset:
    def summary(values: np.ndarray, keep: np.ndarray) -> np.ndarray:
        rows = [row[keep] for row in values]
        each = [row[np.isfinite(row)].mean() if np.isfinite(row).any() else np.nan for row in rows]
        return np.array([*each, np.mean(each)])

    n = recognition.sizes["source"]
    same, other = np.eye(n) == 1, np.eye(n) == 0
    chosen = recognition["chosen"].values[..., 0]
    control = recognition["control_chosen"].values[..., 0]
    every = np.ones(n, dtype=bool)
    columns = [summary(chosen, same), summary(chosen, other)]
    columns += [summary(control[..., 0], every), summary(control[..., 1], every), columns[1] - columns[0]]
    columns += [summary(consistency[name].values[..., 0], other) for name in ("chosen", "disattenuated_chosen")]
    columns += [summary(consistency["reliability_chosen"].values[..., 0], every)]
    return xr.Dataset(
        {
            "value": (("concept", "quantity", "interval"), interval(np.stack(columns, axis=1), 0.02, -1, 1)),
            "baseline_p": (("concept", "control_kind"), np.full((recognition.sizes["concept"] + 1, 2), 0.5)),
            "baseline": ("concept", np.full(recognition.sizes["concept"] + 1, "pass")),
        },
        coords={
            "control_kind": list(CONTROLS),
            "concept": [*recognition["concept"].values.tolist(), ALL_CONCEPTS],
            "quantity": list(QUANTITIES),
            "interval": list(BOUNDS),
        },
        attrs=recognition.attrs,
    )


def info(concepts: tuple[str, ...], tags: tuple[str, ...], layers: int, protocol: str) -> StudyInfo:
    rng = np.random.default_rng(3)
    rows = []
    for concept in concepts:
        for tag in tags:
            dropped = int(rng.integers(0, 9))
            rows.append(
                {
                    "concept": concept, "language": tag, "kept": 1200 + int(rng.integers(0, 90)), "groups": 1100,
                    "dropped": dropped, "mended": int(rng.integers(0, 4)),
                    "reasons": f"identical {dropped - 1}; empty 1" if dropped > 1 else "",
                    "characters_positive": 61.25, "characters_negative": 60.5, "positive_longer": 0.515,
                }
            )  # fmt: skip
    return StudyInfo(
        title="Multilingual value concepts in tiny-llama-chat",
        protocol=protocol,
        model={
            "name": "example/tiny-llama-chat",
            "id": "example/tiny-llama-chat", "architecture": "LlamaForCausalLM", "layers": str(layers),
            "hidden size": "4096", "dtype": "float32", "template": "raw", "fingerprint": "0123456789abcdef",
        },
        settings={"estimator": "mean-difference", "position": "last", "split": "70/10/20", "confidence": "0.95",
                  "bootstrap draws": "1000", "seed": "0"},
        summary=pa.Table.from_pylist(rows, schema=SUMMARY_SCHEMA),
        notes=("commonsense: pairs were matched on length and category (seed 0)",),
        spec_toml='protocol = "strict"\n\n[model]\nid = "example/tiny-llama-chat"\n',
        command="polyvalues run study.toml",
        versions={"polyvalues": "0.1.0", "python": "3.11", "torch": "2.13.0"},
        shares={tag: round(89.7 / (3**k), 2) for k, tag in enumerate(tags[: max(1, len(tags) - 1)])},
    )  # fmt: skip


HOSTILE: Final = "<script>alert('x')</script> \"quoted\" \u202eevil\u202c {{ 7*7 }} \x00 =1+1"


def hostile() -> Example:
    """Every text a stranger can put into a study is out to do harm."""
    example = build(("fairness", "<b>concept</b>"), ("en", "zh"), 3)
    table = example.info.summary.to_pylist()
    for row in table:
        row["reasons"] = "=cmd|' /C calc'!A0 <img src=x onerror=alert(1)>"
    study = StudyInfo(
        title=HOSTILE,
        protocol="strict",
        model={"name": HOSTILE, "id": HOSTILE, "<i>key</i>": "</style><script>"},
        settings={"split": HOSTILE},
        summary=pa.Table.from_pylist(table, schema=SUMMARY_SCHEMA),
        notes=(HOSTILE, "</main></html>"),
        spec_toml=f"x = {HOSTILE!r} ]]> </code></pre>",
        command=HOSTILE,
        versions={"polyvalues": HOSTILE},
        shares={},
    )
    findings = example.findings
    return Example(
        Findings(
            findings.recognition, findings.consistency, findings.transfer, findings.overview,
            warnings=(HOSTILE, *(f"warning {number}" for number in range(40))),
        ),
        study,
        (LanguageView("en", HOSTILE, HOSTILE), LanguageView("zh", "Chinese", "Sino-Tibetan", "rtl")),
    )  # fmt: skip
