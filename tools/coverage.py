"""`make test-coverage`: compare gcov's counts with tools/branches.toml, which lists the branches that no test takes.

A source may be compiled several times, once for each kind of number: a branch is taken if it is taken in one of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
Place = tuple[str, str]  # a file, and the text of a line, which may move


def main(folder: Path) -> str:
    """Print the share of branches taken; return the errors: neither taken nor listed, or listed but taken or gone."""
    left, branches, taken = counted(folder)
    listed = Counter({place: n for place, n, _ in excused()})
    print(f"{taken} of {branches} branches taken: {taken / branches:.1%}; {listed.total()} are listed with a reason")
    wrong = [f"{file}: {n} not taken and not listed: {line}" for (file, line), n in sorted((left - listed).items())]
    wrong += [f"{file}: {n} listed, but taken or gone: {line}" for (file, line), n in sorted((listed - left).items())]
    return "\n".join(wrong)


def excused() -> list[tuple[Place, int, str]]:
    """(place, number of branches, reason) of everything in tools/branches.toml."""
    groups = tomllib.loads((ROOT / "tools" / "branches.toml").read_text(encoding="utf-8"))["group"]
    lines = [
        (group["reason"], file, line) for group in groups for file, found in group["lines"].items() for line in found
    ]
    return [((file, line), n, reason) for reason, file, (n, line) in lines]


def counted(folder: Path) -> tuple[Counter[Place], int, int]:
    """The number of branches not taken by place, of all branches, and of those taken."""
    counts: dict[tuple[str, int], list[int]] = {}  # the branches of a line, in order
    for report in reports(folder):
        for file in report["files"]:
            name = str((folder / file["file"]).resolve().relative_to(ROOT))
            if not name.startswith("mlp_c/"):
                continue  # the code that makes allocations fail
            for line in file["lines"]:
                now, place = [branch["count"] for branch in line["branches"]], (name, line["line_number"])
                before = counts.get(place, [])
                more = [0] * abs(len(now) - len(before))
                counts[place] = [a + b for a, b in zip([*before, *more], [*now, *more], strict=False)]
    left: Counter[Place] = Counter()
    for (name, number), found in counts.items():
        if 0 in found:
            text = (ROOT / name).read_text(encoding="utf-8").splitlines()[number - 1]
            left[name, text.strip()] += found.count(0)
    branches = sum(map(len, counts.values()))
    return left, branches, branches - left.total()


def reports(folder: Path) -> list[dict]:
    """The report of gcov for each object file."""
    words = ["--json-format", "--stdout", "--branch-probabilities", "--relative-only", "--source-prefix", "../.."]
    command = ["gcov", *words, *sorted(path.name for path in folder.glob("*.gcda"))]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()) or 0)
