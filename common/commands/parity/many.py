"""Grades several backends, as many at a time as there are cores, each by an `nnz parity` of its own.

So whatever happens to one grading, the others go on, and nothing that a backend prints is in the results.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...backend import by_path
from ...files.errors import UsageError, one_line
from . import one
from .written import Graded, row, rows_alone

OUT, ERR = ".out", ".err"
PAUSE = 0.05  # seconds between two looks at those that run
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
NO_RESULT = "its grading ended without a result"


@dataclass
class _Job:
    """One grading that runs; None is the program of --cmd."""

    place: int
    name: str | None
    process: subprocess.Popen
    began: float
    result: Path  # its JSON; with other suffixes what it prints


def grade(names: Sequence[str | None], arguments: argparse.Namespace) -> Graded:
    """As one.grade; prints each report when it is done, and returns them in the order of the names."""
    from tqdm import tqdm

    waiting, running = list(enumerate(names)), []
    found: dict[int, dict[str, Any]] = {}
    cores = _cores()
    hidden = sys.stderr is None or not sys.stderr.isatty()
    bar = tqdm(total=len(names), unit="backend", leave=False, disable=hidden, file=sys.stderr)
    with bar, tempfile.TemporaryDirectory() as folder:
        try:
            while waiting or running:
                while waiting and len(running) < cores:
                    running.append(_start(*waiting.pop(0), arguments, Path(folder), one_core=cores < len(names)))
                time.sleep(PAUSE)
                for job in [job for job in running if job.process.poll() is not None]:
                    running.remove(job)
                    found[job.place], text = _finish(job, arguments)
                    if arguments.json != "-":
                        (report,) = found[job.place]["reports"]
                        bar.clear()
                        print(row(report) if rows_alone(names, arguments) else text, flush=True)
                    bar.update()
                bar.refresh()
        finally:  # also after Ctrl-C
            for job in running:
                job.process.terminate()  # it ends what it has started
            for job in running:
                job.process.wait()
    contents = [found[place] for place in sorted(found)]
    problems = [problem for content in contents for problem in content["problems"]]
    known = contents[0]["xfails"] if contents else {}
    return [r for content in contents for r in content["reports"]], list(dict.fromkeys(problems)), known


def _start(place: int, name: str | None, arguments: argparse.Namespace, folder: Path, one_core: bool) -> _Job:
    result = folder / f"{place}.json"
    words = ["--cmd", arguments.cmd] if name is None else [name]
    words += ["--json", str(result), "--rounds", str(arguments.rounds), "--seed", str(arguments.seed)]
    words += ["--timeout", str(arguments.timeout), *(["--xfails", arguments.xfails] if arguments.xfails else [])]
    for flag in ("dtype", "level"):
        words += [word for value in getattr(arguments, flag) or () for word in (f"--{flag}", value)]
    words += [
        f"--{flag.replace('_', '-')}" for flag in ("strict", "verbose", "allow_borrowing") if getattr(arguments, flag)
    ]
    environment = {**(ONE_THREAD if one_core else {}), **os.environ}
    command = [sys.executable, "-P", "-m", __package__.partition(".")[0], "parity", *words]
    with result.with_suffix(OUT).open("wb") as out, result.with_suffix(ERR).open("wb") as err:
        how = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, "env": environment}
        return _Job(place, name, subprocess.Popen(command, **how), time.monotonic(), result)


def _finish(job: _Job, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """(what it wrote as JSON, what it printed); of one that wrote nothing, a report that says why."""
    try:
        if job.process.returncode not in (0, 1):
            raise ValueError(NO_RESULT)  # whoever ended it may have written a result too
        content = json.loads(job.result.read_text(encoding="utf-8"))
        return content, job.result.with_suffix(OUT).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        said = job.result.with_suffix(ERR).read_text(encoding="utf-8", errors="replace")
        said = said.strip().rpartition("\n")[2].removeprefix("nnz: ")
        why = one_line(said or f"{NO_RESULT}, with the code {job.process.returncode}")
    from ...conformance import grading, printed

    report = grading.not_importable(job.name or arguments.cmd, ImportError(why), arguments.level, one.dtypes(arguments))
    report = replace(report, seconds=round(time.monotonic() - job.began, 1), sha256=_sha256(job.name))
    content = {"reports": [report.to_json()], "problems": [f"{report.backend} {report.summary()}"], "xfails": {}}
    return content, printed.summary(report) + "\n"


def _sha256(name: str | None) -> str:
    try:
        place = by_path.place_of(name) if name is not None else None
        return by_path.sha256_of(place) if place is not None else ""
    except (OSError, UsageError):
        return ""


def _cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
