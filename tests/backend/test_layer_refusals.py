"""What a layer refuses: the same exception with the same words in every backend, before anything is computed."""

import numpy as np
import pytest

import nnz
from nnz.backend import registry

each_backend = pytest.mark.parametrize("nn", [pytest.param(name, id=name) for name in registry.names()], indirect=True)


@pytest.fixture
def nn(request):
    return registry.load(request.param)


def linear(nn, N=4, M=3, **settings):
    return nn.Linear(N, M, rng=nnz.RNG(1), dtype="float64", **settings)


def x(*shape: int, dtype: str = "float64") -> np.ndarray:
    return np.ones(shape, dtype)


REFUSED = {
    "a list": (lambda nn: linear(nn)([[1.0] * 4]), TypeError, "x must be an array, not list"),
    "integers": (lambda nn: linear(nn)(x(2, 4, dtype="int64")), TypeError, "x must be float32 or float64, not int64"),
    "another dtype": (
        lambda nn: linear(nn)(x(2, 4, dtype="float32")),
        ValueError,
        "x must be float64, as the layer is, not float32",
    ),
    "another width": (lambda nn: linear(nn)(x(2, 5)), ValueError, "x must have shape (B, 4) or (B, T, 4); got (2, 5)"),
    "one axis": (lambda nn: linear(nn)(x(4)), ValueError, "x must have shape (B, 4) or (B, T, 4); got (4,)"),
    "no rows": (lambda nn: linear(nn)(x(0, 4)), ValueError, "x is empty, shape (0, 4); every size must be at least 1"),
    "layers that do not fit": (
        lambda nn: nn.Sequential(linear(nn), linear(nn))(x(2, 4)),
        ValueError,
        "x must have shape (B, 4) or (B, T, 4); got (2, 3)",
    ),
    "an id that is none": (
        lambda nn: nn.Embedding(5, 2, rng=nnz.RNG(1))(np.array([[0, 5]])),
        ValueError,
        "ids[0, 1] is 5; token ids run from 0 to 4",
    ),
    "ids of one axis": (
        lambda nn: nn.Embedding(5, 2, rng=nnz.RNG(1))(np.array([0, 1])),
        ValueError,
        "ids must have shape (B, T); got (2,)",
    ),
    "positions that do not divide": (
        lambda nn: nn.Flatten(2)(x(2, 3, 4)),
        ValueError,
        "Flatten(2) needs a multiple of 2 positions; got shape (2, 3, 4)",
    ),
    "nothing to flatten": (lambda nn: nn.Flatten()(x(2, 3)), ValueError, "x must have shape (B, T, C); got (2, 3)"),
    "a group of none": (lambda nn: nn.Flatten(0), ValueError, "n must be at least 1; got 0"),
    "a residual that changes the shape": (
        lambda nn: nn.Residual(linear(nn))(x(2, 4)),
        ValueError,
        "Residual needs a layer that keeps the shape; it turned (2, 4) into (2, 3)",
    ),
    "a function for a layer": (
        lambda nn: nn.Sequential(np.tanh),
        TypeError,
        "a layer was expected, such as nn.Tanh(); got ufunc",
    ),
    "no layers": (lambda nn: nn.Sequential(), ValueError, "Sequential needs at least one layer"),
    "one layer in two places": (
        lambda nn: nn.Sequential(tanh := nn.Tanh(), nn.Residual(tanh)),
        ValueError,
        "the same layer is in two places; make one for each",
    ),
    "no rng": (
        lambda nn: nn.Linear(4, 3),
        TypeError,
        "rng must be an nnz.RNG, such as nnz.RNG(1337); got NoneType",
    ),
    "a size of none": (lambda nn: linear(nn, M=0), ValueError, "out_features must be at least 1; got 0"),
    "a bias that is neither": (lambda nn: linear(nn, bias=1), TypeError, "bias must be True or False, not int"),
    "a negative gain": (lambda nn: linear(nn, gain=-1.0), ValueError, "gain must be finite and at least 0; got -1.0"),
    "another momentum": (
        lambda nn: nn.BatchNorm1d(4, momentum=None),
        TypeError,
        "momentum must be a number, not NoneType",
    ),
    "backward before forward": (
        lambda nn: linear(nn).backward(x(2, 3)),
        RuntimeError,
        "backward needs a forward first: call layer(x)",
    ),
    "a gradient of another shape": (
        lambda nn: ((layer := linear(nn))(x(2, 4)), layer.backward(x(2, 4))),
        ValueError,
        "dy must have the shape (2, 3) of what the forward gave; got (2, 4)",
    ),
    "a missing weight": (
        lambda nn: linear(nn).load_parameters({"weight": x(3, 4)}),
        ValueError,
        "parameters lacks 'bias'; it needs weight, bias",
    ),
    "a statistic for a layer without": (
        lambda nn: linear(nn).load_buffers({"running_mean": x(3)}),
        ValueError,
        "buffers holds 'running_mean', which has no place here",
    ),
    "a device that is not there": (
        lambda nn: linear(nn).to("tpu"),
        ValueError,
        "device must be one of cpu here; got 'tpu'",
    ),
}


@each_backend
@pytest.mark.parametrize("what", REFUSED)
def test_a_layer_refuses(nn, what) -> None:
    call, kind, message = REFUSED[what]
    with pytest.raises(kind) as error:
        call(nn)
    assert type(error.value) is kind
    assert str(error.value).replace("cpu, cuda", "cpu") == message


@each_backend
def test_train_and_eval_reach_every_layer_inside(nn) -> None:
    norm = nn.BatchNorm1d(4, dtype="float64")
    model = nn.Sequential(nn.Residual(nn.Sequential(norm, nn.Tanh())))
    assert norm.training
    assert model.eval() is model
    assert not norm.training
    assert model.train() is model
    assert norm.training


@each_backend
def test_writing_to_a_parameter_or_a_buffer_changes_the_layer(nn) -> None:
    norm = nn.BatchNorm1d(4, dtype="float64").eval()
    before = norm(x(2, 4))
    norm.parameters()["bias"][...] += 1
    shifted = norm(x(2, 4))
    assert np.all(shifted > before)
    norm.buffers()["running_mean"][...] += 1
    assert np.all(norm(x(2, 4)) < shifted)


def test_a_torch_layer_takes_and_gives_tensors_that_autograd_can_follow() -> None:
    torch = pytest.importorskip("torch")
    layer = linear(registry.load("torch"))
    given = torch.ones(2, 4, dtype=torch.float64, requires_grad=True)
    y = layer(given)
    y.sum().backward(retain_graph=True)
    assert np.array_equal(given.grad.numpy(), layer.backward(torch.ones_like(y)).numpy())
    assert np.array_equal(layer(given.detach().numpy()), y.detach().numpy())
