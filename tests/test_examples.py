"""Every example in the docstring of a public name runs and gives what it says."""

import doctest

import pytest

import polyvalues

FINDER = doctest.DocTestFinder(exclude_empty=True)
EXAMPLES = {
    test.name: test
    for name in polyvalues.__all__
    if getattr(getattr(polyvalues, name), "__doc__", None) and name != "__version__"
    for test in FINDER.find(getattr(polyvalues, name), name, module=False, globs={})
    if test.examples
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gives_what_it_says(name: str) -> None:
    done = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(EXAMPLES[name], out=lambda _: None)
    assert done.attempted > 0
    assert done.failed == 0, EXAMPLES[name].docstring


def test_there_are_examples_and_a_wrong_one_fails() -> None:
    assert {"LanguageModel.load", "PairSet.from_pandas", "fit_vectors", "SteeringVectors.steer"} <= set(EXAMPLES)
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner().run(wrong, out=lambda _: None).failed == 1
