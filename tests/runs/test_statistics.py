"""What is recorded of a run while it trains, without touching its numbers."""

import sys

import numpy as np
import pytest
from support.stopped_runs import stopped
from support.tiny_runs import BUILT, tiny_recipe, train

from nnz.backend import layers, registry
from nnz.conformance.bounds.compare import T2_LIMIT, t2_error
from nnz.recipes import from_recipe, recipe
from nnz.runs import checkpoints
from nnz.runs.folder import RunFolder
from nnz.runs.statistics import BINS, Statistics, _counts, hidden_layers
from nnz.training.run import Run

DEEP = {"model__kind": "residual", "model__hidden_layers": 4, "train__order": "random"}
V, EIGHT = 27, np.array([[1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 9, 10, 11, 12]], np.int32)
TARGETS = np.array([3, 5], np.int32)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    run = Run(tiny_recipe(data, **DEEP), "numpy", tmp_path_factory.mktemp("deep") / "run")
    run.trainer.run(lambda evaluation, is_best: None)
    run.trainer.watcher.record_test_loss(run.trainer.split_loss(run.trainer.dataset.test))
    return run.folder.path


def statistics_of(run) -> Statistics:
    return Statistics.load(RunFolder(run).statistics)


def built(backend: str, name: str, **changes):
    settings = recipe.load(name).override("model.dtype", "float64")
    if name != "bigram":
        settings = settings.override("model.hidden_size", 6)
    for key, value in changes.items():
        settings = settings.override(f"model.{key}", value)
    model = from_recipe.model(registry.load(backend), settings, V)
    return model, EIGHT[:, -settings.model.context_length :]


def hidden(model, inputs) -> list:
    model(inputs, TARGETS)
    model.backward()
    return hidden_layers(model)


def test_every_backend_shows_what_its_step_computed_for_each_hidden_layer() -> None:
    for name, depth in (("namegen", 1), ("residual", 8)):
        first, *others = [hidden(*built(backend, name)) for backend in BUILT]
        assert [h.shape for h, _ in first] == [dh.shape for _, dh in first]
        assert len(first) == depth
        assert all(0 < np.abs(h).max() < 1 for h, _ in first)
        for other in others:
            for ours, theirs in zip(first, other, strict=True):
                assert all(t2_error(a, b, "float64") <= T2_LIMIT for a, b in zip(ours, theirs, strict=True))


def test_the_gradient_shown_is_the_slope_of_the_loss(monkeypatch) -> None:
    model, inputs = built("numpy", "residual", hidden_layers=3)
    dh = hidden(model, inputs)[1][1]
    tanh = next(layer for layer in model.layers.layers if isinstance(layer, layers.Residual)).layer.layers[-1]
    step, forward, losses = 2.0**-17, tanh.forward, []
    for sign in (1, -1):
        moved = np.zeros_like(dh)
        moved[1, 2] = sign * step
        monkeypatch.setattr(tanh, "forward", lambda x, moved=moved: forward(x) + moved)
        losses.append(model(inputs, TARGETS)[1])
    assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(dh[1, 2], rel=step)


def test_a_bigram_has_no_hidden_layer_to_show() -> None:
    assert hidden(*built("numpy", "bigram")) == []


@pytest.mark.parametrize("kind", ["mlp", "residual"])
def test_an_evaluated_step_computes_its_forward_and_backward_once(data, kind, tmp_path, monkeypatch) -> None:
    run, calls = Run(tiny_recipe(data, steps=1, model__kind=kind), "numpy", tmp_path), []
    monkeypatch.setattr(run.trainer, "_evaluate", lambda *of_an_evaluation: None)
    monkeypatch.setattr(run.trainer.watcher, "_gradients_by_depth", lambda *batch: {})
    sys.setprofile(lambda frame, event, _: calls.append(frame.f_code.co_name) if event == "call" else None)
    try:
        run.trainer.run(lambda evaluation, is_best: None)
    finally:
        sys.setprofile(None)
    assert run.trainer.watcher.statistics.arrays["gradient_rms"].all()
    assert [calls.count(f"tanh_{way}") for way in ("forward", "backward")] == [1 if kind == "mlp" else 8] * 2


