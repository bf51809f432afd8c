"""Fuzz one of the readers of Python with Atheris: python tools/fuzz/fuzz_python.py READER [libFuzzer's options].

What comes from elsewhere is taken or refused with the documented error; anything else is a finding.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["nnz"]):
    from nnz.conformance import golden
    from nnz.conformance.program import protocol
    from nnz.exchange.hugging_face import read as read_hugging_face
    from nnz.files import tensor_file
    from nnz.files.errors import UsageError
    from nnz.numbers import digests
    from nnz.reading.page import figures
    from nnz.recipes import recipe
    from nnz.recipes.models import MODELS
    from nnz.runs import checkpoints
    from nnz.runs.statistics import Statistics
    from nnz.text import batches, datasets, tokenizers

SEEDS = Path(__file__).resolve().parents[2] / "build" / "fuzz"
PLACE = Path(tempfile.mkdtemp(prefix="nnz-fuzz-"))
RAW, TEXTS, SETTINGS = b"rts"  # the first byte: what of a checkpoint the rest is
NUMBERS = (0, 1, -1, 2, 7, 2**31, 2**62, 2**64, 10**30, 0.0, 0.5, -1.5, 1e308, float("inf"), float("nan"), True)


def written(data: bytes, name: str = "file") -> Path:
    path = PLACE / name
    path.write_bytes(data)
    return path


def checkpoint(whole: Path, data: bytes) -> None:
    """A checkpoint is whole or a ValueError: any bytes, or a whole one of which a text or a setting is changed, with
    the hashes that then are right."""
    path = PLACE / "file"
    if data[:1] == bytes([RAW]):
        path.write_bytes(data[1:])
    else:
        metadata, arrays = tensor_file.read(whole, lambda *found: None)
        change(metadata, atheris.FuzzedDataProvider(data[1:]), data[:1] == bytes([SETTINGS]))
        moments = {name: a for name, a in arrays.items() if name.startswith(("m.", "v."))}
        metadata |= digests.of(metadata, {name: a for name, a in arrays.items() if name not in moments}, moments)
        tensor_file.write(path, arrays, metadata)
    try:
        loaded = checkpoints.load(path, finite=True)
    except ValueError as error:
        assert "is not a whole nnz-checkpoint-1 file" in str(error)
    else:
        checkpoints.save(PLACE / "again", loaded)


def change(metadata: dict[str, str], provider: Any, a_setting: bool) -> None:
    """Change one text of a checkpoint's metadata, or one value of the recipe in it."""
    if not a_setting:
        key = provider.PickValueInList(sorted(metadata.keys() - {"sha256"}))
        metadata[key] = provider.ConsumeUnicodeNoSurrogates(2000)
        return
    lines = metadata["config"].splitlines()
    places = [i for i, line in enumerate(lines) if "=" in line]
    place = provider.PickValueInList(places)
    lines[place] = f"{lines[place].partition('=')[0]}= {json.dumps(value(provider))}"
    metadata["config"] = "\n".join(lines)


def value(provider: Any) -> Any:
    """What may be in a JSON file in place of another value."""
    of = provider.ConsumeIntInRange(0, 4)
    if of == 0:
        return provider.PickValueInList(list(NUMBERS))
    if of == 1:
        return provider.ConsumeInt(8)
    if of == 2:
        return provider.ConsumeUnicodeNoSurrogates(20)
    return [value(provider)] if of == 3 else {"a": value(provider)}


def hugging_face(data: bytes) -> None:
    """A folder of Hugging Face is a GPT-2 or a ValueError: one of its files is any bytes, or has one value changed."""
    names = ("config.json", "nnz-tokenizer.json", "tokenizer.json", "model.safetensors")
    which, changed = data[0] % 7 if data else 0, data[1:]
    folder = PLACE / "hf"
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes((SEEDS / "hf" / name).read_bytes())
    path = folder / names[which % 4]
    if which < 4:
        path.write_bytes(changed)
    else:
        provider = atheris.FuzzedDataProvider(changed)
        path = folder / names[which - 4]
        table = json.loads(path.read_text(encoding="utf-8"))
        table[provider.PickValueInList(sorted(table))] = value(provider)
        path.write_text(json.dumps(table), encoding="utf-8")
    with suppress(ValueError):
        read_hugging_face(folder)


