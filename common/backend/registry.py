"""The registry of backends: the only place that knows their names."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from ..files.errors import UsageError, nearest
from ..files.terminal import note

# name -> (module, the package it cannot do without, how to get it)
_BACKENDS = {
    "c": ("nnz.c", "nnz.c._kernels", "install a C compiler (gcc or clang), then install nnz again"),
    "numpy": ("nnz.numpy", "numpy", "install it with: pip install numpy"),
    "torch": ("nnz.torch", "torch", "install it with: pip install torch"),
}
TORCH = "torch"  # which computes on a GPU, and alone writes its own files
_ONE_THREAD = ("nnz.numpy", "nnz.torch")  # several are many times slower on a busy machine; C chooses while it runs
_THREADS_SET = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def names() -> tuple[str, ...]:
    """Return the names of the project's own backends, present on this machine or not."""
    return tuple(_BACKENDS)


def modules() -> tuple[str, ...]:
    """Return the modules that `names()` stand for, in the same order."""
    return tuple(module for module, _, _ in _BACKENDS.values())


def load(name: str) -> ModuleType:
    """Import a backend: one of `names()`, or any module with the same interface; the current folder is searched too.

    Raises UsageError for a name that is neither, and ImportError, in one line that says how to get it, for a backend
    that is not there.
    """
    if name in _BACKENDS:
        return _load_own(name)
    if not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(
            f"unknown backend {name!r}; {nearest(name, names())}, or a module such as my_package.my_module"
        )
    with suppress(FileNotFoundError):  # the folder may be gone
        if os.getcwd() not in sys.path:
            sys.path.append(os.getcwd())  # last, so that nothing there hides what is installed
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there, and lacks something of its own
        if "." not in name:
            known = nearest(name, [*names(), *get_close_matches(name, _modules_here())])
            raise UsageError(f"unknown backend {name!r}; {known}, or an importable module") from error
        raise UsageError(f"no module {name!r} to use as a backend; check the name and PYTHONPATH") from error


def is_torch(nn: ModuleType) -> bool:
    """Tell whether it is nnz.torch."""
    return nn.__name__ == _BACKENDS["torch"][0]


def has_gpu() -> bool:
    """Tell whether torch is here, and finds CUDA."""
    return loads(TORCH) and "cuda" in load(TORCH).devices()


def gpt() -> ModuleType:
    """Return nnz.gpt: the GPT as a torch module, with all that only torch can do. Raises ImportError without torch."""
    load("torch")
    return importlib.import_module("nnz.gpt")


def available() -> tuple[str, ...]:
    """Return those of `names()` that can be loaded here."""
    return tuple(name for name in names() if loads(name))


def loads(name: str) -> bool:
    """Tell whether a backend can be loaded here; it then is. Raises ModuleNotFoundError if nnz itself is not whole."""
    try:
        load(name)
    except ModuleNotFoundError:
        raise
    except ImportError:
        return False
    return True


def default() -> str:
    """Return "c" where it was built, else "numpy", and say so on stderr."""
    if loads("c"):
        return "c"
    note(f"numpy computes, more slowly than C would: nnz.c is not built here; {_BACKENDS['c'][2]}")
    return "numpy"


@contextmanager
def requires(package: str, module: str) -> Iterator[None]:
    """Inside, `module` imports a package without which it can do nothing. Raises ImportError, in one line."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        how = f"install it with: pip install {package}"
        raise ImportError(f"{module} needs {package}, which is not installed; {how}", name=package) from None
    except (ImportError, OSError) as error:  # OSError: a library that the package was built with is missing
        raise ImportError(f"{module} needs {package}, which cannot be imported: {error}", name=package) from error


def choose_device(nn: ModuleType, device: str = "auto", threads: int | None = None, large: bool = False) -> str:
    """Set the backend's threads and return the device to use.

    Where no number is given, numpy and torch take one thread for a small model, unless the environment says more.
    "auto" is the CPU, the faster one for a small model, and CUDA for a large one where there is one. A backend without
    `devices` has the CPU.

    Raises ValueError for a device that the backend does not have here, and UsageError for threads that it cannot set.
    """
    if not hasattr(nn, "MLP"):
        raise ImportError(f"{nn.__name__} cannot train: it has no MLP; write one, or take another backend")
    devices = nn.devices() if hasattr(nn, "devices") else ("cpu",)
    if device == "auto":
        device = "cuda" if large and "cuda" in devices else "cpu"
    if device not in devices:
        raise ValueError(f"{nn.__name__} has no device {device!r} here; it has {', '.join(devices)}")
    if threads is None and not large and nn.__name__ in _ONE_THREAD and not any(map(os.environ.get, _THREADS_SET)):
        threads = 1
    if threads is not None and not hasattr(nn, "set_threads"):
        raise UsageError(f"{nn.__name__} has no set_threads; leave --threads out, or write set_threads(n)")
    if threads is not None:
        nn.set_threads(threads)
    return device


def _modules_here() -> list[str]:
    """The names of the packages and modules in the current folder."""
    try:
        here = list(Path().iterdir())
    except OSError:
        return []
    in_clone = Path("common/backend/registry.py").is_file()  # whose folders are the sources of nnz
    return [path.stem for path in here if path.suffix == ".py" or (not in_clone and (path / "__init__.py").is_file())]


def _load_own(name: str) -> ModuleType:
    module, needs, remedy = _BACKENDS[name]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != needs:
            raise
        raise ImportError(f"backend {name!r} needs {needs}, which is not installed; {remedy}") from error
