"""Not one byte of a checkpoint can change unseen, and to read one takes no pickle and little memory."""

import subprocess
import sys

import numpy as np
import pytest
from support.malformed_requests import BROKEN, malformed
from support.tiny_checkpoints import checkpoint

from nnz.files import tensor_file
from nnz.runs import checkpoints

TAKEN = {"nine axes", "a zero character"}  # whole, though the C reader takes no such thing


@pytest.mark.parametrize("what", sorted(BROKEN.keys() - TAKEN))
def test_what_the_c_reader_refuses_the_python_reader_refuses_too(what, tmp_path):
    (tmp_path / "file").write_bytes(BROKEN[what][0])
    with pytest.raises(ValueError):  # noqa: PT011  (the words are the library's)
        tensor_file.read(tmp_path / "file", lambda metadata, arrays: None)


def content(loaded):
    """All that a checkpoint holds."""
    arrays = loaded.parameters | loaded.buffers | loaded.optimizer
    fields = {k: v for k, v in vars(loaded).items() if k not in ("parameters", "buffers", "optimizer", "tokenizer")}
    held = {name: (a.dtype, a.shape, a.tobytes()) for name, a in arrays.items()}
    return repr(fields), loaded.tokenizer.to_config(), held


@pytest.mark.parametrize("every", [61, pytest.param(1, marks=pytest.mark.slow)])
def test_a_checkpoint_with_any_byte_changed_in_its_header_or_cut_off_is_refused(path, every):
    whole = content(checkpoints.load(path))
    taken = 0
    for i, data in enumerate(malformed(path.read_bytes())):
        if i % every == 0:
            path.write_bytes(data)
            try:
                found = content(checkpoints.load(path))
            except ValueError as error:
                refusal = str(error)
                assert refusal.startswith(f"{path} is not a whole nnz-checkpoint-1 file: ")
            else:
                assert found == whole, i  # white space, or a letter written otherwise
                taken += 1
    assert taken < 60  # out of some 20,000


def test_a_bit_changed_in_any_array_is_seen(path):
    data = path.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    for place in range(begin, len(data), 7):
        path.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        with pytest.raises(ValueError, match="are not those that were saved"):
            checkpoints.load(path)


def test_the_same_parameters_have_the_same_hash_in_any_checkpoint(tmp_path):
    hashes = []
    for name, fields in {"a": {}, "b": {"backend": "torch", "val_loss": 1.0}, "c": {"seed": 2}}.items():
        checkpoints.save(tmp_path / name, checkpoint(**fields))
        hashes.append(tensor_file.read(tmp_path / name, lambda *found: None)[0]["parameters_sha256"])
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_on_request(tmp_path, value):
    diverged = checkpoint()
    diverged.optimizer["v.fc1.weight"][2, 1] = value
    checkpoints.save(tmp_path / "a", diverged)
    assert checkpoints.load(tmp_path / "a").step == 12
    with pytest.raises(ValueError, match=r"v.fc1.weight is not finite: its training diverged; take another"):
        checkpoints.load(tmp_path / "a", finite=True)


WITHOUT_PICKLE = """
import sys, numpy
def refuse(*arguments): raise AssertionError("pickle was used")
for name in ("pickle", "_pickle"):  # numpy has imported them
    for function in ("load", "loads", "Unpickler"): setattr(sys.modules[name], function, refuse)
    sys.modules[name] = None  # whoever imports it from now on gets an ImportError
for name in ("marshal", "shelve", "dill", "cloudpickle", "joblib"): sys.modules[name] = None
from nnz.runs import checkpoints
loaded = checkpoints.load(sys.argv[1])
print(loaded.step)
"""


def test_a_checkpoint_is_loaded_where_pickle_cannot_be_imported(path):
    command = [sys.executable, "-c", WITHOUT_PICKLE, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("12\n", "")


PEAK = """
import resource, sys
from nnz.runs import checkpoints
import safetensors
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
loaded = checkpoints.load(sys.argv[1])
after_load = peak()
checkpoints.save(sys.argv[1] + ".again", loaded)
print(after_load - before, peak() - before)
"""


@pytest.mark.slow
def test_to_read_and_write_a_checkpoint_takes_at_most_twice_its_size_and_50_mb(tmp_path):
    from nnz import RNG
    from nnz.recipes import from_recipe
    from nnz.recipes.recipe import Recipe

    recipe = Recipe("large").override("model.hidden_size", 60_000)
    shapes = from_recipe.parameter_shapes(recipe, 7)
    large = checkpoint()
    large.recipe = recipe
    large.parameters = {name: RNG(1).uniform(0, 1, shape, "float32") for name, shape in shapes.items()}
    large.optimizer = {f"{kind}.{name}": p for kind in "mv" for name, p in large.parameters.items()}
    checkpoints.save(tmp_path / "a", large)
    done = subprocess.run([sys.executable, "-c", PEAK, str(tmp_path / "a")], capture_output=True, text=True, check=True)
    allowed = 2 * (tmp_path / "a").stat().st_size + 50e6
    assert max(map(int, done.stdout.split())) < allowed
