"""What a report must know about languages, and the order in which it shows them.

The order is the caller's (by family, so that kin stand side by side); the report only keeps it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from polyvalues.artifacts import Findings
from polyvalues.dimensions import ALL_CONCEPTS, BOUNDS, CONCEPT, INTERVAL, LAYER, QUANTITY, SOURCE, TARGET
from polyvalues.errors import MeasureError
from polyvalues.report.formatting import Interval


@dataclass(frozen=True)
class LanguageView:
    """A language as a report shows it.

    Attributes:
        tag: BCP-47 tag; figures show nothing else.
        name: its name in English.
        family: its language family; neighbours with the same family form a block.
        direction: in which direction it is written.
    """

    tag: str
    name: str
    family: str
    direction: Literal["ltr", "rtl"] = "ltr"


def arrange(findings: Findings, languages: Sequence[LanguageView]) -> tuple[LanguageView, ...]:
    """The languages of the findings, in the order of `languages`.

    Raises:
        MeasureError: the findings have a language that `languages` does not describe, or one is described twice.
    """
    measured = [str(tag) for tag in findings.recognition[TARGET].values]
    tags = [language.tag for language in languages]
    if len(set(tags)) != len(tags):
        raise MeasureError(f"languages {tags} name one of them twice; describe each once")
    missing = [tag for tag in measured if tag not in tags]
    if missing:
        raise MeasureError(f"no description of language {missing[0]!r}, which was measured; languages given: {tags}")
    return tuple(language for language in languages if language.tag in measured)


def concepts_of(findings: Findings) -> tuple[str, ...]:
    """The concepts of the findings, in their order."""
    return tuple(str(concept) for concept in findings.recognition[CONCEPT].values)


def own(matrix: xr.DataArray, tags: Sequence[str]) -> xr.DataArray:
    """The diagonal of a `[..., source, target, ...]` array: each language's vector on its own pairs, by `target`."""
    index = xr.DataArray(list(tags), dims=TARGET, coords={TARGET: list(tags)})
    return matrix.sel({SOURCE: index, TARGET: index}).reset_coords(SOURCE, drop=True)


def chosen_layers(dataset: xr.Dataset, recognition: xr.Dataset) -> xr.DataArray:
    """The layer behind each `chosen` number, int `[concept, source, target]`; negative where there is none.

    One per concept, or, under the paper protocol, one per cell (`cell_layer` of `dataset`).
    """
    if "cell_layer" in dataset:
        return dataset["cell_layer"].transpose(CONCEPT, SOURCE, TARGET)
    cells = xr.ones_like(recognition["n_pairs"], dtype=np.int64).expand_dims({SOURCE: recognition[SOURCE].values})
    return (recognition["chosen_layer"].astype(np.int64) * cells).transpose(CONCEPT, SOURCE, TARGET)


def family_blocks(languages: Sequence[LanguageView]) -> tuple[tuple[str, int, int], ...]:
    """Runs of neighbours of one family: `(family, first, last + 1)`."""
    blocks: list[tuple[str, int, int]] = []
    for position, language in enumerate(languages):
        if blocks and blocks[-1][0] == language.family:
            blocks[-1] = (language.family, blocks[-1][1], position + 1)
        else:
            blocks.append((language.family, position, position + 1))
    return tuple(blocks)


def layer_label(findings: Findings) -> str:
    """How layers are counted, for an axis."""
    paper = findings.recognition.attrs.get("layer_numbering") == "paper"
    return f"{LAYER} (1-based, as in the paper)" if paper else f"{LAYER} (decoder block, from 0)"


@dataclass(frozen=True, eq=False)
class KinshipView:
    """One of the many correlations with kinship: Pearson's, of raw cosines, of a kind other than genetic beyond it.

    Attributes:
        table: distance table: our own where it was used, else the first.
        kind: genetic distance where it was measured, else the first kind.
        data: the claims at that table and kind, by concept.
    """

    table: str
    kind: str
    data: xr.Dataset

    def tested(self, concept: str) -> tuple[Interval, float]:
        """The correlation, with its interval over other languages and items, and p."""
        own = self.data.sel({CONCEPT: concept})
        return Interval.of(own["both"]), float(own["p"])


def kinship_view(data: xr.Dataset) -> KinshipView:
    """What is shown of the claims about kinship where only one correlation can be shown."""
    tables, kinds = ([str(name) for name in data[dim].values] for dim in ("table", "kind"))
    table = "computed" if "computed" in tables else tables[0]
    kind = "genetic" if "genetic" in kinds else kinds[0]
    own = data.sel({"table": table, "kind": kind, "of": "cosine", "coefficient": "pearson", "form": "beyond"})
    return KinshipView(table, kind, own)


def headline(
    findings: Findings, quantity: str, concept: str = ALL_CONCEPTS, over: Literal["value", "both"] = "value"
) -> Interval:
    """A number of the overview; not measured if the overview does not have it.

    Args:
        findings: the numbers.
        quantity: of the overview.
        concept: or the mean over concepts.
        over: `value`: interval over other items, in these languages; `both`: in other languages as well.
    """
    table = findings.overview
    quantities, concepts = table[QUANTITY].values.tolist(), table[CONCEPT].values.tolist()
    if over not in table or quantity not in quantities or concept not in concepts:
        return Interval(float("nan"), float("nan"), float("nan"))
    return Interval.of(table[over][{CONCEPT: concepts.index(concept), QUANTITY: quantities.index(quantity)}])


def layer_words(protocols: Mapping[str, str]) -> str:
    """At which layers numbers were taken, for a caption; `protocols` by model."""
    paper = [name for name, protocol in protocols.items() if protocol == "paper"]
    if not paper:
        return "at the chosen layer"
    each = "at the best layer of each cell (paper protocol"
    return f"{each})" if len(paper) == len(protocols) else f"at the chosen layer; {each}) for {listed_models(paper)}"


def listed_models(names: Sequence[str]) -> str:
    """Names for a caption: all of up to three, else how many."""
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} models"


def edge(values: xr.DataArray) -> float:
    """Half the width of a scale centred at 0, in steps of 0.05."""
    seen = np.abs(values.sel({INTERVAL: BOUNDS[0]}).values)
    return float(np.ceil(max([0.05, *seen[np.isfinite(seen)].tolist()]) * 20 - 1e-9) / 20)
