"""The progress bar: one line, however narrow the terminal."""

import io
import os

import pytest

from nnz.files.terminal import Progress, counting


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("columns", "has_rate"), [(40, False), (60, False), (120, True)])
def test_the_bar_is_one_line_that_shows_how_far_it_is_and_the_loss(monkeypatch, columns, has_rate):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress(50_000, 12_000, 128 * 8) as progress:
        progress._bar.mininterval = progress._bar.miniters = 0
        progress._bar.dynamic_ncols = lambda _: (columns, 24)
        for _ in range(3):
            progress.advance(2.12345)
    last = terminal.getvalue().rstrip("\n").rpartition("\r")[2]
    assert len(last) <= columns
    assert "12003/50000" in last
    assert "loss 2.12" in last
    assert ("tokens/s" in last) == has_rate


def test_the_clock_goes_on_where_a_step_takes_long(monkeypatch):
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    with Progress(100, 0, 1) as progress:
        drawn = shown.getvalue()
        progress.wait()
        assert shown.getvalue() == drawn  # it has just been drawn
        progress._drawn -= 1  # second
        progress.wait()
        assert len(shown.getvalue()) > len(drawn)


def test_pages_are_counted_on_a_terminal_and_nowhere_else(monkeypatch):
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr("sys.stderr", stream)
        with counting(3, "page") as count:
            for _ in range(3):
                count()
        assert ("3/3" in stream.getvalue()) == stream.isatty()


def test_the_bar_is_seen_on_a_terminal_that_does_not_say_its_size(monkeypatch):
    ours, theirs = os.openpty()  # 0 rows of 0 columns, until somebody says
    with open(theirs, "w") as terminal, open(ours, "rb", buffering=0) as seen:
        monkeypatch.setattr("sys.stderr", terminal)
        with counting(3, "page") as count:
            for _ in range(3):
                count()
            assert b"0/3" in seen.read(4096)
