"""Where the project's files lie: beside this package in a checkout, inside it where it was installed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import nnz

PACKAGE = Path(nnz.__file__).parent
FOLDERS = {  # in the repository -> in an installed package
    "mlp_c": "c",
    "mlp_numpy": "numpy",
    "mlp_torch": "torch",
    "gpt_c": "c/gpt",
    "gpt_numpy": "numpy/gpt",
    "gpt_torch": "gpt",
    "gpt_torch/ops": "torch/gpt_ops",
    "gpt_torch/spelled_out": "torch/gpt",
    "docs": "docs",
    "common": "",
}
SOURCES = (".c", ".h", ".py", ".toml")


class PageError(ValueError):
    """The page cannot be built from the sources as they are; the message says what is missing, and where."""


@dataclass(frozen=True)
class Tree:
    """The sources, each known by its path in the repository; `root` is a checkout, None what is installed."""

    root: Path | None = field(default_factory=lambda: PACKAGE.parent if (PACKAGE.parent / "mlp_c").is_dir() else None)

    def path(self, name: str) -> Path:
        """Where the file or folder of that name in the repository really lies."""
        if self.root is not None:
            return self.root / name
        folder = max((folder for folder in FOLDERS if f"{name}/".startswith(f"{folder}/")), key=len)
        return PACKAGE / FOLDERS[folder] / name.removeprefix(folder).lstrip("/")

    def text(self, name: str) -> str:
        """What the file holds. Raises PageError if it is not there."""
        try:
            return self.path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise PageError(f"{name} cannot be read: {error.strerror}") from error

    def files(self) -> list[str]:
        """Every source of the project, by its name in the repository, in order."""
        found = {
            f"{folder}/{path.relative_to(self.path(folder)).as_posix()}"
            for folder in FOLDERS
            for path in self.path(folder).rglob("*")
            if path.suffix in SOURCES and not self._is_elsewhere(folder, path)
        }
        return sorted(found)

    def _is_elsewhere(self, folder: str, path: Path) -> bool:
        """Installed, every other folder lies inside that of `common`, and the GPT's inside the backend's."""
        inside = f"{FOLDERS[folder]}/{path.relative_to(self.path(folder)).as_posix()}".lstrip("/")
        nearest = max((to for to in FOLDERS.values() if f"{inside}/".startswith(f"{to}/") or not to), key=len)
        return "__pycache__" in path.parts or (self.root is None and nearest != FOLDERS[folder])