@pytest.mark.parametrize("settings", [{}, DEEP], ids=["mlp", "residual"])
def test_watching_changes_no_byte_of_log_or_checkpoint(data, tmp_path, settings, without_pictures) -> None:
    watched = train(tiny_recipe(data, **settings), tmp_path / "watched", watched=True)
    run = Run(tiny_recipe(data, **settings), "numpy", tmp_path / "unwatched")
    watcher, run.trainer.watcher = run.trainer.watcher, None
    run.trainer.run(lambda evaluation, is_best: run.folder.append_log(evaluation.csv()))
    assert watcher.statistics.arrays == {}
    assert (watched / "log.csv").read_bytes() == run.folder.log.read_bytes()
    parameters = checkpoints.load(watched / "checkpoint.safetensors").parameters
    assert all(np.array_equal(a, parameters[name]) for name, a in run.trainer.model.parameters().items())


def test_each_evaluation_is_recorded_with_its_updates(data, tmp_path, without_pictures) -> None:
    run = Run(tiny_recipe(data, optimizer__name="sgd"), "numpy", tmp_path)
    before = {name: p.copy() for name, p in run.trainer.model.parameters().items()}
    inputs, targets = next(run.trainer._training_batches(1))
    run.trainer.model(inputs, targets)
    gradient = run.trainer.model.backward()
    run.train()
    arrays = statistics_of(tmp_path).arrays
    assert arrays["steps"].tolist() == [0, 5, 10, 15, 20, 22]
    assert arrays["matrices"].tolist() == ["wte", "fc1.weight", "fc2.weight"]
    how, rtol = run.recipe.optimizer, np.sqrt(np.finfo(np.float64).eps)
    for name, ratio in zip(arrays["matrices"], arrays["updates"][0], strict=True):
        update = how.lr * (gradient[name] + how.weight_decay * before[name])
        assert ratio == pytest.approx(np.std(update) / np.std(before[name]), rel=rtol)
    assert arrays["h_counts"].shape == (2, 1, BINS)
    assert (arrays["h_counts"].sum(axis=2) == 7 * 11).all()  # a batch of 7, a hidden layer of 11


@pytest.mark.parametrize("calls", [4, 10, 22])
def test_a_run_stopped_and_resumed_has_the_statistics_of_one_that_never_was(data, whole, tmp_path, calls) -> None:
    stopped(Run(tiny_recipe(data, **DEEP), "numpy", tmp_path / "run"), calls, "after the update")
    train(tiny_recipe(data, **DEEP), tmp_path / "run", resume=True, watched=True)
    assert (tmp_path / "run" / "statistics.npz").read_bytes() == (whole / "statistics.npz").read_bytes()


def test_the_gradient_fades_with_depth_only_where_there_is_neither_skip_nor_batch_norm(whole) -> None:
    arrays = statistics_of(whole).arrays
    assert arrays["depth_names"].tolist() == [
        f"{s}, {b}" for s in ("skips", "no skips") for b in ("BatchNorm", "no BatchNorm")
    ]
    first, last = arrays["depth_gradients"][:, 0], arrays["depth_gradients"][:, -1]
    assert (first < last / 2).tolist() == [False, False, False, True]


def test_a_histogram_counts_every_value_and_heaps_what_lies_beyond_at_its_ends() -> None:
    edges = np.linspace(-1, 1, BINS + 1)
    values = np.random.default_rng(1).uniform(-1, 1, 999)
    assert _counts(values, edges).tolist() == np.histogram(values, edges)[0].tolist()
    beyond = _counts(np.array([-7, -1, 1, 1e30, np.inf, np.nan]), edges)
    assert (beyond[0], beyond[-1], beyond.sum()) == (2, 3, 5)
