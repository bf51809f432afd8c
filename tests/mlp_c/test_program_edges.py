"""What build/mlp does at the edges: settings seldom asked for, odd texts, a full device."""

import subprocess

import pytest
from support.built_program import built
from support.tiny_commands import refused
from support.tiny_commands import run_program as run
from support.tiny_runs import data_folder, tiny_recipe

from nnz.runs import checkpoints


def write_texts(folder, **texts):
    folder.mkdir()
    for split in ("train", "val", "test"):
        (folder / f"{split}.txt").write_bytes(texts.get(split, texts["all"]).encode())
    return folder


@pytest.fixture
def recipe(tmp_path):
    return tiny_recipe(data_folder(tmp_path / "few-names"), steps=3)


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_names_every_flag(word):
    done = subprocess.run([str(built()), word], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--weight-decay" in done.stdout
    assert "--resume" in done.stdout


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer__name": "sgd", "optimizer__schedule": "constant", "optimizer__lr": 0.1 + 0.2},
        {"train__batch_size": 100_000},  # more than val has
        {"sample__temperature": 0.0},
        {"sample__new": False, "sample__top_k": 1},
        {"sample__top_k": 2},
        {"sample__top_k": 1000},
        {"sample__count": 0},
        {"model__dtype": "float32"},
        {"model__dtype": "float32", "model__precision": "strict"},
    ],
    ids=str,
)
def test_what_is_seldom_asked_for_gives_a_run_that_can_be_resumed(recipe, tmp_path, settings):
    for key, value in settings.items():
        recipe = recipe.override(key.replace("__", "."), value)
    assert run(recipe, tmp_path / "run").returncode == 0
    before = (tmp_path / "run" / "samples.txt").read_bytes()
    done = run(recipe, tmp_path / "run", "--resume")
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, f"{tmp_path}/run: going on from step 3")
    assert (tmp_path / "run" / "samples.txt").read_bytes() == before


def test_no_more_samples_are_given_than_are_new(tmp_path):
    recipe = tiny_recipe(write_texts(tmp_path / "data", all="a\naa\n" * 20 + "aaa"), sample__count=1000)
    done = run(recipe, tmp_path / "run")
    assert done.returncode == 0
    assert " of 1000 samples were new: the others were empty, known or repeated\n" in done.stderr
    samples = (tmp_path / "run" / "samples.txt").read_text().splitlines()
    assert len(samples) == len(set(samples)) < 1000


def test_a_text_without_lines_gives_samples_that_end_at_a_thousand_characters(tmp_path):
    data = write_texts(tmp_path / "data", all="a" + "bc" * 50_000)  # more than a first piece of 64 KiB
    recipe = tiny_recipe(data, steps=40, optimizer__lr=0.1, train__eval_every=40, model__hidden_size=16)
    recipe = recipe.override("sample.temperature", 0.0).override("sample.count", 1)
    assert run(recipe, tmp_path / "run").returncode == 0
    assert len((tmp_path / "run" / "samples.txt").read_text().rstrip("\n")) == 1000


def test_line_ends_of_windows_are_one_character(recipe, tmp_path):
    texts = {split: (tmp_path / "few-names" / f"{split}.txt").read_text() for split in ("train", "val", "test")}
    crlf = write_texts(tmp_path / "crlf", all="", **{k: t.replace("\n", "\r\n") for k, t in texts.items()})
    assert run(recipe, tmp_path / "a").stdout == run(recipe.override("data.name", str(crlf)), tmp_path / "b").stdout


def test_a_text_with_control_characters_is_kept_in_a_checkpoint_as_it_is(tmp_path):
    recipe = tiny_recipe(write_texts(tmp_path / "data", all='a\x01"\\\x01\n' * 9), steps=3)
    assert run(recipe, tmp_path / "run").returncode == 0
    assert checkpoints.load(tmp_path / "run" / "checkpoint.safetensors").tokenizer.characters == '\x01\n"\\a'
    assert run(recipe, tmp_path / "run", "--resume").returncode == 0


def test_a_batch_too_large_for_any_memory_is_one_line(recipe, tmp_path):
    large = recipe.override("train.batch_size", 2**31 - 1).override("model.hidden_size", 2**17)
    refused(run(large, tmp_path / "run"), "out of memory: 4.46e+06 parameters, 1.13e+15 activations")


def test_a_training_that_diverges_is_one_line(recipe, tmp_path):
    diverging = recipe.override("optimizer.name", "sgd").override("model.hidden_size", 64)
    done = run(diverging.override("optimizer.lr", 1e308), tmp_path / "run")
    hint = "the training diverged; train with a lower optimizer.lr"
    refused(done, f"at step 1 the loss is not finite: {hint}; {tmp_path}/run keeps the checkpoint of step 0")
    assert checkpoints.load(tmp_path / "run" / "checkpoint.safetensors", finite=True).step == 0


def test_a_training_whose_last_update_diverged_gives_no_samples(recipe, tmp_path):
    done = run(recipe.override("optimizer.lr", 1e299).override("train.steps", 1), tmp_path / "run")
    refused(done, "the model's logits are not finite: its training diverged; train with a lower optimizer.lr")


def test_a_full_device_for_the_results_is_one_line(recipe, tmp_path):
    with open("/dev/full", "w") as full:
        refused(run(recipe, tmp_path / "run", stdout=full), "cannot write to stdout: No space left on device")


def test_an_error_stays_one_line_whatever_is_quoted_in_it(tmp_path):
    done = subprocess.run(
        [str(built()), "data", "--dtype", "a\n\x07\x7fé"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr[:37]) == (2, "mlp: model.dtype = a \\x07\\x7fé is not")
