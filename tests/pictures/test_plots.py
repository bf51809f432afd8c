"""The picture of a run's losses: what is drawn, how large, and when there is a close-up."""

import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib import image

from nnz.pictures import losses
from nnz.pictures.losses import loss_curves

ROWS = [(step, 1 + 2 / (1 + step), 1.1 + 2 / (1 + step)) for step in range(0, 5000, 100)]


def pixels(path):
    return np.round(image.imread(path)[..., :3] * 255).astype(int)  # (height, width, RGB)


def count(path, colour):
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((np.abs(pixels(path) - rgb).max(axis=2) < 40).sum())


def test_both_curves_are_drawn_in_their_own_colours(tmp_path):
    loss_curves(tmp_path / "both.png", ROWS, "names, c")
    assert count(tmp_path / "both.png", losses.TRAIN_COLOUR) > 500
    assert count(tmp_path / "both.png", losses.VAL_COLOUR) > 500


def test_what_the_log_says_changes_the_picture(tmp_path):
    loss_curves(tmp_path / "a.png", ROWS, "names, c")
    loss_curves(tmp_path / "b.png", [(step, train, val + 0.5) for step, train, val in ROWS], "names, c")
    assert (pixels(tmp_path / "a.png") != pixels(tmp_path / "b.png")).any()


@pytest.mark.slow
def test_title_and_test_loss_are_in_the_picture(tmp_path):
    for name, title, test_loss in (("a", "names, c", 2.5), ("b", "names, numpy", 2.5), ("c", "names, c", 2.6)):
        loss_curves(tmp_path / name, ROWS, title, test_loss)
    top = [pixels(tmp_path / name)[:40] for name in "abc"]
    assert (top[0] != top[1]).any()
    assert (top[0] != top[2]).any()


def test_curves_that_stay_high_are_not_covered_by_a_close_up(tmp_path):
    high = [(step, 3 - 1e-4 * step, 3 - 1e-4 * step) for step, _, _ in ROWS]
    loss_curves(tmp_path / "low.png", ROWS, "")
    loss_curves(tmp_path / "high.png", high, "")
    corner = np.s_[240:, 415]  # the close-up's left side
    assert (pixels(tmp_path / "low.png")[corner] < 50).all(axis=1).sum() > 200
    assert (pixels(tmp_path / "high.png")[corner] < 50).all(axis=1).sum() < 50


def test_the_loss_of_a_guess_among_all_tokens_is_a_baseline(tmp_path):
    drawn = [tmp_path / "27.png", tmp_path / "2.png", tmp_path / "none.png"]
    for path, vocab_size in zip(drawn, (27, 2, None), strict=True):
        loss_curves(path, ROWS, "names, c", vocab_size=vocab_size)
    black = [[(row == 0).all(axis=1).sum() for row in pixels(path)[60:600, 200:1100]] for path in drawn]
    dashed = [[i for i, n in enumerate(rows) if 300 < n < 800] for rows in black]
    assert len(dashed[0]) in (1, 2, 3)
    assert dashed[1]
    assert dashed[0] != dashed[1]
    assert dashed[2] == []


@pytest.mark.parametrize("rows", [ROWS, [], ROWS[:1], [(0, float("nan"), float("nan")), (1, 2.0, float("inf"))]])
def test_the_plot_is_a_png_of_1200_by_750_pixels_however_little_there_is_to_draw(tmp_path, rows):
    loss_curves(tmp_path / "loss.png", rows, "names, c")
    assert (tmp_path / "loss.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert pixels(tmp_path / "loss.png").shape == (750, 1200, 3)


def test_a_plot_that_cannot_be_written_is_an_error_of_the_system(tmp_path):
    with pytest.raises(OSError, match="none"):
        loss_curves(tmp_path / "none" / "loss.png", ROWS, "names, c")


def test_a_home_that_cannot_be_written_is_one_line_not_a_paragraph(tmp_path):
    (tmp_path / "file").touch()
    home = str(tmp_path / "file" / "home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPL"))}
    code = "from nnz.pictures.drawing import by_depth; by_depth(3)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**kept, "HOME": home}, capture_output=True, text=True, check=True
    )
    where = f"the default path ({home}/.config/matplotlib)"
    assert done.stderr == f"Matplotlib cannot write to {where}, so that it starts slowly: set MPLCONFIGDIR\n"
