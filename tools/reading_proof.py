"""`make reading-proof`: train as the reading page does in its proof, in C, numpy and torch; the hashes come with nnz."""

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
MODELS = {  # title, recipe, what it sets, and the words with which build/mlp takes the recipe
    "mlp": ("The MLP of the recipe names", "names", {}, []),
}


def main() -> None:
    """Write the file; exits with an error if two backends differ."""
    models = {}
    with counting(len(MODELS) * len(registry.names()), "run") as count:
        for name, (title, recipe, changed, words) in MODELS.items():
            settings = changed | {"model.precision": "strict", "train.steps": STEPS}
            pairs = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
            command = ["nnz", "train", recipe, *pairs]
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
