"""Windows and batches, held against loops that take one window at a time."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from nnz.text.batches import batches, every_target, padded, stream

TAPE = np.array([5, 1, 4, 1, 3, 9, 2, 6, 5, 3, 5], np.int32)
DOT = 0


def stream_windows(tokens: list[int], context_length: int) -> list[list[int]]:
    return [tokens[i : i + context_length + 1] for i in range(len(tokens) - context_length)]


def padded_windows(lines: list[list[int]], context_length: int) -> list[list[int]]:
    windows = []
    for line in lines:
        context = [DOT] * context_length
        for token in [*line, DOT]:
            windows.append([*context, token])
            context = [*context, token][1:]
    return windows


def rows(batch: tuple[np.ndarray, np.ndarray]) -> list[list[int]]:
    inputs, targets = batch
    return [[*row, target] for row, target in zip(inputs.tolist(), targets.tolist(), strict=True)]


@pytest.mark.parametrize("context_length", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 8, 11, 50])
def test_stream_batches_are_the_next_windows_and_start_over_after_the_last(context_length, batch_size) -> None:
    endless = itertools.cycle(stream_windows(TAPE.tolist(), context_length))
    for batch in batches(stream(TAPE, context_length), batch_size, steps=12):
        assert rows(batch) == list(itertools.islice(endless, batch_size))


@pytest.mark.parametrize("context_length", [1, 3, 8])
@pytest.mark.parametrize("batch_size", [1, 3, 5, 40])
@pytest.mark.parametrize("ending", [[], [DOT], [DOT, DOT]])
def test_padded_batches_take_each_line_on_its_own(context_length, batch_size, ending) -> None:
    lines = [[3, 4, 5], [7], [1, 1]]
    tape = np.array([DOT, *lines[0], DOT, DOT, *lines[1], DOT, *lines[2], *ending], np.int32)
    windows = padded(tape, DOT, context_length)
    assert len(windows) == sum(len(line) + 1 for line in lines)
    endless = itertools.cycle(padded_windows(lines, context_length))
    for batch in batches(windows, batch_size, steps=9):
        assert rows(batch) == list(itertools.islice(endless, batch_size))


@pytest.mark.parametrize("context_length", [1, 2, 3, 7, 10])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 8, 50])
def test_every_target_takes_each_window_once_and_ends_with_a_smaller_batch(context_length, batch_size) -> None:
    lines = stream(TAPE, context_length), padded(np.array([3, 4, DOT, DOT, 7, 5, 1, 9], np.int32), DOT, context_length)
    one_by_one = (
        stream_windows(TAPE.tolist(), context_length),
        padded_windows([[3, 4], [7, 5, 1, 9]], context_length),
    )
    for windows, expected in zip(lines, one_by_one, strict=True):
        found = [rows(batch) for batch in every_target(windows, batch_size)]
        assert [row for batch in found for row in batch] == expected
        assert [len(batch) for batch in found[:-1]] == [batch_size] * (len(found) - 1)


@pytest.mark.parametrize("context_length", [1, 2, 3, 4, 7, 9, 10])
@pytest.mark.parametrize("batch_size", [1, 2, 50])
def test_a_model_that_predicts_every_position_is_given_each_target_once(context_length, batch_size) -> None:
    windows = replace(stream(TAPE, context_length), predicts_every_position=True)
    found = list(every_target(windows, batch_size))
    assert np.concatenate([inputs.ravel() for inputs, _ in found]).tolist() == TAPE[:-1].tolist()
    assert np.concatenate([targets.ravel() for _, targets in found]).tolist() == TAPE[1:].tolist()
    assert all(inputs.shape == targets.shape for inputs, targets in found)
    assert all(inputs.shape[1] == context_length for inputs, _ in found[:-1])


@pytest.mark.parametrize("start", [0, 1, 5, 10**12])
def test_starting_at_a_step_gives_what_that_step_would_have_had(start: int) -> None:
    n, batch_size = len(TAPE) - 3, 5
    windows = stream_windows(TAPE.tolist(), 3)
    got = [rows(batch) for batch in batches(stream(TAPE, 3), batch_size, steps=4, start=start)]
    assert got == [[windows[(step * batch_size + i) % n] for i in range(5)] for step in range(start, start + 4)]


def test_steps_counts_batches_and_none_never_ends() -> None:
    assert len(list(batches(stream(TAPE, 3), 2, steps=7, start=3))) == 7
    assert len(list(itertools.islice(batches(stream(TAPE, 3), 2), 100))) == 100


@pytest.mark.parametrize("batch_size", [1, 4, 30])
@pytest.mark.parametrize("context_length", [1, 4])
@pytest.mark.parametrize("kind", ["stream", "padded"])
def test_a_batch_is_int32_contiguous_and_writing_into_it_harms_nothing(kind, context_length, batch_size) -> None:
    def windows():
        return stream(TAPE, context_length) if kind == "stream" else padded(TAPE, 5, context_length)

    before = [rows(batch) for batch in batches(windows(), batch_size, steps=5)]
    tape, ours, after = TAPE.copy(), windows(), []
    for inputs, targets in batches(ours, batch_size, steps=5):
        assert inputs.dtype == targets.dtype == np.int32
        assert inputs.shape == (batch_size, context_length)
        assert targets.shape == (batch_size,)
        assert inputs.flags.c_contiguous
        assert targets.flags.c_contiguous
        after.append(rows((inputs, targets)))
        inputs[:], targets[:] = -1, -1
    assert after == before
    assert np.array_equal(TAPE, tape)


def test_a_text_shorter_than_a_window_is_refused_with_its_length() -> None:
    assert len(stream(TAPE, len(TAPE) - 1)) == 1
    with pytest.raises(ValueError, match=r"val split has 11 tokens.*context_length 11"):
        stream(TAPE, 11, "val")


def test_padded_windows_of_empty_lines_only_are_refused() -> None:
    with pytest.raises(ValueError, match="test split has no line"):
        padded(np.array([DOT, DOT], np.int32), DOT, 3, "test")


@pytest.mark.parametrize("argument", ["batch_size", "steps", "start"])
def test_sizes_that_make_no_sense_are_refused_before_the_first_batch(argument: str) -> None:
    good = {"batch_size": 2, "steps": 2, "start": 0}
    for bad in (2.0, "2", True):
        with pytest.raises(TypeError, match=argument):
            batches(stream(TAPE, 3), **{**good, argument: bad})
    with pytest.raises(ValueError, match=argument):
        batches(stream(TAPE, 3), **{**good, argument: -1})
    if argument != "start":
        with pytest.raises(ValueError, match=argument):
            batches(stream(TAPE, 3), **{**good, argument: 0})
