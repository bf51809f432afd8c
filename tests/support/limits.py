"""Training under the system's limits: it ends well, or with one line, and never by a signal."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from support.tiny_commands import PROGRAM, words
from support.tiny_runs import data_folder, tiny_recipe

CODES = (0, 1, 127)  # 127 of the system's loader, before the program begins


def sweep(runner: str, limit: str, values: Iterable[int]) -> None:
    """Train under each value of RLIMIT_`limit`; under the last it must end well. Raises AssertionError.

    Python is given enough to start by itself.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o777)
        recipe = tiny_recipe(data_folder(place / "few-names"), steps=20, model__hidden_size=512, train__batch_size=64)
        for value in values:
            done = subprocess.run(
                words(runner, recipe, place / f"run-{value}"),
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "OMP_NUM_THREADS": "2" if runner == PROGRAM else "1"},
                preexec_fn=lambda value=value: _take(limit, value),
                errors="replace",
            )
            where = f"{runner}, RLIMIT_{limit} = {value}, exit code {done.returncode}: {done.stderr}"
            assert done.returncode in CODES, where
            assert "Traceback" not in done.stderr, where
            assert "a bug" not in done.stderr, where
            if runner == PROGRAM and done.returncode == 1:  # one line says why; notes may come before it
                assert done.stderr.count("mlp: ") == 1, where
        assert done.returncode == 0, f"the highest value is too low: {where}"


def _take(limit: str, value: int) -> None:
    resource.setrlimit(getattr(resource, f"RLIMIT_{limit}"), (value, value))
    if limit == "NPROC" and os.geteuid() == 0:  # which binds every user but root
        os.setuid(65534)
