# pyright: reportMissingImports=false
"""Interactive figures: every control changes what it should, and every number shown is the findings'."""

import csv
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from beside_examples import beside_example, whole
from comparison_examples import comparison_report
from divergence_examples import HARM
from visiting import visit

from polyvalues.report.formatting import visible

EXAMPLE = whole()
BESIDE = beside_example(EXAMPLE)
TAGS = [language.tag for language in EXAMPLE.languages]
CONCEPTS = [str(name) for name in EXAMPLE.findings.recognition["concept"].values]
LIVE = (
    "accuracy", "layers", "recognition", "transfer", "cosine", "disattenuated", "reliability", "kinship", "direction",
    "drops", "noise", "quality", "exclusion", f"dose-{CONCEPTS[0]}", f"cost-{CONCEPTS[0]}",
)  # fmt: skip


@pytest.fixture
def page(browser: Any, pages: dict[str, Path]) -> Any:
    seen = visit(browser, pages["study"])
    yield seen.page
    assert seen.said == []
    assert seen.requests == []
    seen.page.context.close()


def figure(page: Any, name: str) -> Any:
    """The figure, in sight: what is far off is drawn when it comes near."""
    found = page.locator(f'[id="figure-{name}"]')
    if not found.evaluate(
        "figure => { const at = figure.getBoundingClientRect(); return at.bottom > 0 && at.top < innerHeight }"
    ):
        found.scroll_into_view_if_needed()
        page.wait_for_timeout(100)
    return found


def choose(page: Any, name: str, choice: str, value: str) -> None:
    figure(page, name).locator(f"select[name={choice}]").select_option(value)


def options(page: Any, name: str, choice: str) -> list[str]:
    return figure(page, name).locator(f"select[name={choice}] option").evaluate_all("all => all.map(one => one.value)")


def rows(page: Any, name: str) -> list[dict[str, str]]:
    """The table of what is shown, opened if it is not."""
    table = figure(page, name).locator("details.shown")
    if not table.evaluate("details => details.open"):
        table.locator("summary").click()
    table.locator("tr").first.wait_for()
    heads, *lines = table.locator("tr").evaluate_all(
        "all => all.map(row => [...row.cells].map(cell => cell.textContent))"
    )
    return [dict(zip(heads, line, strict=True)) for line in lines]


def near(text: str, value: float) -> bool:
    if math.isnan(value):
        return text == "–"
    return math.isclose(float(text.replace("−", "-")), value, abs_tol=1.6e-4)


def ticks(page: Any, name: str) -> list[str]:
    """Languages from top to bottom."""
    texts = figure(page, name).locator(".chart svg g[aria-label='y-axis tick label'] text").all_text_contents()
    return [text for text in texts if text in TAGS]


def test_every_figure_is_live_and_has_its_picture_behind(page: Any) -> None:
    for name in LIVE:
        assert figure(page, name).locator(".chart svg").count() >= 1, name
        assert not figure(page, name).locator("img").is_visible(), name
    page.emulate_media(media="print")
    for name in LIVE:
        assert figure(page, name).locator("img").is_visible(), name
        assert not figure(page, name).locator(".chart").is_visible(), name


def test_without_scripts_the_pictures_stay(browser: Any, pages: dict[str, Path]) -> None:
    page = visit(browser, pages["study"], java_script_enabled=False).page
    for name in LIVE:
        assert figure(page, name).locator("img").is_visible(), name
        assert figure(page, name).locator(".live").count() == 0, name
    assert not page.locator("#search").is_visible()
    page.context.close()


MATRICES: dict[tuple[str, str | None], Callable[[], Any]] = {
    ("recognition", "recognition"): lambda: (EXAMPLE.findings.recognition, "accuracy", "chosen"),
    ("recognition", "AUROC over single texts"): lambda: (EXAMPLE.findings.recognition, None, "auroc"),
    ("transfer", "change in accuracy"): lambda: (EXAMPLE.findings.transfer, None, "transfer"),
    ("transfer", "asymmetry"): lambda: (EXAMPLE.findings.transfer, None, "asymmetry"),
    ("cosine", None): lambda: (EXAMPLE.findings.consistency, "cosine", "chosen"),
    ("disattenuated", None): lambda: (EXAMPLE.findings.consistency, "disattenuated", "disattenuated_chosen"),
}


