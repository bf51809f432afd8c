"""`make strict-golden`: train in exact arithmetic and write common/conformance/strict/golden.py; takes some minutes.

Given the title of a run and a number of steps, it prints the SHA-256 of each step instead.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nnz.conformance.strict import golden as strict_golden
from nnz.conformance.strict.training import RUNS, by_the_oracle

ROOT = Path(__file__).resolve().parents[1]
MODULE = ROOT / "common" / "conformance" / "strict" / "golden.py"
KEPT = {"small": (1, 10, 100), "names": (1, 10, 20)}


def main() -> None:
    """Write the hashes of the steps in KEPT, or print those of the first steps of a run."""
    if sys.argv[1:]:
        print(*hashes(sys.argv[1], int(sys.argv[2])).values(), sep="\n")
        return
    lines = [f'"""{strict_golden.__doc__}"""', "", "GOLDEN = {"]
    for title, steps in KEPT.items():
        found = hashes(title, max(steps))
        lines += [f'    "{title}": {{', *(f'        {t}: "{found[t]}",' for t in steps), "    },"]
    MODULE.write_text("\n".join([*lines, "}", ""]), encoding="utf-8")


def hashes(title: str, steps: int) -> dict[int, str]:
    """The SHA-256 after each of the first steps of a run."""
    return {t: sha for (t, sha), _ in zip(by_the_oracle(RUNS[title]), range(steps), strict=False)}


if __name__ == "__main__":
    main()
