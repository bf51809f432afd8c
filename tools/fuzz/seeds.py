"""Write seeds for the fuzzers: python tools/fuzz/seeds.py FOLDER makes a folder of whole files for each reader."""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from support.malformed_requests import BROKEN
from support.tiny_checkpoints import checkpoint
from support.tiny_statistics import whole as statistics

from nnz.conformance import golden
from nnz.files import tensor_file
from nnz.recipes import recipe
from nnz.runs import checkpoints

READER, RECIPE, FLAGS, TEXT = (bytes([i]) for i in range(4))  # of the C program


def write(folder: Path) -> None:
    """Fill the folder."""
    seeds: dict[str, dict[str, bytes]] = {"checkpoint": {}, "program": {}, "metadata": {}}
    whole = folder / "whole.safetensors"
    whole.parent.mkdir(parents=True, exist_ok=True)
    checkpoints.save(whole, checkpoint())
    seeds["checkpoint"]["whole"] = whole.read_bytes()
    seeds["checkpoint"] |= {what: data for what, (data, _) in BROKEN.items()}
    found, _ = tensor_file.read(whole, lambda *found: None)
    seeds["metadata"] = {key: text.encode() + b"\0" for key, text in found.items()}
    toml = {name: recipe.load(name).to_toml().encode() for name in recipe.known()}
    seeds["recipe"] = dict(toml)
    text = (resources.files("nnz") / "data" / "names" / "val.txt").read_bytes()[:3000]
    seeds["tokenizer"] = {
        "names": text,
        "json": b'{"kind": "word", "words": ["a"], "counts": [1]}',
        "é": "é 你 😀\r\n".encode(),
    }
    seeds["dataset"] = dict(seeds["tokenizer"])
    golden.write(folder / "golden-files")
    seeds["golden"] = {path.name: path.read_bytes() for path in (folder / "golden-files").iterdir()}
    statistics().save(folder / "statistics.npz")
    seeds["statistics"] = {"whole": (folder / "statistics.npz").read_bytes()}
    seeds["program"] |= {f"file {what}": READER + data for what, data in seeds["checkpoint"].items()}
    seeds["program"] |= {f"recipe {what}": RECIPE + data for what, data in toml.items()}
    flags = b"--data\0x\0--steps\x003\0--set\0model.hidden_size=16\0--lr\x001e-3\0--resume\0--help\0--dtype\0float64"
    seeds["program"] |= {"flags": FLAGS + flags, "text": TEXT + text}
    for reader, files in seeds.items():
        (folder / reader).mkdir(exist_ok=True)
        for i, data in enumerate(files.values()):
            (folder / reader / f"seed-{i}").write_bytes(data)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