@pytest.mark.parametrize(("name", "quantity"), MATRICES)
def test_matrices_show_the_findings(page: Any, name: str, quantity: str | None) -> None:
    """All concepts, layers and cells, with their intervals and counts."""
    data, by_layer, chosen = MATRICES[name, quantity]()
    if quantity:
        choose(page, name, "quantity", quantity)
    counts = EXAMPLE.findings.recognition
    for concept in CONCEPTS:
        choose(page, name, "concept", concept)
        for layer in ["chosen", "0", "5"] if by_layer else ["chosen"]:
            if by_layer:
                choose(page, name, "layer", layer)
            values = data[chosen] if layer == "chosen" else data[by_layer].sel(layer=int(layer))
            shown = rows(page, name)
            assert [(row["source"], row["target"]) for row in shown] == [(s, t) for s in TAGS for t in TAGS]
            for row in shown:
                cell = values.sel(concept=concept, source=row["source"], target=row["target"])
                assert row["layer"] == layer
                for bound in ("estimate", "lower", "upper"):
                    assert near(row[bound], float(cell.sel(interval=bound))), (concept, layer, row)
                if name not in ("recognition", "transfer"):
                    continue
                assert int(row["n"]) == int(counts["n_pairs"].sel(concept=concept, target=row["target"]))
                assert int(row["groups"]) == int(counts["n_groups"].sel(concept=concept, target=row["target"]))


def test_cells_carry_their_numbers_and_bold_where_certain(page: Any) -> None:
    choose(page, "transfer", "concept", "fairness")
    values = EXAMPLE.findings.transfer["transfer"].sel(concept="fairness")
    groups = figure(page, "transfer").locator(".chart > svg:last-of-type g[aria-label=text]")
    bold, plain = (
        [text for group in groups.all() if (group.get_attribute("font-weight") == "700") is wanted
         for text in group.locator("text").all_text_contents()]
        for wanted in (True, False)
    )  # fmt: skip
    by_weight: dict[bool, list[str]] = {True: [], False: []}
    for source in TAGS:
        for target in TAGS:
            estimate, lower, upper = values.sel(source=source, target=target).values.tolist()
            if source != target and not math.isnan(estimate):
                text = f"{abs(estimate):.2f}"
                sign = "" if float(text) == 0 else "−" if estimate < 0 else "+"
                by_weight[lower > 0 or upper < 0].append(sign + text)
    assert sorted(bold) == sorted(by_weight[True]) != []
    assert sorted(plain) == sorted(by_weight[False]) != []


def test_choices_are_shared_and_orders_reorder(page: Any) -> None:
    assert options(page, "recognition", "concept") == CONCEPTS
    choose(page, "recognition", "concept", "fairness")
    for name in ("accuracy", "transfer", "kinship", "layers"):
        assert figure(page, name).locator("select[name=concept]").input_value() == "fairness"
        assert "fairness" in figure(page, name).locator(".live > p.note").first.text_content()
    assert options(page, "recognition", "layer") == ["chosen", *map(str, range(8))]
    assert options(page, "recognition", "order") == ["family", "share", "clustering"]
    assert ticks(page, "recognition") == TAGS
    choose(page, "recognition", "order", "share")
    assert ticks(page, "recognition") == ["en", "zh", "ta", "sw"]
    assert [row["language"] for row in rows(page, "accuracy")[::3]] == ["en", "zh", "ta", "sw"]
    choose(page, "recognition", "order", "clustering")
    assert ticks(page, "recognition") == TAGS[::-1] == ticks(page, "cosine")


def test_accuracy_and_reliability_show_the_findings(page: Any) -> None:
    found = EXAMPLE.findings
    for concept in CONCEPTS:
        choose(page, "accuracy", "concept", concept)
        for row in rows(page, "accuracy"):
            tag = row["language"]
            kind = {"random direction": "random", "swapped sides": "permuted"}.get(row["series"])
            cell = (
                found.recognition["control_chosen"].sel(concept=concept, target=tag, control_kind=kind)
                if kind
                else found.recognition["chosen"].sel(concept=concept, source=tag, target=tag)
            )
            assert all(near(row[bound], float(cell.sel(interval=bound))) for bound in ("estimate", "lower", "upper"))
        for row in rows(page, "reliability"):
            cell = found.consistency["reliability_chosen"].sel(concept=concept, source=row["language"])
            assert near(row["estimate"], float(cell.sel(interval="estimate")))


