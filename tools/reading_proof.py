"""`make reading-proof`: train as the reading page does in its proof, in C, numpy and torch, and keep the hashes."""

import json
import shlex
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from nnz.backend import registry
from nnz.files import tensor_file
from nnz.files.terminal import counting
from nnz.reading.page.train import PROOF

STEPS = 200
SMALL_GPT = {"data.kind": "list", "model.n_layer": 2, "model.n_embd": 32, "model.context_length": 32}
MODELS = {  # title, how nnz train and build/mlp take the recipe, and what it sets
    "mlp": ("The MLP of the recipe names", ["names"], [], {}),
    "gpt": (
        "A GPT of two blocks",
        ["gpt-cpu", "--data", "names"],
        ["--model", "gpt"],
        SMALL_GPT | {"train.eval_batches": 1},
    ),
}


def main() -> None:
    """Write the file; exits with an error if two backends differ."""
    models = {}
    with counting(len(MODELS) * len(registry.names()), "run") as count:
        for name, (title, recipe, words, changed) in MODELS.items():
            settings = changed | {"model.precision": "strict", "train.steps": STEPS}
            pairs = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
            command = ["nnz", "train", *recipe, *pairs]
            hashes = {}
            for backend in registry.names():
                hashes[backend] = trained([*command, "--backend", backend])
                count()
            if len(set(hashes.values())) != 1:
                sys.exit(f"not equal: {hashes}")
            models[name] = {"title": title, "command": shlex.join(command), "steps": STEPS, "sha256": hashes}
            models[name] |= {"words": ["--data", "names", *words, *pairs]}
    text = json.dumps({"measured": date.today().isoformat(), "models": models}, indent=1)
    PROOF.write_text(f"{text}\n", encoding="utf-8")


def trained(command: list[str]) -> str:
    """The SHA-256 of the parameters after a run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "nnz", *command[1:], "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        return tensor_file.metadata(out / "checkpoint.safetensors")["parameters_sha256"]


if __name__ == "__main__":
    main()
