"""Writes a package with every op of nnz.backend.spec as a stub, to be filled in one at a time and graded."""

from __future__ import annotations

import importlib.util
import keyword
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

from nnz.backend import registry, spec
from nnz.files.atomic import write_text
from nnz.files.errors import UsageError

from ..levels import CHECKS, GPT_CHECKS, Check
from . import gpt_templates
from .templates import INIT, LAYERS, MLP, OPS_HEAD, OPTIMIZERS, README

WIDTH = 116  # of a docstring's lines, indented by four


def write(folder: Path, gpt: bool = False) -> list[Path]:
    """Write the package, with `gpt` also the GPT's part; return its files. Its name is that of the folder.

    Raises UsageError for a name that cannot be imported or that is taken, FileExistsError if the folder is not empty,
    OSError if it cannot be written.
    """
    name = os.path.basename(os.path.realpath(folder))
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(f"{name!r} cannot be imported; take a name of letters, digits and _, such as my_backend")
    if name in registry.names() or (importlib.util.find_spec(name) is not None and not folder.exists()):
        raise UsageError(f"{name!r} is the name of an installed module; take another, such as my_{name}")
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not empty; give a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    files = {"__init__.py": INIT, "ops.py": ops_source(gpt), "layers.py": LAYERS, "mlp.py": MLP}
    files["optimizers.py"] = OPTIMIZERS
    if gpt:
        files |= {"__init__.py": gpt_templates.INIT, "gpt.py": gpt_templates.GPT, "gpt_layers.py": gpt_templates.LAYERS}
    checks = (*CHECKS, *GPT_CHECKS) if gpt else CHECKS
    files["README.md"] = README.format(name=name, levels=_levels(checks), asked=sum(len(c.dtypes) for c in checks))
    try:
        for file, text in files.items():
            write_text(folder / file, text.replace("NAME", name))  # README has no NAME
    except OSError:
        for file in files:  # a part would be in the way of the next attempt
            (folder / file).unlink(missing_ok=True)
        raise
    return [folder / file for file in files]


def ops_source(gpt: bool = False) -> str:
    """ops.py: one stub per function of the spec, in its order."""
    functions = spec.FUNCTIONS if gpt else spec.MLP_FUNCTIONS
    return "\n\n".join([OPS_HEAD, *(_stub(function) for function in functions.values())])


def _stub(function: spec.Function) -> str:
    """The signature and the summary of the spec, without a body."""
    formula, shapes = function.summary.split(" " * 8)
    lines = [*textwrap.wrap(formula, WIDTH), *textwrap.wrap(shapes, WIDTH, break_on_hyphens=False)]
    if function.updates:
        lines += ["", f"Overwrites {', '.join(function.updates)}, or returns new arrays if they are immutable."]
    if function.optional:
        lines += ["", f"{', '.join(function.optional)} may be None."]
    docstring = "\n    ".join(['"""' + lines[0], *lines[1:], '"""'])
    arguments = ", ".join(function.python_arguments)
    text = f"def {function.name}({arguments}):\n    {docstring}\n    raise NotImplementedError\n"
    return "\n".join(line.rstrip() for line in text.split("\n"))


def _levels(checks: Sequence[Check]) -> str:
    """A line of the README for each level: its name and its checks."""
    levels: dict[str, list[str]] = {}
    for check in checks:
        levels.setdefault(check.level, []).append(check.name)
    return "\n".join(f"- `{level}`: {', '.join(names)}" for level, names in levels.items())
