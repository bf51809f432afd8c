"""build/mlp trains a GPT as `nnz train gpt-cpu` does, to the same bytes, and each goes on where the other stopped."""

import signal
import subprocess

import numpy as np
import pytest
from support.built_program import built
from support.stopped_runs import stopped
from support.tiny_commands import PROGRAM, content, finish, refused, run_program, start, stop_after, words
from support.tiny_gpt import tiny_gpt
from support.tiny_runs import data_folder, train

from nnz.recipes import recipe as recipes
from nnz.training.run import Run

pytest.importorskip("nnz.c")

# dropout in all its places, and what GPT-2 has: a tied head, GELU, biases everywhere
GPT2 = {"model__shape": "gpt2", "model__dropout": 0.2, "model__embedding_dropout": 0.1, "train__backend": "c"}
GPT2 |= {"optimizer__decay": "matrices", "optimizer__weight_decay": 0.1, "optimizer__clip": 0.05}
GPT2 |= {"optimizer__warmup": 5, "optimizer__beta2": 0.99}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return data_folder(tmp_path_factory.mktemp("data") / "few-names")


@pytest.fixture(scope="module")
def recipe(data):
    return tiny_gpt(data, 30, **GPT2)


@pytest.fixture(scope="module")
def whole(recipe, tmp_path_factory):
    """A run of the program, from the first step to the last."""
    finish(start(PROGRAM, recipe, place := tmp_path_factory.mktemp("whole") / "run"))
    return place


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A file of 6,000 characters."""
    path = tmp_path_factory.mktemp("text") / "made.txt"
    letters = np.random.default_rng(5).choice([*"the cat sat on a mat\n"], 6_000)
    path.write_text("".join(letters), encoding="utf-8")
    return path


def same_as_the_c_backend(recipe, place):
    """What both leave behind."""
    train(recipe, place / "by-python", "c")
    finish(start(PROGRAM, recipe, place / "run"))
    assert content(place / "run") == content(place / "by-python")
    assert (place / "run" / "config.toml").read_bytes() == (place / "by-python" / "config.toml").read_bytes()
    return content(place / "run")


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"model__dtype": "float32"},
        {"model__shape": "course", "optimizer__decay": "all", "optimizer__clip": 0.0, "sample__new": True},
        {"train__evaluation": "all", "train__batch_size": 5, "sample__tokens": 0, "sample__top_k": 3},
        {"train__evaluation": "batches", "train__order": "sequential", "sample__temperature": 0.0},
        {"model__n_head": 1, "model__context_length": 1, "sample__temperature": 0.7},
        {"data__kind": "text", "data__split": "position", "sample__tokens": 0, "optimizer__schedule": "step"},
    ],
    ids=str,
)
def test_the_program_writes_what_the_c_backend_writes(data, tmp_path, settings):
    same_as_the_c_backend(tiny_gpt(data, 30, **GPT2 | settings), tmp_path)


@pytest.mark.parametrize("threads", ["1", "3"])
def test_in_float64_it_is_what_numpy_writes_at_any_number_of_threads(recipe, tmp_path, threads, whole):
    train(recipe.override("train.backend", "numpy"), tmp_path / "by-numpy", "numpy")
    assert run_program(recipe, tmp_path / "run", "--threads", threads).returncode == 0
    assert content(tmp_path / "run") == content(whole)
    for name in ("log.csv", "samples.txt"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "by-numpy" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_model_gpt_is_the_recipe_gpt_cpu(text, tmp_path, dtype):
    flags = {"steps": "3", "eval-every": "2", "eval-batches": "1", "dtype": dtype, "data": str(text), "tokens": "80"}
    given = [word for name, value in flags.items() for word in (f"--{name}", value)]
    done = subprocess.run(
        [str(built()), "--model", "gpt", *given, "--out", str(tmp_path / "run")], capture_output=True, text=True
    )
    assert done.returncode == 0, done
    assert done.stderr == "made: a text, 11 characters; tokens: train 5,400, val = test 600\n" + (
        "val has only 600 tokens: expect noise in val_loss\n"
    )
    recipe = recipes.load("gpt-cpu").override("model.dtype", dtype).override("data.name", str(text))
    recipe = recipe.override("sample.tokens", 80)  # more than its context holds
    for key, value in (("steps", 3), ("eval_every", 2), ("eval_batches", 1)):
        recipe = recipe.override(f"train.{key}", value)
    train(recipe, tmp_path / "by-python", "c")
    assert content(tmp_path / "run") == content(tmp_path / "by-python")
    assert (tmp_path / "run" / "config.toml").read_bytes() == (tmp_path / "by-python" / "config.toml").read_bytes()
    assert (tmp_path / "run" / "samples.txt").stat().st_size == 81


def test_the_same_command_shows_a_finished_run_again(recipe, tmp_path):
    finished = finish(start(PROGRAM, recipe, tmp_path))
    done = run_program(recipe, tmp_path)
    assert (done.returncode, done.stdout) == (0, finished)
    assert done.stderr.startswith(f"{tmp_path} holds this run, finished: ")


def test_a_run_begun_by_python_goes_on_in_the_program(recipe, tmp_path, whole):
    stopped(Run(recipe, "c", tmp_path), 13, "before the update")
    finish(start(PROGRAM, recipe, tmp_path, "--resume"))
    assert content(tmp_path) == content(whole)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_a_run_stopped_in_the_program_goes_on_in_python(recipe, tmp_path, whole, how):
    error = stop_after(start(PROGRAM, recipe, tmp_path), 2, how)
    if how == signal.SIGINT:
        assert "; the same command with --resume continues in " in error
    train(recipe, tmp_path, "c", resume=True)
    assert content(tmp_path) == content(whole)


def test_a_run_killed_again_and_again_loses_nothing(recipe, tmp_path, whole):
    for lines in (1, 1, 2, 1):
        stop_after(start(PROGRAM, recipe, tmp_path, "--resume"), lines, signal.SIGKILL)
    finish(start(PROGRAM, recipe, tmp_path, "--resume"))
    assert content(tmp_path) == content(whole)


def test_a_run_goes_on_to_more_steps(recipe, tmp_path):
    short = recipe.override("train.steps", 12).override("optimizer.schedule", "constant")
    long = short.override("train.steps", 30)
    finish(start(PROGRAM, short, tmp_path / "run"))
    finish(start(PROGRAM, long, tmp_path / "run", "--resume"))
    finish(start(PROGRAM, long, tmp_path / "at-once"))
    assert content(tmp_path / "run") == content(tmp_path / "at-once")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model.n_layer", 1, "had model.n_layer = 2, not 1; ask for the same settings, or, "),
        ("model.shape", "course", 'had model.shape = "gpt2", not "course"; '),
        ("model.dropout", 0.1, "had model.dropout = 0.2, not 0.1; "),
        ("optimizer.clip", 0.0, "had optimizer.clip = 0.05, not 0.0; "),
        ("model.kind", "mlp", 'had model.kind = "gpt", not "mlp"; '),
    ],
)
def test_a_checkpoint_of_another_model_is_not_resumed(recipe, tmp_path, whole, key, value, message):
    before = content(whole)
    done = subprocess.run(
        [*words(PROGRAM, recipe.override(key, value), whole, "--resume")], capture_output=True, text=True
    )
    refused(done, message)
    assert content(whole) == before


def test_a_run_with_muon_is_resumed_by_nnz_alone(recipe, tmp_path):
    train(recipe.override("optimizer.name", "muon").override("train.steps", 2), tmp_path, "c")
    refused(run_program(recipe, tmp_path, "--resume"), 'had optimizer.name = "muon", which this program does not do; ')


def test_a_context_longer_than_the_text_is_named_as_python_names_it(recipe, tmp_path):
    done = run_program(recipe.override("model.context_length", 72), tmp_path / "run")
    refused(done, "the train split has 71 tokens, too few for context_length 72: it must have at least 73; take ")
    assert not (tmp_path / "run").exists()


def test_a_gpt_that_diverges_is_one_line_and_keeps_its_checkpoint(recipe, tmp_path):
    done = run_program(recipe.override("optimizer.lr", 1e300).override("optimizer.warmup", 0), tmp_path)
    refused(done, f"is not finite: the training diverged; train with a lower optimizer.lr; {tmp_path} keeps the ")
