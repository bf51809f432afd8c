"""`make reliability`: long runs that look for faults; each writes its row in docs/reliability.md.

python -m tools.reliability --write PART... runs some of them: `fuzz/recipe`, or `fuzz` for all that begin so. Each
row is written when its run is over: they can be had one by one. Without --write it is only printed.
FUZZ_SECONDS (600) is the time of each fuzzer in seconds of the processor, KILLS (200) how often a run is stopped. Exits
with 1 if there was a fault.
"""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from functools import partial
from math import ceil
from pathlib import Path

from support import limits
from support.tiny_commands import PROGRAM

from tools import kill, readme

ROOT = Path(__file__).resolve().parents[1]
PAGE = readme.DOCS / "reliability.md"
FUZZERS = ROOT / "build" / "fuzz"
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "600"))
LIMITS = ("-timeout=120", "-rss_limit_mb=4096", "-print_final_stats=1", "-verbosity=0")
READERS = {
    "dataset": "dataset: text files",
    "tokenizer": "tokenizer",
    "recipe": "recipe",
    "golden": "golden file",
    "statistics": "statistics",
    "figures": "figures of `nnz bench` and `nnz parity`",
    "checkpoint": "checkpoint of an MLP",
    "batchnorm-checkpoint": "checkpoint with BatchNorm",
    "gpt-checkpoint": "checkpoint of a GPT",
    "hugging-face": "import from Hugging Face",
    "response": "protocol: lists and responses",
    "program": "`build/mlp`: checkpoint, log, text, flags, requests",
}
PROOFS = (
    *("lint", "analyze", "test", "test-strict", "test-tsan", "test-ulp", "test-faults", "test-parity"),
    *("test-asan-program", "test-asan-python", "test-mutants", "test-hardcases", "test-coverage"),
)
LIMITED = {
    PROGRAM: {
        "AS": range(1 << 20, 80 << 20, 1 << 18),
        "NOFILE": range(20),
        "FSIZE": range(0, 1_000_000, 5_000),
        "NPROC": range(8),
        "DATA": range(1 << 20, 8 << 20, 1 << 16),
    },
    "numpy": {
        "AS": range(100 << 20, 400 << 20, 10 << 20),
        "NOFILE": range(5, 20),
        "FSIZE": range(0, 1_000_001, 100_000),
    },
}

Found = tuple[int, list[str]]  # how often it was tried, and the faults


def fuzz(reader: str) -> Found:
    """Fuzz one reader for FUZZ_SECONDS of the processor's time, or to its first fault."""
    command = [sys.executable, str(ROOT / "tools" / "fuzz" / "fuzz_python.py"), reader]
    if reader == "program":
        command = ["./fuzz_program", "-max_len=6000", "-close_fd_mask=3"]
    tried, began = 0, cpu_seconds()
    with tempfile.TemporaryDirectory() as folder:
        while (left := FUZZ_SECONDS - (cpu_seconds() - began)) > 1:
            words = [*command, *LIMITS, f"-max_total_time={ceil(left)}", reader]
            how = {"cwd": FUZZERS, "env": {**os.environ, "TMPDIR": folder}, "check": False}
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **how)
            said = done.stdout.decode(errors="replace")
            tried += int((re.findall(r"number_of_executed_units: (\d+)", said) or ["0"])[-1])
            if done.returncode != 0:
                return tried, [said[-3000:]]
    return tried, []


def stop(runner: str, how: signal.Signals, times: int) -> Found:
    """Stop training runs by a signal at random moments and resume them to the same bytes."""
    try:
        stopped, _ = kill.storm(runner, how, times)
    except AssertionError as error:
        return 0, [f"SEED={kill.SEED}: {error}"]
    return stopped, []


def limited(runner: str, limit: str, values: range) -> Found:
    """Train under each value of a limit of the system."""
    try:
        limits.sweep(runner, limit, values)
    except AssertionError as error:
        return 0, [str(error)]
    return len(values), []


def make(target: str) -> Found:
    """Make one of the proofs in make/proofs.mk; count the tests that it passed."""
    done = subprocess.run(["make", target], cwd=ROOT, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = done.stdout.decode(errors="replace")
    return sum(map(int, re.findall(r"(\d+) passed", said))), [said[-3000:]] if done.returncode else []


PARTS: dict[str, tuple[str, Callable[[], Found]]] = {
    **{f"fuzz/{reader}": (what, partial(fuzz, reader)) for reader, what in READERS.items()},
    **{f"kill/{runner}": (f"`{runner}`", partial(stop, runner, signal.SIGKILL, kill.KILLS)) for runner in kill.STORMS},
    **{
        f"signals/{runner}-{how.name}": (f"`{runner}`, {how.name}", partial(stop, runner, how, min(60, kill.KILLS)))
        for runner in (PROGRAM, "numpy")
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    },
    **{
        f"limits/{runner}-{limit}": (f"`{runner}`, RLIMIT_{limit}", partial(limited, runner, limit, values))
        for runner, limited_to in LIMITED.items()
        for limit, values in limited_to.items()
    },
    **{f"proofs/{target}": (f"`make {target}`", partial(make, target)) for target in PROOFS},
}


def cpu_seconds() -> float:
    """What the processes started here have taken so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def record(part: str, write: bool) -> list[str]:
    """Run one part, print its row, and write it; return its faults."""
    what, run = PARTS[part]
    began = cpu_seconds()
    tried, faults = run()
    row = [what, f"{cpu_seconds() - began:,.0f}", f"{tried:,}", str(len(faults)), f"`{_commit()}`", str(date.today())]
    line, group = f"| {' | '.join(row)} |", part.partition("/")[0]
    print(line, *faults, sep="\n", flush=True)
    if write:
        rows = {line.split(" | ")[0]: line for line in readme.between(group, PAGE).strip().splitlines()}
        readme.replace(group, "\n".join((rows | {line.split(" | ")[0]: line}).values()), PAGE)
    return faults


def _commit() -> str:
    words = ["git", "rev-parse", "--short=7", "HEAD"]
    commit = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", ".", f":!{PAGE.relative_to(ROOT)}"], cwd=ROOT)
    return f"{commit}, changed" if changed.returncode else commit


def main(words: list[str]) -> int:
    write, words = "--write" in words, [word for word in words if word != "--write"]
    parts = [part for part in PARTS if not words or any(part.startswith(word) for word in words)]
    if not parts:
        print(f"no part is called {words}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    os.environ["OMP_NUM_THREADS"] = "1"
    random.seed(kill.SEED)
    faults = [fault for part in parts for fault in record(part, write)]
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
