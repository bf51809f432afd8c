"""Grades several backends, each by an `nnz parity` of its own: a few one after the other, a class one on each core.

So whatever happens to one grading, the others go on, and nothing that a backend prints is in the results. A result
counts only with a signature, whose key the grading reads from its stdin before the backend starts.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import IO, Any

from ...backend import by_path
from ...files.errors import UsageError, one_line
from ...files.terminal import bar
from . import one
from .written import KEY_SIZE, Graded, row, rows_alone, signature

PAUSE = 0.05  # seconds between two looks at those that run
PATIENCE = 20  # seconds in which a grading that is asked to end ends what it has started
MOST = 2**26  # bytes of a result
NO_RESULT = "its grading ended without a result"


@dataclass
class _Job:
    """One grading that runs; None is the program of --cmd."""

    place: int
    name: str | None
    sha256: str  # of the sources, before anything of it ran
    process: subprocess.Popen
    began: float
    key: bytes
    result: IO[bytes]  # these three files have no name that the backend could find
    out: IO[bytes]
    err: IO[bytes]


def grade(names: Sequence[str | None], arguments: argparse.Namespace) -> Graded:
    """As one.grade; prints each report when it is done, and returns them in the order of the names."""
    from ...conformance.isolated.descendants import Descendants

    waiting, running = list(enumerate(names)), []
    found: dict[int, dict[str, Any]] = {}
    at_once, jobs = 1, one.jobs(arguments)
    if rows_alone(names, arguments):
        at_once, jobs = arguments.jobs or one.cores(), 1
    shown = bar(len(names), "backend", leave=False)
    with shown, Descendants() as descendants:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    running.append(_start(*waiting.pop(0), arguments, jobs))
                time.sleep(PAUSE)
                for job in [job for job in running if _has_ended(job)]:
                    running.remove(job)
                    descendants.end(None)  # what it could not end itself, if a signal ended it
                    found[job.place], text = _finish(job, arguments)
                    if arguments.json != "-":
                        (report,) = found[job.place]["reports"]
                        shown.clear()
                        print(row(report) if rows_alone(names, arguments) else text, flush=True)
                    shown.update()
                shown.refresh()
        finally:  # also after Ctrl-C
            _end(running)
            descendants.end(None)
    contents = [found[place] for place in sorted(found)]
    problems = [problem for content in contents for problem in content["problems"]]
    known = contents[0]["xfails"] if contents else {}
    return [r for content in contents for r in content["reports"]], list(dict.fromkeys(problems)), known


def _start(place: int, name: str | None, arguments: argparse.Namespace, jobs: int) -> _Job:
    result, out, err = (tempfile.TemporaryFile() for _ in range(3))  # noqa: SIM115 (_finish closes them)
    words = ["--cmd", arguments.cmd] if name is None else [name]
    words += ["--signed", str(result.fileno()), "--rounds", str(arguments.rounds), "--seed", str(arguments.seed)]
    words += [
        "--jobs",
        str(jobs),
        "--timeout",
        str(arguments.timeout),
        *(["--xfails", arguments.xfails] if arguments.xfails else []),
    ]
    for flag in ("dtype", "level"):
        words += [word for value in getattr(arguments, flag) or () for word in (f"--{flag}", value)]
    words += [
        f"--{flag.replace('_', '-')}" for flag in ("strict", "verbose", "allow_borrowing") if getattr(arguments, flag)
    ]
    environment = one.ONE_THREAD | os.environ
    command = [sys.executable, "-P", "-m", __package__.partition(".")[0], "parity", *words]
    how = {"stdin": subprocess.PIPE, "stdout": out, "stderr": err, "env": environment, "pass_fds": [result.fileno()]}
    key, sha256 = secrets.token_bytes(KEY_SIZE), _sha256(name)
    process = subprocess.Popen(command, **how)
    with suppress(BrokenPipeError), process.stdin:  # it has ended, which is seen later
        process.stdin.write(key)
    return _Job(place, name, sha256, process, time.monotonic(), key, result, out, err)


def _has_ended(job: _Job) -> bool:
    """Whether it has; one that was stopped, as by SIGSTOP, would wait for ever, and is killed."""
    from ...conformance.isolated.descendants import is_stopped

    if job.process.poll() is not None:
        return True
    if is_stopped(job.process.pid):
        time.sleep(PAUSE)  # after Ctrl-Z and `fg` it goes on when we do
        if is_stopped(job.process.pid):
            job.process.kill()
    return False


def _end(running: Sequence[_Job]) -> None:
    for job in running:
        job.process.terminate()  # it ends what it has started
    for job in running:
        try:
            job.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            job.process.kill()
            job.process.wait()


def _finish(job: _Job, arguments: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """(its results, what it printed); of one without a result that it signed, a report that says why."""
    with job.result, job.out, job.err:
        signed, _, text = _content(job.result).partition(b"\n")
        if hmac.compare_digest(signed, signature(job.key, text)):
            content = json.loads(text)
            for report in content["reports"]:
                report["sha256"] = job.sha256
            return content, _content(job.out).decode(errors="replace")
        said = _content(job.err).decode(errors="replace").strip().rpartition("\n")[2].removeprefix("nnz: ")
    why = one_line(said or f"{NO_RESULT}, with the code {job.process.returncode}")
    from ...conformance import grading, printed

    report = grading.not_importable(job.name or arguments.cmd, ImportError(why), arguments.level, one.dtypes(arguments))
    report = replace(report, seconds=round(time.monotonic() - job.began, 1), sha256=job.sha256)
    content = {"reports": [report.to_json()], "problems": [f"{report.backend} {report.summary()}"], "xfails": {}}
    return content, printed.summary(report) + "\n"


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(MOST)


def _sha256(name: str | None) -> str:
    try:
        place = by_path.place_of(name) if name is not None else None
        return by_path.sha256_of(place) if place is not None else ""
    except (OSError, UsageError):
        return ""
