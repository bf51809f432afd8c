"""Fuzz one of the readers of Python with Atheris: python tools/fuzz/fuzz_python.py READER [libFuzzer's options].

What comes from elsewhere is taken or refused with the documented error; anything else is a finding.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["nnz"]):
    from nnz.conformance import golden
    from nnz.files import tensor_file
    from nnz.files.errors import UsageError
    from nnz.numbers import digests
    from nnz.recipes import recipe
    from nnz.runs import checkpoints
    from nnz.runs.statistics import Statistics
    from nnz.text import datasets, tokenizers

WHOLE = Path(__file__).resolve().parents[2] / "build" / "fuzz" / "whole.safetensors"
PLACE = Path(tempfile.mkdtemp(prefix="nnz-fuzz-"))


def written(data: bytes, name: str = "file") -> Path:
    path = PLACE / name
    path.write_bytes(data)
    return path


def checkpoint(data: bytes) -> None:
    """A checkpoint is whole or a ValueError."""
    try:
        loaded = checkpoints.load(written(data), finite=True)
    except ValueError as error:
        assert "is not a whole nnz-checkpoint-1 file" in str(error)
    else:
        checkpoints.save(PLACE / "again", loaded)


def metadata(data: bytes) -> None:
    """A checkpoint with one text of its metadata chosen by whoever wrote the file, hashes and all."""
    provider = atheris.FuzzedDataProvider(data)
    whole, arrays = tensor_file.read(WHOLE, lambda *found: None)
    key = provider.PickValueInList(sorted(whole.keys() - {"sha256"}))
    whole[key] = provider.ConsumeUnicodeNoSurrogates(2000)
    moments = {name: a for name, a in arrays.items() if name.startswith(("m.", "v."))}
    whole |= digests.of(whole, {name: a for name, a in arrays.items() if name not in moments}, moments)
    tensor_file.write(PLACE / "file", arrays, whole)
    try:
        checkpoints.load(PLACE / "file")
    except ValueError as error:
        assert "is not a whole nnz-checkpoint-1 file" in str(error)


def golden_file(data: bytes) -> None:
    """A golden file is whole or a ValueError."""
    with suppress(ValueError):
        golden.read(written(data, golden.path_of(PLACE, "float64").name).parent, "float64")


def recipe_toml(data: bytes) -> None:
    """A recipe is one, and is written and read to the same, or a UsageError."""
    path = written(data, "recipe.toml")
    try:
        read = recipe.load(str(path))
    except UsageError as error:
        assert str(error)
    else:
        assert recipe.loads(read.to_toml(), read.name) == read


def tokenizer(data: bytes) -> None:
    """A text is encoded and decoded to itself; a tokenizer's description is one or a ValueError."""
    text = data.decode("utf-8", errors="replace")
    if text:
        known = tokenizers.CharTokenizer(text)
        assert known.decode(known.encode(text)) == text
    try:
        by_words = tokenizers.WordTokenizer(text)
    except ValueError as error:
        assert "a tokenizer needs at least one" in str(error)
    else:
        by_words.decode(by_words.encode(text))
        assert tokenizers.from_config(json.loads(json.dumps(by_words.to_config()))).to_config() == by_words.to_config()
    try:
        described = json.loads(text)
        tokenizers.from_config(described if isinstance(described, dict) else {})
    except (ValueError, RecursionError):
        pass


def dataset(data: bytes) -> None:
    """A text file is a data set or a ValueError."""
    for kind in ("char", "word"):
        try:
            datasets.load_dataset(written(data, "text.txt"), tokenizer=kind)
        except ValueError as error:
            assert str(error)


def statistics(data: bytes) -> None:
    """A file of statistics is whole or a ValueError."""
    with suppress(ValueError):
        Statistics.load(written(data))


READERS: dict[str, Callable[[bytes], None]] = {
    "checkpoint": checkpoint,
    "metadata": metadata,
    "golden": golden_file,
    "recipe": recipe_toml,
    "tokenizer": tokenizer,
    "dataset": dataset,
    "statistics": statistics,
}


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], READERS[sys.argv[1]])
    atheris.Fuzz()
