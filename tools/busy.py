"""`make busy`: time training next to busy processes, and next to none; writes docs/speed.md in some five minutes.

C chooses its number of threads while it runs; `--threads 1` is what it is compared with.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from nnz.conformance.environment import environment
from tools import readme

CORES = os.cpu_count() or 1
ROUNDS, STEPS = 5, {0: 4000, 2 * CORES: 1000}  # steps next to so many busy processes
WAYS = {"C chooses": (), "--threads 1": ("--threads", "1"), f"--threads {CORES}": ("--threads", str(CORES))}


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Inside, so many processes compute without end."""
    loop = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"  # it ends with this process
    processes = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def ms_per_step(words: tuple[str, ...], steps: int) -> float:
    """What `nnz train names` says that its steps took, without evaluations."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nnz", "train", "names", "--backend", "c", "--steps", str(steps), *words]
        more = ["--set", f"train.eval_every={steps}", "--out", str(Path(folder, "run"))]
        free = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=True, env=free)
    return 1e3 * float(re.search(r"steps in ([\d.]+) s", done.stderr)[1]) / steps


def table() -> str:
    """Each way in turn, medians."""
    columns = [*WAYS, "first / second", "first / third"]
    lines = [f"| ms per step | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for count, steps in STEPS.items():
        samples = {way: [] for way in WAYS}
        with busy(count):
            for _ in range(ROUNDS):
                for way, words in WAYS.items():
                    samples[way].append(ms_per_step(words, steps))
        chosen, one, most = (statistics.median(sample) for sample in samples.values())
        cells = f"{chosen:.3f} | {one:.3f} | {most:.3f} | {chosen / one:.2f} | {chosen / most:.2f}"
        lines.append(f"| next to {count or 'no'} busy processes | {cells} |")
    about = f"`make busy` on {date.today()} ({environment()['cpu']}, {CORES} cores)"
    return f"{about}: all in turn, medians of {ROUNDS}.\n\n" + "\n".join(lines)


if __name__ == "__main__":
    text = table()
    print(text)
    readme.replace("busy", text, readme.DOCS / "speed.md")
