"""Completion in bash, zsh and fish, by argcomplete: commands, flags, and the recipes, backends and runs that are here.

A shell that knows of it runs `nnz` with what was typed in the environment; see the README.
"""

from __future__ import annotations

import os
from argparse import Action, ArgumentParser, _SubParsersAction
from collections.abc import Callable, Iterator
from glob import glob

import argcomplete
from argcomplete.completers import FilesCompleter

from ..backend import registry
from .main import parser
from .train import RECIPES

FILES = FilesCompleter()


def complete() -> None:
    """Tell the shell what could come next, and end."""
    typed = os.environ["COMP_LINE"][: int(os.environ["COMP_POINT"])].split()[1:]
    top = parser(typed)
    for action in _actions(top):
        if action.dest in COMPLETERS:
            action.completer = _or_files(COMPLETERS[action.dest])  # type: ignore[attr-defined]
    argcomplete.autocomplete(top)


def _actions(of: ArgumentParser) -> Iterator[Action]:
    """Every argument that the parser takes, those of its commands too."""
    for action in of._actions:
        yield action
        for sub in action.choices.values() if isinstance(action, _SubParsersAction) else ():
            yield from _actions(sub)


def _or_files(known: Callable[[], list[str]]) -> Callable[..., list[str]]:
    """What is known and begins like the word; if nothing does, files."""
    return lambda prefix, **_: [word for word in known() if word.startswith(prefix)] or FILES(prefix)


def _recipes() -> list[str]:
    return sorted(file.stem for file in RECIPES.glob("*.toml"))


def _backends() -> list[str]:
    return list(registry.names())


def _runs() -> list[str]:
    return sorted(os.path.dirname(file) for file in glob("runs/*/checkpoint.safetensors"))


def _data_sets() -> list[str]:
    from ..files import downloads

    return [data.name for data in downloads.known()]


COMPLETERS = {  # by the name that an argument has in every command
    "recipe": _recipes,
    "backend": _backends,
    "backends": _backends,
    "a": _backends,
    "b": _backends,
    "run": _runs,
    "init": _runs,
    "resume": _runs,
    "data": _data_sets,
    "name": _data_sets,
}
