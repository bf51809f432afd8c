"""A checkpoint whose hashes are right, but which says what no run has written, is refused by build/mlp in one line."""

import subprocess

import numpy as np
import pytest
from support.built_program import built, conformance
from support.malformed_requests import framed
from support.tiny_checkpoints import checkpoint, rewrite
from support.tiny_commands import PROGRAM, finish, start, words
from support.tiny_runs import data_folder, tiny_recipe

from nnz.files import tensor_file
from nnz.runs import checkpoints


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The recipe and the folder of a run of build/mlp."""
    place = tmp_path_factory.mktemp("run")
    recipe = tiny_recipe(data_folder(place / "few-names"), train__evaluation="batches")
    finish(start(PROGRAM, recipe, place / "run"))
    return recipe, place / "run"


@pytest.fixture
def resumed(finished):
    """Rewrite its checkpoint by `change(metadata, arrays)`, resume it, put it back; return exit code and stderr."""
    recipe, run = finished
    path = run / "checkpoint.safetensors"
    whole = path.read_bytes()

    def resume(change):
        rewrite(path, change)
        done = subprocess.run(words(PROGRAM, recipe, run, "--resume"), capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    yield resume
    path.write_bytes(whole)


def config(add="", end="\n"):
    """Let the recipe end in that line."""
    return lambda m, a: m.update(config=m["config"] + add + end)


FORGED = {
    "another format": (lambda m, a: m.update(format="nnz-checkpoint-9"), "its format is nnz-checkpoint-9"),
    "no format": (lambda m, a: m.pop("format"), "its metadata lack format"),
    "no hash": (lambda m, a: m.pop("sha256"), "are not those that were saved"),
    "nothing printed": (lambda m, a: m.pop("printed"), "its metadata lack printed"),
    "no step": (lambda m, a: m.update(step=""), "this is not a whole number: its step"),
    "a step with a tail": (lambda m, a: m.update(step="23x"), "this is not a whole number: its step"),
    "a step of 16 digits": (lambda m, a: m.update(step="1" * 16), "this is not a whole number: its step"),
    "no loss": (lambda m, a: m.update(val_loss=""), "this is not a number: its val_loss"),
    "a loss in words": (lambda m, a: m.update(best_val_loss="low"), "this is not a number: its best_val_loss"),
    "an array too few": (lambda m, a: a.pop("v.wte"), "it lacks v.wte"),
    "an array too many": (lambda m, a: a.update(x=a["wte"]), "it holds arrays that its recipe does not know"),
    "another dtype": (lambda m, a: a.update({"m.wte": a["m.wte"].astype("f4")}), "than its recipe's has m.wte"),
    "another rank": (lambda m, a: a.update(wte=a["wte"][None]), "than its recipe's has wte"),
    "another shape": (lambda m, a: a.update(wte=a["wte"].T.copy()), "than its recipe's has wte"),
    "a line that is none": (config("batch size"), "has a line that nnz would not write: batch size"),
    "a key in brackets": (config("[x = 3"), "had sample.[x = 3, which this program does not do"),
    "a list without an end": (config("x = [\n1,"), "had sample.x = [, which this program does not do"),
    "an unknown section": (config("[extra]\nx = 3"), "had extra.x = 3, which this program does not do"),
    "a number that is none": (config("[train]\nsteps = ten"), "train.steps = ten is not allowed"),
    "a text that is none": (config("[optimizer]\nname = adamw"), "is not a whole safetensors file: '\"' is missing"),
}


@pytest.mark.parametrize("what", FORGED)
def test_what_no_run_has_written_is_not_resumed(resumed, what):
    change, message = FORGED[what]
    code, error = resumed(change)
    assert (code, error.count("\n")) == (1, 1), error
    assert message in error


SPACED = {
    "as it is": lambda m, a: None,
    "no end of its last line": lambda m, a: m.update(config=m["config"].rstrip()),
    "white space": lambda m, a: m.update(config=m["config"].replace("\n", " \t\r\n\n") + "  \n"),
    "a name from before": lambda m, a: m.update(config=m["config"].replace('"batches"', '"whole"')),
    "a setting from before": lambda m, a: m.update(config=m["config"].replace('evaluation = "batches"\n', "")),
    "a step beyond the last": lambda m, a: m.update(step=str(10**15 - 1)),
}


@pytest.mark.parametrize("what", SPACED)
def test_what_means_the_same_is_resumed(resumed, what):
    assert resumed(SPACED[what])[0] == 0


@pytest.mark.parametrize("name", ["wte", "fc2.bias", "m.fc1.weight", "v.fc2.bias"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_run_that_is_not_finite_is_not_resumed(finished, resumed, name, value):
    def spoil(metadata, arrays):
        arrays[name].reshape(-1)[-1] = value

    path = finished[1] / "checkpoint.safetensors"
    why = f"{name} is not finite: its training diverged; take another, or train again"
    assert resumed(spoil) == (1, f"mlp: {path}: {why}\n")


IDS = {"inputs": np.zeros((2, 3), np.int32), "targets": np.zeros(2, np.int32)}
NOTES = {"format": "nnz-request-1", "function": "checkpoint", "dtype": "float32", "nonce": "1"}


def test_a_file_of_nothing_is_no_checkpoint_to_go_on_from(tmp_path):
    (tmp_path / "nothing").write_bytes(framed("{}"))
    tensor_file.write(tmp_path / "request", IDS, {**NOTES, "load": str(tmp_path / "nothing"), "save": "new"})
    done = conformance(built(), tmp_path / "request", tmp_path / "response")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "its parameters are not those that were saved" in done.stderr


def test_a_checkpoint_can_be_saved_in_the_folder_one_is_in(tmp_path):
    checkpoints.save(tmp_path / "old", checkpoint())
    step = {"lr": "0.1", "beta1": "0.9", "beta2": "0.9", "eps": "1", "weight_decay": "0"}
    tensor_file.write(tmp_path / "request", IDS, {**NOTES, "load": "old", "save": "new", **step})
    command = [str(built()), "conformance", "request", "response"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert checkpoints.load(tmp_path / "new").step == 13
