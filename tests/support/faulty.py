"""Runs in which one write, fsync, rename or opening of a file goes wrong, and what must hold after each."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from nnz.recipes.recipe import Recipe
from nnz.runs import checkpoints
from nnz.runs.folder import LOG_HEADER, RunFolder
from support.built_program import built
from support.tiny_commands import FILES, PROGRAM, finish, start, words

KINDS = ("kill", "full", "half", "error", "readonly")
DONE, FAILED, KILLED = 0, 1, -9
Attempt = Callable[[Path, int, str], tuple[int, str]]  # a run with its n-th call gone wrong: its exit code, and stderr


def library() -> Path:
    """The library that makes calls go wrong."""
    return built("build/faults.so")


def program(recipe: Recipe, *more: str) -> Attempt:
    """Attempts of build/mlp."""

    def attempt(folder: Path, n: int, kind: str) -> tuple[int, str]:
        environment = {**os.environ, "LD_PRELOAD": str(library()), "FAULT_FOLDER": str(folder), "FAULT": f"{n} {kind}"}
        command = words(PROGRAM, recipe, folder, *more)
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
        lines = done.stderr.splitlines(True)
        return done.returncode, "".join(line for line in lines if line.startswith("mlp: "))

    return attempt


def forked(recipe: Recipe, *more: str) -> Attempt:
    """Attempts of `nnz train` on numpy in a fork of this process, into which the library must be loaded."""
    faults = ctypes.CDLL(str(library()))

    def attempt(folder: Path, n: int, kind: str) -> tuple[int, str]:
        command = words("numpy", recipe, folder, *more)[3:]
        report = folder.with_name("stderr")
        child = os.fork()
        if child == 0:
            written = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            for stream in (1, 2):
                os.dup2(written, stream)
            faults.fault_arm(str(folder).encode(), ctypes.c_long(n), kind.encode())
            from nnz.commands.main import main
            from nnz.pictures import of_run

            of_run.draw = lambda *what: []  # they are not part of what is resumed
            os._exit(main(command))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        lines = report.read_text(errors="replace").splitlines(True)  # a line cut half way may end within a character
        return code, "".join(line for line in lines if line.startswith("nnz: "))

    return attempt


def hold(recipe: Recipe, place: Path, attempt: Attempt, resume: Callable[[Path], None], every: int = 1) -> int:
    """Let every call go wrong in every way; after each, old or new loads, the log is whole, and resuming ends the same.

    Return how many faults there were. Raises AssertionError.
    """
    expected, faults = _bytes(_whole(recipe, place, resume)), 0
    for kind in KINDS:
        for n in range(1 + KINDS.index(kind) % every, 10_000, every):
            folder = place / f"{kind}-{n}"
            code, error = attempt(folder, n, kind)
            if code == DONE:
                break  # there were not so many calls
            where = f"call {n}, {kind}: {error}"
            assert code == (KILLED if kind == "kill" else FAILED), where
            assert error.count("\n") == (kind != "kill"), where
            _check(folder, kind, where)
            resume(folder)
            assert _bytes(folder) == expected, where
            faults += 1
    return faults


def _check(folder: Path, kind: str, where: str) -> None:
    run = RunFolder(folder)
    for path in (run.checkpoint, run.best):
        if path.exists():
            checkpoints.load(path, finite=True)
    if run.log.exists():
        lines = run.log.read_text().splitlines(keepends=True)
        steps = [int(line.split(",")[0]) for line in lines[1:]]
        assert lines[0] == LOG_HEADER, where
        assert steps == sorted(set(steps)), where
        assert all(line.endswith("\n") and line.count(",") == 3 for line in lines), where
    if kind not in ("kill", "readonly"):
        assert not list(folder.glob("*.tmp")), where


def _whole(recipe: Recipe, place: Path, resume: Callable[[Path], None]) -> Path:
    resume(place / "whole")
    return place / "whole"


def _bytes(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (*FILES, "config.toml")}


def main(place: Path, every: int) -> None:
    """Hold the Python side, in a process into which the library is loaded: see test_faults.py."""
    from support.tiny_runs import data_folder, tiny_recipe, train

    recipe = tiny_recipe(data_folder(place / "few-names"), steps=5, train__eval_every=3)
    train(recipe, place / "first")  # all is imported before the first fork
    attempt, resumed = forked(recipe), forked(recipe, "--resume")

    def resume(folder: Path) -> None:
        code, error = resumed(folder, 0, "none")
        assert code == DONE, error

    print(hold(recipe, place, attempt, resume, every))


def by_command(recipe: Recipe) -> Callable[[Path], None]:
    """Resume by build/mlp."""
    return lambda folder: finish(start(PROGRAM, recipe, folder, "--resume")) and None


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
