"""`make test-hardcases`: finds the hard cases of tanh, exp and log anew; exits with 1 if the tables are others."""

from __future__ import annotations

import sys

from hard_cases import FUNCTIONS, describe, find

from nnz import hard_cases


def main() -> int:
    """All functions, or those named."""
    wrong = 0
    for name in sys.argv[1:] or FUNCTIONS:
        found = find(name)
        print(describe(name, found), flush=True)
        if found.hard != getattr(hard_cases, name.upper()):
            print(f"{name}: the tables are NOT these: make hard-cases")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
