"""A finished run is found again: its results are shown, and nothing is trained, unless --restart says so."""

import pytest
from support.tiny_runs import data_folder, nnz, tiny_recipe

pytestmark = pytest.mark.usefixtures("without_pictures")


@pytest.fixture
def words(tmp_path):
    recipe = tiny_recipe(data_folder(tmp_path / "few-names"))
    (tmp_path / "tiny.toml").write_text(recipe.to_toml(), encoding="utf-8")
    return ["train", tmp_path / "tiny.toml", "--backend", "numpy", "--out", tmp_path / "run"]


def checkpoint_time(words) -> int:
    return (words[-1] / "checkpoint.safetensors").stat().st_mtime_ns


def test_a_finished_run_is_shown_again_to_the_byte_and_not_trained(words, capsys) -> None:
    first, when = nnz(capsys, *words), checkpoint_time(words)
    code, out, err = nnz(capsys, *words)
    assert (code, out, checkpoint_time(words)) == (0, first[1], when)
    assert err == f"{words[-1]} holds this run, finished: here are its results; to train again, add --restart\n"


def test_restart_trains_a_finished_run_anew_to_the_same_results(words, capsys) -> None:
    first, when = nnz(capsys, *words), checkpoint_time(words)
    code, out, err = nnz(capsys, *words, "--restart")
    assert (code, out) == (0, first[1])
    assert "its files are replaced" in err
    assert checkpoint_time(words) != when


def test_a_run_resumed_and_finished_is_shown_again_whole(words, capsys) -> None:
    whole = nnz(capsys, *words)[1]
    nnz(capsys, *words, "--resume")
    assert nnz(capsys, *words)[:2] == (0, whole)


@pytest.mark.parametrize("change", [["--steps", 9], ["--seed", 3], ["--backend", "nnz.numpy"]], ids=lambda c: c[0])
def test_with_other_settings_it_is_another_run(words, capsys, change) -> None:
    nnz(capsys, *words)
    assert "its files are replaced" in nnz(capsys, *words, *change)[2]


def test_with_another_text_of_the_same_letters_it_is_another_run(words, capsys) -> None:
    nnz(capsys, *words)
    train = words[1].parent / "few-names" / "train.txt"
    train.write_text("".join(reversed(train.read_text().splitlines(keepends=True))))
    assert "its files are replaced" in nnz(capsys, *words)[2]
    train.write_text(train.read_text() * 2)
    code, _, err = nnz(capsys, *words, "--resume")
    assert (code, "is not the text that" in err) == (1, True)


def test_resume_and_restart_together_are_refused(words, capsys) -> None:
    code, out, err = nnz(capsys, *words, "--resume", "--restart")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "give only one of them" in err
