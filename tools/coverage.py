"""make test-coverage: hold what gcov counted in a folder against tools/branches.toml, the branches that no test takes.

A branch of a source that is compiled several times, once for each kind of number, is taken if one of them takes it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
Place = tuple[str, str]  # a file, and a line of it as it stands there: it may move


def main(folder: Path) -> str:
    """Print what was taken; return what is wrong: a branch neither taken nor listed, or listed and not there."""
    left, branches, taken = counted(folder)
    listed = Counter({place: n for place, n, _ in excused()})
    print(f"{taken} of {branches} branches taken: {taken / branches:.1%}; {listed.total()} are listed with a reason")
    wrong = [f"{file}: {n} not taken and not listed: {line}" for (file, line), n in sorted((left - listed).items())]
    wrong += [f"{file}: {n} listed, but taken or gone: {line}" for (file, line), n in sorted((listed - left).items())]
    return "\n".join(wrong)


def excused() -> list[tuple[Place, int, str]]:
    """(place, how many branches, why) of all that tools/branches.toml lists."""
    groups = tomllib.loads((ROOT / "tools" / "branches.toml").read_text(encoding="utf-8"))["group"]
    lines = [
        (group["reason"], file, line) for group in groups for file, found in group["lines"].items() for line in found
    ]
    return [((file, line), n, reason) for reason, file, (n, line) in lines]


def counted(folder: Path) -> tuple[Counter[Place], int, int]:
    """The branches not taken by their place, how many there are, and how many were taken."""
    counts: dict[tuple[str, int], list[int]] = {}  # the branches of a line, in order
    for report in reports(folder):
        for file in report["files"]:
            name = str((folder / file["file"]).resolve().relative_to(ROOT))
            if not name.startswith("mlp_c/"):
                continue  # what lets allocations fail
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
    """What gcov says of each object file."""
    words = ["--json-format", "--stdout", "--branch-probabilities", "--relative-only", "--source-prefix", "../.."]
    command = ["gcov", *words, *sorted(path.name for path in folder.glob("*.gcda"))]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()) or 0)
