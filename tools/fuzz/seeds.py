"""Write seeds for the fuzzers: python -m tools.fuzz.seeds FOLDER makes a folder of whole files for each reader."""

from __future__ import annotations

import json
import sys
from importlib import resources
from pathlib import Path

from support.malformed_requests import BROKEN, UNFIT
from support.tiny_checkpoints import RECIPE, TOKENIZER
from support.tiny_gpt import tiny_gpt
from support.tiny_statistics import whole as statistics

import nnz.gpt
from nnz import RNG
from nnz.conformance import golden
from nnz.conformance.program import process
from nnz.conformance.program.grade import grade_program
from nnz.files import tensor_file
from nnz.reading.page import figures
from nnz.recipes import from_recipe, recipe
from nnz.runs import checkpoints

ROOT = Path(__file__).resolve().parents[2]
RAW, TEXTS, SETTINGS = (bytes([i]) for i in b"rts")  # of fuzz_python.py
READER, FLAGS_AND_RECIPE, FLAGS, TEXT, REQUEST, LOG = (bytes([i]) for i in range(6))  # of fuzz_program.c
CHECKPOINTS = {
    "mlp": RECIPE,
    "batchnorm": RECIPE.override("model.kind", "mlp-batchnorm"),
    "gpt": tiny_gpt(Path("few-names")),
}


def write(folder: Path) -> None:
    """Fill the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds: dict[str, list[bytes]] = {}
    broken = [data for data, _ in BROKEN.values()]
    for kind, made in CHECKPOINTS.items():
        whole = folder / f"{kind}.safetensors"
        checkpoints.save(whole, checkpoint(made))
        texts, _ = tensor_file.read(whole, lambda *found: None)
        name = "checkpoint" if kind == "mlp" else f"{kind}-checkpoint"
        seeds[name] = [RAW + data for data in (whole.read_bytes(), *broken)]
        seeds[name] += [TEXTS + text.encode() + b"\0" for text in texts.values()]
        seeds[name] += [SETTINGS + bytes([i]) * 9 for i in range(40)]
    toml = [recipe.load(name).to_toml().encode() for name in recipe.known()]
    names = (resources.files("nnz") / "data" / "names" / "val.txt").read_bytes()[:3000]
    words = b'{"kind": "word", "words": ["a"], "counts": [1]}'
    texts = [names, words, "é 你 😀\r\n\ufeffa\rb\0".encode()]
    golden.write(folder / "golden-files")
    statistics().save(folder / "statistics.npz")
    model = nnz.gpt.GPT(
        nnz.gpt.GPTConfig.gpt2(vocab_size=7, context_length=4, n_layer=1, n_head=2, n_embd=4), rng=RNG(1)
    )
    nnz.gpt.to_hf(model, TOKENIZER.to_config(), folder / "hf")
    files = ("config.json", "nnz-tokenizer.json", "tokenizer.json", "model.safetensors")
    requests, responses = exchanged()
    seeds |= {
        "recipe": toml,
        "tokenizer": texts,
        "dataset": [bytes([way]) + text for way in range(48) for text in texts],
        "golden": [path.read_bytes() for path in (folder / "golden-files").iterdir()],
        "figures": [bytes([way]) + small(folder, way % 2) for way in range(4)] + [bytes([i]) * 20 for i in range(60)],
        "statistics": [(folder / "statistics.npz").read_bytes()],
        "hugging-face": [bytes([i]) + (folder / "hf" / name).read_bytes() for i, name in enumerate(files)],
        "response": [*responses, b"linear_forward float32 strict\nmlp float64\n", *broken],
    }
    seeds["hugging-face"] += [bytes([which, i]) * 9 for which in (4, 5, 6) for i in range(30)]
    flags = b"--data\0x\0--steps\x003\0--set\0model.hidden_size=16\0--lr\x001e-3\0--resume\0--help\0--dtype\0float64"
    log = b"step,train_loss,val_loss,lr\n" + b"".join(b"%d,3.1,3.2,1e-3\n" % step for step in (0, 5, 10))
    seeds["program"] = [READER + data[1:] for data in seeds["checkpoint"] if data[:1] == RAW]
    seeds["program"] += [FLAGS_AND_RECIPE + data for data in toml] + [REQUEST + data for data in requests]
    seeds["program"] += [FLAGS + flags, TEXT + names, LOG + log]
    for reader, found in seeds.items():
        (folder / reader).mkdir(exist_ok=True)
        for i, data in enumerate(found):
            (folder / reader / f"seed-{i}").write_bytes(data)


def small(folder: Path, which: int) -> bytes:
    """The figures of the package, with one entry in each list."""
    name = ("parity.json", "bench.json")[which]
    whole = json.loads((figures.PACKAGED / name).read_text(encoding="utf-8"))

    def first(value: object) -> object:
        if isinstance(value, dict):
            return {key: first(inner) for key, inner in value.items()}
        return [first(inner) for inner in value[:1]] if isinstance(value, list) else value

    (folder / name).write_text(json.dumps(first(whole)), encoding="utf-8")
    return (folder / name).read_bytes()


def checkpoint(made: recipe.Recipe) -> checkpoints.Checkpoint:
    """A checkpoint of the recipe's model at step 12 with arrays that a seed draws."""
    rng, V = RNG(1), TOKENIZER.vocab_size

    def drawn(shapes: dict) -> dict:
        return {name: rng.uniform(size=shape, dtype=made.model.dtype) for name, shape in shapes.items()}

    return checkpoints.Checkpoint(
        made,
        TOKENIZER,
        "numpy",
        12,
        parameters=drawn(from_recipe.parameter_shapes(made, V)),
        buffers=drawn(from_recipe.buffer_shapes(made, V)),
        optimizer=drawn(from_recipe.moment_shapes(made, V)),
        t=12,
    )


def exchanged() -> tuple[list[bytes], list[bytes]]:
    """Small requests of each function in each precision, with those that make no sense; responses of a whole model."""
    requests: dict[str, bytes] = {}
    responses: list[bytes] = []
    run = process.run

    def recording(words: list[str], *how: object) -> tuple[int, str]:
        done = run(words, *how)
        if words[-1] != "--list" and done[0] == 0 and len(found := Path(words[-2]).read_bytes()) < 6000:
            notes, _ = tensor_file.read(Path(words[-2]), lambda *found: None)
            requests.setdefault(f"{notes['function']} {notes['dtype']} {notes.get('precision')}", found)
            if notes["function"] == "mlp" and notes["dtype"] == "float32":
                responses.append(Path(words[-1]).read_bytes())
        return done

    process.run = recording
    for dtypes in (("float32", "float64"), ("strict",)):
        grade_program([str(ROOT / "build" / "mlp")], dtypes=dtypes, rounds=1)
    process.run = run
    return [*requests.values(), *unfit()], responses[:3]


def unfit() -> list[bytes]:
    """Requests that build/mlp must refuse."""
    found, path = [], ROOT / "build" / "unfit.safetensors"
    for (arrays, notes), _ in UNFIT.values():
        tensor_file.write(path, arrays, notes)
        found.append(path.read_bytes())
    return found


if __name__ == "__main__":
    write(Path(sys.argv[1]))
