"""The layers of every backend: the rules they share. Their numbers are the level `layers` of the grading."""

import numpy as np
import pytest

import nnz
from nnz.backend import registry

Array = np.ndarray
B, T, N, M = 12, 6, 5, 7

each_backend = pytest.mark.parametrize("nn", [pytest.param(name, id=name) for name in registry.names()], indirect=True)

MAKE = {
    "Linear": lambda nn, draw: nn.Linear(N, M, **draw),
    "Linear without bias": lambda nn, draw: nn.Linear(N, M, bias=False, **draw),
    "Linear with a gain": lambda nn, draw: nn.Linear(N, M, gain=5 / 3, **draw),
    "BatchNorm1d": lambda nn, draw: nn.BatchNorm1d(N, dtype=draw["dtype"]),
    "Tanh": lambda nn, draw: nn.Tanh(),
    "Residual": lambda nn, draw: nn.Residual(nn.Sequential(nn.Linear(N, N, **draw), nn.Tanh())),
    "Sequential": lambda nn, draw: nn.Sequential(nn.Linear(N, M, **draw), nn.Tanh(), nn.Linear(M, N, **draw)),
}
ON_THREE_AXES = {
    "Flatten": lambda nn, draw: nn.Flatten(),
    "Flatten(2)": lambda nn, draw: nn.Flatten(2),
    "Flatten(6)": lambda nn, draw: nn.Flatten(6),
}
each_layer = pytest.mark.parametrize(
    ("name", "shape"),
    [(name, shape) for name in MAKE for shape in ((B, N), (B, T, N))] + [(name, (B, T, N)) for name in ON_THREE_AXES],
)


@pytest.fixture
def nn(request):
    return registry.load(request.param)


def made(nn, name: str, dtype: str):
    """The layer, with a bias and statistics that are not 0 or 1, which would hide a mistake."""
    layer = (MAKE | ON_THREE_AXES)[name](nn, {"rng": nnz.RNG(5), "dtype": dtype})
    rng = np.random.default_rng(6)
    layer.load_parameters({k: (p + rng.normal(0, 0.2, p.shape)).astype(dtype) for k, p in layer.parameters().items()})
    layer.load_buffers({k: (b + rng.uniform(0, 0.5, b.shape)).astype(dtype) for k, b in layer.buffers().items()})
    return layer


def draws(shape: tuple[int, ...], dtype: str, seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@each_backend
@each_layer
def test_backward_twice_gives_the_same_twice_and_arguments_stay_as_they_were(nn, name, shape) -> None:
    layer, x = made(nn, name, "float64"), draws(shape, "float64", 1)
    before = x.tobytes()
    y = layer(x)
    dy = draws(y.shape, "float64", 2)
    dy.setflags(write=False)
    first, gradients = layer.backward(dy), layer.gradients()
    copies = {k: g.copy() for k, g in gradients.items()}
    assert x.tobytes() == before
    x[...] = 0
    assert np.array_equal(layer.backward(dy), first)
    assert all(np.array_equal(layer.gradients()[k], g) for k, g in copies.items())
    layer(draws(shape, "float64", 3))
    layer.backward(dy)
    assert all(np.array_equal(gradients[k], g) for k, g in copies.items())


@each_layer
def test_every_backend_starts_from_the_same_bytes_and_names(name, shape) -> None:
    first, *others = (made(registry.load(b), name, "float32") for b in registry.names())
    for kind in ("parameters", "buffers"):
        expected = [(k, a.dtype, a.tobytes()) for k, a in getattr(first, kind)().items()]
        for other in others:
            assert [(k, a.dtype, a.tobytes()) for k, a in getattr(other, kind)().items()] == expected


@each_backend
def test_parameters_are_named_by_their_place_and_drawn_in_that_order(nn) -> None:
    rng = nnz.RNG(9)
    inner = nn.Sequential(nn.Linear(3, 3, bias=False, rng=rng, dtype="float64"), nn.BatchNorm1d(3, dtype="float64"))
    model = nn.Sequential(nn.Embedding(4, 3, rng=rng, dtype="float64"), nn.Flatten(), nn.Residual(inner))
    assert list(model.parameters()) == ["0.weight", "2.layer.0.weight", "2.layer.1.weight", "2.layer.1.bias"]
    assert list(model.buffers()) == ["2.layer.1.running_mean", "2.layer.1.running_var"]
    again = nnz.RNG(9)
    bound = 1 / np.sqrt(3)
    assert model.parameters()["2.layer.0.weight"].tobytes() == again.uniform(-bound, bound, (3, 3)).tobytes()
    assert model.parameters()["0.weight"].tobytes() == again.normal((4, 3)).tobytes()
