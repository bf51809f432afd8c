"""Planting: a copy of one folder, one change in it, and the copy imported as a package of its own.

The backends import `nnz` by name and their own folder relatively, so that a copy under another name is complete.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

from .compiling import Kernels
from .mutant import Mutant, Plant

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = {"c": "mlp_c", "numpy": "mlp_numpy", "torch": "mlp_torch", "common": "common"}
INSIDE = {  # what is installed inside a folder, and is not in it
    "c": {"gpt": "gpt_c"},
    "numpy": {"gpt": "gpt_numpy"},
    "torch": {"gpt": "gpt_torch/spelled_out", "gpt_ops": "gpt_torch/ops"},
}
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")


def source(where: str, plant: Plant) -> str:
    """The text of the file that the plant changes, as it stands in the project."""
    for inside, folder in INSIDE.get(where, {}).items():
        if plant.file.startswith(f"{inside}/"):
            return (ROOT / folder / plant.file.removeprefix(f"{inside}/")).read_text(encoding="utf-8")
    return (ROOT / FOLDERS[where] / plant.file).read_text(encoding="utf-8")


def planted(where: str, plant: Plant | None, folder: Path) -> Path:
    """Copy the backend's folder, or common/, to `folder` and make the change. Raises ValueError if it does not fit."""
    shutil.copytree(ROOT / FOLDERS[where], folder, ignore=NOT_COPIED)
    for inside, of in INSIDE.get(where, {}).items():
        shutil.copytree(ROOT / of, folder / inside, ignore=NOT_COPIED)
    if where == "c":
        (folder / "mlp_c").symlink_to(folder)  # from the copy of gpt_c, ../mlp_c is the copy of mlp_c
    if plant is not None:
        before = source(where, plant)
        if before.count(plant.old) != 1 or plant.old == plant.new:
            raise ValueError(f"{plant.file} holds {plant.old!r} {before.count(plant.old)} times, not once")
        (folder / plant.file).write_text(before.replace(plant.old, plant.new), encoding="utf-8")
    return folder


def backend(mutant: Mutant | None, where: str, scratch: Path, kernels: Kernels | None = None) -> ModuleType:
    """The backend `where` with the mutant's bug, or a plain copy, imported from `scratch`.

    Raises AssertionError if any of what was imported is not the copy.
    """
    name = f"{where}_{mutant.name if mutant else 'as_it_is'}".replace("-", "_")
    folder = planted(where, mutant.plants[where] if mutant else None, scratch / name)
    if kernels is not None and where == "c":
        kernels.compile(folder, mutant.plants[where].file if mutant else None)
    module = _imported(name, folder)
    prove(name, folder)
    return module


def _imported(name: str, folder: Path) -> ModuleType:
    """The package in `folder`, under this name, by its path: nothing else can be found in its place."""
    places = [str(folder)]
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=places)
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def prove(name: str, folder: Path) -> None:
    """Every module of the package was loaded from the folder, compiled ones too; none of the project's own was."""
    loaded = {key: Path(m.__file__ or "") for key, m in sys.modules.items() if f"{key}.".startswith(f"{name}.")}
    assert loaded, f"{name} was not imported"
    strays = {key: file for key, file in loaded.items() if folder not in file.parents}
    assert not strays, f"not the mutated code: {strays}"
    if (folder / "kernels.h").exists():
        assert loaded[f"{name}._kernels"].parent == folder, "the kernels are not those of the copy"
