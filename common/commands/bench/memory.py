"""How much memory training takes: the peak of a process of its own, beyond what importing and the data take."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .contenders import Ours, Usual, has_yardstick
from .workload import Workload, drawn

STEPS = 3
STATUS = Path("/proc/self/status")  # only Linux has it


def of_all(work: Workload, names: Sequence[str], dtypes: Sequence[str]) -> dict[tuple[str, str], float | None]:
    """Return the MB by (name, dtype) of each backend and of the usual way of writing it."""
    return {
        (f"usual {name}" if usual else name, dtype): megabytes(work, name, usual, dtype)
        for dtype in dtypes
        for usual in (False, True)
        for name in names
        if not usual or has_yardstick(name)
    }


def megabytes(work: Workload, backend: str, usual: bool, dtype: str) -> float | None:
    """Return the MB (10^6 bytes) that a model, its optimizer and a few steps on one thread add; None if unknown."""
    if not STATUS.exists():
        return None
    kind = Usual if usual else Ours
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(_peak, kind, work, backend, dtype).result()


def _peak(kind: Callable, work: Workload, backend: str, dtype: str) -> float:
    tiny = drawn(work.recipe.override("model.hidden_size", 1), 2)
    kind(backend, tiny, dtype, 1).round(1)  # what a library loads and keeps on its first use is not the model's
    before = _resident("VmRSS")
    kind(backend, work, dtype, 1).round(STEPS)
    return (_resident("VmHWM") - before) / 1e6


def _resident(which: str) -> float:
    """Bytes in memory: VmRSS now, VmHWM at most since the process began."""
    lines = STATUS.read_text(encoding="utf-8").splitlines()
    return 1024.0 * next(int(line.split()[1]) for line in lines if line.startswith(f"{which}:"))
