"""When and on which machine a grading or a benchmark ran: date, CPU, BLAS, versions, threads."""

from __future__ import annotations

import os
import platform
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import threadpoolctl

LIBRARIES = ("nnz", "numpy", "cffi", "torch", "safetensors", "jax")


def environment() -> dict[str, Any]:
    """The date, the CPU, the versions of Python and the libraries, and each loaded BLAS and OpenMP with its threads."""
    pools = threadpoolctl.threadpool_info()
    return {
        "date": date.today().isoformat(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version for name in LIBRARIES if (version := _version(name)) is not None},
        "thread_pools": [{key: value for key, value in pool.items() if key != "filepath"} for pool in pools],
    }


def _cpu() -> str:
    """The model's name; only Linux has it in a file."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
