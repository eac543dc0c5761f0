import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from report_examples import CONCEPTS, PAPER, Example, build

from polyvalues.report.figures import figure_set
from polyvalues.report.figures.artists.cells import Cells
from polyvalues.report.figures.artists.labels import Label, Labels
from polyvalues.report.figures.artists.scales import Scale, scaled
from polyvalues.report.figures.heatmaps import readable
from polyvalues.report.figures.style import RULE, drawable, look
from polyvalues.report.figures.svg import compact


def panels(figure: Figure) -> dict[str, Axes]:
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}


def drawn(axes: Axes, gid: str) -> np.ndarray:
    return np.concatenate([np.asarray(line.get_xydata()) for line in axes.lines if line.get_gid() == gid])


def labels(axes: Axes, gid: str) -> tuple[Label, ...]:
    return next(artist.entries for artist in axes.artists if isinstance(artist, Labels) and artist.get_gid() == gid)


def cells(axes: Axes) -> Cells:
    return next(artist for artist in axes.artists if isinstance(artist, Cells))


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))


def test_accuracy_draws_every_language(study: Example):
    figure = figure_set.accuracy_by_language(study.findings, study.languages)
    found = panels(figure)
    assert list(found) == list(CONCEPTS[:3])
    chosen = study.findings.recognition["chosen"]
    points = drawn(found["fairness"], "points")
    tags = ["en", "zh", "ta", "sw"]
    expected = [float(chosen.sel(concept="fairness", source=tag, target=tag)[0]) for tag in tags]
    assert points[:, 0].tolist() == expected
    assert [label.get_text() for label in found["deontology"].get_yticklabels()] == tags
    for control in ("random", "permuted"):
        values = study.findings.recognition["control_chosen"].sel(concept="fairness", control_kind=control)
        assert (
            drawn(found["fairness"], f"control-{control}")[:, 0].tolist()
            == values.sel(target=tags)[:, 0].values.tolist()
        )
    assert "not measured" in [text.get_text() for text in found["harmfulness"].texts]
    assert len(drawn(found["harmfulness"], "points")) == 3


def test_order_of_languages_is_the_callers(study: Example):
    figure = figure_set.accuracy_by_language(study.findings, study.languages[::-1])
    labels = next(iter(panels(figure).values())).get_yticklabels()
    assert [label.get_text() for label in labels] == ["sw", "ta", "zh", "en"]


def test_curves_and_chosen_layer(study: Example):
    figure = figure_set.accuracy_over_layers(study.findings, study.languages)
    axes = panels(figure)["fairness"]
    values = study.findings.recognition["accuracy"].sel(
        concept="fairness", source="ta", target="ta", interval="estimate"
    )
    assert drawn(axes, "curve-ta")[:, 1].tolist() == values.values.tolist()
    layer = int(study.findings.recognition["chosen_layer"].sel(concept="fairness"))
    assert set(drawn(axes, "chosen")[:, 0]) == {layer}
    assert not [line for line in axes.lines if line.get_gid() == "fold"]
    assert "from 0" in axes.get_xlabel()


def test_folds_of_cross_fitted_concepts_are_marked():
    example = build(cross_fitted=True)
    axes = panels(figure_set.accuracy_over_layers(example.findings, example.languages))["fairness"]
    layer = int(example.findings.recognition["chosen_layer"].sel(concept="fairness"))
    assert drawn(axes, "fold")[:, 0].tolist() == [layer + 1]


def test_paper_layers_are_marked_per_cell(paper: Example):
    axes = panels(figure_set.accuracy_over_layers(paper.findings, paper.languages))["fairness"]
    cells = paper.findings.recognition["cell_layer"].sel(concept="fairness")
    expected = [int(cells.sel(source=tag, target=tag)) for tag in ("en", "zh", "sw")]
    assert drawn(axes, "chosen")[:, 0].tolist() == expected
    assert "1-based" in axes.get_xlabel()


