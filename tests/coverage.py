"""make test-coverage: which branches of build/mlp its tests have not taken, by what gcov counted in a folder."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

SOURCE, LINE, BRANCH = (
    re.compile(pattern)
    for pattern in (r"\s*-:\s*0:Source:(.*)", r"\s*\S+:\s*(\d+):(.*)", r"branch\s+\d+ (?:taken (\d+)|never executed)")
)


def main(folder: Path) -> None:
    """Print each line with a branch not taken, and the sum. Both precisions of a source count on their own."""
    counts = sorted(path.name for path in folder.glob("*.gcda"))
    command = [
        "gcov",
        "--branch-probabilities",
        "--branch-counts",
        "--relative-only",
        "--source-prefix",
        "../..",
        *counts,
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    taken: Counter[tuple[str, int, str]] = Counter()
    all_of: Counter[tuple[str, int, str]] = Counter()
    for report in folder.glob("*.gcov"):
        place = ("", 0, "")
        for text in report.read_text(errors="replace").splitlines():
            if source := SOURCE.match(text):
                place = (source[1], 0, "")
            elif line := LINE.match(text):
                place = (place[0], int(line[1]), line[2].strip())
            elif branch := BRANCH.match(text):
                all_of[place] += 1
                taken[place] += int(branch[1] or 0) > 0
    for place in sorted(all_of):
        if taken[place] < all_of[place]:
            print(f"{place[0]}:{place[1]}: {taken[place]} of {all_of[place]}  {place[2][:90]}")
    print(f"{taken.total()} of {all_of.total()} branches taken: {taken.total() / all_of.total():.1%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
