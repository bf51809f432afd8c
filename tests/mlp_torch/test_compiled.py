"""An MLP that torch.compile made one piece of, and where there can be none."""

import numpy as np
import pytest
from support.tiny_runs import BUILT, data_folder, nnz, tiny_recipe, train

from nnz import RNG
from nnz.backend import registry
from nnz.conformance.bounds.compare import T2_LIMIT, t2_error

INPUTS, TARGETS = np.arange(384).reshape(128, 3) % 27, np.arange(128) % 27
SIZES = (27, 3, 48, 512)  # those of the recipe names: large enough for torch to share loops out to threads

compiles = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler uses what torch deprecates


def mlp(backend, **settings):
    return registry.load(backend).MLP(*SIZES, rng=RNG(1), compile=True, **settings)


@pytest.fixture
def torch():
    """torch, with two threads, and nothing compiled yet."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    before = torch.get_num_threads()
    torch.compiler.reset()
    torch.set_num_threads(2)
    yield torch
    torch.set_num_threads(before)


def gradient_bytes(model):
    return {name: gradient.tobytes() for name, gradient in model.backward().items()}


@pytest.mark.slow
@compiles
def test_it_is_compiled_and_always_gives_the_same_bits(torch):
    model = mlp("torch")
    _, loss = model(torch.from_numpy(INPUTS), torch.from_numpy(TARGETS))
    assert "CompiledFunction" in loss.grad_fn.name()
    once = gradient_bytes(model)
    for _ in range(20):
        model(INPUTS, TARGETS)
        assert gradient_bytes(model) == once
    model.backward()["wte"][...] = 0  # the caller's own
    assert gradient_bytes(model) == once


@pytest.mark.slow
@compiles
def test_what_lies_between_is_that_of_the_last_forward_and_changes_nothing(torch):
    model, plain = mlp("torch"), registry.load("torch").MLP(*SIZES, rng=RNG(1))
    for each in (model, plain):
        each(INPUTS, TARGETS)
    before = gradient_bytes(model)
    for each in (model, plain):
        each.parameters()["fc2.weight"][...] *= 2
    with torch.no_grad():
        found, expected = model.intermediates(), plain.intermediates()
    for name in expected:
        apart = t2_error(found[name], expected[name], "float32")
        assert apart <= 2 * T2_LIMIT, name  # each may be off by the limit
    assert gradient_bytes(model) == before


@pytest.mark.slow
@compiles
def test_a_run_that_was_compiled_is_drawn_from_without_a_compiler_and_by_any_backend(
    torch, capsys, monkeypatch, tmp_path
):
    train(tiny_recipe(data_folder(tmp_path / "few-names"), train__compile="on"), tmp_path / "run", "torch")
    monkeypatch.setenv("CXX", "no-such-compiler")
    drawn = {name: nnz(capsys, "sample", tmp_path / "run", "--backend", name) for name in BUILT}
    assert {code for code, _, _ in drawn.values()} == {0}, drawn
    assert len({out for _, out, _ in drawn.values()}) == 1


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
    monkeypatch.setenv("CXX", "g++ -O2")  # to torch too that is the name of one program
    data = data_folder(tmp_path / "few-names")
    words = ("train", recipe, "--backend", "torch", "--compile", "--data", data, "--out", tmp_path / "run")
    code, out, err = nnz(capsys, *words)
    assert (code, out, err.count("\n")) == (1, "", 1), err
    assert "torch.compile needs a C++ compiler, and there is no program 'g++ -O2'" in err


def test_a_rung_of_layers_is_not_compiled(capsys, tmp_path):
    words = ("train", "residual", "--backend", "numpy", "--compile", "--out", tmp_path / "run")
    assert nnz(capsys, *words) == (2, "", "nnz: train.compile is of gpt and mlp; leave it out for residual\n")
