"""The GPT of the reading page: small, trained by `make reading-gpt`, and packaged as whole numbers."""

from __future__ import annotations

import json
from typing import Any

from .example import embedded
from .figures import PACKAGED

FILE = PACKAGED / "gpt.json"


def gpt_example() -> dict[str, Any]:
    """Weights, shape and characters, as the page takes them, and what it says about the model."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    about = data.pop("about") | data["config"]
    return {"data": embedded(data), "model": about | {"longest": about["context_length"] - 1}}
