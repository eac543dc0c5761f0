"""The paper's figures: what is drawn are the labelled data, in order, inside the page, the same bytes each time."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from paper_examples import means_of, model
from report_examples import HOSTILE, PAPER

from polyvalues.report.figures.figure_set import KINDS, save_figure
from polyvalues.report.figures.paper.consistency_figure import consistency_grid, consistency_main
from polyvalues.report.figures.paper.matrices import NOTHING
from polyvalues.report.figures.paper.paper_style import STYLES, PaperFigure, Style
from polyvalues.report.figures.paper.recognition_figure import COLOURS, axis_bottom, recognition_bars
from polyvalues.report.figures.paper.transfer_figure import transfer_grid, transfer_main

DRAW = {2: recognition_bars, 4: consistency_main, 5: transfer_main, 7: consistency_grid, 8: transfer_grid}
SHARES = {"en": 60.0, "sw": 9.0, "zh": 3.0}
TAGS = tuple(tag for tag, _, _ in PAPER)
LONG = "organisation/" + "a-model-with-a-name-that-does-not-end-" * 4

both_styles = pytest.mark.parametrize("style", STYLES.values(), ids=list(STYLES))


@pytest.fixture(scope="module")
def three() -> xr.Dataset:
    """Models of different languages, one with a hole, one without shares."""
    first = model("first", shares=SHARES, holes=True)
    second = model("second", ("en", "fr", "ja"), shares={"ja": 50.0, "en": 40.0})
    return means_of(first, second, model("third", ("sw", "en")))


@pytest.fixture(scope="module")
def crowd() -> xr.Dataset:
    """Sixteen languages, nine models, names that are too long, too strange, or both."""
    names = [*(f"model-{at}" for at in range(6)), LONG, HOSTILE, "模型 $x^2$ \\frac{ Ħ ŧ Ʊ"]
    shares = {tag: 50 / 2**at for at, tag in enumerate(TAGS)}
    return means_of(*(model(name, TAGS, shares=shares) for name in names))


Drawn = Callable[[str, int, Style], PaperFigure]


@pytest.fixture(scope="module")
def drawn(three: xr.Dataset, crowd: xr.Dataset) -> Drawn:
    """The figure of that number from means by name; each is drawn once for all tests, which only look at it."""
    means = {
        "three": three,
        "crowd": crowd,
        "one of three": three.isel(model=[0]),
        "one with a long name": crowd.isel(model=[6]),
        "odd tags": means_of(model("odd", ("en", "sr-Latn-RS", "zh-Hant-TW", "x-klingon-very-long"))),
    }
    return cache(lambda name, number, style: DRAW[number](means[name], style))


def panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.get_gid() == "panel"]


def labels(ticks: list[Text]) -> list[str]:
    return [tick.get_text() for tick in ticks]


def settled(figure: Figure) -> dict[Text, np.ndarray]:
    """Texts that are seen, with their boxes in pixels: left, bottom, right, top."""
    figure.set_dpi(288)  # at few pixels an inch, letters are rounded to whole ones
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text() and text.get_visible()]
    return {text: np.array(text.get_window_extent(renderer).extents) for text in texts}


def outside(figure: Figure, boxes: dict[Text, np.ndarray]) -> list[str]:
    """Texts that leave the page by more than half a pixel."""
    page = np.add(figure.bbox.extents, [-0.5, -0.5, 0.5, 0.5])
    return [text.get_text() for text, box in boxes.items() if (box[:2] < page[:2]).any() or (box[2:] > page[2:]).any()]


def touching(figure: Figure, boxes: dict[Text, np.ndarray]) -> list[tuple[str, str]]:
    """Neighbouring tick labels, numbers in cells, and titles of panels that cover one another."""
    found = []
    titles = {axes.get_title(loc="left") for axes in figure.axes}
    groups = [[text for text in boxes if text.get_text() in titles]]
    for axes in figure.axes:
        groups += [list(axes.get_xticklabels()), list(axes.get_yticklabels()), list(axes.texts)]
    for group in groups:
        seen = [text for text in group if text in boxes]
        if len(seen) > 1:
            low, high = np.split(np.array([boxes[text] for text in seen]), 2, axis=1)
            shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
            pairs = np.argwhere(np.triu((shared > 0.5).all(axis=-1), 1))
            found += [(seen[one].get_text(), seen[other].get_text()) for one, other in pairs]
    return found


def check_cells(axes: Axes, cells: xr.DataArray) -> None:
    """Colours and numbers of one panel are those of the data; the diagonal and what is missing are grey."""
    mesh = next(part for part in axes.collections if isinstance(part, QuadMesh))
    drawn = np.ma.filled(np.ma.asarray(mesh.get_array()).reshape(cells.shape).astype(float), np.nan)
    expected = cells.values.copy()
    np.fill_diagonal(expected, np.nan)
    np.testing.assert_array_equal(drawn, expected)
    assert to_hex(axes.get_facecolor()) == NOTHING
    low, high = mesh.get_clim()
    assert np.nanmin(expected) >= low - 0.1
    assert np.nanmax(expected) <= high
    for text in axes.texts:
        column, row = (int(part) for part in text.get_position())
        value = expected[row, column]
        if np.isnan(value):
            assert text.get_text() == "–"
            assert row != column
        else:
            said = text.get_text().replace("−", "-")
            assert float(said) == pytest.approx(
                value if "." in said else 100 * value, abs=0.0051 if "." in said else 0.51
            )


@both_styles
def test_bars_are_the_data(three: xr.Dataset, style: Style) -> None:
    made = recognition_bars(three, style)
    axes = made.figure.axes[0]
    bottom = axis_bottom(made.data)
    assert bottom <= 0.5
    assert axes.get_ylim() == (bottom, 1.0)
    for at, name in enumerate(["first", "second", "third"]):
        own = made.data["own"].sel(model=name, interval="estimate")
        bars = [part for part in axes.patches if isinstance(part, Rectangle) and part in axes.containers[at]]
        known = own.values[np.isfinite(own.values)]
        np.testing.assert_allclose([bar.get_y() + bar.get_height() for bar in bars], known, atol=1e-12)
        places = [round(bar.get_x() + bar.get_width() / 2) for bar in bars]
        assert places == np.flatnonzero(np.isfinite(own.values)).tolist()
        assert {to_hex(bar.get_facecolor()).upper() for bar in bars} == {COLOURS[at]}
    assert labels(list(axes.get_xticklabels())) == [str(tag) for tag in three["target"].values]
    legend = made.figure.legends[0]
    assert labels(legend.get_texts()) == ["first", "second", "third"]
    missing = int(np.isnan(made.data["own"].sel(interval="estimate").values).sum())
    assert labels(list(axes.texts)).count("–") == missing > 0


def test_two_or_three_models_are_joined_and_nine_are_not(three: xr.Dataset, crowd: xr.Dataset) -> None:
    axes = recognition_bars(three, STYLES["paper"]).figure.axes[0]
    joined = [line for line in axes.lines if line.get_gid() == "joined"]
    assert len(joined) == three.sizes["target"]
    tops = np.array([np.asarray(line.get_ydata(), dtype=float) for line in joined])
    np.testing.assert_array_equal(tops, three["own"].sel(interval="estimate").transpose("target", "model").values)
    axes = recognition_bars(crowd, STYLES["paper"]).figure.axes[0]
    assert not [line for line in axes.lines if line.get_gid() == "joined"]
    looks = {(to_hex(bars[0].get_facecolor()), bars[0].get_hatch()) for bars in axes.containers}
    assert len(looks) == 9, "every model looks different"


def test_an_interval_is_drawn_where_it_is_known() -> None:
    means = means_of(model("alone", concepts=("fairness",)))
    made = recognition_bars(means, STYLES["paper"])
    axes = made.figure.axes[0]
    lines = next(part for part in axes.collections if part.get_gid() == "interval-0")
    drawn = np.array([np.asarray(path.vertices)[:, 1] for path in lines.get_paths()])
    np.testing.assert_array_equal(drawn, made.data["own"].sel(model="alone", interval=["lower", "upper"]).values)
    assert "Lines: intervals" in made.caption
    several = recognition_bars(means_of(model("alone")), STYLES["paper"])
    assert "intervals" not in several.caption


def test_bars_begin_at_chance_or_below_and_say_so() -> None:
    means = means_of(model("low"))
    assert "at chance (50 %)" in recognition_bars(means, STYLES["paper"]).caption
    means["own"] = means["own"] - 0.3
    made = recognition_bars(means, STYLES["paper"])
    bottom = axis_bottom(made.data)
    assert bottom < 0.5
    assert f"at {100 * bottom:.0f} %; dashed: chance" in made.caption
    chance = [line for line in made.figure.axes[0].lines if line.get_gid() == "chance"]
    assert [line.get_ydata() for line in chance] == [[0.5, 0.5]]


@both_styles
@pytest.mark.parametrize("number", [4, 5, 7, 8])
def test_matrices_are_the_data_in_order_of_shares(three: xr.Dataset, style: Style, number: int) -> None:
    made = DRAW[number](three, style)
    found = panels(made.figure)
    assert [axes.get_title(loc="left") for axes in found] == ["first", "second", "third"]
    orders = [["en", "sw", "zh", "ta"], ["ja", "en", "fr"], ["en", "sw"]]
    quantity = "cosine" if number in (4, 7) else "transfer"
    for axes, name, order in zip(found, ["first", "second", "third"], orders, strict=True):
        assert labels(list(axes.get_xticklabels())) == order
        assert labels(list(axes.get_yticklabels())) == order
        assert axes.yaxis_inverted(), "the first language stands on top"
        cells = made.data[quantity].sel(model=name, source=order, target=order).transpose("source", "target")
        check_cells(axes, cells)
    assert len({next(iter(axes.collections)).get_clim() for axes in found}) == 1, "one scale for all panels"
    assert "by training share where it is known" in made.caption
    assert made.number == number
    assert made.name.startswith(f"figure{number}-")


def test_captions_name_the_layers_and_the_protocol() -> None:
    strict, paper = model("one"), model("two", protocol="paper")
    for draw in DRAW.values():
        said = [draw(means_of(*models), STYLES["paper"]).caption for models in ([strict], [paper], [strict, paper])]
        assert "at the chosen layer, mean" in said[0]
        assert "at the best layer of each cell (paper protocol), mean" in said[1]
        assert "at the chosen layer; at the best layer of each cell (paper protocol) for two, mean" in said[2]


def test_what_lies_below_the_scale_is_said_at_its_foot() -> None:
    means = means_of(model("one"))
    for cosine, foot in ((means["cosine"], "0.00"), (means["cosine"] - 0.65, "≤ 0.00"), (means["cosine"] - 1, "−1.00")):
        figure = consistency_main(means.assign(cosine=cosine), STYLES["paper"]).figure
        bar = next(axes for axes in figure.axes if axes.get_gid() != "panel")
        assert labels(list(bar.get_xticklabels()))[0] == foot


def test_the_first_three_models_stand_side_by_side_and_all_in_the_grid(drawn: Drawn) -> None:
    for main, other in ((4, 7), (5, 8)):
        made, whole = (drawn("crowd", number, STYLES["paper"]) for number in (main, other))
        assert len(panels(made.figure)) == made.data.sizes["model"] == 3
        assert len({round(axes.get_position().y0, 9) for axes in panels(made.figure)}) == 1
        assert f"Figure {other} shows 6 more" in made.caption
        assert len(panels(whole.figure)) == whole.data.sizes["model"] == 9
        assert "9 models" in whole.caption


def test_numbers_of_a_wide_matrix_are_hundredths_or_left_out(crowd: xr.Dataset, drawn: Drawn) -> None:
    alone = panels(drawn("one with a long name", 5, STYLES["paper"]).figure)[0]
    assert len(alone.texts) == 16 * 15
    assert not any("." in text.get_text() for text in alone.texts)
    assert min(float(text.get_fontsize()) for text in alone.texts) >= STYLES["paper"].least
    strong = crowd.assign(transfer=5 * crowd["transfer"])
    assert not [text for axes in panels(transfer_main(strong, STYLES["paper"]).figure) for text in axes.texts]
    few = panels(consistency_main(means_of(model("few")), STYLES["paper"]).figure)[0]
    assert all("." in text.get_text() for text in few.texts)


@both_styles
@pytest.mark.parametrize("number", DRAW)
def test_pages_have_the_size_of_their_place_nothing_leaves_them_and_no_labels_touch(
    drawn: Drawn, style: Style, number: int
) -> None:
    for name in ("three", "crowd", "one of three", "one with a long name", "odd tags"):
        figure = drawn(name, number, style).figure
        check_size(figure, style, narrow=name not in ("three", "crowd") and number in (4, 5))
        boxes = settled(figure)
        assert not outside(figure, boxes)
        assert not touching(figure, boxes)


def check_size(figure: Figure, style: Style, *, narrow: bool) -> None:
    """A screen, a column, or the text of a page, and never longer than a page."""
    width, height = (float(size) for size in figure.get_size_inches())
    if style.name == "talk":
        assert (width / height, height) == (pytest.approx(16 / 9), 7.5)
    else:
        assert width == (3.3 if narrow else 6.8)
        assert 0 < height <= 8.8 + 1e-9


def test_the_checks_of_edges_and_labels_can_fail() -> None:
    figure = Figure(figsize=(2, 2))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xticks([0.5, 0.51], ["one label", "another"])
    axes.set_title("a title above the page", loc="left")
    boxes = settled(figure)
    assert "a title above the page" in outside(figure, boxes)
    assert ("one label", "another") in touching(figure, boxes)


@both_styles
def test_letters_are_of_the_styles_font_and_none_is_missing(drawn: Drawn, style: Style) -> None:
    made = drawn("crowd", 2, style)
    families = {text.get_fontfamily()[0] for text in made.figure.findobj(Text) if isinstance(text, Text)}
    assert families == {style.family}
    save_figure(made.figure, "png")  # a letter the font does not have would be a warning, and warnings are errors
    words = " ".join(text.get_text() for text in made.figure.findobj(Text) if isinstance(text, Text))
    assert "\\u6a21" in words, "what the font cannot draw is spelled out"
    assert "\u202e" not in words


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", DRAW)
def test_equal_input_gives_equal_bytes(three: xr.Dataset, number: int, kind: str) -> None:
    style = STYLES["paper"]
    first, second = (save_figure(DRAW[number](three, style).figure, kind, outlines=True) for _ in range(2))  # type: ignore[arg-type]
    assert first == second
    assert first.startswith({"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}[kind])


def test_pdfs_carry_truetype_fonts_and_svgs_outlines(drawn: Drawn) -> None:
    figure = drawn("crowd", 2, STYLES["paper"]).figure
    pdf = save_figure(figure, "pdf", outlines=True)
    assert b"/Type3" not in pdf
    assert b"/CIDFontType2" in pdf or b"/TrueType" in pdf
    root = ET.fromstring(save_figure(figure, "svg", outlines=True))
    assert not [part for part in root.iter() if part.tag.endswith(("}text", "}script", "}image"))]


def test_drawing_changes_neither_data_nor_settings(three: xr.Dataset) -> None:
    import matplotlib as mpl

    before, settings = three.copy(deep=True), dict(mpl.rcParams)
    found: list[PaperFigure] = [draw(three, style) for draw in DRAW.values() for style in STYLES.values()]
    xr.testing.assert_identical(three, before)
    assert dict(mpl.rcParams) == settings
    assert len({made.name for made in found}) == len(DRAW)
