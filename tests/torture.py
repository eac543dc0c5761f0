"""Faults on a whole study: killed, interrupted, starved of disk, damaged, run twice at once, under a clock that jumps.

    python tests/torture.py                 # 200 kills, all faults
    python tests/torture.py --brief         # the short form: `run` alone, fewer of each, the clock left out

A tiny model and tiny pairs; one *life* is a fresh folder in which `run`, `control` and `report` are done one after the
other. A life that is disturbed is begun again until it ends, and must then hold the bytes of an undisturbed one. Every
process is forked from one that has imported everything, so that faults fall into the work and not into its start.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import polyvalues.experiments.steering.run
import polyvalues.study.run  # noqa: F401 (imported before forking)
from line_examples import build_model, digests, settings, write_pairs
from polyvalues.cli.main import main as command_line
from polyvalues.config.toml import dump_toml

CONTROL = ("--concept", "morality", "--layers", "2", "--windows", "1", "--strengths", "0.3", "--rounds", "0", "--gates",
           "0.1", "--max-new-tokens", "2", "--random-draws", "1", "--targets", "en,fi", "--no-matrix",
           "--budget-benign", "1", "--budget-language", "0")  # fmt: skip
CLEAN = {0, 2, 130}
"""Exit codes of a command that ended, that refused in words, that was interrupted."""


class Failure(Exception):
    """What must not happen has happened."""


def check(holds: bool, what: str) -> None:
    if not holds:
        raise Failure(what)


def life(home: Path) -> list[list[str]]:
    """The commands of a life, in order."""
    study = str(home / "study")
    everything = [["run", str(home / "study.toml")], ["control", study, *CONTROL], ["report", study]]
    return everything[:1] if (home.parent / "brief").exists() else everything


def begin(home: Path, before: Callable[[], None] = lambda: None) -> int:
    """Fork a process that lives; its standard error goes to `said`."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        said = os.open(home / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 2)
        os.dup2(said, 1)
        os.chdir(home)
        before()
        for arguments in life(home):
            sys.argv = ["polyvalues", *arguments]
            try:
                command_line()
                code = 0
            except SystemExit as ended:
                code = int(ended.code or 0)
            if code:
                break
    finally:
        sys.stderr.flush()
        os._exit(code)


