"""Settings: validated once, frozen, to TOML and back, hashed by content."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyvalues.config import CheckSpec, ModelSpec, PairSource, ReadingSpec, SplitSpec, StudySpec, build
from polyvalues.config.toml import dump_toml, load_study_spec
from polyvalues.errors import SpecError

BASE: dict[str, Any] = {"model": {"id": "m"}, "pairs": [{"reader": "table", "path": "a.csv"}]}


def study(**changes: Any) -> StudySpec:
    return build(StudySpec, BASE | changes)


@given(
    text=st.text(st.characters(exclude_categories=("Cs",)), min_size=1),
    option=st.one_of(st.text(st.characters(exclude_categories=("Cs",))), st.booleans(), st.integers(-5, 5)),
    layers=st.one_of(st.none(), st.sets(st.integers(0, 90), min_size=1)),
)
def test_toml_round_trip(tmp_path_factory: pytest.TempPathFactory, text: str, option: object, layers: Any) -> None:
    spec = study(
        model={"id": text, "template": text + "{input}"},
        pairs=[{"reader": "hub", "path": text, "options": {text: option, "x": 0.5}}, {"reader": "table", "path": "b"}],
        check={"languages": ["en", "sr-Latn"]},
        reading={"layers": None if layers is None else sorted(layers)},
    )
    path = tmp_path_factory.mktemp("toml") / "study.toml"
    path.write_text(dump_toml(spec), encoding="utf-8")
    assert load_study_spec(path) == spec


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": {"id": "m", "dtype": "float8"}}, "model.dtype"),
        ({"model": {"id": "m", "device": "cpu", "device_map": "auto"}}, "not both"),
        ({"model": {"id": "m", "template": "no placeholder"}}, r"\{input\}"),
        ({"model": {}}, "model.id"),
        ({"pairs": []}, "pairs"),
        ({"modle": {}}, "modle"),
        ({"check": {"languages": ["english!"]}}, "BCP-47"),
        ({"pairs": [{"reader": "table", "path": "a", "concept": "../x"}]}, "not a concept name"),
        ({"split": {"fit": 0.9, "select": 0.1}}, "nothing to test on"),
        ({"split": {"folds": 2}}, "split.folds"),
        ({"reading": {"layers": [3, 1]}}, "ascending"),
        ({"reading": {"layers": []}}, "at least one"),
        ({"reading": {"layers": [-1]}}, "0-based"),
        ({"protocol": "paper", "vectors": {"estimator": "pca"}}, "mean differences"),
        ({"protocol": "paper", "reading": {"position": "mean"}}, "last token"),
        ({"protocol": "paper", "split": {"folds": 5}}, "own split"),
        ({"paper": {"random_direction": True}}, "about the paper protocol"),
        ({"protocol": "paper", "paper": {"tested_on": "last"}}, "paper.tested_on"),
        ({"statistics": {"confidence": float("nan")}}, "confidence"),
    ],
)
def test_a_wrong_setting_is_named_with_its_key(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        study(**changes)


def test_every_mistake_is_reported_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        study(model={"id": "m", "dtype": "x"}, reading={"batch_tokens": 0})
    assert "model.dtype" in str(caught.value)
    assert "reading.batch_tokens" in str(caught.value)


def test_a_bad_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    with pytest.raises(SpecError, match="cannot be read"):
        load_study_spec(path)
    path.write_text('[model]\nid = "m\n')
    with pytest.raises(SpecError, match="line 2"):
        load_study_spec(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="cannot be read"):
        load_study_spec(path)


def test_pair_sources_are_parsed() -> None:
    source = PairSource.parse("mvalue:some dir/x:y?positive=neg&concept=toxicity&language=sw")
    assert source.reader == "mvalue"
    assert source.path == "some dir/x:y"
    assert source.options == {"positive": "neg"}
    assert (source.concept, source.language) == ("toxicity", "sw")


@pytest.mark.parametrize("text", ["table", "table:", ":a.csv", "table:a?b", ""])
def test_a_malformed_pair_source_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="--pairs"):
        PairSource.parse(text)


def test_digest_depends_on_content_only() -> None:
    assert SplitSpec().digest() == SplitSpec(fit=0.7).digest()
    assert SplitSpec().digest() != SplitSpec(fit=0.6).digest()
    assert ReadingSpec(batch_tokens=1).digest(leave_out=frozenset({"batch_tokens"})) == ReadingSpec().digest(
        leave_out=frozenset({"batch_tokens"})
    )


def test_specs_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        CheckSpec().align = False
    with pytest.raises(ValueError, match="frozen"):
        ModelSpec(id="m").id = "n"
