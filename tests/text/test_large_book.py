"""A book of 1.2 million words and 27,755 distinct ones: read, trained on and sampled within bounds of memory."""

import subprocess
import sys

import pytest
from support.made_book import DISTINCT, WORDS, made_book

import nnz

pytestmark = pytest.mark.slow

LIMIT = 1.5 * 2**20  # KiB
FEW_TO_JUDGE = "data.fractions=[0.998, 0.001, 0.001]"  # the memory is the same, and the evaluations take less time
MEASURED = """
import sys
from nnz.commands.main import main
code = main(sys.argv[1:])
status = open("/proc/self/status").read()  # ru_maxrss begins at the memory of the process that started this one
print(status.split("VmHWM:")[1].split()[0], file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "book.txt"
    path.write_text(made_book(), encoding="utf-8")
    return path


def test_the_made_book_has_the_size_it_claims(book) -> None:
    words = book.read_text(encoding="utf-8").replace(".", "").split()
    assert (len(words), len(set(words))) == (WORDS, DISTINCT)
    tokenizer = nnz.load_dataset(book, split="position", tokenizer="word").tokenizer
    assert tokenizer.vocab_size == DISTINCT + 2  # the full stop, and the end of a paragraph


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_it_is_trained_on_in_less_than_one_and_a_half_gigabytes(book, tmp_path) -> None:
    command = ["train", "words", "--data", str(book), "--steps", "40", "--set", FEW_TO_JUDGE, "--out", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", MEASURED, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    losses = [float(line.split("val_loss ")[1].split()[0]) for line in done.stdout.splitlines() if "val_loss" in line]
    assert losses[-1] < losses[0]
    assert int(done.stderr.split()[-1]) < LIMIT
