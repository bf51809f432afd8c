import json
import os
import pickle

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tiny_runs import BUILT

from nnz import RNG, assembly, atomic, backends, checkpoints, tensor_file
from nnz.checkpoints import Checkpoint
from nnz.recipe import Recipe
from nnz.tokenizers import CharTokenizer

TOKENIZER = CharTokenizer("\nabcé你😀")
RECIPE = Recipe("tiny").override("model.hidden_size", 5).override("model.embedding_size", 2)
SHAPES = {"wte": (7, 2), "fc1.weight": (5, 6), "fc1.bias": (5,), "fc2.weight": (7, 5), "fc2.bias": (7,)}


def checkpoint(recipe=RECIPE, seed=1, backend="numpy", **fields):
    rng, dtype = RNG(seed), recipe.model.dtype
    parameters = {name: rng.normal(shape, dtype=dtype) for name, shape in SHAPES.items()}
    optimizer = {f"{kind}.{name}": rng.normal(shape, dtype=dtype) for kind in "mv" for name, shape in SHAPES.items()}
    return Checkpoint(recipe, TOKENIZER, backend, 12, parameters, optimizer, 12, **fields)


def rewritten(path, change):
    """Write the file again after `change(metadata, arrays)`; with the library, so that only the content differs."""
    arrays, metadata = load_file(path), read_metadata(path)
    change(metadata, arrays)
    save_file(arrays, path, metadata=metadata)


def read_metadata(path):
    with open(path, "rb") as file:
        return json.loads(file.read(int.from_bytes(file.read(8), "little")))["__metadata__"]


@pytest.fixture
def path(tmp_path):
    checkpoints.save(tmp_path / "a.safetensors", checkpoint())
    return tmp_path / "a.safetensors"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_saved_is_loaded_again_to_the_bit(tmp_path, dtype):
    saved = checkpoint(RECIPE.override("model.dtype", dtype), val_loss=1 / 3, best_val_loss=0.1 + 0.2)
    checkpoints.save(tmp_path / "a.safetensors", saved)
    loaded = checkpoints.load(tmp_path / "a.safetensors")
    for kind in ("parameters", "optimizer"):
        before, after = getattr(saved, kind), getattr(loaded, kind)
        assert {name: (a.dtype, a.shape, a.tobytes()) for name, a in before.items()} == {
            name: (a.dtype, a.shape, a.tobytes()) for name, a in after.items()
        }
    assert list(loaded.parameters) == list(SHAPES)
    assert (loaded.recipe, loaded.backend, loaded.step, loaded.t) == (saved.recipe, "numpy", 12, 12)
    assert (loaded.val_loss, loaded.best_val_loss) == (1 / 3, 0.1 + 0.2)
    assert loaded.tokenizer.to_config() == TOKENIZER.to_config()


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    checkpoints.save(tmp_path / "b.safetensors", checkpoint())
    assert path.read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    checkpoints.save(tmp_path / "c.safetensors", checkpoint(seed=2))
    assert path.read_bytes() != (tmp_path / "c.safetensors").read_bytes()


def test_the_safetensors_library_reads_what_we_write(path):
    arrays = load_file(path)
    assert arrays["fc1.weight"].tobytes() == checkpoint().parameters["fc1.weight"].tobytes()
    assert set(arrays) == {*SHAPES, *(f"{kind}.{name}" for kind in "mv" for name in SHAPES)}


def test_a_strided_or_big_endian_array_is_written_by_value(tmp_path):
    strided = np.arange(12.0).reshape(3, 4).T
    tensor_file.write(tmp_path / "a", {"s": strided, "b": strided.astype(">f8")}, {})
    loaded = load_file(tmp_path / "a")
    assert np.array_equal(loaded["s"], strided)
    assert np.array_equal(loaded["b"], strided)


def test_the_file_can_be_read_by_whom_the_umask_allows(path):
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


BAD_CHANGES = {
    "another format": (lambda m, a: m.update(format="nnz-checkpoint-9"), "its format is 'nnz-checkpoint-9'"),
    "no metadata": (lambda m, a: m.clear(), "its format is None"),
    "no tokenizer": (lambda m, a: m.pop("tokenizer"), "metadata lack 'tokenizer'"),
    "a tokenizer of another kind": (lambda m, a: m.update(tokenizer='{"kind": "x"}'), "'x'"),
    "a tokenizer that is no table": (lambda m, a: m.update(tokenizer="[]"), "no table"),
    "a tokenizer that is no JSON": (lambda m, a: m.update(tokenizer="{"), "Expecting"),
    "a tokenizer nested without end": (lambda m, a: m.update(tokenizer="[" * 99_999), "recursion"),
    "a recipe with an unknown key": (lambda m, a: m.update(config="[train]\nx = 1"), "unknown key 'train.x'"),
    "a negative step": (lambda m, a: m.update(step="-1"), "its step is '-1'"),
    "a step in other digits": (lambda m, a: m.update(step="١"), "its step"),
    "a loss that is no number": (lambda m, a: m.update(val_loss="low"), "low"),
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


@pytest.mark.parametrize("fails", ["write", "fsync", "replace"])
def test_a_save_that_fails_leaves_the_old_checkpoint_and_no_litter(path, monkeypatch, fails):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(
        *{"write": (tensor_file, "write"), "fsync": (os, "fsync"), "replace": (os, "replace")}[fails], full
    )
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(path, checkpoint(seed=2))
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_save_syncs_the_file_before_it_takes_the_name_and_the_folder_after(path, monkeypatch):
    calls = []
    sync, replace = atomic.sync, os.replace
    monkeypatch.setattr(atomic, "sync", lambda p: (calls.append(("sync", p.name)), sync(p)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append(("replace", b.name)), replace(a, b)))
    checkpoints.save(path, checkpoint(seed=2))
    assert calls == [("sync", "a.safetensors.tmp"), ("replace", "a.safetensors"), ("sync", path.parent.name)]


@pytest.mark.parametrize("reader", backends.names())
@pytest.mark.parametrize("writer", backends.names())
def test_a_checkpoint_of_any_backend_gives_the_same_model_in_any_other(tmp_path, writer, reader):
    for name in {writer, reader} - set(BUILT):
        pytest.skip(f"backend {name} is not there")
    written, read, direct = (assembly.model(backends.load(name), RECIPE, 7) for name in (writer, reader, reader))
    direct.load_parameters(checkpoint().parameters)
    written.load_parameters(checkpoint().parameters)
    saved = checkpoint(backend=writer)
    saved.parameters = checkpoints.on_host(written.parameters())
    checkpoints.save(tmp_path / "a.safetensors", saved)
    read.load_parameters(checkpoints.load(tmp_path / "a.safetensors").parameters)
    inputs = np.array([[0, 3, 6], [1, 1, 2]], dtype=np.int32)
    assert np.asarray(read(inputs)[0]).tobytes() == np.asarray(direct(inputs)[0]).tobytes()
    assert checkpoints.on_host(read.parameters())["wte"].tobytes() == checkpoint().parameters["wte"].tobytes()