def test_curves_show_the_findings_and_the_language_that_is_chosen(page: Any) -> None:
    accuracy = EXAMPLE.findings.recognition["accuracy"]
    for row in rows(page, "layers"):
        if row["series"] == "own vector":
            cell = accuracy.sel(
                concept=row["concept"], source=row["language"], target=row["language"], layer=int(row["layer"])
            )
            assert near(row["lower"], float(cell.sel(interval="lower")))

    def named() -> list[str]:
        texts = figure(page, "layers").locator(".chart svg g[aria-label=text] text").all_text_contents()
        return [text for text in texts if text in TAGS]

    chosen = EXAMPLE.findings.recognition["chosen"].sel(concept=CONCEPTS[0], interval="estimate").values.diagonal()
    order = EXAMPLE.findings.recognition["target"].values
    assert named() == [order[chosen.argmax()], order[chosen.argmin()]]
    choose(page, "layers", "highlight", "ta")
    assert named() == ["ta"]


def test_kinship_shows_the_tested_correlation(page: Any) -> None:
    for concept in CONCEPTS[:2]:
        choose(page, "kinship", "concept", concept)
        for state in (("cosine", "genetic", "computed", "pearson", "direct"),
                      ("disattenuated", "geographic", "paper", "spearman", "split")):  # fmt: skip
            names = ("of", "kind", "table", "coefficient", "form")
            for name, value in zip(names, state, strict=True):
                choose(page, "kinship", name, value)
            claim = BESIDE.kinship.sel(concept=concept, **dict(zip(names, state, strict=True)))
            text = figure(page, "kinship").locator(".live > p.note").first.text_content()
            estimate = float(claim["both"].sel(interval="estimate"))
            assert f"r = {'−' if estimate < 0 else '+'}{abs(estimate):.2f} [" in text
            assert f"over {int(claim['pairs'])} pairs of languages" in text
            p = re.findall(r", p = ([\d.]+), q", text)
            assert math.isclose(float(p[0]), float(claim["p"]), rel_tol=0.06)
            cosines = EXAMPLE.findings.consistency["chosen" if state[0] == "cosine" else "disattenuated_chosen"]
            shown = rows(page, "kinship")
            assert len(shown) == 6
            for row in shown:
                distance = float(BESIDE.distances[state[2]][state[1]].sel(source=row["one"], target=row["other"]))
                assert near(row["similarity"], 1 - distance)
                cell = cosines.sel(concept=concept, source=row["one"], target=row["other"])
                assert near(row["estimate"], float(cell.sel(interval="estimate")))


def test_direction_turns_every_pair_to_the_richer(page: Any) -> None:
    shares = EXAMPLE.info.shares
    for row in rows(page, "direction"):
        richer, poorer = row["richer"], row["poorer"]
        assert shares[richer] > shares[poorer]
        assert near(row["log10 ratio"], math.log10(shares[richer] / shares[poorer]))
        cell = EXAMPLE.findings.transfer["asymmetry"].sel(concept=row["concept"], source=richer, target=poorer)
        assert near(row["estimate"], float(cell.sel(interval="estimate")))
    slope = float(BESIDE.direction["slope"].sel(concept=CONCEPTS[0], interval="estimate"))
    assert (
        f"Slope {'−' if slope < 0 else '+'}{abs(slope):.2f} ["
        in figure(page, "direction").locator("p.note").first.text_content()
    )


def test_drops_damage_and_quality(page: Any) -> None:
    summary = {(row["concept"], row["language"]): row for row in EXAMPLE.info.summary.to_pylist()}
    for row in rows(page, "drops"):
        assert int(row["kept"]) == summary[row["concept"], row["language"]]["kept"]
        assert int(row["dropped"]) == summary[row["concept"], row["language"]]["dropped"]
    choose(page, "noise", "damage", "swap")
    for row in rows(page, "noise"):
        cell = BESIDE.noise["accuracy"].sel(
            damage="swap",
            dose=float(row["dose"]),
            concept=row["concept"],
            source=row["language"],
            target=row["language"],
        )
        assert near(row["estimate"], float(cell.sel(interval="estimate")))
    for row in rows(page, "quality"):
        cell = BESIDE.quality.sel(concept=row["concept"], target=row["language"])
        assert near(row["quality"], float(cell["mean_quality"]))
        assert near(row["estimate"], float(cell["accuracy"]))


