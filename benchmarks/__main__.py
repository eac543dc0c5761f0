"""All benchmarks after one another, as one page with the machine at its head.

    python -m benchmarks [--out out/bench.md] [--peers .venv-peers/bin/python] [--only NAME ...]

Each runs in a process of its own, so that threads, memory and imports of one do not touch the next. `--peers` is the
Python of the environment with the packages compared (`make bench` makes it); without it they are left out, and the page
says so. A benchmark that fails is named on the page and makes this one fail at the end.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.table import machine

STEPS: dict[str, tuple[str, int, str]] = {
    "start_up": ("Import and command line", 2, ""),
    "roofline": ("Reading: share of the machine's limit", 2, "--repetitions 1 --texts 120 --kinds alone pairs"),
    "reading": ("Reading: against a plain loop", 2, ""),
    "peers": ("Concept vectors: against published ways and packages", 2, ""),
    "scaling": ("Two Ray workers against one", 1, ""),
    "memory": ("Memory against data size", 1, ""),
    "scoring": ("Scoring 16 x 16 x all layers", 2, ""),
    "analyses": ("Analyses", 1, ""),
    "generating": ("Steered generation against unsteered", 2, ""),
    "precision": ("Conclusions by dtype, batch size and packing", 1, "--items 24"),
    "attention_sinks": ("Means of hidden states and attention sinks", 2, ""),
}
"""Title, threads and arguments of each."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/bench.md"))
    parser.add_argument("--peers", help="Python of the environment with steering-vectors and repeng")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=list(STEPS))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    head = machine(os.cpu_count() or 1, ("polyvalues", "torch", "transformers", "numpy"))
    failed = []
    with options.out.open("w", encoding="utf-8") as page:

        def say(text: str) -> None:
            print(text, flush=True)
            print(text, file=page, flush=True)

        say(f"# Benchmarks\n\n{head}\n{time.strftime('%Y-%m-%d')}")
        for name in options.only:
            title, threads, arguments = STEPS[name]
            say(f"\n## {title}\n\n`OMP_NUM_THREADS={threads} python -m benchmarks.{name} {arguments}`\n")
            if name == "peers" and not options.peers:
                say("left out: no --peers")
                continue
            command = [options.peers if name == "peers" else sys.executable, "-m", f"benchmarks.{name}"]
            command += arguments.split()
            own = {**os.environ, "OMP_NUM_THREADS": str(threads)}
            done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
            say(done.stdout.strip())
            if done.returncode:
                failed.append(name)
                say(f"FAILED\n{done.stderr[-2000:]}")
    print(f"page: {options.out}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