class Answering(protocol.Program):
    """A program that prints what the fuzzer says."""

    def _run(self, words: list[str], stream: str) -> tuple[int, str]:
        return self.said


def protocol_response(data: bytes) -> None:
    """A program's list and its response are valid, or a ProgramError or a ValueError."""
    head = {"format": protocol.RESPONSE, "function": "mlp", "dtype": "float32", "nonce": "x"}
    with suppress(protocol.ProgramError):
        protocol._read(written(data), head, protocol.OUTPUTS["mlp"])
    Answering.said = (0, f"{protocol.VERSION}\n{data.decode(errors='replace')}")
    with suppress(ValueError):
        Answering(["program"])


def golden_file(data: bytes) -> None:
    """A golden file is whole or a ValueError."""
    with suppress(ValueError):
        golden.read(written(data, golden.path_of(PLACE, "float64").name).parent, "float64")


def recipe_toml(data: bytes) -> None:
    """A recipe is one, and is written and read to the same, or a UsageError."""
    path = written(data, "recipe.toml")
    try:
        read = recipe.load(str(path))
        MODELS[read.model.kind].check(read)
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
    """A text file is a data set, read in any way, or a ValueError; each of its splits is decoded to itself."""
    way, text = (data[0] if data else 0), written(data[1:], "text.txt")
    kind, windows = (None, "list", "text")[way % 3], batches.KINDS[way // 3 % 2]
    split, tokenizer = datasets.SPLIT_BY[way // 6 % 2], tokenizers.KINDS[way // 12 % 2]
    try:
        found = datasets.load_dataset(text, windows, split, (0.5, 0.5), 1337, tokenizer, 1 + way // 24 % 2, kind)
    except ValueError as error:
        assert str(error)
    else:
        assert str(found)


def figures_json(data: bytes) -> None:
    """A file of figures is as the command writes it, or a PageError: any bytes, or one value of it is changed."""
    which = ("parity", "bench")[data[0] % 2 if data else 0]
    content = data[1:]
    if data and data[0] % 4 > 1:
        whole, provider = (
            json.loads((SEEDS / f"{which}.json").read_text(encoding="utf-8")),
            atheris.FuzzedDataProvider(content),
        )
        table, key = whole, None
        while key is None or (isinstance(table[key], dict | list) and table[key] and provider.ConsumeBool()):
            table = whole if key is None else table[key]
            key = provider.PickValueInList(sorted(table) if isinstance(table, dict) else list(range(len(table))))
        table[key] = value(provider)
        content = json.dumps(whole).encode()
    path = written(content, f"{which}.json")
    with suppress(figures.PageError):
        found = figures.Figures(**{"parity": None, "bench": None} | {which: path})
        assert isinstance(found.of("linear_forward", "c") + found.steps(), list)


def statistics(data: bytes) -> None:
    """A file of statistics is whole or a ValueError."""
    with suppress(ValueError):
        Statistics.load(written(data))


READERS: dict[str, Callable[[bytes], None]] = {
    "dataset": dataset,
    "tokenizer": tokenizer,
    "recipe": recipe_toml,
    "golden": golden_file,
    "statistics": statistics,
    "figures": figures_json,
    "checkpoint": partial(checkpoint, SEEDS / "mlp.safetensors"),
    "batchnorm-checkpoint": partial(checkpoint, SEEDS / "batchnorm.safetensors"),
    "gpt-checkpoint": partial(checkpoint, SEEDS / "gpt.safetensors"),
    "hugging-face": hugging_face,
    "response": protocol_response,
}


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], READERS[sys.argv[1]])
    atheris.Fuzz()
