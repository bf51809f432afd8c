"""The contracts of pyproject.toml on who may import whom: `make lint` runs them; here each is broken on purpose."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"mlp_c": "c", "mlp_numpy": "numpy", "mlp_torch": "torch", "gpt_torch": "gpt"}
INSIDE = {
    "gpt_c": "c/gpt",
    "gpt_numpy": "numpy/gpt",
    "gpt_torch/spelled_out": "torch/gpt",
    "gpt_torch/ops": "torch/gpt_ops",
}
PLANTS = {  # one import for each contract, in their order
    "numpy/mlp.py": "import nnz.c",
    "conformance/environment.py": "from . import grading",
    "text/batches.py": "import nnz.numpy",
    "files/lock.py": "import torch",
    "files/atomic.py": "import cffi",
    "files/terminal.py": "from . import lock",
}


@pytest.fixture
def house(tmp_path):
    sources = shutil.ignore_patterns("__pycache__", "*.so", "data")
    shutil.copytree(ROOT / "common", tmp_path / "nnz", ignore=sources)
    for folder, name in (FOLDERS | INSIDE).items():
        shutil.copytree(ROOT / folder, tmp_path / "nnz" / name, ignore=sources)
    return tmp_path


def contracts(house: Path) -> dict[str, str]:
    """KEPT or BROKEN, by the name of the contract."""
    program = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()"]
    options = ["--config", ROOT / "pyproject.toml", "--no-cache", "--no-logo"]
    environment = os.environ | {"PYTHONPATH": str(house), "COLUMNS": "200"}
    out = subprocess.run([*program, *options], cwd=house, env=environment, capture_output=True, text=True)
    return dict(re.findall(r"^(\S.*) (KEPT|BROKEN)", out.stdout, re.MULTILINE))


def test_each_contract_is_kept_and_an_import_that_breaks_it_is_found(house):
    kept = contracts(house)
    assert set(kept.values()) == {"KEPT"}
    assert len(kept) == len(PLANTS)
    for file, line in PLANTS.items():
        with open(house / "nnz" / file, "a", encoding="utf-8") as source:
            source.write(f"{line}\n")
    assert contracts(house) == dict.fromkeys(kept, "BROKEN")


def test_every_package_is_installed():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders: dict[Path, list[str]] = {}  # gpt_torch/ops has two names
    for package, folder in settings["package-dir"].items():
        folders.setdefault(ROOT / folder, []).append(package)

    def names(folder: Path) -> list[str]:
        return folders.get(folder) or [f"{name}.{folder.name}" for name in names(folder.parent)]

    found = {name for folder in folders for init in folder.rglob("__init__.py") for name in names(init.parent)}
    assert found | {"nnz.docs"} == set(settings["packages"])  # which has pages, and no code


def test_every_file_that_a_source_or_a_page_names_is_there():
    folders = [*FOLDERS, "common", "docs", "tools", "make", "examples"]
    kinds = "py|[ch]|md|toml|svg|png|js|lua|cpp|go"
    path = re.compile(rf"(?<![\w./-])(?:{'|'.join([*folders, 'tests'])})/[\w./-]*\w\.(?:{kinds})\b")
    suffixes = (".py", ".c", ".h", ".md", ".toml", ".mk", ".js", ".lua", ".cpp", ".go")
    sources = [f for folder in folders for f in (ROOT / folder).rglob("*") if f.suffix in suffixes]
    named = {name: file for file in [ROOT / "README.md", *sources] for name in path.findall(file.read_text("utf-8"))}
    assert len(named) > 50
    assert not {name: file for name, file in named.items() if not (ROOT / name).exists()}
