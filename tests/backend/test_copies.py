"""Models that are copied or forked, and arrays of any layout, mean the same in every backend."""

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from support.tiny_runs import BUILT

import nnz
from nnz.backend import registry

each_backend = pytest.mark.parametrize("nn", [pytest.param(name, id=name) for name in registry.names()], indirect=True)
INPUTS, TARGETS = np.array([[1, 2, 3], [4, 5, 6]]), np.array([1, 2])


@pytest.fixture
def nn(request):
    if request.param not in BUILT:
        pytest.skip(f"backend {request.param} is not there")
    return registry.load(request.param)


def model(nn, seed=1):
    return nn.MLP(11, 3, 5, 7, rng=nnz.RNG(seed), dtype="float64")


def values(arrays):
    return {name: np.asarray(a).tobytes() for name, a in arrays.items()}


@each_backend
def test_a_deep_copy_is_a_model_of_its_own(nn):
    original = model(nn)
    original(INPUTS, TARGETS)
    before = values(original.parameters())
    twin = copy.deepcopy(original)
    assert twin(INPUTS, TARGETS)[1] == original(INPUTS, TARGETS)[1]
    nn.SGD(twin.parameters(), lr=1.0).step(twin.backward())
    assert values(original.parameters()) == before != values(twin.parameters())


@each_backend
def test_a_copy_shares_the_weights_and_not_the_batch(nn):
    original = model(nn)
    original(INPUTS, TARGETS)
    gradients = values(original.backward())
    twin = copy.copy(original)
    with pytest.raises(RuntimeError, match="backward needs a forward"):
        twin.backward()
    twin(INPUTS[::-1] + 1, TARGETS)
    assert values(original.backward()) == gradients
    nn.SGD(twin.parameters(), lr=1.0).step(twin.backward())
    assert values(original.parameters()) == values(twin.parameters())


@each_backend
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_a_copied_optimizer_moves_its_own_parameters_as_the_original_does(nn, copied):
    original = model(nn)
    original(INPUTS, TARGETS)
    optimizer, gradients = nn.AdamW(original.parameters(), lr=0.1), original.backward()
    twin, before = copied(optimizer), values(original.parameters())
    twin.step(gradients)
    assert values(original.parameters()) == before
    optimizer.step(gradients)
    assert values(twin._p) == values(original.parameters())


@each_backend
def test_an_array_under_two_names_is_updated_twice_by_moments_of_their_own(nn):
    w = np.array([1.0, -2.0, 3.0])
    tied = nn.AdamW({"a": w, "b": w}, lr=0.1)
    apart = nn.AdamW({"a": w.copy(), "b": w.copy()}, lr=0.1)
    for factor in (1.0, -0.5, 3.0):
        gradients = {"a": factor * np.array([1.0, 2.0, 3.0]), "b": factor * np.array([-4.0, 5.0, 0.0])}
        tied.step(gradients)
        apart.step(gradients)
    assert values(tied.state()) == values(apart.state())  # no moment depends on the parameter


LAYOUTS = {
    "backwards": lambda a: a[..., ::-1].copy()[..., ::-1],
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "of the other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "unaligned": lambda a: np.frombuffer(b"?" + a.tobytes(), a.dtype, offset=1).reshape(a.shape),
}


@each_backend
@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_any_layout_are_loaded_and_stepped_with_by_value(nn, layout):
    expected, loaded, laid = model(nn, seed=2), model(nn), LAYOUTS[layout]
    loaded.load_parameters({name: laid(np.asarray(p)) for name, p in expected.parameters().items()})
    assert values(loaded.parameters()) == values(expected.parameters())
    optimizers = [nn.AdamW(m.parameters()) for m in (expected, loaded)]
    expected(INPUTS, TARGETS)
    gradients = expected.backward()
    optimizers[0].step(gradients)
    optimizers[1].step({name: laid(np.asarray(g)) for name, g in gradients.items()})
    assert values(loaded.parameters()) == values(expected.parameters())
    optimizers[1].load_state({name: laid(np.asarray(a)) for name, a in optimizers[0].state().items()}, t=1)
    assert values(optimizers[1].state()) == values(optimizers[0].state())


FORK = """
import os, sys
import numpy as np
import nnz, nnz.{backend} as nn
nn.set_threads(2)
model, inputs = nn.MLP(27, 3, 48, 512, rng=nnz.RNG(1)), np.ones((512, 3), int)  # enough work for two threads
loss, gradients = model(inputs, inputs[:, 0])[1], model.backward()
child = os.fork()
if child == 0:
    nn.set_threads(2)
    same = model(inputs, inputs[:, 0])[1] == loss
    os._exit(0 if same and all((a == gradients[name]).all() for name, a in model.backward().items()) else 3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("backend", ["c", "numpy"])  # torch itself hangs: its documentation says not to fork
def test_a_forked_child_computes_the_same(backend):
    if backend not in BUILT:
        pytest.skip(f"backend {backend} is not there")
    command = [sys.executable, "-c", FORK.format(backend=backend)]
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
