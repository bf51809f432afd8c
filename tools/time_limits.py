"""`make time-limits`: print how long some things take and how long they may take. Not a test: machines are noisy."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
from support.made_book import DISTINCT, WORDS, made_book

import nnz
import nnz.gpt
from nnz.text.tokenizers import CharTokenizer, WordTokenizer

CACHE_SPEEDUP = 5  # at 256 tokens of context, on one core; 6 to 9 were measured
TEXT = "the quick brown fox, é漢\n" * 45_000


def best(work: Callable[[], object], times: int = 3) -> float:
    """The seconds of the fastest of a few runs."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def cache_speedup() -> float:
    """How much faster the GPT draws 64 tokens after 192 with its cache than without it."""
    model, prompt = nnz.gpt.GPT(nnz.gpt.GPTConfig(65)).eval(), np.zeros((1, 192), int)
    plain, cached = (
        best(lambda c=cache: nnz.gpt.generate(model, prompt, 64, nnz.RNG(1), cache=c), 2) for cache in (False, True)
    )
    return plain / cached


def start_up() -> None:
    """From the command to the first line of the log, which comes after an evaluation of the untrained model."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nnz", "train", "names", "--out", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as training:
            training.stdout.readline()
            training.kill()


if __name__ == "__main__":
    print(f"10 million normals: {best(lambda: nnz.RNG(1337).normal(10_000_000)):.2f} s, limit 1 s")
    print(f"nnz train names, until the first line of its log: {best(start_up, 5):.2f} s, limit 0.5 s")
    tokenizer = CharTokenizer(TEXT)
    print(f"{len(TEXT):,} characters encoded: {best(lambda: tokenizer.encode(TEXT)):.3f} s")
    book = made_book()
    words = best(lambda: WordTokenizer(book).encode(book), 1)
    print(f"{WORDS:,} words, {DISTINCT:,} distinct, tokenized: {words:.1f} s, limit 5 s")
    print(f"GPT with its cache, 192 to 256 tokens: {cache_speedup():.1f} times as fast, limit {CACHE_SPEEDUP}")
