"""The command line: thin, told by the settings, and without tracebacks for what is foreseen."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from command_line import Run
from line_examples import FIXTURES, build_model
from polyvalues.cli.options import FLAGS
from polyvalues.config import StudySpec
from polyvalues.data.readers.registry import READERS

POLYVALUES = str(Path(sys.executable).parent / "polyvalues")
PAIRS = FIXTURES / "pairs.jsonl"
FR = ("en", "fr")


def test_every_setting_has_a_flag_with_a_description() -> None:
    settings = {
        (section, field)
        for section in ("model", "check", "split", "reading", "vectors", "paper", "statistics")
        for field in StudySpec.model_fields[section].annotation.model_fields  # type: ignore[union-attr]
    }
    assert {(flag.section, flag.field) for flag in FLAGS} == settings
    assert len({flag.name for flag in FLAGS}) == len(FLAGS)
    assert all(flag.help.strip() for flag in FLAGS), [flag.name for flag in FLAGS if not flag.help.strip()]


def test_help_needs_no_torch() -> None:
    code = "import sys, polyvalues.cli.main as c\ntry:\n    c.app(['run', '--help'])\nexcept SystemExit:\n    pass\n"
    code += "sys.exit('torch' in sys.modules or 'transformers' in sys.modules or 'pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "no model"),
        (["run", "--model", "m", "--pairs", "table"], "expected NAME:PATH"),
        (["run", "--model", "m", "--pairs", "tabel:x.csv", "--out", "{out}"], "table"),
        (["run", "--model", "m", "--pairs", "table:nowhere.csv", "--out", "{out}"], "nowhere.csv"),
        (["run", "--model", "nowhere", "--pairs", "table:{pairs}", "--out", "{out}"], "nowhere"),
        (["run", "--model", "m", "--pairs", "table:{pairs}", "--languages", "en,xx!"], "BCP-47"),
        (["run", "--model", "m", "--pairs", "table:{pairs}", "--languages", "en,sw", "--out", "{out}"], "sw"),
        (["run", "--model", "m", "--pairs", "table:{pairs}", "--protocol", "lax"], "protocol"),
        (["run", "nowhere.toml"], "nowhere.toml"),
        (["report", "nowhere"], "nowhere"),
        (["pairs", "show", "table:{pairs}", "--concept", "beauty"], "beauty"),
        (["pairs", "import", "advbench", "{pairs}", "--out", "{out}/x.parquet"], "harmless"),
    ],
)
def test_what_is_foreseen_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, polyvalues: Run, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = polyvalues(*(part.format(out=tmp_path / "out", pairs=PAIRS) for part in arguments))
    assert done.returncode == 2
    assert "error" in done.stderr
    assert said in done.stderr


def test_readers_are_listed_with_where_to_obtain_the_data(polyvalues: Run) -> None:
    done = polyvalues("pairs", "readers")
    assert done.returncode == 0
    for reader in READERS.values():
        assert reader.name in done.stdout


def test_models_are_listed(polyvalues: Run) -> None:
    done = polyvalues("models")
    assert done.returncode == 0
    assert "bigscience/bloomz-560m" in done.stdout


def test_pairs_are_imported_checked_and_shown(tmp_path: Path, polyvalues: Run) -> None:
    out = tmp_path / "pairs.parquet"
    done = polyvalues("pairs", "import", "table", str(PAIRS), "--out", str(out))
    assert done.returncode == 0
    assert pq.read_table(out).num_rows == 96
    done = polyvalues("pairs", "check", str(out))
    assert done.returncode == 0
    assert "truthfulness" in done.stdout
    done = polyvalues("pairs", "show", str(out), "--concept", "morality", "-n", "1")
    assert done.returncode == 0
    assert {"en", "es", "fr"} <= set(done.stdout.split())


def test_text_from_data_is_not_markup(tmp_path: Path, polyvalues: Run) -> None:
    row = {"concept": "morality", "language": "en", "item": "[red]1", "positive": "[bold]yes[/bold]", "negative": "no"}
    path = tmp_path / "hostile.jsonl"
    path.write_text("\n".join(json.dumps(row | {"item": f"[red]{i}"}) for i in range(3)))
    done = polyvalues("pairs", "show", f"table:{path}", "-n", "1")
    assert "[bold]yes[/bold]" in done.stdout


def test_run_and_report_end_to_end(tmp_path: Path, polyvalues: Run) -> None:
    model, out = build_model(tmp_path / "model"), tmp_path / "out"
    arguments = ["run", "--model", str(model), "--pairs", f"table:{PAIRS}", "--out", str(out), "--folds", "4"]
    arguments += ["--draws", "40", "--languages", "en,fr", "--concepts", "truthfulness"]
    done = subprocess.run([POLYVALUES, *arguments], capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert str(out / "report.html") in done.stdout
    page = (out / "report.html").read_bytes()
    (out / "report.html").unlink()
    assert polyvalues("report", str(out)).returncode == 0
    assert (out / "report.html").read_bytes() == page
    check_shown(out, polyvalues)


def check_shown(out: Path, polyvalues: Run) -> None:
    """What `show` prints is what the folder's tables say, and nothing in the folder changes."""
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    shown = polyvalues("show", str(out))
    assert shown.returncode == 0
    done = polyvalues("show", str(out), "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    assert (found["concepts"], found["languages"], found["protocol"]) == (["truthfulness"], ["en", "fr"], "strict")
    assert [row["kept"] for row in found["pairs"]] == [16, 16]
    table = pd.read_csv(out / "findings/recognition.csv").query("chosen")
    assert [row["estimate"] for row in found["recognition"]] == table["estimate"].tolist()
    assert [(row["source"], row["target"]) for row in found["recognition"]] == [(s, t) for s in FR for t in FR]
    words = " ".join(shown.stdout.split())
    assert all(f"- {' '.join(sentence.split())}" in words for sentence in found["sentences"])
    within = next(row for row in found["overview"] if row["quantity"] == "within")
    assert f"{within['estimate']:.2f} {within['lower']:.2f} {within['upper']:.2f}" in words
    assert any(None in row.values() for row in found["overview"])  # not measured is not a number