def test_many_languages_name_the_extremes():
    example = build(CONCEPTS[:1], tuple(tag for tag, _, _ in PAPER), 6, holes=False)
    axes = panels(figure_set.accuracy_over_layers(example.findings, example.languages))[CONCEPTS[0]]
    chosen = example.findings.recognition["chosen"].sel(concept=CONCEPTS[0], interval="estimate").values.diagonal()
    tags = example.findings.recognition["target"].values
    named = {text.get_text() for text in axes.texts if text.get_text().isalpha()}
    assert named == {tags[chosen.argmax()], tags[chosen.argmin()]}
    assert len([line for line in axes.lines if str(line.get_gid()).startswith("curve-")]) == 2
    curves = example.findings.recognition["accuracy"].sel(concept=CONCEPTS[0], interval="estimate")
    rest = [curves.sel(source=tag, target=tag).values for tag, _, _ in PAPER if tag not in named]
    expected = np.pad(rest, ((0, 0), (0, 1)), constant_values=np.nan).ravel()[:-1]
    np.testing.assert_array_equal(drawn(axes, "others")[:, 1], expected, err_msg="the other languages, with gaps")


@pytest.mark.parametrize(
    ("draw", "dataset", "variable", "diagonal"),
    [
        (figure_set.recognition, "recognition", "chosen", True),
        (figure_set.transfer, "transfer", "transfer", False),
        (figure_set.cosine, "consistency", "chosen", False),
        (figure_set.disattenuated, "consistency", "disattenuated_chosen", False),
    ],
)
def test_matrices_show_the_findings(study: Example, draw, dataset: str, variable: str, diagonal: bool):
    axes = panels(draw(study.findings, study.languages))["fairness"]
    values = getattr(study.findings, dataset)[variable].sel(concept="fairness", interval="estimate")
    tags = [label.text for label in labels(axes, "columns")]
    assert tags == [label.text for label in labels(axes, "rows")]
    shown = cells(axes).values
    expected = values.sel(source=tags, target=tags).values.copy()
    if not diagonal:
        np.fill_diagonal(expected, np.nan)
    assert np.array_equal(shown, expected, equal_nan=True)
    numbers = {(label.x, label.y): label.text for label in labels(axes, "numbers")}
    signed = draw is figure_set.transfer
    value = float(values.sel(source="ta", target="zh"))
    text = f"{abs(value):.2f}"
    assert numbers[1, 2] == ("−" if value < 0 else "+" if signed else "") + text
    assert len(numbers) == (16 if diagonal else 12)


def test_bold_means_the_interval_leaves_out_the_reference(study: Example):
    axes = panels(figure_set.transfer(study.findings, study.languages))["fairness"]
    values = study.findings.transfer["transfer"].sel(concept="fairness")
    tags = ["en", "zh", "ta", "sw"]
    for label in labels(axes, "numbers"):
        _, lower, upper = values.sel(source=tags[int(label.y)], target=tags[int(label.x)]).values
        assert label.bold == bool(lower > 0 or upper < 0)
    assert {label.bold for label in labels(axes, "numbers")} == {True, False}


def test_scale_of_transfer_is_centred(study: Example):
    low, high = cells(panels(figure_set.transfer(study.findings, study.languages))["fairness"]).limits
    assert low == -high
    assert high >= float(np.nanmax(np.abs(study.findings.transfer["transfer"].sel(interval="estimate"))))


def test_unmeasured_cells_are_dashes(study: Example):
    axes = panels(figure_set.recognition(study.findings, study.languages))["harmfulness"]
    numbers = {(label.x, label.y): label.text for label in labels(axes, "numbers")}
    assert [numbers[3, row] for row in range(4)] == ["–"] * 4


