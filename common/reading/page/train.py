"""The page "train": the texts that come with it, the WebAssembly, and the hashes that it must give."""

from __future__ import annotations

import base64
import gzip
import json
from importlib import resources
from typing import Any

from ..sources.source_pages import Sources
from .example import embedded
from .figures import PACKAGED

PROOF = PACKAGED / "proof.json"
WASM = resources.files("nnz.reading") / "assets" / "nnz.wasm"
NAMES = resources.files("nnz") / "data" / "names"
C_FOLDERS = ("gpt_c", "gpt_c/ops", "mlp_c", "mlp_c/ops")
SCRIPTS = ("heatmap.js", "walk.js", "stages.js", "gpt_stages.js", "engine.js", "trainer.js", "training.js", "views.js")
SCRIPTS += ("text.js", "inside.js", "train.js", "proof.js")


def train(sources: Sources) -> dict[str, Any]:
    """What the template takes."""
    wasm, proof = WASM.read_bytes(), json.loads(PROOF.read_text("utf-8"))
    texts = {
        "names": {"title": "first names", "name": "names", "list": True, "files": _names()},
        "c": {"title": "the plain C of this project", "name": "c.txt", "list": False, "files": {"c.txt": _c(sources)}}
        | {"before": f"cat {' '.join(f'{folder}/*.c' for folder in C_FOLDERS)} >c.txt"},
    }
    return {
        "texts": [(name, text["title"]) for name, text in texts.items()],
        "data": embedded({"texts": texts, "proof": proof["models"]}),
        "wasm": base64.b64encode(wasm).decode(),
        "wasm_size": round(len(gzip.compress(wasm)) / 1000),
        "proof": proof["models"],
        "measured": proof["measured"],
        "web_source": sources.href("mlp_c/web/web.c"),
        "styles": ["example.css", "train.css"],
        "scripts": list(SCRIPTS),
    }


def _names() -> dict[str, str]:
    return {f"names/{split}.txt": (NAMES / f"{split}.txt").read_text("utf-8") for split in ("train", "val", "test")}


def _c(sources: Sources) -> str:
    """The plain C, as `cat` puts its files together."""
    files = [path for folder in C_FOLDERS for path in sorted(sources.tree.path(folder).glob("*.c"))]
    return "".join(path.read_text("utf-8") for path in files)
