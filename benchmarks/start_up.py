"""How long the package and the command line take to answer, beside the import of torch alone.

    python benchmarks/start_up.py [--repeats N]

Wall-clock medians over repeats, the commands interleaved in one run.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import polyvalues": [sys.executable, "-c", "import polyvalues"],
    "polyvalues --help": [str(Path(sys.executable).parent / "polyvalues"), "--help"],
    "polyvalues run --help": [str(Path(sys.executable).parent / "polyvalues"), "run", "--help"],
    "import torch": [sys.executable, "-c", "import torch"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(repeats):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - start)
    for name, taken in seconds.items():
        print(f"{name:24s} {statistics.median(taken):6.2f} s")


if __name__ == "__main__":
    main()
