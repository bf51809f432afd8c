"""The layer BatchNorm1d against torch.nn.BatchNorm1d: outputs, gradients, running statistics, both shapes."""

import numpy as np
import pytest

from nnz.backend import registry
from nnz.conformance.bounds import derived as bounds
from nnz.conformance.bounds.compare import compare
from nnz.conformance.oracle import mlp as oracle
from nnz.conformance.oracle import ops as oracle_ops

torch = pytest.importorskip("torch")

Array = np.ndarray
C = 5
SHAPES = {"(B, C)": (11, C), "(B, T, C)": (7, 4, C)}

each_backend = pytest.mark.parametrize("nn", [pytest.param(name, id=name) for name in registry.names()], indirect=True)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))


@pytest.fixture
def nn(request):
    return registry.load(request.param)


def twins(nn, dtype: str, seed: int, **settings: float):
    """A layer of ours and torch's own with the same weights, biases and statistics, none of them 0 or 1."""
    rng = np.random.default_rng(seed)
    ours, theirs = (
        nn.BatchNorm1d(C, dtype=dtype, **settings),
        torch.nn.BatchNorm1d(C, dtype=getattr(torch, dtype), **settings),
    )
    ours.load_parameters({"weight": rng.normal(1, 0.5, C).astype(dtype), "bias": rng.normal(size=C).astype(dtype)})
    ours.load_buffers(
        {"running_mean": rng.normal(size=C).astype(dtype), "running_var": rng.uniform(1, 2, C).astype(dtype)}
    )
    state = {k: torch.tensor(v) for k, v in (ours.parameters() | ours.buffers()).items()}
    theirs.load_state_dict(state, strict=False)
    return ours, theirs


def outcome_of_torch(module, x: Array, dy: Array) -> dict[str, Array]:
    channels = torch.from_numpy(x).movedim(-1, 1).requires_grad_()
    y = module(channels)
    dx, dweight, dbias = torch.autograd.grad(y, [channels, *module.parameters()], torch.from_numpy(dy).movedim(-1, 1))
    found = {"y": y.movedim(1, -1), "dx": dx.movedim(1, -1), "dweight": dweight, "dbias": dbias}
    found |= {"new_running_mean": module.running_mean, "new_running_var": module.running_var}
    return {name: tensor.detach().numpy().copy() for name, tensor in found.items()}


def outcome_of_ours(layer, x: Array, dy: Array) -> dict[str, Array]:
    y = layer(x)
    dx = layer.backward(dy)
    found = {"y": y, "dx": dx, **{f"d{name}": g for name, g in layer.gradients().items()}}
    return found | {f"new_{name}": b.copy() for name, b in layer.buffers().items()}


def oracle_and_bounds(layer, x: Array, dy: Array, dtype: str) -> tuple[dict[str, Array], dict[str, Array]]:
    """What the oracle makes of one training step, and how far any honest code can be from it."""
    forward = {"x": x, **layer.parameters(), **layer.buffers(), "training": True}
    forward |= {"momentum": layer.momentum, "eps": layer.eps}
    values = oracle_ops.outputs("batch_norm_forward", forward)
    allowed = bounds.op_bounds("batch_norm_forward", forward, dtype)
    backward = {"dy": dy, "x": x, "mean": values["mean"], "rstd": values["rstd"], "weight": forward["weight"]}
    errors = {"mean_error": allowed["mean"], "rstd_error": allowed["rstd"]}
    allowed |= bounds.op_bounds("batch_norm_backward", backward | errors, dtype)
    gradients = oracle.batch_norm_backward(**backward)
    return values | dict(zip(("dx", "dweight", "dbias"), gradients, strict=True)), allowed


@pytest.mark.slow
@each_backend
@each_dtype
@each_shape
@pytest.mark.parametrize("settings", [{}, {"momentum": 0.3, "eps": 1e-3}], ids=["defaults", "other settings"])
def test_outputs_gradients_and_running_statistics_are_those_of_torch_step_after_step(
    nn, dtype, shape, settings
) -> None:
    ours, theirs = twins(nn, dtype, 3, **settings)
    rng = np.random.default_rng(4)
    for step in range(4):
        x, dy = rng.normal(step, 2, shape).astype(dtype), rng.normal(size=shape).astype(dtype)
        expected, allowed = oracle_and_bounds(ours, x, dy, dtype)
        for outcome in (outcome_of_ours(ours, x, dy), outcome_of_torch(theirs, x, dy)):
            for name, value in outcome.items():
                measured = compare(name, value, expected[name], allowed[name], dtype)
                assert measured.ok, (step, measured)
        theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.buffers().items()}, strict=False)


@each_backend
@each_dtype
@each_shape
def test_in_evaluation_each_row_stands_alone_and_nothing_is_kept(nn, dtype, shape) -> None:
    ours, theirs = twins(nn, dtype, 5)
    rng = np.random.default_rng(6)
    x, dy = rng.normal(size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)
    before = {name: b.tobytes() for name, b in ours.buffers().items()}
    ours.eval(), theirs.eval()
    whole, alone = ours(x), ours(x[:1])
    assert np.array_equal(whole[:1], alone)
    assert {name: b.tobytes() for name, b in ours.buffers().items()} == before
    found, expected = outcome_of_ours(ours, x, dy), outcome_of_torch(theirs, x, dy)
    allowed = affine_bounds(ours, x, dy, dtype)
    for name in ("y", "dx", "dweight", "dbias"):
        for value in (found[name], expected[name]):
            measured = compare(name, value, *allowed[name], dtype)
            assert measured.ok, measured


def affine_bounds(layer, x: Array, dy: Array, dtype: str) -> dict[str, tuple[Array, Array]]:
    """The oracle's values and their bounds in evaluation, where dx is the forward of dy without its shift."""
    p, b = layer.parameters(), layer.buffers()
    how = {"training": False, "momentum": layer.momentum, "eps": layer.eps}
    forward = {"x": x, **p, **b, **how}
    affine = {**forward, "x": dy, "bias": np.zeros_like(p["bias"]), "running_mean": np.zeros_like(p["bias"])}
    y, mean, rstd, *_ = oracle.batch_norm_forward(**forward)
    allowed = bounds.op_bounds("batch_norm_forward", forward, dtype)
    backward = {"dy": dy, "x": x, "mean": mean, "rstd": rstd, "weight": p["weight"], "rstd_error": allowed["rstd"]}
    sums = bounds.op_bounds("batch_norm_backward", backward, dtype)
    _, dweight, dbias = oracle.batch_norm_backward(dy, x, mean, rstd, p["weight"])
    return {
        "y": (y, allowed["y"]),
        "dx": (oracle.batch_norm_forward(**affine)[0], bounds.op_bounds("batch_norm_forward", affine, dtype)["y"]),
        "dweight": (dweight, sums["dweight"]),
        "dbias": (dbias, sums["dbias"]),
    }


@each_backend
@pytest.mark.parametrize("shape", [(1, C), (1, 1, C)])
def test_a_single_row_in_training_is_refused_as_torch_refuses_it(nn, shape) -> None:
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training") as theirs:
        torch.nn.BatchNorm1d(C)(torch.zeros(shape).movedim(-1, 1))
    layer = nn.BatchNorm1d(C)
    with pytest.raises(type(theirs.value)) as ours:
        layer(np.zeros(shape, np.float32))
    assert str(ours.value) == f"Expected more than 1 value per channel when training, got input size {shape}"
    assert layer.eval()(np.ones(shape, np.float32)).shape == shape
