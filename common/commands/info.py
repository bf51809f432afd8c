"""Print what nnz runs on here: versions, CPU, BLAS, threads, and which C kernels.

It is what to paste into a report of a bug.
"""

from __future__ import annotations

import argparse
import os

EXAMPLES = """\
  nnz info
"""
SETTINGS = ("OMP_", "OPENBLAS_", "MKL_", "CUDA_VISIBLE_DEVICES", "NNZ_TRACEBACK")  # how their names begin


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(arguments: argparse.Namespace) -> None:
    """Print a line for each."""
    import numpy as np

    np.zeros((2, 2)) @ np.zeros((2, 2))  # so that its BLAS is loaded
    from ..conformance.environment import environment

    found = environment()
    lines = {"cpu": f"{found['cpu']}, {found['cores']} cores", "system": found["system"], "python": found["python"]}
    lines |= {name: version for name, version in found["versions"].items() if name != "nnz"}
    lines |= {"torch": lines.get("torch", "not installed"), "nnz.c": _kernels()}
    pools = [_pool(pool) for pool in found["thread_pools"]]
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(SETTINGS)]
    lines |= {"threads": "; ".join(pools) or "no library with its own", "settings": " ".join(settings) or "none"}
    print(f"nnz {found['versions']['nnz']}")
    print("\n".join(f"  {name:<12} {text}" for name, text in lines.items()))


def _pool(pool: dict) -> str:
    name = " ".join(str(pool[key]) for key in ("internal_api", "version", "architecture") if pool.get(key))
    return f"{name}, {pool['num_threads']} thread{'s' * (pool['num_threads'] != 1)}"


def _kernels() -> str:
    """Which of its kernels run here, and what compiled them."""
    from ..backend import registry

    try:
        runtime = registry.load("c").runtime
    except ImportError as error:
        return str(error)
    return f"kernels for {runtime.instruction_set()}; {runtime.built_with()}"
