"""A training that diverges stops at once, says where, and leaves its last finite checkpoint as it was."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from support.stopped_runs import stopped
from support.tiny_checkpoints import rewrite
from support.tiny_gpt import tiny_gpt
from support.tiny_runs import BUILT, data_folder, tiny_recipe

from nnz.runs import checkpoints
from nnz.runs.checkpoints import to_numpy
from nnz.training.divergence import TOGETHER, Diverged, Losses
from nnz.training.run import Run

DIVERGING = {"optimizer__name": "sgd", "optimizer__lr": 1e38, "model__dtype": "float32", "model__hidden_size": 64}
HINT = "the training diverged; train with a lower optimizer.lr"


@pytest.fixture
def data(tmp_path):
    return data_folder(tmp_path / "few-names")


def message(run) -> str:
    """What the run says as it stops."""
    with pytest.raises(FloatingPointError) as stop:
        run.train()
    return str(stop.value)


def spoiled(run, at_step, name, value):
    """The run, which writes `value` into one of its arrays in the update of a step."""
    step = run.trainer.optimizer.step

    def spoiling(gradients):
        step(gradients)
        if run.trainer.step == at_step:
            arrays = {**run.trainer.model.parameters(), **run.trainer.optimizer.state()}
            arrays[name].reshape(-1)[3] = value

    run.trainer.optimizer.step = spoiling
    return run


@pytest.mark.parametrize("backend", BUILT)
def test_the_first_loss_that_is_not_finite_ends_the_training(data, tmp_path, backend) -> None:
    run = Run(tiny_recipe(data, **DIVERGING), backend, tmp_path / "run")
    run.trainer.watcher = None
    expected = f"at step 1 the loss is not finite: {HINT}; {tmp_path}/run keeps the checkpoint of step 0"
    assert message(run) == expected
    assert checkpoints.load(tmp_path / "run" / "checkpoint.safetensors", finite=True).step == 0
    assert len((tmp_path / "run" / "log.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize("backend", BUILT)
@pytest.mark.parametrize(
    ("name", "value", "at_step", "found", "kept"),
    [
        ("fc1.bias", np.inf, 7, 10, 5),  # tanh(inf) is 1
        ("fc1.bias", -np.inf, 9, 10, 5),
        ("v.fc2.weight", np.inf, 9, 10, 5),  # m / inf is 0
        ("v.wte", np.nan, 22, 23, 22),
    ],
)
def test_a_number_that_no_loss_shows_never_reaches_a_checkpoint(
    data, tmp_path, name, value, at_step, found, kept, backend
) -> None:
    run = Run(tiny_recipe(data), backend, tmp_path / "run")
    run.trainer.watcher = None
    said = message(spoiled(run, at_step, name, value))
    assert said == f"at step {found} {name} is not finite: {HINT}; {tmp_path}/run keeps the checkpoint of step {kept}"
    assert checkpoints.load(tmp_path / "run" / "checkpoint.safetensors", finite=True).step == kept
    assert (tmp_path / "run" / "log.csv").read_text().splitlines()[-1].startswith(f"{kept},")


def test_a_run_that_is_stopped_after_it_diverged_keeps_its_checkpoint_too(data, tmp_path) -> None:
    run = spoiled(Run(tiny_recipe(data), "numpy", tmp_path / "run"), 7, "fc1.bias", np.inf)
    run._agree = lambda stop: run.trainer.step == 8
    assert message(run).startswith("at step 8 fc1.bias is not finite: ")
    assert checkpoints.load(tmp_path / "run" / "checkpoint.safetensors", finite=True).step == 5


def test_a_run_resumed_says_which_checkpoint_it_resumed_from(data, tmp_path) -> None:
    stopped(Run(tiny_recipe(data), "numpy", tmp_path / "run"), 8, "before the update")
    run = spoiled(Run(tiny_recipe(data), "numpy", tmp_path / "run", resume=True), 8, "v.wte", np.inf)
    kept = checkpoints.load(tmp_path / "run" / "checkpoint.safetensors").step
    assert message(run).endswith(f"{tmp_path}/run keeps the checkpoint of step {kept}")


def test_a_run_that_is_not_finite_is_not_resumed(data, tmp_path) -> None:
    stopped(Run(tiny_recipe(data), "numpy", tmp_path / "run"), 8, "before the update")
    path = tmp_path / "run" / "checkpoint.safetensors"
    rewrite(path, lambda metadata, arrays: arrays["v.wte"].fill(np.nan))
    with pytest.raises(ValueError, match=rf"^{path}: v.wte is not finite: its training diverged; take another, or"):
        Run(tiny_recipe(data), "numpy", tmp_path / "run", resume=True)


@pytest.mark.parametrize("backend", BUILT)
def test_a_gpt_stops_as_the_others_do(data, tmp_path, backend) -> None:
    run = Run(tiny_gpt(data, optimizer__lr=1e38, model__dtype="float32"), backend, tmp_path / "run")
    assert message(run).startswith(f"at step 1 the loss is not finite: {HINT}; ")
    assert checkpoints.load(tmp_path / "run" / "checkpoint.safetensors", finite=True).step == 0


@pytest.mark.parametrize("backend", BUILT)
def test_a_gradient_that_is_not_finite_updates_nothing(data, tmp_path, backend, monkeypatch) -> None:
    run = Run(tiny_gpt(data, optimizer__clip=1.0), backend, tmp_path / "run")
    before, backward = to_numpy(run.trainer.model.parameters())["wpe.weight"].copy(), run.trainer.model.backward
    monkeypatch.setattr(run.trainer.model, "backward", lambda: {**backward(), "wpe.weight": np.full((6, 8), np.inf)})
    assert message(run).startswith(f"at step 0 the norm of the gradient is not finite: {HINT}; ")
    assert np.array_equal(to_numpy(run.trainer.model.parameters())["wpe.weight"], before)


class OnGPU(SimpleNamespace):
    """A loss that a GPU has computed."""

    device = torch.device("cuda")

    def __float__(self) -> float:
        return self.value


def test_losses_on_a_gpu_are_checked_together_and_the_first_bad_one_is_named() -> None:
    losses = Losses()
    for step in range(TOGETHER - 1):
        losses.add(step, OnGPU(value=np.nan if step > 4 else 1.0))
    with pytest.raises(Diverged, match="at step 5 the loss is not finite"):
        losses.add(TOGETHER - 1, OnGPU(value=1.0))
    losses = Losses()
    losses.add(0, OnGPU(value=np.inf))
    with pytest.raises(Diverged, match="at step 0 the loss is not finite"):
        losses.check()
