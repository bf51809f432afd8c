"""build/mlp trains microgpt as `nnz train microgpt` does, to the same bytes; each goes on where the other stopped."""

import random
import signal
import subprocess

import numpy as np
import pytest
from support.built_program import built
from support.stopped_runs import stopped
from support.tiny_commands import PROGRAM, content, finish, refused, run_program, start, stop_after
from support.tiny_gpt import tiny_gpt
from support.tiny_runs import NAMES, data_folder, train

from nnz.files import downloads
from nnz.recipes.recipe import load
from nnz.runs import checkpoints
from nnz.training.run import Run

pytest.importorskip("nnz.c")

DOCUMENTS = {"data__windows": "documents", "train__evaluation": "all", "train__backend": "c"}
DOCUMENTS |= {"model__context_length": 7, "sample__tokens": 0}
MICROGPT = {"model__shape": "microgpt", "data__split": "python", "data__tokenizer": "microgpt", "train__seed": 42}


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """A list of 40 names, some of them longer than a context of 16."""
    path = tmp_path_factory.mktemp("names") / "made.txt"
    rng = random.Random(1)
    lines = ["".join(rng.choices("abcdef -", k=rng.randint(1, 20))).strip() or "a" for _ in range(40)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def recipe(names):
    return load("microgpt").override("data.name", str(names)).override("train.steps", 30)


@pytest.fixture(scope="module")
def whole(recipe, tmp_path_factory):
    """A run of the program, from the first step to the last."""
    finish(start(PROGRAM, recipe, place := tmp_path_factory.mktemp("whole") / "run"))
    return place


def same_as_the_c_backend(recipe, place):
    """Hold that both leave the same behind."""
    train(recipe, place / "by-python", "c")
    finish(start(PROGRAM, recipe, place / "run"))
    assert content(place / "run") == content(place / "by-python")
    for file in ("config.toml", "samples.txt"):
        assert (place / "run" / file).read_bytes() == (place / "by-python" / file).read_bytes()


def by_flags(place, *words):
    """Run it as a user does."""
    command = [str(built()), "--model", "microgpt", "--out", str(place), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_prints_the_losses_and_names_of_the_reference(tmp_path):
    try:
        data = downloads.get("makemore-names")
    except downloads.DownloadError as error:
        pytest.skip(str(error))
    done = by_flags(tmp_path / "run", "--data", data)
    assert done.returncode == 0, done
    losses = np.loadtxt(tmp_path / "run" / "log.csv", delimiter=",", skiprows=1)[:, 1]
    assert len(losses) == 1_000
    assert np.round(losses[[*range(5), -1]], 4).tolist() == [3.3660, 3.4243, 3.1778, 3.0664, 3.2209, 2.6497]
    assert done.stdout.split("\n")[1_000:1_005] == ["kamon", "ann", "karai", "jaire", "vialan"]
    assert (tmp_path / "run" / "samples.txt").read_text().split()[-2:] == ["alela", "anton"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_model_microgpt_is_the_recipe_microgpt(recipe, names, tmp_path, dtype):
    done = by_flags(tmp_path / "run", "--data", names, "--steps", 30, "--dtype", dtype)
    assert done.returncode == 0, done
    assert "documents longer than context_length 16, of which the rest is not seen: train " in done.stderr
    recipe = recipe.override("model.dtype", dtype)
    train(recipe, tmp_path / "by-python", "c")
    assert content(tmp_path / "run") == content(tmp_path / "by-python")
    assert (tmp_path / "run" / "config.toml").read_bytes() == (tmp_path / "by-python" / "config.toml").read_bytes()
    assert checkpoints.load(tmp_path / "run" / "checkpoint.safetensors").recipe == recipe.override("train.backend", "c")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"train__order": "sequential", "train__batch_size": 1, "model__dtype": "float32"},
        {"train__order": "sequential", "train__batch_size": 30, "data__split": "position", "sample__new": True},
        {"train__evaluation": "drawn", "train__batch_size": 3, "optimizer__schedule": "linear"},
        {"train__evaluation": "step", "train__eval_every": 1, "data__fractions": [0.7, 0.3]},
        {**MICROGPT, "train__seed": 2**32 + 1},
        {**MICROGPT, "train__evaluation": "step", "train__batch_size": 5, "model__n_layer": 3},
        {**MICROGPT, "data__windows": "stream", "sample__tokens": 9},
        {**MICROGPT, "data__windows": "stream", "data__kind": "text"},
    ],
    ids=str,
)
def test_documents_are_those_of_python(names, tmp_path, settings):
    same_as_the_c_backend(tiny_gpt(names, 12, **DOCUMENTS | settings), tmp_path)


@pytest.mark.parametrize("alike", [("train", "val"), ("val", "test"), ("train", "val", "test")], ids=str)
def test_of_files_that_are_the_same_one_is_shuffled(tmp_path, alike):
    data = data_folder(tmp_path / "few-names")
    for split in alike:
        (data / f"{split}.txt").write_text("".join(f"{name}\n" for name in NAMES), encoding="utf-8")
    same_as_the_c_backend(tiny_gpt(data, 3, **DOCUMENTS | MICROGPT), tmp_path)


def test_a_run_begun_by_python_goes_on_in_the_program(recipe, tmp_path, whole):
    stopped(Run(recipe, "c", tmp_path), 13, "before the update")
    finish(start(PROGRAM, recipe, tmp_path, "--resume"))
    assert content(tmp_path) == content(whole)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_a_run_stopped_in_the_program_goes_on_in_python(recipe, tmp_path, how):
    longer = recipe.override("train.steps", 300)
    finish(start(PROGRAM, longer, tmp_path / "whole"))
    stop_after(start(PROGRAM, longer, tmp_path / "run"), 60, how)
    train(longer, tmp_path / "run", "c", resume=True)
    assert content(tmp_path / "run") == content(tmp_path / "whole")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data.windows", "stream", 'had data.windows = "documents", not "stream"; '),
        ("model.shape", "course", 'had model.shape = "microgpt", not "course"; '),
        ("data.tokenizer", "char", "is not the text that "),
        ("data.split", "lines", "is not the text that "),
    ],
)
def test_a_checkpoint_of_another_run_is_not_resumed(recipe, tmp_path, whole, key, value, message):
    before = content(whole)
    refused(run_program(recipe.override(key, value), whole, "--resume"), message)
    assert content(whole) == before


def test_what_makes_no_sense_with_documents_is_refused_in_the_words_of_python(names, tmp_path):
    for words, code, text in (
        (["--context-length", 1], 2, "model.context_length = 1 shows of a document only its start; take 2 or more"),
        (
            ["--evaluation", "batches"],
            2,
            "train.evaluation = 'batches' counts windows, and documents have none; take all",
        ),
        (
            ["--data-kind", "text"],
            1,
            "data.windows = 'documents' needs lines that end; take data.windows=stream, or data.kind=list",
        ),
    ):
        done = by_flags(tmp_path / "run", "--data", names, *words)
        assert (done.returncode, done.stdout, done.stderr) == (code, "", f"mlp: {text}\n")
    assert not (tmp_path / "run").exists()
