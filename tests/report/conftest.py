"""Synthetic studies, built once: nothing in a report may change them."""

from collections.abc import Mapping

import pytest
from report_examples import Example, build, hostile

from polyvalues.report.figures.figure_set import figure_set, save_figure


@pytest.fixture(scope="session")
def study() -> Example:
    return build()


@pytest.fixture(scope="session")
def lone() -> Example:
    return build(("fairness",), ("sw",), 4, holes=False)


@pytest.fixture(scope="session")
def paper() -> Example:
    return build(("fairness", "morality"), ("en", "zh", "sw"), 5, protocol="paper")


@pytest.fixture(scope="session")
def villain() -> Example:
    return hostile()


@pytest.fixture(scope="session")
def drawings(study: Example) -> Mapping[str, str]:
    figures = figure_set(study.findings, study.info, study.languages)
    return {name: save_figure(figure, "svg").decode() for name, figure in figures.items()}
