import base64
import dataclasses
import hashlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from report_examples import CONCEPTS, HOSTILE, PAPER, Example, build

import polyvalues.report.html.study_page
from polyvalues.errors import MeasureError
from polyvalues.report.figures.figure_set import accuracy_over_layers, figure_set, recognition, save_figure
from polyvalues.report.html.study_page import render_report

REPORT = Path(polyvalues.report.html.study_page.__file__).parent
SCRIPTS = (
    "d3.min.js",
    "plot.umd.min.js",
    "chart_data.js",
    "matrices.js",
    "languages.js",
    "relations.js",
    "followups.js",
)
SCRIPTS += ("interaction.js",)
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Tags in order, with attributes; texts by the tag they stand in; unbalanced tags are an error."""

    def __init__(self, html: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in {tag}"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def words(self, *tags: str) -> list[str]:
        return [text for tag, text in self.texts if not tags or tag in tags]


def canonical(svg: str) -> str:
    """The drawing whatever the quotes and white space between its elements."""
    return ET.canonicalize(re.sub(r">\s+<", "><", re.sub(r"\s*\n\s*", " ", svg)))


def render(example: Example, drawings: Mapping[str, str] | None = None) -> str:
    if drawings is None:
        figures = figure_set(example.findings, example.info, example.languages)
        drawings = {name: save_figure(figure, "svg").decode() for name, figure in figures.items()}
    return render_report(example.findings, example.info, example.languages, drawings)


@pytest.fixture(scope="module")
def html(study: Example, drawings: Mapping[str, str]) -> str:
    return render(study, drawings)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_asks_for_nothing(page: Page, html: str):
    assert not page.all("link")
    assert not page.all("iframe")
    for _, attributes in page.tags:
        for name in ("src", "href", "data", "action", "poster", "srcset"):
            assert attributes.get(name, "#").startswith(("#", "data:image/svg+xml,"))
        assert not [name for name in attributes if name.startswith("on")]
    ours = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert set(re.findall(r"url\((.)", ours)) <= {"%", "#"}, "references inside a drawing only"
    assert "@import" not in html
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert re.sub(r"script-src ('sha256-[\w+/]{43}=' ?)+; ", "", policy) == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_scripts_are_the_packages_own_and_named_in_the_policy(page: Page, html: str):
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    files = [path for part in ("vendor", "templates") for path in (REPORT / part).glob("*.js")]
    known = {path.read_text(encoding="utf-8"): path.name for path in files}
    assert tuple(known[text] for text in scripts) == SCRIPTS
    for text in scripts:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert policy.count("sha256-") == len(scripts)
    blocks = [attributes for attributes in page.all("script") if attributes]
    assert blocks == [{"type": "application/json", "id": "live-data"}], "data, which nothing runs"


def test_links_lead_somewhere(page: Page):
    anchors = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(anchors) == len(set(anchors))
    links = [link["href"].removeprefix("#") for link in page.all("a")]
    assert len(links) > 15
    assert set(links) <= set(anchors)
    assert {label for _, a in page.tags for label in a.get("aria-labelledby", "").split()} <= set(anchors)


def test_can_be_read_by_all(page: Page):
    assert page.all("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [tag for tag, _ in page.tags if tag in ("header", "nav", "main", "footer")] == [
        "header",
        "nav",
        "main",
        "footer",
    ]
    assert all(image["alt"] for image in page.all("img"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(head["scope"] in ("row", "col") for head in page.all("th"))
    assert len(page.all("figcaption")) == len(page.all("figure")) == 8


def test_images_are_the_drawings(page: Page, drawings: Mapping[str, str]):
    shown = [unquote(image["src"].removeprefix("data:image/svg+xml,")) for image in page.all("img")]
    assert sorted(map(canonical, shown)) == sorted(map(canonical, drawings.values()))
    assert all(image["width"].isdigit() for image in page.all("img"))


def test_numbers_on_the_page_are_those_of_the_findings(study: Example, page: Page):
    cells = page.words("td")
    for concept in CONCEPTS[:2]:
        for tag in ("en", "sw"):
            value = study.findings.recognition["chosen"].sel(concept=concept, source=tag, target=tag).values
            assert f"{value[0]:.2f} [{value[1]:.2f}, {value[2]:.2f}]" in cells
    change = float(study.findings.transfer["transfer"].sel(concept="fairness", source="sw", target="en")[0])
    assert f"−{abs(change):.2f}" in cells
    average = study.findings.overview["value"].sel(concept="all", quantity="within").values
    assert f"{average[0]:.2f} " in page.words("p")
    assert f"[{average[1]:.2f}, {average[2]:.2f}]" in page.words("span")


def test_unmeasured_is_a_dash_with_a_reason(page: Page, html: str):
    assert '<td title="not measured">–</td>' in html
    assert "nan" not in " ".join(page.words("td", "li", "p", "dd")).lower().split()


def test_says_what_was_dropped_and_how_to_run_it_again(study: Example, page: Page):
    everything = " ".join(page.words())
    row = study.info.summary.to_pylist()[0]
    assert f"{row['kept']} ({row['dropped']})" in page.words("td")
    assert row["reasons"] in page.words("td")
    for text in (*study.findings.warnings, *study.info.notes, study.info.command, study.info.spec_toml, "2.13.0"):
        assert text in everything
    assert "Paper protocol." not in everything


def test_paper_protocol_has_a_banner(paper: Example):
    html = render(paper)
    assert 'class="banner"' in html
    assert "comparison with published figures only" in html
    assert "Chosen layers" not in html


def test_one_language(lone: Example):
    page = Page(render(lone))
    assert not [a for _, a in page.tags if a.get("id") in ("section-transfer", "section-recognition")]
    assert "Only one language was read (sw)" in " ".join(page.words("li"))
    assert len(page.all("img")) == 4


def test_without_figures_the_tables_stay(study: Example):
    page = Page(render(study, {}))
    assert not page.all("img")
    value = study.findings.recognition["chosen"].sel(concept="fairness", source="en", target="en").values
    assert f"{value[0]:.2f} [{value[1]:.2f}, {value[2]:.2f}]" in page.words("td")
    assert not [link for link in page.all("a") if link["href"].startswith("#figure")]


def test_hostile_text_is_shown_and_does_nothing(villain: Example):
    html = render(villain)
    page = Page(html)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"b", "iframe", "svg"}
    assert len(page.all("script")) == len(SCRIPTS) + 1
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    assert {image["src"][:5] for image in page.all("img")} == {"data:"}
    html = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert html.count("<main") == html.count("</main>") == html.count("</html>") == html.count("</style>") == 1
    for character in "\u202e\u202c\x00":
        assert character not in html
    shown = HOSTILE.replace("\u202e", "⟨U+202E⟩").replace("\u202c", "⟨U+202C⟩").replace("\x00", "⟨U+0000⟩")
    assert page.words("h1") == [shown]
    assert shown in page.words("li")
    assert shown in page.words("title")
    assert "49" not in page.words("h1")[0]
    assert "29 more warnings" in " ".join(page.words("summary"))


def test_a_hostile_drawing_stays_an_image(study: Example):
    evil = '<svg width="10pt" height="10pt"></svg>"><script>alert(1)</script>&amp;\' onload="x"'
    page = Page(render(study, {"accuracy": evil}))
    assert len(page.all("script")) == len(SCRIPTS) + 1
    assert [unquote(image["src"]) for image in page.all("img")] == [
        "data:image/svg+xml," + re.sub(r'="(10pt|x)"', r"='\1'", evil)
    ]


def test_equal_inputs_give_equal_bytes(study: Example, drawings: Mapping[str, str], html: str):
    assert render(study, drawings) == html
    assert render(build(), drawings) == html
    other = dataclasses.replace(study.info, command="polyvalues run other.toml")
    assert render_report(study.findings, other, study.languages, drawings) != html


@pytest.mark.parametrize(("layers", "most"), [(8, 3_000_000), (33, 4_000_000)])
def test_a_full_study_stays_small(layers: int, most: int):
    example = build(CONCEPTS, tuple(tag for tag, _, _ in PAPER), layers)
    matrix = save_figure(recognition(example.findings, example.languages), "svg").decode()
    curves = save_figure(accuracy_over_layers(example.findings, example.languages), "svg").decode()
    matrices, others = ("recognition", "transfer", "cosine", "disattenuated"), ("accuracy", "reliability", "layers")
    page = render(example, {name: matrix if name in matrices else curves for name in (*matrices, *others)})
    assert len(page.encode()) < most


def test_undescribed_language(study: Example):
    with pytest.raises(MeasureError, match="'zh'"):
        render_report(study.findings, study.info, study.languages[:1], {})


def test_page_and_tables_need_no_matplotlib():
    code = (
        "import sys, polyvalues.report.html.study_page, polyvalues.report.tables.csv_tables; "
        "sys.exit(any(name.split('.')[0] in ('matplotlib', 'torch') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
