"""`make figures`: write the figures of the README, each between two markers; about two minutes, for `make run`.

Other tools use `replace` for the pages in docs/.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from nnz.reading.page.facts import facts
from nnz.reading.sources.places import Tree

ROOT = Path(__file__).resolve().parents[1]
README, DOCS = ROOT / "README.md", ROOT / "docs"
BACKENDS = ("c", "numpy", "torch")


def replace(name: str, text: str, page: Path = README) -> None:
    """Put `text` between the markers <!-- name --> and <!-- /name -->. Raises ValueError if they are not there."""
    before = page.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    after, count = pattern.subn(lambda match: f"{match[1]}{text.strip()}\n{match[2]}", before)
    if count != 1:
        raise ValueError(f"{page.name} must have the markers of {name!r} once; found {count}")
    page.write_text(after, encoding="utf-8")


def between(name: str, page: Path = README) -> str:
    """The text between the markers of `name`."""
    return re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", page.read_text(encoding="utf-8"), re.DOTALL)[1]


def console_blocks(page: Path = README) -> list[list[str]]:
    """The commands of each console block of the page, without their prompts."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [re.findall(r"^\$ (.*)$", block.replace("\\\n", " "), re.MULTILINE) for block in blocks]


def script() -> str:
    """The README's Python script."""
    return re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]


def run(command: str, folder: Path = ROOT) -> str:
    """Run a command as the README's reader would, in a shell, in the project's root or a folder; return stdout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    result = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env={**os.environ, "PATH": path}, stdout=subprocess.PIPE, check=True
    )
    return result.stdout.decode()


def script_outputs() -> dict[str, str]:
    """What the README's script prints on each backend."""
    return {
        name: subprocess.run(
            [sys.executable, "-c", script().replace("nnz.numpy", f"nnz.{name}")],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        ).stdout.strip()
        for name in BACKENDS
    }


def script_table() -> str:
    """The table below the README's script."""
    printed = script_outputs()
    head = "| " + " | ".join(f"`nnz.{name}` prints" for name in printed) + " |"
    return "\n".join([head, "|---" * len(printed) + "|", "| " + " | ".join(printed.values()) + " |"])


def lines_table() -> str:
    """What each backend adds, and its lines of code, without blank lines and comments."""
    table = ["| | what it adds | the model | its operations |", "|---|---|---|---|"]
    for fact in facts(Tree()):
        table.append(f"| [{fact.title}](mlp_{fact.backend}) | {fact.adds} | {fact.model} lines | {fact.ops} lines |")
    return "\n".join(table)


def run_lines() -> list[str]:
    """The end of what `make run` prints: the last evaluation, 20 samples and the test loss."""
    return run("make --no-print-directory run").splitlines()[-22:]


def run_output() -> str:
    """The same, with only the first six samples."""
    lines = run_lines()
    return "\n".join(["```text", *lines[:7], "...", lines[-1], "```"])


MAKERS = {
    "script": script_table,
    "lines": lines_table,
    "make-run": run_output,
}

if __name__ == "__main__":
    for part in sys.argv[1:] or MAKERS:
        replace(part, MAKERS[part]())
