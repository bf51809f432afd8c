import os

import numpy as np
import pytest
from safetensors.numpy import load_file
from support.tiny_checkpoints import RECIPE, SHAPES, TOKENIZER, checkpoint, rewrite
from support.tiny_runs import BUILT

from nnz.backend import registry
from nnz.files import atomic, tensor_file
from nnz.recipes import from_recipe
from nnz.runs import checkpoints
from nnz.runs.folder import RunFolder


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
    temporary = calls[0][1]
    assert temporary.startswith(".a.safetensors.")
    assert calls == [("sync", temporary), ("replace", "a.safetensors"), ("sync", path.parent.name)]


@pytest.mark.parametrize("reader", registry.names())
@pytest.mark.parametrize("writer", registry.names())
def test_a_checkpoint_of_any_backend_gives_the_same_model_in_any_other(tmp_path, writer, reader):
    for name in {writer, reader} - set(BUILT):
        pytest.skip(f"backend {name} is not there")
    written, read, direct = (from_recipe.model(registry.load(name), RECIPE, 7) for name in (writer, reader, reader))
    direct.load_parameters(checkpoint().parameters)
    written.load_parameters(checkpoint().parameters)
    saved = checkpoint(backend=writer)
    saved.parameters = checkpoints.to_numpy(written.parameters())
    checkpoints.save(tmp_path / "a.safetensors", saved)
    read.load_parameters(checkpoints.load(tmp_path / "a.safetensors").parameters)
    inputs = np.array([[0, 3, 6], [1, 1, 2]], dtype=np.int32)
    assert np.asarray(read(inputs)[0]).tobytes() == np.asarray(direct(inputs)[0]).tobytes()
    assert checkpoints.to_numpy(read.parameters())["wte"].tobytes() == checkpoint().parameters["wte"].tobytes()


def test_an_old_checkpoint_is_known_by_its_settings_not_by_the_name_of_its_text(path):
    def without_evaluation(metadata, arrays):
        recipe = RECIPE.override("data.name", "evaluation.txt").override("train.evaluation", "all")
        lines = recipe.to_toml().splitlines(keepends=True)
        metadata["config"] = "".join(line for line in lines if not line.startswith("evaluation = "))

    rewrite(path, without_evaluation)
    loaded = checkpoints.load(path)
    assert (loaded.recipe.data.name, loaded.recipe.train.evaluation) == ("evaluation.txt", "batches")


def test_whose_a_log_is_is_known_from_its_first_line_however_long_it_is(tmp_path):
    folder = RunFolder(tmp_path)
    folder.start_log()
    os.truncate(folder.log, 2**40)  # with a hole that takes no space
    folder.config.touch()
    assert folder.clear(restart=False)
    assert os.listdir(tmp_path) == []
