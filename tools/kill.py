"""`make test-kill`: kill training runs at random moments and resume them; each must end with the same bytes.

A killed run is resumed until it is killed again or finished. KILLS (200) is the number of kills that hit a run before
its end; SEED repeats the moments. It takes some minutes.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

from support.tiny_commands import FILES, RUNNERS, finish, kill_within, start
from support.tiny_runs import data_folder, tiny_recipe

KILLS = int(os.environ.get("KILLS", "200"))
SEED = int(os.environ.get("SEED", str(random.SystemRandom().randrange(2**32))))


def main() -> None:
    """Raise AssertionError at the first file that differs; print how many kills there were."""
    os.environ["OMP_NUM_THREADS"] = "1"
    random.seed(SEED)
    print(f"SEED={SEED}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        recipe = tiny_recipe(data_folder(place / "few-names"), steps=400, train__eval_every=20)
        whole = {runner: _whole(runner, recipe, place / runner.replace("/", "-")) for runner in RUNNERS}
        kills = dict.fromkeys(RUNNERS, 0)
        for runs, runner in enumerate(cycle(RUNNERS), start=1):
            kills[runner] += _killed_and_resumed(runner, recipe, place / f"run-{runs}", *whole[runner])
            if sum(kills.values()) >= KILLS:
                break
    print(f"{sum(kills.values())} kills in {runs} runs, all resumed to the same bytes: {kills}")


def _whole(runner, recipe, folder: Path) -> tuple[dict[str, bytes], float]:
    """The files of a run that is not killed, and the seconds it takes."""
    began = time.monotonic()
    finish(start(runner, recipe, folder))
    return _bytes(folder), time.monotonic() - began


def _killed_and_resumed(runner, recipe, folder: Path, expected: dict[str, bytes], seconds: float) -> int:
    kills = 0
    while kills < 4 and kill_within(start(runner, recipe, folder, "--resume"), seconds):
        kills += 1
        print(f"{runner}: killed, {sorted(path.name for path in folder.glob('*'))}", file=sys.stderr)
    finish(start(runner, recipe, folder, "--resume"))
    found = _bytes(folder)
    for name in FILES:
        assert found[name] == expected[name], f"{runner}, {folder}: {name}"
    return kills


def _bytes(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


if __name__ == "__main__":
    main()