@pytest.mark.parametrize("kind", ["own", "any"])
def test_flagged_pairs_are_left_out_everywhere_at_once(page: Any, kind: str) -> None:
    found = BESIDE.exclusion.sel(excluded=kind)
    choose(page, "accuracy", "items", kind)
    for name, variable in (("recognition", "kept"), ("transfer", "transfer")):
        assert figure(page, name).locator("select[name=items]").input_value() == kind
        seen = rows(page, name)
        assert len(seen) == len(TAGS) ** 2
        for row in seen:
            cell = {dim: row[dim] for dim in ("concept", "source", "target")}
            assert near(row["estimate"], float(found[variable].sel(cell).sel(interval="estimate"))), row
            at = {dim: row[dim] for dim in ("concept", "target")}
            assert (int(row["n"]), int(row["groups"])) == (int(found["n_kept"].sel(at)), int(found["n_groups"].sel(at)))
            assert (row["pairs"], row["layer"]) == (kind, "chosen")
    both = rows(page, "accuracy")
    assert {row["series"] for row in both} == {"own vector", "own vector, all pairs"}
    for row in both:
        tag, concept = row["language"], row["concept"]
        whole = EXAMPLE.findings.recognition["chosen"] if row["pairs"] == "all" else found["kept"]
        value = whole.sel(concept=concept, source=tag, target=tag, interval="estimate")
        assert near(row["estimate"], float(value)), row
    choose(page, "recognition", "quantity", "AUROC over single texts")
    assert (
        "all pairs (not measured without the flagged ones)"
        in figure(page, "recognition").locator(".live > .note").first.text_content()
    )
    choose(page, "transfer", "items", "all")
    assert {row["series"] for row in rows(page, "accuracy")} >= {"random direction"}


def test_control_shows_each_targets_trials(page: Any) -> None:
    trials = BESIDE.controls[0].trials
    for form in ("dose", "cost"):
        name = f"{form}-{CONCEPTS[0]}"
        for target in dict.fromkeys(trials["target"]):
            choose(page, name, "target", target)
            own = trials[trials["target"] == target]
            shown = rows(page, name)
            assert [float(row["strength"]) for row in shown] == own["strength"].tolist()
            assert all(near(row["effect"], effect) for row, effect in zip(shown, own["effect"], strict=True))
            assert [row["chosen"] for row in shown] == [str(bool(one)).lower() for one in own["chosen"]]
    assert "<b>Sorry</b>, no." in page.locator(f'[id="section-control-{CONCEPTS[0]}"]').inner_text()


def test_pointing_tells_estimate_interval_and_n(page: Any) -> None:
    chart = figure(page, "recognition").locator(".chart")
    chart.scroll_into_view_if_needed()
    svg = chart.locator("> svg").last
    box = svg.bounding_box()
    side = (box["width"] - 44) / len(TAGS)
    page.mouse.move(box["x"] + 38 + 1.5 * side, box["y"] + 24 + 0.5 * side)
    said = figure(page, "recognition").locator("output").text_content()
    values = EXAMPLE.findings.recognition["chosen"].sel(concept=CONCEPTS[0], source=TAGS[0], target=TAGS[1]).values
    n = int(EXAMPLE.findings.recognition["n_pairs"].sel(concept=CONCEPTS[0], target=TAGS[1]))
    assert f"{values[0]:.2f} [{values[1]:.2f}, {values[2]:.2f}], n = {n}" in said
    assert "English (en) → Chinese (zh)" in said
    tip = re.sub(r"\s+", " ", svg.locator("g[aria-label=tip]").text_content())
    assert f"{values[0]:.2f}" in tip


def test_the_keyboard_walks_through_the_numbers(page: Any) -> None:
    chart = figure(page, "recognition").locator(".chart")
    readout = figure(page, "recognition").locator("output")
    chart.focus()
    en, zh = "English (en)", "Chinese (zh)"
    steps = [("Right", en, en), ("Right", en, zh), ("Down", zh, zh), ("Left", zh, en), ("Up", en, en), ("Up", en, en)]
    for key, source, target in steps:
        page.keyboard.press(f"Arrow{key}")
        assert readout.text_content().startswith(f"{source} → {target}"), key
    page.keyboard.press("Escape")
    assert readout.text_content() == ""
    assert chart.get_attribute("aria-label") == "Chart: recognition"
    for name in LIVE:
        figure(page, name).locator(".chart").focus()
        page.keyboard.press("ArrowRight")
        assert figure(page, name).locator("output").text_content(), name