@pytest.mark.parametrize(
    ("align", "ha", "va", "rotation"),
    [
        ("middle", "center", "center_baseline", 0),
        ("left of", "right", "center_baseline", 0),
        ("below", "center", "top", 0),
        ("upright below", "center", "top", 90),
    ],
)
def test_labels_stand_where_texts_do(align, ha: str, va: str, rotation: int):
    """Many texts in one artist are drawn where matplotlib draws single ones (which leave room for descenders)."""

    def ink(many: bool) -> np.ndarray:
        figure = Figure(figsize=(2, 2), dpi=100)
        axes = figure.add_axes((0.2, 0.2, 0.6, 0.6))
        axes.set_axis_off()
        gap = 4 / 72 * 100 / 120  # four points, in the axes' data
        x, y = (0.5 - gap * (align == "left of"), 0.5 - gap * align.endswith("below"))
        if many:
            axes.add_artist(Labels([Label(0.5, 0.5, "47", "black")], 20.0, align))
        else:
            axes.text(x, y, "47", ha=ha, va=va, rotation=rotation, fontsize=20, family="DejaVu Sans")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        dark = np.argwhere(np.asarray(canvas.buffer_rgba())[..., 0] < 100)
        return np.concatenate([dark.min(axis=0), dark.max(axis=0)])

    with mpl.rc_context(look()):
        assert np.abs(ink(many=True) - ink(many=False)).max() <= 3


def test_scales_stand_where_matplotlib_draws_its_own():
    """Grid, marks, labels and names of axes: the same words in the same places."""

    def ink(ours: bool) -> np.ndarray:
        figure = Figure(figsize=(4, 3), dpi=100)
        axes = figure.add_axes((0.25, 0.25, 0.6, 0.6))
        axes.set(xlim=(-0.1, 3.2), ylim=(0.9, -0.4), xlabel="across", ylabel="upwards")
        if ours:
            scaled(axes, Scale(grid=0.6), Scale())
        else:
            axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].min(axis=2) < 245

    with mpl.rc_context(look()):
        one, other = ink(ours=True), ink(ours=False)
    for direction in (0, 1):
        one_at, other_at = (np.flatnonzero(dark.any(axis=direction)) for dark in (one, other))
        assert np.abs(np.array([one_at[0], one_at[-1]]) - [other_at[0], other_at[-1]]).max() <= 2
    near = sum(np.roll(other, (down, across), (0, 1)) for down in (-2, -1, 0, 1, 2) for across in (-2, -1, 0, 1, 2)) > 0
    assert (one & near).sum() > 0.97 * one.sum(), "no ink far from matplotlib's"
    assert abs(int(one.sum()) - int(other.sum())) < 0.12 * other.sum()


def test_cells_are_drawn_as_single_squares_would_be():
    """One path per colour gives the picture that matplotlib's mesh gives."""
    values = np.array([[0.1, 0.9, np.nan], [0.5, 0.1, 0.3]])

    def ink(many: bool) -> np.ndarray:
        figure = Figure(figsize=(3, 2), dpi=50)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-0.5, 2.5), ylim=(1.5, -0.5))
        axes.set_axis_off()
        if many:
            axes.add_artist(Cells(values, mpl.colormaps["viridis"], (0.0, 1.0)))
        else:
            edges = (np.arange(4) - 0.5, np.arange(3) - 0.5)
            axes.pcolormesh(*edges, np.ma.masked_invalid(values), cmap="viridis", vmin=0, vmax=1, edgecolors="white",
                            linewidth=0.5)  # fmt: skip
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].astype(int)

    middles = (slice(25, None, 50), slice(25, None, 50))
    with mpl.rc_context(look()):
        one, other = ink(many=True), ink(many=False)
    assert np.abs(one[middles] - other[middles]).max() <= 1
    assert len(np.unique(one[middles].reshape(-1, 3), axis=0)) == 5, "four colours and the page"
    assert (one[25, 48:52] > one[25, 25]).all(axis=1).any(), "a gap between cells"


def test_text_contrasts_with_its_cell():
    assert readable((1.0, 1.0, 0.8, 1.0)) != "white"
    assert readable((0.1, 0.0, 0.3, 1.0)) == "white"


