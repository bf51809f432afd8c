"""Recipes: everything that determines a run, in one small TOML file."""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import tomli_w

from ..files import inputs
from ..files.errors import UsageError, nearest
from ..files.terminal import note
from ..text.datasets import kind_of
from .models import MODELS
from .sections import SECTIONS, Data, Model, Optimizer, Sample, Train
from .settings import DECIMAL, WHOLE, quoted, read

MAX_LENGTH = 65_536
OLD_NAMES = {"layers": "n_layer", "heads": "n_head", "embedding_size": "n_embd"}  # of a GPT's model


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The five sections and the name; `override` returns a changed copy."""

    name: str = "recipe"
    data: Data = dataclasses.field(default_factory=Data)
    model: Model = dataclasses.field(default_factory=Model)
    optimizer: Optimizer = dataclasses.field(default_factory=Optimizer)
    train: Train = dataclasses.field(default_factory=Train)
    sample: Sample = dataclasses.field(default_factory=Sample)

    def override(self, key: str, value: Any) -> Recipe:
        """Return the recipe with `section.key` set. Raises UsageError for an unknown key or a value not allowed."""
        section, _, field = key.partition(".")
        return dataclasses.replace(self, **{section: _replace(getattr(self, _known(section)), section, {field: value})})

    @property
    def tokens_per_step(self) -> int:
        """How many tokens one update learns to predict."""
        return self.train.batch_size * (self.model.context_length if self.model.predicts_every_position else 1)

    def items(self) -> Iterator[tuple[str, str, Any]]:
        """Yield (section, key, value) of every setting."""
        for section in SECTIONS:
            for key, value in dataclasses.asdict(getattr(self, section)).items():
                yield section, key, value

    def to_toml(self) -> str:
        """Return the recipe as TOML: every setting that means something to its kind of model, defaults too."""
        has, tables = MODELS[self.model.kind].has, {section: {} for section in SECTIONS}
        for section, key, value in self.items():
            if value != "" and has(f"{section}.{key}"):  # an empty text means that nothing was chosen
                tables[section][key] = value
        return tomli_w.dumps(tables)


def known() -> tuple[str, ...]:
    """Return the names of the recipes inside the package."""
    folder = resources.files(__package__)
    return tuple(sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")))


def load(name_or_path: str) -> Recipe:
    """Return a recipe of the package by name, or the one in a .toml file.

    Raises UsageError for an unknown name or a file that is not a recipe, OSError for one that cannot be read.
    """
    if name_or_path in known():
        file = resources.files(__package__) / f"{name_or_path}.toml"
        return loads(file.read_text(encoding="utf-8"), name_or_path)
    path = Path(name_or_path)
    is_file = path.suffix == ".toml"
    if not is_file or not path.exists():
        what = "there is no recipe file" if is_file else "unknown recipe"
        raise UsageError(f"{what} {name_or_path!r}; {nearest(path.stem, known())}, or a .toml file")
    try:
        return loads(inputs.read_bytes(path, inputs.RECIPE).decode("utf-8-sig"), path.stem)
    except UnicodeDecodeError as error:
        raise UsageError(f"recipe {name_or_path!r} is not UTF-8 text; save it as UTF-8") from error


def loads(toml: str, name: str) -> Recipe:
    """Return the recipe in a TOML text; settings that it leaves out keep their defaults. Raises UsageError."""
    if len(toml) > MAX_LENGTH:  # a list of lists takes some hundred bytes of memory for each character
        problem = f"is longer than {MAX_LENGTH:,} characters"
        raise UsageError(f"recipe {name!r} {problem}; see the recipes inside the package")
    try:
        tables = tomllib.loads(toml)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"recipe {name!r} is not TOML: {error}; see the recipes inside the package") from error
    sections = {}
    for section, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(f"{section} = {quoted(table)} is outside a section; put it below [data], for example")
        sections[section] = _replace(SECTIONS[_known(section)](), section, table)
    if "kind" not in tables.get("data", {}):  # a recipe or a checkpoint from before there was one
        data = sections.get("data", Data())
        sections["data"] = dataclasses.replace(data, kind=kind_of(data.windows, data.split, data.tokenizer))
    return Recipe(name=name, **sections)


def assignment(word: str) -> tuple[str, Any]:
    """Return the key and the value of a word of `--set`: a number as flags take it, TOML, or else text.

    Raises UsageError if it has no equals sign.
    """
    key, equals, value = map(str.strip, word.partition("="))
    if not equals:
        raise UsageError(f"--set {word!r} is not of the form section.key=value")
    for written, kind in ((WHOLE, int), (DECIMAL, float)):
        if written.fullmatch(value):
            return key, kind(value)
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return key, value
    is_number = isinstance(parsed, int | float) and not isinstance(parsed, bool)  # as 5_0 or 0x5
    return key, value if is_number else parsed


def _known(section: str) -> str:
    if section not in SECTIONS:
        raise UsageError(f"unknown section {section!r}; {_like(section) or nearest(section, SECTIONS)}")
    return section


def _like(key: str) -> str:
    """Return "did you mean 'optimizer.lr'?" for a key that is in another section; else nothing."""
    names = [(section, field.name) for section, kind in SECTIONS.items() for field in dataclasses.fields(kind)]
    return next((f"did you mean '{section}.{name}'?" for section, name in names if name == key), "")


def _replace(section: Any, name: str, table: dict[str, Any]) -> Any:
    """Return the section with the values of `table`, each read by its rule."""
    rules = {field.name: field.metadata["rule"] for field in dataclasses.fields(section)}
    if name == "model" and table.get("kind", section.kind) == "gpt":
        table = _with_new_names(table)
    for key in table:
        if key not in rules:
            raise UsageError(f"unknown key {f'{name}.{key}'!r}; {_like(key) or nearest(key, rules)}")
    return dataclasses.replace(section, **{key: read(f"{name}.{key}", rules[key], table[key]) for key in table})


def _with_new_names(table: dict[str, Any]) -> dict[str, Any]:
    """The table of a GPT's model, each setting under the name that it has now. Raises UsageError if one is twice."""
    old = tuple(key for key in table if key in OLD_NAMES)
    for key in old:
        if OLD_NAMES[key] in table:
            raise UsageError(f"model.{key} is the old name of model.{OLD_NAMES[key]}, and both are given; drop the old")
    if old:
        _note_old_names(old)
    return {OLD_NAMES.get(key, key): value for key, value in table.items()}


@functools.cache  # once: a checkpoint's recipe is read several times
def _note_old_names(old: tuple[str, ...]) -> None:
    renamed = ", ".join(f"model.{key} is now model.{OLD_NAMES[key]}" for key in old)
    note(f"old names in a recipe are understood: {renamed}")
