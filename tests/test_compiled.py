"""An MLP that torch.compile made one piece of, and where there can be none."""

import numpy as np
import pytest
from tiny_runs import data_folder, nnz

from nnz import RNG, backends

INPUTS, TARGETS = np.arange(24).reshape(8, 3) % 5, np.arange(8) % 5


def mlp(backend, **settings):
    return backends.load(backend).MLP(5, 3, 7, 11, rng=RNG(1), compile=True, **settings)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler uses what torch deprecates
def test_it_is_compiled_and_backward_gives_the_same_bits_twice():
    torch, nn = pytest.importorskip("torch", reason="torch is not installed"), backends.load("torch")
    model, before = mlp("torch"), torch.get_num_threads()
    try:
        nn.set_threads(2)
        _, loss = model(torch.from_numpy(INPUTS), torch.from_numpy(TARGETS))
        assert "CompiledFunction" in loss.grad_fn.name()
        once, *others = ({name: g.tobytes() for name, g in model.backward().items()} for _ in range(20))
    finally:
        nn.set_threads(before)
    assert all(other == once for other in others)


@pytest.mark.parametrize("backend", ["c", "numpy"])
def test_without_torch_it_is_refused(backend):
    with pytest.raises(ValueError, match="only torch can compile a model: leave compile out"):
        mlp(backend)


def test_it_is_refused_where_every_bit_is_promised():
    pytest.importorskip("torch", reason="torch is not installed")
    with pytest.raises(ValueError, match="does not keep precision 'strict': leave compile out"):
        mlp("torch", precision="strict")


@pytest.mark.parametrize("recipe", ["names", "gpt-cpu"])
def test_without_a_compiler_the_command_says_in_one_line_what_to_install(capsys, monkeypatch, tmp_path, recipe):
    pytest.importorskip("torch", reason="torch is not installed")
    monkeypatch.setenv("CXX", "no-such-compiler -O2")
    data = data_folder(tmp_path / "few-names")
    words = ("train", recipe, "--backend", "torch", "--compile", "--data", data, "--out", tmp_path / "run")
    code, out, err = nnz(capsys, *words)
    assert (code, out, err.count("\n")) == (1, "", 1), err
    assert "torch.compile needs a C++ compiler, and there is no no-such-compiler" in err


def test_a_rung_of_layers_is_not_compiled(capsys, tmp_path):
    words = ("train", "residual", "--backend", "numpy", "--compile", "--out", tmp_path / "run")
    assert nnz(capsys, *words) == (2, "", "nnz: train.compile is of gpt and mlp; leave it out for residual\n")
