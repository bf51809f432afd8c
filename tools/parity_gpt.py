"""`make parity-gpt`: train gpt-cpu in float64 in each backend, by build/mlp and by gpt_c/train.c; writes a table of
docs/parity.md.

Exits with 1 unless all wrote the same bytes. All 2,000 steps take hours; STEPS=100 is less. Until all are done runs are
kept in build/parity-gpt: what was stopped there goes on.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
from datetime import date

from support.built_program import built

from nnz.backend import registry
from nnz.files import downloads
from nnz.recipes import recipe
from tools import readme

RECIPE, PROGRAM, FOLDER = "gpt-cpu", "gpt_c/train.c", readme.ROOT / "build" / "parity-gpt"
# With -O3 alone its sums are one addition after the other: 2,000 steps would take hours. These let them be vectors.
FLAGS = ("-O3", "-march=native", "-fassociative-math", "-fno-signed-zeros", "-fno-trapping-math", "-fno-math-errno")
RUNNERS = (*registry.names(), "build/mlp", PROGRAM)


def main(steps: int) -> int:
    files = {runner: by_plain_program(steps) if runner == PROGRAM else by(runner, steps) for runner in RUNNERS}
    same = len(set(files.values())) == 1
    readme.replace("parity-gpt", table(files, steps, same), readme.DOCS / "parity.md")
    shutil.rmtree(FOLDER)  # the next table is of the code as it is then
    print("all byte-identical" if same else "NOT the same")
    return 0 if same else 1


def by(runner: str, steps: int) -> tuple[str, str, str]:
    """What `nnz train` or build/mlp leaves: log.csv, samples.txt and the test loss, as printed."""
    out = FOLDER / f"{runner.replace('/', '-')}-{steps}"
    command = [sys.executable, "-m", "nnz", "train", RECIPE, "--backend", runner]
    if runner == "build/mlp":
        command = [str(built()), "--model", "gpt", "--data", str(downloads.get(recipe.load(RECIPE).data.name))]
    command += ["--dtype", "float64", "--steps", str(steps), "--out", str(out), "--resume"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    log, samples = ((out / name).read_text(encoding="utf-8") for name in ("log.csv", "samples.txt"))
    return log, samples, done.stdout.splitlines()[-1].split()[1]


def by_plain_program(steps: int) -> tuple[str, str, str]:
    """The same, as the plain program prints it on stdout."""
    program, kept = FOLDER / "train", FOLDER / f"train-{steps}.txt"
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        subprocess.run(["cc", *FLAGS, str(readme.ROOT / PROGRAM), "-lm", "-o", str(program)], check=True)
        text = downloads.get(recipe.load(RECIPE).data.name)
        command = [str(program), str(text), str(steps)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        kept.write_bytes(printed)
    log, _, rest = kept.read_text(encoding="utf-8").partition("\n\n")
    samples, _, test_loss = rest.rpartition("\ntest_loss ")
    return f"{log}\n", samples, test_loss.strip()


def table(files: dict[str, tuple[str, str, str]], steps: int, same: bool) -> str:
    """The table in Markdown, which says what was run."""
    whole = recipe.load(RECIPE).train.steps
    which = f"All {whole:,} steps" if steps == whole else f"{steps:,} steps, not the recipe's {whole:,},"
    head = (
        f"{which} of `{RECIPE}` in float64, by `make parity-gpt{'' if steps == whole else f' STEPS={steps}'}` on "
        f"{date.today()} ({platform.machine()}). "
        f"{'All five are **byte-identical**' if same else 'They are **not** identical'}."
    )
    last = f"val loss at step {steps - 1:,}"
    rows = [f"| | {last} | test loss | SHA-256 of log.csv and samples.txt |", "|---|---|---|---|"]
    for runner, (log, samples, test_loss) in files.items():
        val_loss = log.splitlines()[-1].split(",")[2]
        rows.append(f"| `{runner}` | {val_loss} | {test_loss} | `{_sha256(log + samples)[:16]}` |")
    return "\n".join([head, "", *rows])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
