"""The commands that steer, as a user types them, on a small study; what is wrong is one message."""

import json
from pathlib import Path

import pytest

from command_line import Run
from line_examples import build_model, settings, write_pairs
from polyvalues.study.run import run_study


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("steering")
    build_model(folder / "model")
    write_pairs(folder / "pairs.jsonl", languages=("en", "fi"), concept="harmfulness")
    run_study(
        settings(folder / "model", folder / "pairs.jsonl", folder / "study", split={"mode": "cross", "folds": 4},
                 check={"limit": 20})
    )  # fmt: skip
    return folder


def test_control(home: Path, polyvalues: Run) -> None:
    (home / "control.toml").write_text(
        "layers = [3]\nwindows = [1]\nrounds = 0\ngates = []\n[generation]\nmax_new_tokens = 4\n", encoding="utf-8"
    )
    given = ("--experiment", str(home / "control.toml"), "--targets", "fi", "--strengths", "0.5", "--no-matrix")
    done = polyvalues("control", str(home / "study"), *given)
    assert done.returncode == 0, done.stderr
    assert "control_harmfulness.html" in done.stdout
    assert (home / "study/control_harmfulness.html").is_file()


def test_steer_one_shot_and_interactively(home: Path, polyvalues: Run) -> None:
    given = ("steer", str(home / "model"), "--vectors", str(home / "study"), "--strength", "2", "--max-new-tokens", "6")
    one = polyvalues(*given, "--prompt", "The cat [bold]was[/bold] kind", "--layers", "3", "--source", "fi")
    assert one.returncode == 0, one.stderr
    assert "harmfulness of fi, strength 2" in one.stdout
    assert "[bold]was[/bold]" in one.stdout
    many = polyvalues(*given, "--conditional", typed="The cat was kind\nThe dog was kind\n\nnot asked\n")
    assert many.returncode == 0, many.stderr
    assert many.stdout.count("unsteered") == 2
    assert "not asked" not in many.stdout
    red = polyvalues(*given[:-3], "-2", "--prompt", "The cat")
    assert "red-teaming" in red.stderr


def test_vectors_go_out_and_come_back(home: Path, tmp_path: Path, polyvalues: Run) -> None:
    out = tmp_path / "v.gguf"
    done = polyvalues(
        "vectors", "export", str(home / "study"), "--format", "gguf", "--out", str(out), "--layers", "2,3"
    )
    assert done.returncode == 0, done.stderr
    back = polyvalues("vectors", "import", str(out), "--format", "gguf", "--out", str(tmp_path / "folder"))
    assert back.returncode == 0, back.stderr
    assert "blocks 2, 3" in back.stdout
    assert (tmp_path / "folder/README.md").is_file()
    steer = ("steer", str(home / "model"), "--vectors", str(out), "--format", "gguf", "--prompt", "The cat")
    refused = polyvalues(*steer)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert polyvalues(*steer, "--force", "--strength", "1").returncode == 0
    hub = polyvalues("vectors", "export", str(home / "study"), "--format", "hub", "--out", str(tmp_path / "hub"))
    assert hub.returncode == 0, hub.stderr
    baked = polyvalues("vectors", "bake", str(home / "study"), "--out", str(tmp_path / "baked"), "--strength", "0.5")
    assert baked.returncode == 0, baked.stderr
    assert json.loads((tmp_path / "baked/config.json").read_text())["mlp_bias"] is True


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["control", "{home}/nothing"], "finished study"),
        (["control", "{home}/study", "--concept", "honesty"], "honesty"),
        (["control", "{home}/study", "--strengths", "much"], "strengths"),
        (["control", "{home}/study", "--experiment", "{home}/pairs.jsonl"], "TOML"),
        (["control", "{home}/study", "--openings", "{home}/nowhere.json"], "nowhere.json"),
        (["steer", "{home}/model", "--vectors", "{home}/study", "--layers", "99", "--prompt", "x"], "99"),
        (["steer", "{home}/model", "--vectors", "{home}/study", "--kind", "push", "--prompt", "x"], "push"),
        (["steer", "{home}/model", "--vectors", "{home}/study", "--positions", "here", "--prompt", "x"], "from:K"),
        (["steer", "{home}/nowhere", "--vectors", "{home}/study", "--prompt", "x"], "nowhere"),
        (["vectors", "export", "{home}/study", "--format", "word", "--out", "{home}/x"], "formats: gguf"),
        (["vectors", "export", "{home}/study", "--format", "gguf", "--out", "{home}/x", "--push", "a/b"], "hub"),
        (["vectors", "import", "{home}/pairs.jsonl", "--format", "gguf", "--out", "{home}/x"], "pairs.jsonl"),
        (["vectors", "bake", "{home}/study", "--out", "{home}/x", "--strength", "-1"], "must be positive"),
    ],
)
def test_what_is_wrong_is_one_message(home: Path, polyvalues: Run, arguments: list[str], said: str) -> None:
    done = polyvalues(*(argument.format(home=home) for argument in arguments))
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr.replace("\n", " ")