def ended(pid: int) -> int:
    """Exit code of a process, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def said(home: Path) -> str:
    return (home / "said").read_text(encoding="utf-8", errors="replace") if (home / "said").exists() else ""


def whole(home: Path, wanted: dict[str, str], what: str) -> None:
    """Live to the end; the folder must then hold what an undisturbed one holds."""
    code = ended(begin(home))
    check(code == 0, f"{what}: did not end (exit {code}): {said(home)[-500:]}")
    found = digests(home / "study")
    wrong = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    check(not wrong, f"{what}: other bytes in {', '.join(wrong[:5])}")
    check("Traceback" not in said(home), f"{what}: a traceback: {said(home)[-800:]}")


def new_home(root: Path, name: str) -> Path:
    home = root / name
    home.mkdir()
    shutil.copy(root / "study.toml", home / "study.toml")
    return home


def disturbed(
    root: Path, wanted: dict[str, str], kind: signal.Signals, times: int, span: float, rng: random.Random
) -> int:
    """Lives that are killed or interrupted at random times; gives how many ended before the signal came."""
    missed, done, number = 0, 0, 0
    while done < times:
        number += 1
        home = new_home(root, f"{kind.name}-{number}")
        for _ in range(min(10, times - done)):
            pid = begin(home)
            time.sleep(rng.uniform(0.0, span))
            os.kill(pid, kind)
            code = ended(pid)
            done += 1
            missed += code == 0
            if kind is signal.SIGINT:
                check(code in CLEAN or code == -signal.SIGINT, f"{kind.name}: exit {code}: {said(home)[-500:]}")
            if code == 0:
                break
        whole(home, wanted, f"{kind.name}, life {number}")
        shutil.rmtree(home)
    return missed


def corrupted(root: Path, wanted: dict[str, str], rng: random.Random) -> int:
    """A byte turned in each artefact in turn, of the undisturbed life: named, made again, the same at the end."""
    home = root / "undisturbed"
    suffixes = (".parquet", ".nc", ".safetensors")
    names = [name for name in wanted if name.endswith(suffixes) and not name.startswith("generations")]
    kinds = {(Path(name).parts[0], Path(name).suffix): name for name in names}
    chosen = [rng.choice(sorted(kinds.values()))] if (root / "brief").exists() else list(kinds.values())
    for name in chosen:
        path = home / "study" / name
        blob = bytearray(path.read_bytes())
        place = rng.randrange(len(blob))
        blob[place] ^= 1 + rng.randrange(255)
        path.write_bytes(blob)
        (home / "said").unlink(missing_ok=True)
        whole(home, wanted, f"damaged {name}")
        check(Path(name).name in said(home).replace("\n", ""), f"damaged {name}: not named: {said(home)[-300:]}")
    return len(chosen)


def disk_full(root: Path, wanted: dict[str, str]) -> str:
    """A small tmpfs that fills up, is then read-only, and then has room."""
    home = new_home(root, "full")
    study = home / "study"
    study.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(study)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"NOT DONE: cannot mount a tmpfs here ({done.stderr.strip()})"
    sizes = (256,) if (root / "brief").exists() else (64, 256, 512)
    try:
        for size in sizes:
            subprocess.run(["mount", "-o", f"remount,size={size}k", str(study)], check=True)
            code = ended(begin(home))
            check(code == 2, f"disk full at {size} kB: exit {code}: {said(home)[-500:]}")
            check("cannot be written (no space left" in said(home).replace("\n", " "), f"not said: {said(home)[-300:]}")
        subprocess.run(["mount", "-o", "remount,ro", str(study)], check=True)
        check(ended(begin(home)) == 2, f"read-only: {said(home)[-300:]}")
        check("read-only file system" in said(home).replace("\n", " "), f"read-only is not said: {said(home)[-300:]}")
        subprocess.run(["mount", "-o", "remount,rw,size=1g", str(study)], check=True)
        whole(home, wanted, "disk full, then room")
    finally:
        subprocess.run(["umount", str(study)], check=True)
    return f"at {', '.join(map(str, sizes))} kB, then read-only, then room"


def two_at_once(root: Path, wanted: dict[str, str]) -> None:
    """Two processes in one folder: one works, the other is told so."""
    home = new_home(root, "two")
    codes = sorted(ended(pid) for pid in [begin(home), begin(home)])
    check(codes == [0, 2], f"two at once: exits {codes}: {said(home)[-500:]}")
    check("another run is working in this folder" in said(home).replace("\n", " "), said(home)[-300:])
    check(digests(home / "study") == wanted, "two at once: other bytes")


def jumping_clock(root: Path, wanted: dict[str, str]) -> None:
    """A clock that jumps by up to a year, both ways."""
    home, rng, real = new_home(root, "clock"), random.Random(0), time.time

    def jump() -> None:
        time.time = lambda: real() + rng.uniform(-3e7, 3e7)
        time.perf_counter = lambda: rng.uniform(0, 1e6)

    code = ended(begin(home, jump))
    check(code == 0, f"jumping clock: exit {code}: {said(home)[-500:]}")
    whole(home, wanted, "jumping clock")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--interrupts", type=int)
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    kills = options.kills or (2 if options.brief else 200)
    interrupts = options.interrupts or (1 if options.brief else 20)
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        spec = settings(build_model(root / "model"), write_pairs(root / "pairs.jsonl"), Path("study"))
        (root / "study.toml").write_text(dump_toml(spec), encoding="utf-8")
        if options.brief:
            (root / "brief").touch()
        home = new_home(root, "undisturbed")
        start = time.perf_counter()
        code = ended(begin(home))
        span = time.perf_counter() - start
        check(code == 0, f"an undisturbed life fails: {said(home)[-1500:]}")
        wanted = digests(home / "study")
        controlled = any(name.startswith("control_") for name in wanted)
        check(controlled != options.brief, "an undisturbed life holds no control experiment")
        print(f"undisturbed: {span:.1f} s, {len(wanted)} files", flush=True)
        missed = disturbed(root, wanted, signal.SIGKILL, kills, span, rng)
        print(f"{kills} kills, {missed} of them after the end: the same bytes", flush=True)
        missed = disturbed(root, wanted, signal.SIGINT, interrupts, span, rng)
        print(f"{interrupts} interrupts, {missed} of them after the end: the same bytes", flush=True)
        print(f"{corrupted(root, wanted, rng)} kinds of artefact damaged: named, made again", flush=True)
        two_at_once(root, wanted)
        print("two processes: one works, one is told", flush=True)
        if not options.brief:
            jumping_clock(root, wanted)
            print("a clock that jumps: the same bytes", flush=True)
        print(f"disk full: {disk_full(root, wanted)}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"FAILED: {failure}")
