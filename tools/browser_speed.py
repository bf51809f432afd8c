"""`make browser-speed`: time a step of the page "train" in Chromium, in turn with build/mlp.

The program is timed by the clock outside: how much longer a run with more steps takes. It is built twice: as it always
is, with kernels for AVX2 and AVX-512, and for a baseline x86-64, whose registers are as wide as WebAssembly has them.
"""

import os
import statistics
import subprocess
import tempfile
import time
from datetime import date
from pathlib import Path

from support.chromium import Visit, chromium

from nnz.conformance.environment import environment
from nnz.reading.page.figures import Figures
from nnz.reading.page.site import build
from tools import readme

ROUNDS, MILLISECONDS = 9, 500
GPT = {"data.kind": "list", "model.n_layer": 4, "model.n_embd": 64, "model.context_length": 64}
MODELS = {  # what build/mlp is asked for, and how many steps of it are timed
    "the recipe `names`": ([], 500),
    "a GPT": (["--model", "gpt", *(word for key, value in GPT.items() for word in ("--set", f"{key}={value}"))], 50),
}
BEGIN = """async (words) => {
    const bytes = Uint8Array.from(atob(document.getElementById("wasm").textContent), (c) => c.charCodeAt(0));
    window.timed = await nnzEngine(bytes);
    Object.entries(trainText.data.texts.names.files).forEach(([name, text]) => timed.putFile(name, text));
    return timed.begin(["--data", "names", ...words]).n;
}"""
TIME = """(most) => {
    const began = performance.now();
    let steps = 0;
    do { timed.step(), steps++; } while (performance.now() < began + most);
    return (performance.now() - began) / steps;
}"""
PROGRAMS = {name: readme.ROOT / "build" / "platforms" / name for name in ("usual", "baseline")}


def main() -> None:
    """Write the table."""
    for name, options in {"usual": "", "baseline": "-DNNZ_ONE_COPY"}.items():
        subprocess.run(
            ["make", "--silent", "-B", f"build/platforms/{name}", f"EXTRA={options}"], cwd=readme.ROOT, check=True
        )
    lines = [
        "| ms per step | parameters | Chromium | native | native, baseline | Chromium / native | Chromium / baseline |"
    ]
    lines.append("|---|" + "---:|" * 6)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        site = build(Path(folder), Figures(None, None)).parent
        for model, (words, steps) in MODELS.items():
            page = Visit(browser, site).open("train.html")
            parameters = page.evaluate(BEGIN, words)
            rounds = [
                (page.evaluate(TIME, MILLISECONDS), *(native(program, words, steps) for program in PROGRAMS.values()))
                for _ in range(ROUNDS)
            ]
            here, usual, baseline = (statistics.median(times) for times in zip(*rounds, strict=True))
            cells = f"{here:.2f} | {usual:.2f} | {baseline:.2f} | {here / usual:.1f} | {here / baseline:.1f}"
            lines.append(f"| {model} | {parameters:,} | {cells} |")
            print(lines[-1], flush=True)
    about = f"`make browser-speed` on {date.today()} ({environment()['cpu']}, {os.cpu_count()} cores)"
    about = f"{about}: all in turn, in float32, medians of {ROUNDS}."
    readme.replace("browser", f"{about}\n\n" + "\n".join(lines), readme.DOCS / "speed.md")


def native(program: Path, words: list[str], steps: int) -> float:
    """Milliseconds of a step of the program."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (seconds(program, words, count, Path(folder, str(count))) for count in (1, steps + 1))
    return 1e3 * (many - few) / steps


def seconds(program: Path, words: list[str], steps: int, out: Path) -> float:
    """How long a run takes."""
    often = ["--steps", str(steps), "--eval-every", "1000000", "--eval-batches", "1", "--count", "0", "--threads", "1"]
    data = readme.ROOT / "common" / "data" / "names"
    began = time.perf_counter()
    subprocess.run([program, "--data", data, *words, *often, "--out", out], check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
