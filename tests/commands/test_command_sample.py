"""`nnz sample` and `nnz data`, as a person meets them."""

import sys

import pytest
from support.tiny_runs import data_folder, finished_run, nnz, tiny_recipe, train

from nnz.commands.main import main
from nnz.files import downloads
from nnz.runs import checkpoints


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("place"))


def test_sample_prints_the_prompt_and_what_follows_it(place, capsys):
    code, out, err = nnz(capsys, "sample", place / "run", "--prompt", "am", "--count", 3)
    assert (code, err, len(out.splitlines())) == (0, "", 3)
    assert all(line.startswith("am") for line in out.splitlines())


def test_a_text_is_not_sampled_from(place, capsys):
    text = place / "few-names" / "train.txt"
    refusal = f"nnz: {text} is no checkpoint: name a run folder, or one of its .safetensors files\n"
    assert nnz(capsys, "sample", text) == (1, "", refusal)


def test_sample_is_decided_by_its_seed(place, capsys):
    outs = [nnz(capsys, "sample", place / "run", *seed)[1] for seed in ([], ["--seed", 42], ["--seed", 43])]
    assert outs[0] == outs[1] != outs[2]
    assert len(outs[0].splitlines()) == 10


def test_tokens_draws_exactly_so_many_delimiters_included(place, capsys):
    for n in (0, 1, 57):
        assert len(nnz(capsys, "sample", place / "run", "--tokens", n)[1]) == n + 1
    whole = nnz(capsys, "sample", place / "run", "--tokens", 57)[1]
    assert "\n" in whole[:-1]
    one = nnz(capsys, "sample", place / "run", "--count", 1)[1]
    assert whole.startswith(one)


def test_a_line_lies_between_samples_of_a_running_text(place, capsys):
    train(tiny_recipe(data_folder(place / "lines"), data__kind="text"), place / "text", "numpy")
    out = nnz(capsys, "sample", place / "text", "--count", 3, "--tokens", 20)[1]
    assert [len(text) for text in out.removesuffix("\n").split("\n---\n")] == [20, 20, 20]


def test_temperature_0_gives_the_same_sample_every_time(place, capsys):
    out = nnz(capsys, "sample", place / "run", "--count", 4, "--temperature", 0, "--seed", 9)[1]
    assert len(set(out.splitlines())) == 1
    assert out == nnz(capsys, "sample", place / "run", "--count", 4, "--top-k", 1)[1]


def test_banned_tokens_are_never_drawn_and_a_stop_ends_the_sample(place, capsys):
    drawn = nnz(capsys, "sample", place / "run", "--count", 30)[1]
    assert {"a", "m"} <= set(drawn)
    assert not {"a", "m"} & set(nnz(capsys, "sample", place / "run", "--count", 30, "--ban", "am")[1])
    whole = nnz(capsys, "sample", place / "run", "--tokens", 57)[1]
    middle = whole[20:23]
    stopped = nnz(capsys, "sample", place / "run", "--tokens", 57, "--stop", middle, "--stop", "not there")[1]
    assert stopped == whole[: whole.index(middle)] + "\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stop", ""], "--stop '' would end each sample before it begins; give a text"),
        (["--ban", "%"], "character '%' (U+0025) at position 0 is not among the"),
        (["--ban", "{all}"], "--ban names every token of the vocabulary; leave at least one that can be drawn"),
    ],
)
def test_a_stop_or_a_ban_that_makes_no_sense_is_refused(words, message, place, capsys):
    known = checkpoints.load(place / "run" / "checkpoint.safetensors").tokenizer.characters
    code, out, err = nnz(capsys, "sample", place / "run", *(word.replace("{all}", known) for word in words))
    assert (code, out) == (2, "")
    assert message in err


def test_sample_flushes_each_token(place, monkeypatch):
    calls = []

    class Stdout:
        def write(self, text):
            calls.append(text)

        def flush(self):
            calls.append(None)

    monkeypatch.setattr(sys, "stdout", Stdout())
    assert main(["sample", str(place / "run"), "--tokens", "5"]) == 0
    assert [len(calls[i]) for i in (1, 3, 5, 7, 9)] == [1] * 5
    assert [calls[i] for i in (2, 4, 6, 8, 10)] == [None] * 5


def test_data_list_names_every_data_set_and_its_source(capsys):
    code, out, err = nnz(capsys, "data", "list")
    assert (code, err) == (0, "")
    for data in downloads.known():
        assert data.name in out.splitlines()
        assert data.origin in out


def test_data_get_prints_the_path(capsys):
    assert nnz(capsys, "data", "get", "names")[:2] == (0, f"{downloads.get('names')}\n")
