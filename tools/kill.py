"""`make test-kill`: stop training runs at random moments and resume them; each must end with the same bytes.

A stopped run is resumed until it is stopped four times or finished. KILLS (200) is the number of kills that hit runs
before their end, over all backends, build/mlp and the GPT; SEED repeats the moments. It takes some minutes.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from pathlib import Path

from support.tiny_commands import FILES, RUNNERS, finish, start, stop_within
from support.tiny_gpt import tiny_gpt
from support.tiny_runs import data_folder, tiny_recipe

KILLS = int(os.environ.get("KILLS", "200"))
SEED = int(os.environ.get("SEED", str(random.SystemRandom().randrange(2**32))))
GPT = "gpt"
ROOT = Path(__file__).resolve().parents[1]
STORMS = (*RUNNERS, GPT)
CODES = {  # how a stopped program may end: by itself, or by the signal
    signal.SIGKILL: (-9,),
    signal.SIGINT: (1, -2, 130),
    signal.SIGTERM: (1, -15, 143),
    signal.SIGHUP: (1, -1, 129),
}


def main() -> None:
    """Raise AssertionError at the first file that differs; print how many kills there were."""
    os.environ["OMP_NUM_THREADS"] = "1"
    random.seed(SEED)
    print(f"SEED={SEED}", flush=True)
    for runner in STORMS:
        kills, runs = storm(runner, signal.SIGKILL, -(-KILLS // len(STORMS)))
        print(f"{runner}: {kills} kills in {runs} runs, all resumed to the same bytes", flush=True)


def storm(runner: str, how: signal.Signals, times: int) -> tuple[int, int]:
    """Stop runs by the signal so many times; return how often it came before the end, and in how many runs.

    Raises AssertionError if a stopped program says more than a line, or a resumed run ends with other bytes.
    """
    kills = runs = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        tiny = tiny_gpt if runner == GPT else tiny_recipe
        recipe = tiny(data_folder(place / "few-names"), steps=400, train__eval_every=20)
        backend = "torch" if runner == GPT else runner
        began = time.monotonic()
        finish(start(backend, recipe, place / "whole"))
        seconds, expected = time.monotonic() - began, _bytes(place / "whole")
        while kills < times:
            runs += 1
            out = place / f"run-{runs}"
            for _ in range(4):
                process = start(backend, recipe, out, "--resume")
                code, error = stop_within(process, seconds, how)
                if code == 0:
                    seconds *= 0.9  # it was too late: the first run was a slow one
                    break
                assert code in CODES[how], f"{runner} ended with {code} after {how.name}: {error}"
                last = error.splitlines()[-1:] if code > 0 else []
                assert "Traceback" not in error or not began_in_nnz(error), error
                assert "bug" not in "".join(last), error
                kills += 1
            finish(start(backend, recipe, out, "--resume"))
            for name, found in _bytes(out).items():
                assert found == expected[name], f"{runner}, {out}: {name}"
    return kills, runs


def began_in_nnz(error: str) -> bool:
    """Whether a traceback names a file of nnz; a signal in Python's own start, before any of them, is Python's."""
    frames = [line for line in error.splitlines() if line.lstrip().startswith("File ")]
    return any(str(ROOT) in frame and ".venv" not in frame for frame in frames)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


if __name__ == "__main__":
    main()