def test_a_download_holds_the_whole_figure(page: Any, tmp_path: Path) -> None:
    for name in LIVE:
        with page.expect_download() as waiting:
            figure(page, name).get_by_role("button", name="Download CSV").click()
        assert waiting.value.suggested_filename == f"{name}.csv"
        waiting.value.save_as(tmp_path / f"{name}.csv")
    with (tmp_path / "recognition.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    # recognition at the chosen layer and at eight, AUROC, and recognition without flagged pairs of two kinds
    assert len(found) == len(CONCEPTS) * len(TAGS) ** 2 * (9 + 1 + 2)
    accuracy = EXAMPLE.findings.recognition["accuracy"]
    for row in found:
        if row["quantity"] == "recognition" and row["layer"] != "chosen" and row["pairs"] == "all":
            cell = accuracy.sel(
                concept=row["concept"], source=row["source"], target=row["target"], layer=int(row["layer"])
            )
            assert near(row["upper"] or "–", float(cell.sel(interval="upper")))
    for name in LIVE:
        lines = (tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert len(lines) > len(TAGS), name


def test_hostile_names_stay_text(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    seen = visit(browser, pages["hostile"])
    page = seen.page
    for select in page.locator(".live select").all():
        for value in select.locator("option").evaluate_all("all => all.map(one => one.value)"):
            select.select_option(value)
    page.locator('[id="figure-recognition"] .chart').focus()
    page.keyboard.press("ArrowRight")
    for table in page.locator("details.shown").all():
        table.locator("summary").click()
    assert page.evaluate("window.ran") is None
    assert seen.said == []
    assert page.locator(".live script, .live img, .live iframe").count() == 0
    with page.expect_download() as waiting:
        figure(page, "accuracy").get_by_role("button", name="Download CSV").click()
    waiting.value.save_as(tmp_path / "x.csv")
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if re.match(r"[=+@\t\r]|-[^\d]", cell)], "nothing a spreadsheet would run"
    page.context.close()


def test_a_figure_that_fails_keeps_its_picture(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    whole_page = pages["study"].read_text(encoding="utf-8")
    broken.write_text(whole_page.replace('"colours":"viridis"', '"colours":"none"'), encoding="utf-8")
    seen = visit(browser, broken)
    assert any("figure recognition stays a picture" in line for line in seen.said)
    assert figure(seen.page, "recognition").locator("img").is_visible()
    assert figure(seen.page, "recognition").locator(".live").count() == 0
    assert figure(seen.page, "transfer").locator(".chart svg").count()
    seen.page.context.close()


def test_charts_follow_the_width(page: Any) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    page.wait_for_timeout(300)
    for name in LIVE:
        figure(page, name).locator(".chart").scroll_into_view_if_needed()
        page.wait_for_timeout(60)
        widths = figure(page, name).locator(".chart").evaluate("chart => [chart.scrollWidth, chart.clientWidth]")
        assert widths[0] <= widths[1] + 1, name


def test_one_language_one_layer(browser: Any, pages: dict[str, Path]) -> None:
    seen = visit(browser, pages["lone"])
    for name in ("accuracy", "layers", "reliability", "drops"):
        assert figure(seen.page, name).locator(".chart svg").count(), name
    assert figure(seen.page, "accuracy").locator("select").count() == 0, "one value is no choice"
    assert seen.said == []
    seen.page.context.close()


def test_items_are_searched_in_the_report(page: Any) -> None:
    page.get_by_label("words, in any language").fill("no1 good")
    assert [item.is_visible() for item in page.locator("#items article").all()] == [False, True, False]
    assert page.locator("#search-count").text_content() == "1 of 3 items"


def test_studies_are_compared(browser: Any, pages: dict[str, Path]) -> None:
    report = comparison_report(HARM)
    seen = visit(browser, pages["comparison"])
    page = seen.page
    for pair, values in report.differences.items():
        choose(page, "differences", "quantity", visible(pair))
        for concept in ("fairness", "harm"):
            choose(page, "differences", "concept", concept)
            shown = rows(page, "differences")
            assert [(row["source"], row["target"]) for row in shown] == [
                (s, t) for s in ("en", "sw") for t in ("en", "sw")
            ]
            for row in shown:
                cell = values.sel(concept=concept, source=row["source"], target=row["target"])
                assert near(row["upper"], float(cell.sel(interval="upper")))
    table = report.table
    for row in rows(page, "shares"):
        study = next(name for name in table["study"].values if visible(str(name)) == row["study"])
        assert near(row["share"], float(table["share"].sel(study=study, target=row["language"])))
    choose(page, "traits", "trait", "cosine")
    choose(page, "traits", "mixture", "entropy")
    cell = table.sel(trait="cosine", mixture="entropy")
    for row, study in zip(rows(page, "traits"), table["study"].values, strict=True):
        assert math.isclose(float(row["value"]), float(cell["mixture_value"].sel(study=study)), abs_tol=1e-4)
        assert near(row["estimate"], float(cell["trait_value"].sel(study=study, interval="estimate")))
    assert "3 models." in figure(page, "traits").locator("p.note").first.text_content()
    assert seen.said == []
    page.context.close()
