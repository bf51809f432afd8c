"""The README's figures: each stands between two markers, and a command writes what is between them.

`make readme` makes all of them anew, `make bench` the table of speed; `make parity-full` writes its own.
"""

import json
import os
import re
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from nnz.conformance.environment import environment
from nnz.reading.graph.mlp import mlp
from nnz.reading.graph.svg import svg
from nnz.reading.page.facts import facts
from nnz.reading.sources.places import Tree
from nnz.runs.folder import RunFolder

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
GRAPH = ROOT / "docs" / "mlp.svg"
SPEED = ROOT / "docs" / "speed.png"
BACKENDS = ("c", "numpy", "torch")


def replace(name: str, text: str, page: Path = README) -> None:
    """Put `text` between the markers <!-- name --> and <!-- /name -->. Raises ValueError if they are not there."""
    before = page.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    after, count = pattern.subn(lambda match: f"{match[1]}{text.strip()}\n{match[2]}", before)
    if count != 1:
        raise ValueError(f"{page.name} must have the markers of {name!r} once; found {count}")
    page.write_text(after, encoding="utf-8")


def between(name: str) -> str:
    """What stands between the markers of `name`."""
    return re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", README.read_text(encoding="utf-8"), re.DOTALL)[1]


def console_blocks() -> list[list[str]]:
    """The commands of each console block of the README, without their prompts."""
    blocks = re.findall(r"```console\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return [re.findall(r"^\$ (.*)$", block.replace("\\\n", " "), re.MULTILINE) for block in blocks]


def script() -> str:
    """The README's Python script."""
    return re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]


def run(command: str) -> str:
    """Run a command as the README's reader would, in a shell, in the project's root; return stdout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    result = subprocess.run(
        ["bash", "-ec", command], cwd=ROOT, env={**os.environ, "PATH": path}, stdout=subprocess.PIPE, check=True
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
    """What each backend adds, and how long it is: lines that hold code, without blank lines and comments."""
    table = ["| | what it adds | the model | its operations |", "|---|---|---|---|"]
    for fact in facts(Tree()):
        table.append(f"| [{fact.title}](mlp_{fact.backend}) | {fact.adds} | {fact.model} lines | {fact.ops} lines |")
    return "\n".join(table)


def graph_picture() -> str:
    """The picture of the MLP's graph; it is drawn anew into the file that the README shows."""
    GRAPH.write_text(graph_svg(), encoding="utf-8")
    return f"![The MLP's graph, forward and backward]({GRAPH.relative_to(ROOT)})"


def graph_svg() -> str:
    """The MLP's graph, drawn from its source."""
    return svg(mlp(Tree()), "mlp", own_style=True)


def run_output() -> str:
    """The end of what `make run` prints: the last evaluation, the samples and the test loss."""
    lines = run("make --no-print-directory run").splitlines()
    return "\n".join(["```text", *lines[-22:], "```"])


def bench_tables() -> str:
    """What `nnz bench` prints in full, with the machine and the day; its picture goes where the README shows it."""
    figures = ROOT / "build" / "bench.json"
    tables = run(f"nnz bench --full --plot {SPEED} --json {figures}").strip()
    environment = json.loads(figures.read_text(encoding="utf-8"))["environment"]
    return (
        f"A training step of the recipe `names`, by `nnz bench --full` on {date.today()} ({environment['cpu']}, "
        f"{environment['cores']} cores): every contender in turn, medians, loader to optimizer in milliseconds. "
        "*usual* is the same model as it is usually written. *GFLOP/s* are the operations of the step's matrix "
        "products over the time of the whole step, with their share of the machine's peak: the most at which any "
        "backend multiplied square matrices of 256, 512 or 1,024 rows in the same rounds. *Products alone* is that "
        "share over the time of the ops with products only. *MB* is what training adds to a process at its peak."
        f"\n\n{tables}\n\n"
        f"![ms a step against batch, hidden size and vocabulary]({SPEED.relative_to(ROOT)})"
    )


def gpt_table() -> str:
    """The GPT's recipes for a CPU, trained whole, and its speed beside the usual ways; on a GPU the others too."""
    import torch

    gpu = torch.cuda.is_available()
    machine = torch.cuda.get_device_name() if gpu else f"{environment()['cpu']}, {os.cpu_count()} cores"
    recipes = ("gpt", "gpt-best") if gpu else ("gpt-cpu", "gpt-cpu-best")
    lines = ["| recipe | best val loss | at step | of | seconds |", "|---|---:|---:|---:|---:|"]
    for recipe in recipes:
        out = ROOT / "build" / "gpt" / recipe
        began = time.perf_counter()
        run(f"nnz train {recipe} --restart --out {out}")
        seconds = time.perf_counter() - began
        rows = RunFolder(out).read_log()
        step, _, best = min(rows, key=lambda row: row[2])
        lines.append(f"| `{recipe}` | {best:.4f} | {step:,} | {rows[-1][0] + 1:,} | {seconds:.0f} |")
    speed = run(f"nnz bench-gpt {recipes[0]}")
    return (
        f"Whole commands, by `make bench-gpt` on {date.today()} ({machine}); then a training step of `{recipes[0]}` "
        f"beside two usual ways of writing it in eager torch, in turn, medians.\n\n" + "\n".join(lines) + f"\n\n{speed}"
    )


MAKERS = {
    "graph": graph_picture,
    "script": script_table,
    "lines": lines_table,
    "bench": bench_tables,
    "gpt": gpt_table,
    "make-run": run_output,
}

if __name__ == "__main__":
    for part in sys.argv[1:] or MAKERS:
        replace(part, MAKERS[part]())
