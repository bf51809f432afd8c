"""`python -m tools.microgpt_envelope`: how far honest float32 losses of microgpt are from those of float64.

Writes common/referee/envelope.csv, by which the referee grades ports in float32. Takes about two minutes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from nnz.backend import registry
from nnz.files import downloads
from nnz.recipes.recipe import load
from nnz.referee import envelope
from nnz.referee.start import Names
from nnz.training.run import Run

BACKENDS = ("c", "numpy", "torch")


def losses(backend: str) -> list[float]:
    """Of `nnz train microgpt --dtype float32`, as its log.csv has them: nine decimals."""
    with tempfile.TemporaryDirectory() as folder:
        Run(load("microgpt").override("model.dtype", "float32"), backend, Path(folder) / "run").train()
        return np.loadtxt(Path(folder) / "run" / "log.csv", delimiter=",", skiprows=1)[:, 1].tolist()


def main() -> None:
    """Measure, write, and print how wide it is."""
    names = Names(downloads.get("makemore-names").read_text(encoding="utf-8").split())
    others = {f"nnz's {name}": losses(name) for name in BACKENDS if registry.loads(name)}
    rows = list(envelope.measured(names, envelope.HONEST, others))
    envelope.write(envelope.FILE, names, rows)
    print(f"{len(envelope.HONEST) + len(others)} programs in float32")
    for step in (1, 10, 100, 1000):
        print(f"step {step:4}: {rows[step - 1].widest:.2e} by {rows[step - 1].by}")


if __name__ == "__main__":
    main()
