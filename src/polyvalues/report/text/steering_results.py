"""A control experiment in words and tables, from its findings, its search and its answers.

Only the safer side is told; numbers of the opposite side are in the CSV files, for red-teaming.
"""

from typing import Final

import xarray as xr

from polyvalues.dimensions import INTERVAL, QUANTITY, TARGET
from polyvalues.report.content import LEFT_ALONE, ControlReport
from polyvalues.report.formatting import MISSING, Interval, clipped, interval_text, listed, number

SHOWN: Final = ("source", "own", "random", "prompt")
HEADS: Final = {
    "source": "vector of {source}",
    "own": "own vector",
    "random": "random vectors",
    "prompt": "asked to refuse",
}
_EXAMPLES: Final = 3
_CHARACTERS: Final = 600
"""Of a text shown; the CSV file of answers has them whole."""


def control_words(report: ControlReport) -> tuple[str, ...]:
    """What was found, in sentences with numbers; a claim only where the interval leaves out 0."""
    found, source = report.findings, str(report.findings.attrs["steered_by"])
    behaviour, averaged = str(found.attrs["behaviour"]), tuple(str(found.attrs["averaged"]).split())
    said = []
    if averaged:
        where = f"over {listed(averaged, most=9)}, which its vector can read"

        def mean(variant: str, quantity: str) -> Interval:
            return Interval.of(found["mean"].sel({"variant": variant, QUANTITY: quantity}))

        gain, kept, lost = (mean("source", name) for name in ("behaviour", "language", "willing"))
        verb = "changes" if gain.above(0) or gain.below(0) else "does not certainly change"
        said.append(
            f"The vector of {source} {verb} {behaviour} of violating prompts by {_points(gain)}, on average {where}; "
            f"willing answers to upholding ones by {_points(lost)}, answers in their language by {_points(kept)}."
        )
        for variant, name in (("random", "Random vectors of the same length"), ("own", "The languages' own vectors"),
                              ("prompt", "Asking the model to refuse")):  # fmt: skip
            own = mean(variant, "behaviour")
            if own.measured:
                said.append(
                    f"{name}: {_points(own)} of {behaviour}, {_points(mean(variant, 'willing'))} of willing answers."
                )
    else:
        said.append(f"The vector of {source} reads no other language well enough to expect selective steering.")
    q = found["q"].sel(variant="source")
    sure = tuple(str(tag) for tag in found[TARGET].values if float(q.sel({TARGET: tag})) <= 0.05)
    out: tuple[str, ...] = ()
    if "p_smallest" in found:
        least = found["p_smallest"].sel(variant="source")
        out = tuple(str(tag) for tag in found[TARGET].values if float(least.sel({TARGET: tag})) > 0.05)
    rest = f"; cannot be tested, too few items changed: {listed(out, most=9)}" if out else ""
    said.append(f"Single languages whose change is certain at q ≤ 0.05: {listed(sure, most=9) or 'none'}{rest}.")
    for kind, first, second, value in report.agreement:
        said.append(f"Judges {first} and {second} agree on {kind} with kappa {interval_text(Interval(*value))}.")
    return tuple(said)


def control_rows(report: ControlReport) -> list[tuple[str, ...]]:
    """A row per target: how it is read, its setting, unsteered rate, changes of each variant, and costs."""
    found, rows = report.findings, []
    for tag in map(str, found[TARGET].values):
        base = found["rate"].sel({"variant_or_base": "base", TARGET: tag})
        change = found["change"].sel({TARGET: tag})

        alone = report.settings[tag] == LEFT_ALONE
        kept = found["rate"].sel({"variant_or_base": "source", QUANTITY: "language", TARGET: tag})
        surprise = change.sel({"variant": "source", QUANTITY: "log_perplexity"})

        def cell(variant: str, quantity: str, own: xr.DataArray = change, *, alone: bool = alone) -> str:
            if alone and variant != "prompt":
                return MISSING
            return _points(Interval.of(own.sel({"variant": variant, QUANTITY: quantity})))

        rows.append(
            (
                tag,
                interval_text(Interval.of(found["reading"].sel({TARGET: tag})), reference=0.5),
                report.settings[tag],
                interval_text(Interval.of(base.sel({QUANTITY: "behaviour"}))),
                *(cell(variant, "behaviour") for variant in SHOWN),
                cell("source", "willing"),
                MISSING if alone else _share(kept),
                MISSING if alone else interval_text(Interval.of(surprise), signed=True),
                number(float(found["kl"].sel({TARGET: tag})), digits=2),
            )
        )
    return rows


def control_heads(report: ControlReport) -> tuple[str, ...]:
    """Heads of `control_rows`."""
    behaviour, source = str(report.findings.attrs["behaviour"]), str(report.findings.attrs["steered_by"])
    changes = (f"{HEADS[name].format(source=source)}, points" for name in SHOWN)
    return (
        "target", f"read by the vector of {source}", "setting", f"{behaviour}, unsteered", *changes,
        "willing answers, points", "language kept", "log perplexity", "KL, nats",
    )  # fmt: skip


def control_examples(report: ControlReport) -> list[dict[str, str]]:
    """The first violating prompts of each target whose answer the vector changed, both answers side by side."""
    source = str(report.findings.attrs["steered_by"])
    base, shown = {}, []
    rows = report.generations.table.to_pylist()
    for row in rows:
        if row["vector"] == "base" and row["side"] == "negative":
            base.setdefault((row["target"], row["item"]), row["answer"])
    counts: dict[str, int] = {}
    for row in rows:
        key = (row["target"], row["item"])
        wanted = row["vector"] == "source" and row["source"] == source and row["sign"] > 0 and row["side"] == "negative"
        if wanted and row["steered"] and row["answer"] != base.get(key) and counts.get(key[0], 0) < _EXAMPLES:
            counts[key[0]] = counts.get(key[0], 0) + 1
            texts = {"prompt": row["prompt"], "before": base.get(key, ""), "after": row["answer"]}
            shown.append({"target": key[0], **{name: clipped(text, _CHARACTERS) for name, text in texts.items()}})
    return shown


def _points(value: Interval) -> str:
    """`+34 [+20, +48] points`."""
    if not value.measured:
        return "not measured"
    whole = Interval(100 * value.estimate, 100 * value.lower, 100 * value.upper)
    estimate, lower, upper = (
        number(part, digits=0, signed=True) for part in (whole.estimate, whole.lower, whole.upper)
    )
    return f"{estimate} [{lower}, {upper}]"


def _share(value: xr.DataArray) -> str:
    own = Interval(*(float(value.sel({INTERVAL: bound})) for bound in ("estimate", "lower", "upper")))
    return f"{own.estimate:.0%}" if own.measured else "cannot tell"
