"""Documents in batches of one length, held against the lines themselves."""

from collections import Counter

import numpy as np
import pytest

from nnz.text.batches import batches, every_target, random_batches
from nnz.text.datasets import load_dataset
from nnz.text.documents import documents
from nnz.text.summary import describe
from nnz.text.tokenizers import CharTokenizer

DOT = 0
LINES = [[3, 4, 5], [7], [1, 1], [2], [6, 5, 4], [9], [8, 8, 8, 8, 8]]


def made(context_length: int = 9):
    tokens = [token for line in LINES for token in [*line, *[DOT] * (1 + line[0] % 2)]]  # here and there an empty line
    return documents(np.array(tokens, np.int32), DOT, context_length)


def rows(batch) -> list[list[int]]:
    """Each document with its start, and as far as it is predicted."""
    inputs, targets = batch
    assert inputs.dtype == targets.dtype == np.int32
    assert inputs.shape == targets.shape
    assert inputs.flags.c_contiguous
    assert targets.flags.c_contiguous
    assert np.array_equal(inputs[:, 1:], targets[:, :-1])
    return np.hstack([inputs, targets[:, -1:]]).tolist()


def whole(context_length: int) -> list[list[int]]:
    return [[DOT, *line, DOT][: context_length + 1] for line in LINES]


@pytest.mark.parametrize("context_length", [2, 3, 4, 6, 50])
def test_in_batches_of_one_the_documents_follow_one_another_and_start_over(context_length) -> None:
    found = [rows(batch) for batch in batches(made(context_length), 1, steps=10, start=3)]
    assert found == [[whole(context_length)[step % len(LINES)]] for step in range(3, 13)]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5])
def test_in_one_pass_each_document_is_taken_as_often_as_any_other(batch_size) -> None:
    taken = Counter()
    for step, batch in enumerate(batches(made(), batch_size, steps=len(LINES))):
        assert rows(batch)[0] == whole(9)[step]
        taken.update(map(tuple, rows(batch)))
    assert taken == {tuple(document): batch_size for document in whole(9)}


def test_a_drawn_document_brings_others_of_its_length_and_each_is_as_likely() -> None:
    n, found = len(LINES), [Counter(), Counter()]
    evenly = np.arange(n * 6, dtype=np.uint64) * 2**32 // (n * 6) + 5  # of every length there are 1, 2 or 3
    for first in evenly:
        for second in evenly:
            for place, row in enumerate(rows(made().drawn(np.array([first, second], np.uint32)))):
                found[place][tuple(row)] += 1
    assert all(counts == {tuple(document): 6 * n * 6 for document in whole(9)} for counts in found)


def test_random_batches_begin_anywhere_as_they_would_have_gone_on() -> None:
    def taken(steps, start):
        return [rows(batch) for batch in random_batches(made(), 3, 7, steps, start)]

    assert taken(4, 25_000) == taken(25_004, 0)[-4:]
    other = [rows(batch) for batch in random_batches(made(), 3, 8, 20)]
    assert other != taken(20, 0)


@pytest.mark.parametrize("batch_size", [1, 2, 50])
@pytest.mark.parametrize("context_length", [2, 3, 4, 9])
def test_every_target_takes_each_document_once(context_length, batch_size) -> None:
    found = [rows(batch) for batch in every_target(made(context_length), batch_size)]
    assert all(len(batch) <= batch_size for batch in found)
    assert sorted(row for batch in found for row in batch) == sorted(whole(context_length))


def test_a_part_of_the_targets_are_the_first_documents_of_any_length() -> None:
    found = [row for batch in every_target(made(), 2, 2) for row in rows(batch)]
    assert sorted(found) == sorted(whole(9)[:4])


def test_of_the_names_each_token_and_each_end_is_predicted_once() -> None:
    split = load_dataset("names", "documents").val
    targets = [targets for _, targets in split.every_target(16, 100, predicts_every_position=True)]
    counts = np.bincount(np.concatenate([t.ravel() for t in targets]), minlength=27)
    assert np.array_equal(counts, np.bincount(split.tokens, minlength=27))
    assert counts.sum() == split.n_tokens


def test_lines_that_are_all_empty_and_a_context_of_one_are_refused() -> None:
    with pytest.raises(ValueError, match="test split has no line that is not empty: documents need one"):
        documents(np.array([DOT, DOT], np.int32), DOT, 5, "test")
    with pytest.raises(ValueError, match="context_length 1 shows of each document only its start"):
        made(1)


def test_what_does_not_fit_is_cut_and_said(tmp_path) -> None:
    (tmp_path / "list.txt").write_text("abc\nabcdef\n" * 10)
    data = load_dataset(tmp_path / "list.txt", "documents", fractions=(0.5, 0.25, 0.25))
    said = list(describe(data, 4))[-1]
    assert said.startswith("documents longer than context_length 4, of which the rest is not seen: train ")
    assert sum(int(word.rpartition(" ")[2]) for word in said.partition(": ")[2].split(", ")) == 10
    assert not [line for line in describe(data, 7) if "longer" in line]


def test_a_running_text_has_no_documents(tmp_path) -> None:
    (tmp_path / "text.txt").write_text("some text " * 40)
    with pytest.raises(ValueError, match=r"data\.windows = 'documents' needs lines that end; take data\.windows=str"):
        load_dataset(tmp_path / "text.txt", "documents", "position", kind="text")


@pytest.mark.parametrize("windows", ["documents", "padded"])
def test_a_tokenizer_that_ends_no_line_is_refused(windows, tmp_path) -> None:
    (tmp_path / "list").write_text("ab\nba\nab\nba\n", encoding="utf-8")
    endless = CharTokenizer("ab\n", ends=False)
    with pytest.raises(
        ValueError, match=r"needs a token that ends a line; CharTokenizer\(3 characters\) has none: take"
    ):
        load_dataset(tmp_path / "list", windows, fractions=(0.5, 0.25, 0.25), tokenizer=endless, kind="list")
