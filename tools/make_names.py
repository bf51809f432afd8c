"""Make the data set `names` from the list of the US Social Security Administration; takes a second."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from nnz.numbers.rng import RNG

SEED = 1337
HELD_OUT = 1000  # names in val, and again in test


def read_names(source: Path) -> list[str]:
    """The names of a list with lines like "Emma,F,19414": lower-cased, distinct, in order of first appearance."""
    lines = source.read_text(encoding="utf-8").split()
    return list(dict.fromkeys(line.split(",")[0].lower() for line in lines))


def split_names(names: Sequence[str]) -> dict[str, list[str]]:
    """Shuffled by RNG(1337).permutation: the first 1,000 are val, the next 1,000 test, the rest train."""
    shuffled = [names[i] for i in RNG(SEED).permutation(len(names))]
    return {"train": shuffled[2 * HELD_OUT :], "val": shuffled[:HELD_OUT], "test": shuffled[HELD_OUT : 2 * HELD_OUT]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write OUT/train.txt, val.txt and test.txt, one name a line."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_names", description=__doc__)
    parser.add_argument("source", type=Path, help="yob2016.txt of the US Social Security Administration")
    parser.add_argument("out", type=Path, help="the folder for train.txt, val.txt and test.txt")
    options = parser.parse_args(arguments)
    try:
        names = read_names(options.source)
        options.out.mkdir(parents=True, exist_ok=True)
        for split, members in split_names(names).items():
            text = "".join(f"{name}\n" for name in members)
            (options.out / f"{split}.txt").write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        parser.exit(1, f"make_names: {error}\n")


if __name__ == "__main__":
    main()
