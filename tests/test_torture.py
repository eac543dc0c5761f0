"""The short form of the faults suite; `make torture` is the long one."""

import subprocess
import sys
from pathlib import Path


def test_a_study_survives_faults():
    script = Path(__file__).parent / "torture.py"
    done = subprocess.run([sys.executable, str(script), "--brief"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("disk full")
    assert [line.split(" ")[0] for line in lines[1:5]] == ["2", "1", "1", "two"]