def test_sixteen_languages_fit():
    example = build(CONCEPTS, tuple(tag for tag, _, _ in PAPER), 4)
    figure = figure_set.recognition(example.findings, example.languages)
    assert figure.get_size_inches()[0] <= 10.4
    assert "hundredths" in words(figure)
    assert "Indo-European: en fr es pt ca" in words(figure)
    axes = panels(figure)["fairness"]
    value = float(example.findings.recognition["chosen"].sel(concept="fairness", source="en", target="en")[0])
    assert next(label.text for label in labels(axes, "numbers") if (label.x, label.y) == (0, 0)) == f"{100 * value:.0f}"


def test_figure_set(study: Example, lone: Example):
    everything = figure_set.figure_set(study.findings, study.info, study.languages)
    assert set(everything) == {
        "accuracy", "layers", "reliability", "drops", "recognition", "transfer", "cosine", "disattenuated",
    }  # fmt: skip
    alone = figure_set.figure_set(lone.findings, lone.info, lone.languages)
    assert set(alone) == {"accuracy", "layers", "reliability", "drops"}
    assert all(" tiny-llama-chat · strict protocol" in words(figure) for figure in everything.values())
    assert not any("\\" in words(figure) for figure in everything.values()), "nothing of ours is spelled out"


def test_one_layer_one_language():
    example = build(CONCEPTS[:1], ("sw",), 1, holes=False)
    for figure in figure_set.figure_set(example.findings, example.info, example.languages).values():
        assert figure_set.save_figure(figure, "png").startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["svg", "png", "pdf"])
def test_equal_findings_give_equal_bytes(kind):
    example = build(CONCEPTS[:2], ("en", "sw"), 3)
    first, second = (
        figure_set.save_figure(figure_set.recognition(example.findings, example.languages), kind) for _ in range(2)
    )
    assert first == second
    figure = figure_set.cosine(example.findings, example.languages)
    assert figure_set.save_figure(figure, kind) == figure_set.save_figure(figure, kind)
    assert b"202" not in re.findall(rb"CreationDate|dc:date", first)


def test_settings_of_the_process_do_not_matter(study: Example):
    plain = figure_set.save_figure(figure_set.transfer(study.findings, study.languages), "svg")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        assert figure_set.save_figure(figure_set.transfer(study.findings, study.languages), "svg") == plain
        assert dict(mpl.rcParams) == before


def test_svg_is_whole_and_small(drawings: Mapping[str, str]):
    for svg in drawings.values():
        root = ET.fromstring(svg)
        assert root.tag.endswith("svg")
        assert not root.findall(".//{*}script")
        assert "http" not in svg.replace("http://www.w3.org/", "")
    texts = [element.text for element in ET.fromstring(drawings["recognition"]).iter() if element.tag.endswith("text")]
    assert {"en", "zh", "ta", "sw"} <= set(texts)


def test_compacting_keeps_what_is_drawn():
    svg = (
        '<svg><defs><style type="text/css">*{}</style></defs><g id="patch_1">\n<path d="M 1.234567 2 \nL 3 2 \nL 3 4 \n'
        'L 1.234567 4 \nL 1.234567 2 \n" style="fill: #fff"/>\n</g><g id="text_1">\n<text style="fill: #000" x="1.239" '
        'transform="rotate(-0 1 2)">a 1.23456</text>\n</g></svg>'
    )
    small = compact(svg)
    assert 'd="M1.23 2H3V4H1.23z"' in small
    assert 'x="1.23"' in small, "digits are cut, not rounded: a pixel has a hundred of these steps"
    assert ">a 1.23456</text>" in small
    assert "rotate" not in small
    assert compact(svg.replace("\nL 3 4", "\nL 3.5 4")).count("H") == 0


def test_figures_carry_latin_text_only():
    assert drawable("en → zh, naïve −1 …") == "en → zh, naïve −1 …"
    assert drawable("தமிழ்\u202e\x00") == "\\u0ba4\\u0bae\\u0bbf\\u0bb4\\u0bcd\\u202e\\x00"
