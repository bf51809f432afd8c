"""The README's figures: each stands between two markers, and a command writes what is between them.

`python tests/readme.py` runs every `$ ` command of the README that is followed by its output, and writes the output
anew; `make parity-full` and others call `replace` for their own tables.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)


def replace(name: str, text: str) -> None:
    """Put `text` between the markers <!-- name --> and <!-- /name -->. Raises ValueError if they are not there."""
    before = README.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    after, count = pattern.subn(lambda match: f"{match[1]}{text.strip()}\n{match[2]}", before)
    if count != 1:
        raise ValueError(f"README.md must have the markers of {name!r} once; found {count}")
    README.write_text(after, encoding="utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    """The (command, output) pairs of the README's console blocks."""
    pairs = []
    for block in CONSOLE.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            pairs.append((command, output))
    return pairs
