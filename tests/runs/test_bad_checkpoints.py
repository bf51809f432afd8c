"""Files that are no checkpoint, or one that does not fit itself, are refused in one line."""

import json
import pickle

import pytest
from safetensors.numpy import load_file, save_file

from nnz.runs import checkpoints


def rewritten(path, change):
    """Write the file again after `change(metadata, arrays)`; with the library, so that only the content differs."""
    arrays, metadata = load_file(path), read_metadata(path)
    change(metadata, arrays)
    save_file(arrays, path, metadata=metadata)


def read_metadata(path):
    with open(path, "rb") as file:
        return json.loads(file.read(int.from_bytes(file.read(8), "little")))["__metadata__"]


BAD_CHANGES = {
    "another format": (lambda m, a: m.update(format="nnz-checkpoint-9"), "its format is 'nnz-checkpoint-9'"),
    "no metadata": (lambda m, a: m.clear(), "its format is None"),
    "no tokenizer": (lambda m, a: m.pop("tokenizer"), "metadata lack 'tokenizer'"),
    "a tokenizer of another kind": (lambda m, a: m.update(tokenizer='{"kind": "x"}'), "'x'"),
    "a tokenizer that is no table": (lambda m, a: m.update(tokenizer="[]"), "Expected `object`, got `array`"),
    "a tokenizer that is no JSON": (lambda m, a: m.update(tokenizer="{"), "truncated"),
    "a tokenizer without end": (
        lambda m, a: m.update(tokenizer='{"words": ' + "[" * 99_999),
        "nested too deeply",
    ),
    "a recipe with an unknown key": (lambda m, a: m.update(config="[train]\nx = 1"), "unknown key 'train.x'"),
    "a negative step": (lambda m, a: m.update(step="-1"), "its step is '-1'"),
    "a step in other digits": (lambda m, a: m.update(step="١"), "its step"),
    "a loss that is not a number": (lambda m, a: m.update(val_loss="low"), "low"),
    "a missing parameter": (lambda m, a: a.pop("fc2.bias"), "lacks 'fc2.bias'"),
    "a missing moment": (lambda m, a: a.pop("v.wte"), "lacks 'v.wte'"),
    "a foreign array": (lambda m, a: a.update(x=a["wte"]), "holds 'x'"),
    "a transposed weight": (
        lambda m, a: a.update({"fc1.weight": a["fc1.weight"].T.copy()}),
        "'fc1.weight' is F32 (6, 5)",
    ),
    "a moment of another shape": (lambda m, a: a.update({"m.wte": a["m.wte"][:-1].copy()}), "'m.wte' is F32 (6, 2)"),
    "another dtype": (lambda m, a: a.update({"fc1.bias": a["fc1.bias"].astype("f8")}), "'fc1.bias' is F64 (5,)"),
    "a recipe of another size": (
        lambda m, a: m.update(config="[model]\nhidden_size = 6\nembedding_size = 2"),
        "'fc1.bias' is F32 (5,) where its recipe has F32 (6,)",
    ),
}


@pytest.mark.parametrize("what", BAD_CHANGES)
def test_a_checkpoint_that_does_not_fit_its_recipe_is_refused(path, what):
    change, message = BAD_CHANGES[what]
    rewritten(path, change)
    with pytest.raises(ValueError, match=f"^{path} is not a whole nnz-checkpoint-1 file: ") as error:
        checkpoints.load(path)
    assert message in str(error.value)


def test_a_rewritten_checkpoint_that_was_not_changed_is_accepted(path):
    rewritten(path, lambda metadata, arrays: None)
    assert checkpoints.load(path).step == 12


def test_every_shortened_file_is_refused(path):
    whole = path.read_bytes()
    lengths = [*range(0, 200, 7), *range(200, len(whole), 97), len(whole) - 1]
    for length in lengths:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is not a whole nnz-checkpoint-1 file"):
            checkpoints.load(path)


@pytest.mark.parametrize("content", [b"", b"step,train_loss\n0,1\n", pickle.dumps({"wte": 1}), b"\xff" * 64])
def test_a_file_of_another_kind_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not a whole nnz-checkpoint-1 file"):
        checkpoints.load(path)


def test_a_missing_file_and_a_folder_are_errors_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        checkpoints.load(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        checkpoints.load(tmp_path)
