"""What a run says of its data before it trains, and of its best checkpoint at the end."""

import pytest
from support.tiny_runs import nnz

from nnz import load_dataset
from nnz.text.summary import describe


def test_a_list_is_counted_and_what_may_surprise_is_said(tmp_path):
    texts = {"train": "ann\n\n bob \nann\n \n", "val": "bob\neve", "test": "eve\n"}
    for name, text in texts.items():
        (tmp_path / f"{name}.txt").write_text(text.replace("e", "n").replace("v", "a"))
    assert list(describe(load_dataset(tmp_path)))[1:] == [
        "of the lines: 2 empty and dropped, 1 repeated within a split, 2 in more than one split",
        "val has only 2 lines: expect noise in val_loss",
    ]


def test_a_large_clean_list_is_one_line():
    assert list(describe(load_dataset("names"))) == [
        "names: a list, 27 characters; lines: train 28,294, val 1,000, test 1,000"
    ]


def test_a_text_is_counted_in_tokens(tmp_path):
    (tmp_path / "t.txt").write_text("ACGT" * 1_000)
    said = list(describe(load_dataset(tmp_path / "t.txt", split="position", fractions=(0.9, 0.1))))
    assert said == [
        "t: a text, 4 characters; tokens: train 3,600, val = test 400",
        "val has only 400 tokens: expect noise in val_loss",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "is_last"), [("0.001", True), ("0.3", False)])
def test_the_best_checkpoint_is_named_at_the_end_unless_it_is_the_last(tmp_path, capsys, monkeypatch, rate, is_last):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("".join(f"{a}{b}\n" for a in "abcdef" for b in "uvwxyz"))
    small = ("--set", "model.hidden_size=4", "--set", "train.eval_every=5", "--set", "data.fractions=[0.6,0.2,0.2]")
    words = ("--data", "./names.txt", "--steps", "41", "--set", f"optimizer.lr={rate}", "--backend", "numpy", *small)
    code, _, said = nnz(capsys, "train", "names", *words, "--out", "run")
    assert code == 0, said
    assert said.startswith("names: a list, ")
    assert ("nnz sample run --best" in said) is not is_last
    assert nnz(capsys, "sample", "run", "--best")[0] == 0
    assert nnz(capsys, "sample", "run")[1] != nnz(capsys, "sample", "run", "--best")[1] or is_last
