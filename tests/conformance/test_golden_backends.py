"""Every backend and build/mlp against the golden files."""

import numpy as np
import pytest
from support.built_program import built
from support.golden_pages import Arrays, assert_first_batch, assert_nine_decimals, first_batch, kept

from nnz.backend import registry
from nnz.conformance import golden
from nnz.conformance.bounds import derived as bounds
from nnz.conformance.checks.training import PROMISED
from nnz.conformance.golden import PARAMETERS, Golden
from nnz.conformance.program.protocol import Program
from nnz.numbers.rng import RNG
from nnz.runs.checkpoints import on_host

BACKENDS = ("c", "numpy", "torch")
STATE = [f"{moment}{name}" for moment in ("", "m.", "v.") for name in PARAMETERS]

each_backend = pytest.mark.parametrize("backend", BACKENDS)
each_dtype = pytest.mark.parametrize("dtype", golden.DTYPES)


def made(nn, pages: Golden, dtype: str):
    sizes = golden.SIZES
    model = nn.MLP(
        vocab_size=sizes["V"],
        context_length=sizes["T"],
        embedding_size=sizes["E"],
        hidden_size=sizes["H"],
        rng=RNG(1),
        dtype=dtype,
    )
    model.load_parameters(pages.weights)
    return model


def trained(nn, pages: Golden, dtype: str) -> tuple[Arrays, list[float]]:
    """States by name as in the file, and the loss of every step."""
    model, settings = made(nn, pages, dtype), golden.SETTINGS
    betas = (settings["beta1"], settings["beta2"])
    optimizer = nn.AdamW(model.parameters(), betas=betas, eps=settings["eps"], weight_decay=settings["weight_decay"])
    states, losses = {}, []
    for t, (inputs, targets, lr) in enumerate(
        zip(*(pages.given[k] for k in ("inputs", "targets", "lr")), strict=True), 1
    ):
        losses.append(float(model(inputs, targets)[1]))
        optimizer.lr = float(lr)
        optimizer.step(model.backward())
        if t in golden.KEPT:
            now = on_host({**model.parameters(), **optimizer.state()})
            states |= {f"{t}.{name}": array.copy() for name, array in now.items()}
    return states, losses


@each_dtype
@each_backend
def test_a_backend_gives_the_kept_tensors_of_the_first_batch(backend: str, dtype: str) -> None:
    pages = kept(dtype)
    model = made(registry.load(backend), pages, dtype)
    _, loss = model(*first_batch(pages))
    gradients = {f"d{name}": np.asarray(g) for name, g in model.backward().items()}
    actual = {**model.intermediates(), **gradients, "loss": loss}
    limits = bounds.mlp_bounds(pages.weights, *first_batch(pages), dtype)
    assert actual.keys() == limits.keys()
    assert_first_batch(actual, pages, dtype)


@each_backend
def test_a_backend_in_float64_gives_the_kept_losses_and_states_to_nine_decimals(backend: str) -> None:
    pages = kept("float64")
    states, losses = trained(registry.load(backend), pages, "float64")
    assert states.keys() == {f"{t}.{name}" for t in golden.KEPT for name in STATE}
    assert_nine_decimals({**states, "losses": np.array(losses)}, pages)


@each_backend
def test_a_backend_in_float32_gives_the_kept_state_after_one_step_within_its_bounds(backend: str) -> None:
    pages = kept("float32")
    states, _ = trained(registry.load(backend), pages, "float32")
    gradient_errors = bounds.mlp_bounds(pages.weights, *first_batch(pages), "float32")
    for name, p in pages.weights.items():
        arguments = {"p": p, "g": pages.expected[f"d{name}"], "m": np.zeros_like(p), "v": np.zeros_like(p), "t": 1}
        arguments |= {"lr": pages.given["lr"][0], "g_error": gradient_errors[f"d{name}"], **golden.SETTINGS}
        limits = bounds.op_bounds("adamw_step", arguments, "float32")
        for key, limit in (("", limits["p"]), ("m.", limits["m"]), ("v.", limits["v"])):
            error = np.abs(states[f"1.{key}{name}"].astype(np.float64) - pages.expected[f"1.{key}{name}"])
            assert np.all(error <= limit), (key, name)


@each_dtype
def test_the_c_program_gives_the_kept_tensors_of_the_first_batch(dtype: str) -> None:
    pages, (inputs, targets) = kept(dtype), first_batch(kept(dtype))
    arrays = {**pages.weights, "inputs": inputs, "targets": targets}
    assert_first_batch(Program([str(built())]).call("mlp", dtype, arrays), pages, dtype)


def test_the_c_program_in_float64_gives_the_kept_losses_and_states_to_nine_decimals() -> None:
    pages, program = kept("float64"), Program([str(built())])
    for t in golden.KEPT:
        batches = {name: pages.given[name][:t] for name in ("inputs", "targets", "lr")}
        state = program.call("training", "float64", {**pages.weights, **batches}, **golden.SETTINGS)
        losses = state.pop("losses")
        assert np.max(np.abs(losses - pages.expected["losses"][:t])) <= PROMISED
        assert_nine_decimals({f"{t}.{name}": array for name, array in state.items()}, pages)
