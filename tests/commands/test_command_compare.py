"""`nnz compare`, as a person meets it, and the two columns that it prints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_runs import finished_run, nnz

from nnz.commands.compare import COLUMN, MAX_LINES, cells, side_by_side


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("place"))


def test_compare_prints_the_untrained_next_to_the_trained_model(place, capsys):
    code, out, err = nnz(capsys, "compare", place / "run", "--count", 4)
    assert (code, err) == (0, "")
    rows = [[cell.strip() for cell in line.split(" | ")] for line in out.splitlines()]
    assert rows[0] == ["untrained", "after 200 steps"]
    log = (place / "run" / "log.csv").read_text().splitlines()
    assert rows[1][0] == f"val_loss {float(log[1].split(',')[2]):.6f}"
    assert float(rows[1][1].split()[1]) < float(rows[1][0].split()[1])
    sampled = nnz(capsys, "sample", place / "run", "--count", 4)[1].splitlines()
    assert [row[1] for row in rows[2:]] == sampled
    assert {line.index(" | ") for line in out.splitlines()} == {36}


def test_compare_finds_data_that_moved_and_refuses_others(place, tmp_path, capsys):
    (tmp_path / "moved").symlink_to(place / "few-names")
    assert nnz(capsys, "compare", place / "run", "--data", tmp_path / "moved")[0] == 0
    (tmp_path / "short.txt").write_text("anna\n")  # train offers a setting for it, which compare does not take
    for other in ("names", tmp_path / "short.txt"):
        why = f"nnz: {other} is not the text that the run was trained on; name that text with --data\n"
        assert nnz(capsys, "compare", place / "run", "--data", other) == (1, "", why)


@pytest.mark.slow
def test_from_another_folder_the_relative_place_of_the_data_is_named(tmp_path, capsys, monkeypatch):
    finished_run(tmp_path)
    recipe = (tmp_path / "tiny.toml").read_text().replace(str(tmp_path / "few-names"), "few-names")
    (tmp_path / "relative.toml").write_text(recipe)
    monkeypatch.chdir(tmp_path)
    assert nnz(capsys, "train", "relative.toml", "--backend", "numpy", "--steps", 3, "--out", "there")[0] == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    where = "few-names, seen from the folder where it was trained"
    told = f"nnz: the run's data was at {where}; there is none now: name its place with --data\n"
    for words in (["compare", "../there"], ["train", "--resume", "../there"]):
        assert nnz(capsys, *words) == (1, "", told)
        assert nnz(capsys, *words, "--data", "../few-names")[0] == 0


def halves(lines: list[str]) -> tuple[list[str], list[str]]:
    return [line[:COLUMN].rstrip() for line in lines], [line[COLUMN + 3 :] for line in lines]


def test_a_sentence_is_broken_at_spaces_and_none_of_it_is_lost() -> None:
    text = " ".join(f"word{i}" for i in range(30))
    left, right = halves(side_by_side(text, text))
    assert " ".join(right) == " ".join(left) == text
    assert 1 < len(right) <= MAX_LINES


def test_the_left_text_is_cut_to_the_height_of_the_right_one() -> None:
    assert side_by_side("x" * 100, "anna") == ["x" * (COLUMN - 1) + "… | anna"]
    left, right = halves(side_by_side("a b " * 100, "c d " * 12))
    assert len(left) == 2
    assert left[1].endswith("…")
    assert right[1].endswith("c d")


def test_a_right_text_too_high_ends_in_a_sign_too() -> None:
    left, right = halves(side_by_side("", "y" * 1000))
    assert left == [""] * MAX_LINES
    assert [len(line) for line in right] == [COLUMN] * MAX_LINES
    assert right[-1].endswith("y…")


def test_a_wide_character_takes_two_cells() -> None:
    assert side_by_side("漢" * 10, "a") == ["漢" * 10 + " " * (COLUMN - 20) + " | a"]
    left = side_by_side("漢" * 40, "a")[0].split(" | ")[0]
    assert cells(left) in (COLUMN, COLUMN - 1)


@pytest.mark.slow
@given(st.text(), st.text())
def test_no_text_breaks_the_columns(left, right) -> None:
    lines = side_by_side(left, right)
    assert 1 <= len(lines) <= MAX_LINES
    for line in lines:
        assert " |" in line
        assert "\n" not in line
        assert cells(line.rpartition(" | ")[0]) <= COLUMN or "|" in left + right
