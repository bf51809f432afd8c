"""A backend by its path: a package such as `nnz new-backend` writes, a folder with one in it, or a single file."""

from __future__ import annotations

import hashlib
import importlib.util
import keyword
import os
import re
import stat
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from ..files.errors import UsageError
from . import registry

PACKAGE, SUFFIX = "__init__.py", ".py"
OURS = __package__.partition(".")[0]  # where it is installed for development, no folder of packages has it
PIECE = 2**20
NOT_SOURCES = ("__pycache__", "build")
COMPILED = (".pyc", ".o", ".so", ".pyd", ".dylib")


def load(word: str) -> ModuleType:
    """Import a backend by its path, or by its name as nnz.backend.registry.load does: what of it is to be graded.

    A package that is used in another way has a module `graded` with the interface of the backends.

    Raises UsageError for what is neither, and whatever its own code raises.
    """
    if not is_path(word):
        module = registry.load(word)
        return getattr(module, "graded", module)
    file = file_of(word)
    folder = file.parent if file.name == PACKAGE else None
    name = module_name(word)
    for old in [m for m in sys.modules if f"{m}.".startswith(f"{name}.")]:
        del sys.modules[old]
    if folder != Path(os.path.realpath(word)):  # what lies next to it can be imported too, but hides nothing
        sys.path.append(str((folder or file).parent))
    places = [str(folder)] if folder else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=places)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def module_name(word: str) -> str:
    """The name by which `load` imports it; nothing is imported. Raises UsageError."""
    if not is_path(word):
        return dict(zip(registry.names(), registry.modules(), strict=True)).get(word, word)
    file = file_of(word)
    return _module_name(file.parent if file.name == PACKAGE else file)


def is_path(word: str) -> bool:
    """Whether a word of the command line is the path of a backend and not its name."""
    if "/" in word or os.sep in word or word.endswith(SUFFIX):
        return True
    if word in registry.names() or not Path(word).exists():
        return False
    return not all(part.isidentifier() for part in word.split(".")) or not (Path(word) / PACKAGE).exists()


def file_of(word: str) -> Path:
    """The file that is imported for a path. Raises UsageError if there is none, or more than one."""
    path = Path(os.path.realpath(word))  # unlike resolve it raises nothing for a link to itself
    if path.is_file() and path.suffix == SUFFIX:
        return path
    if not path.is_dir():
        raise UsageError(f"{word} is not a folder or a .py file; give the folder that nnz new-backend wrote")
    if (path / PACKAGE).is_file():
        return path / PACKAGE
    inside = sorted(path.glob(f"*/{PACKAGE}")) or sorted(p for p in path.glob(f"*{SUFFIX}") if p.is_file())
    if len(inside) != 1:
        what = ", ".join(str(p.relative_to(path)) for p in inside) or "none"
        raise UsageError(f"{word} must have an {PACKAGE}, or one package or one .py file in it; it has {what}")
    return inside[0]


def place_of(word: str) -> Path | None:
    """The folder of a package, or the file of a module; None if there is none. Nothing is imported."""
    if is_path(word):
        file = file_of(word)
        return file.parent if file.name == PACKAGE else file
    name = module_name(word)
    first, *rest = [name] if name.startswith("nnz.") else name.split(".")
    try:
        here = None if name.startswith("nnz.") else PathFinder.find_spec(first, [*sys.path, os.getcwd()])
        spec = here or importlib.util.find_spec(first)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return Path(spec.origin) if spec is not None and os.path.isfile(spec.origin or "") else None
    path = Path(next(iter(spec.submodule_search_locations)), *rest)
    return next((p for p in (path, path.with_name(path.name + SUFFIX)) if p.exists()), None)


def sha256_of(place: Path) -> str:
    """The SHA-256 of a backend's sources: of each regular file its path, its size and its bytes, sorted by path.

    Raises OSError.
    """
    digest = hashlib.sha256()
    for name, file in sorted(_sources(place)):
        digest.update(f"{name}\0{file.stat().st_size}\0".encode("utf-8", "surrogateescape"))
        with file.open("rb") as opened:
            while piece := opened.read(PIECE):
                digest.update(piece)
    return digest.hexdigest()


def _sources(place: Path) -> Iterator[tuple[str, Path]]:
    """(name, file) of what somebody wrote; links, pipes, caches and what a compiler made are left out."""
    if not place.is_dir():
        yield place.name, place
        return
    for folder, folders, files in os.walk(place):
        folders[:] = [name for name in folders if name not in NOT_SOURCES and not name.startswith(".")]
        for name in files:
            file = Path(folder, name)
            if file.suffix not in COMPILED and not name.startswith(".") and stat.S_ISREG(file.lstat().st_mode):
                yield file.relative_to(place).as_posix(), file


def _module_name(path: Path) -> str:
    """The name to import it by: its own, unless that is no name or that of another module."""
    name = re.sub(r"\W", "_", path.stem if path.suffix == SUFFIX else path.name)
    taken = name in (*sys.stdlib_module_names, *keyword.kwlist, OURS) or PathFinder.find_spec(name, _installed())
    return name if name.isidentifier() and not taken else f"backend_{name}"


def _installed() -> list[str]:
    """Where installed packages lie."""
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
