"""The pictures of a run: what is recorded while it trains, without touching its numbers, and what is drawn of it."""

import struct

import numpy as np
import pytest
from tiny_runs import BUILT, data_folder, nnz, tiny_recipe, train

from nnz import assembly, backends, checkpoints, labels, layers, pictures, plots_embedding, plots_layers, recipe
from nnz.drawing import new_figure
from nnz.probe import hidden_layers
from nnz.run_folder import RunFolder
from nnz.runs import Run
from nnz.statistics import BINS, Statistics

DEEP = {"model__kind": "residual", "model__hidden_layers": 4, "train__order": "random"}
PICTURES = ("embeddings.png", "histograms.png", "loss.png", "updates.png")
V, EIGHT = 27, np.array([[1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 9, 10, 11, 12]], np.int32)
TARGETS = np.array([3, 5], np.int32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return data_folder(tmp_path_factory.mktemp("data") / "few-names")


@pytest.fixture(scope="module")
def deep(data, tmp_path_factory):
    return train(tiny_recipe(data, **DEEP), tmp_path_factory.mktemp("deep") / "run", watched=True)


@pytest.fixture
def without_pictures(monkeypatch):
    monkeypatch.setattr(pictures, "draw", lambda *of_a_run: [])  # it takes longer than the run


def built(backend: str, name: str, **changes):
    settings = recipe.load(name).override("model.dtype", "float64").override("model.hidden_size", 6)
    for key, value in changes.items():
        settings = settings.override(f"model.{key}", value)
    model = assembly.model(backends.load(backend), settings, V)
    return model, EIGHT[:, -settings.model.context_length :]


def statistics_of(run) -> Statistics:
    return Statistics.load(RunFolder(run).statistics)


def assert_readable(figure) -> None:
    """Every panel says what its axes are, there is a legend, and nothing that is written lies on something else."""
    figure.canvas.draw()
    boxes = [text.get_window_extent() for axes in figure.axes for text in written_round(axes)]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    assert figure.legends
    assert any(axes.get_ylabel() for axes in figure.axes)
    inside = figure.bbox.padded(1)
    for i, box in enumerate(boxes):
        assert inside.x0 <= box.x0 <= box.x1 <= inside.x1
        assert inside.y0 <= box.y0 <= box.y1 <= inside.y1
        assert not [other for other in boxes[:i] if overlap(box, other)]


def written_round(axes) -> list:
    """The title, the names of both axes, and the numbers at the ticks that are in view."""
    found = [axes.title, axes.xaxis.label, axes.yaxis.label]
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        low, high = sorted(limits)
        found += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    shown = [text for text in found if text.get_text() and text.get_visible()]
    assert axes.xaxis.label in shown or not axes.xaxis.get_tick_params()["labelbottom"]
    return shown


def overlap(a, b) -> bool:
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1  # a pixel is no overlap


@pytest.mark.parametrize("backend", BUILT)
@pytest.mark.parametrize("name", ["mlp-batchnorm", "residual", "wavenet"])
def test_a_probe_sees_tanh_and_its_gradient_and_leaves_weights_and_running_statistics_alone(backend, name) -> None:
    model, inputs = built(backend, name)
    before = {k: np.array(a) for k, a in (model.parameters() | model.buffers()).items()}
    found = hidden_layers(model, inputs, TARGETS)
    assert [layer.depth for layer in found] == list(range(1, len(found) + 1))
    assert all(layer.h.shape == layer.dh.shape and np.abs(layer.h).max() < 1 for layer in found)
    after = model.parameters() | model.buffers()
    assert {k: np.array(a).tobytes() for k, a in after.items()} == {k: a.tobytes() for k, a in before.items()}
    assert model.training


def test_a_probe_sees_the_same_in_every_backend_and_in_an_mlp_too() -> None:
    for name in ("namegen", "residual"):
        seen = [hidden_layers(*built(backend, name), TARGETS) for backend in BUILT]
        for others in seen[1:]:
            for ours, theirs in zip(seen[0], others, strict=True):
                rtol = 1000 * np.finfo(np.float64).eps
                np.testing.assert_allclose(ours.h, theirs.h, rtol=rtol, atol=rtol)
                np.testing.assert_allclose(ours.dh, theirs.dh, rtol=rtol, atol=rtol)


def test_the_gradient_that_a_probe_sees_is_the_slope_of_the_loss(monkeypatch) -> None:
    model, inputs = built("numpy", "residual", hidden_layers=3)
    dh = hidden_layers(model, inputs, TARGETS)[1].dh
    tanh = next(layer for layer in model.layers.layers if isinstance(layer, layers.Residual)).layer.layers[-1]
    step, forward, losses = 2.0**-17, tanh.forward, []
    for sign in (1, -1):
        moved = np.zeros_like(dh)
        moved[1, 2] = sign * step
        monkeypatch.setattr(tanh, "forward", lambda x, moved=moved: forward(x) + moved)
        losses.append(model(inputs, TARGETS)[1])
    assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(dh[1, 2], rel=step)


def test_a_bigram_has_no_hidden_layer_to_show() -> None:
    assert hidden_layers(*built("numpy", "bigram"), TARGETS) == []


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


@pytest.mark.parametrize("stop", [3, 9, 21])
def test_a_run_stopped_and_resumed_has_the_statistics_of_one_that_never_was(
    data, deep, tmp_path, stop, without_pictures
) -> None:
    run = Run(tiny_recipe(data, **DEEP), "numpy", tmp_path / "run")
    real, steps = run.trainer.optimizer.step, iter(range(100))

    def step(gradients):
        real(gradients)
        if next(steps) == stop:
            raise KeyboardInterrupt

    run.trainer.optimizer.step = step
    with pytest.raises(KeyboardInterrupt):
        run.train()
    train(tiny_recipe(data, **DEEP), tmp_path / "run", resume=True, watched=True)
    assert (tmp_path / "run" / "statistics.npz").read_bytes() == (deep / "statistics.npz").read_bytes()


def test_a_run_draws_its_pictures_and_nnz_plot_draws_the_same_again(deep, tmp_path, capsys) -> None:
    names = sorted([*PICTURES, "gradient-by-depth.png"])
    assert sorted(path.name for path in deep.glob("*.png")) == names
    code, out, _ = nnz(capsys, "plot", deep, "--out", tmp_path)
    assert code == 0
    assert sorted(out.splitlines()) == [str(tmp_path / name) for name in names]
    for name in names:
        png = (tmp_path / name).read_bytes()
        assert png == (deep / name).read_bytes()
        assert min(struct.unpack(">II", png[16:24])) >= 600


def test_a_run_without_statistics_still_gets_its_losses_and_its_map(deep, tmp_path, capsys) -> None:
    for name in ("checkpoint.safetensors", "log.csv"):
        (tmp_path / name).write_bytes((deep / name).read_bytes())
    code, out, err = nnz(capsys, "plot", tmp_path)
    assert (code, [line.rpartition("/")[2] for line in out.splitlines()]) == (0, ["loss.png", "embeddings.png"])
    assert "no pictures of layers and updates" in err


@pytest.mark.parametrize(("content", "code"), [(b"", 1), (b"PK\x03\x04 and no more", 1)])
def test_spoiled_statistics_are_an_error_of_one_line(deep, tmp_path, capsys, content, code) -> None:
    for name in ("checkpoint.safetensors", "log.csv"):
        (tmp_path / name).write_bytes((deep / name).read_bytes())
    (tmp_path / "statistics.npz").write_bytes(content)
    got, out, err = nnz(capsys, "plot", tmp_path)
    assert (got, out, len(err.splitlines())) == (code, "", 1)
    assert "not a whole file of statistics" in err


def test_plotting_what_is_no_run_folder_says_what_to_name(deep, tmp_path, capsys) -> None:
    assert nnz(capsys, "plot", deep / "checkpoint.safetensors")[0] == 2
    code, _, err = nnz(capsys, "plot", tmp_path / "none")
    assert (code, "there is no checkpoint" in err) == (1, True)


def test_every_picture_of_layers_has_named_axes_and_a_legend_and_nothing_overlaps(deep) -> None:
    statistics = statistics_of(deep)
    for draw in (plots_layers.histograms, plots_layers.updates, plots_layers.gradient_by_depth):
        assert_readable(draw(statistics, "tiny, numpy"))


def test_the_gradient_fades_with_depth_only_where_there_is_neither_skip_nor_batch_norm(deep) -> None:
    arrays = statistics_of(deep).arrays
    assert arrays["depth_names"].tolist() == [
        f"{s}, {b}" for s in ("skips", "no skips") for b in ("BatchNorm", "no BatchNorm")
    ]
    first, last = arrays["depth_gradients"][:, 0], arrays["depth_gradients"][:, -1]
    assert (first < last / 2).tolist() == [False, False, False, True]


def test_the_map_keeps_the_distances_of_points_that_lie_in_a_plane() -> None:
    rng = np.random.default_rng(7)
    flat, turned = rng.normal(size=(9, 2)), np.linalg.qr(rng.normal(size=(5, 5)))[0][:2]
    points, shares = plots_embedding.principal_plane(flat @ turned + 3)
    apart = [np.linalg.norm(p[:, None] - p[None], axis=2) for p in (flat, points)]
    np.testing.assert_allclose(*apart, rtol=0, atol=100 * np.finfo(np.float64).eps)
    assert shares.sum() == pytest.approx(1)
    assert plots_embedding.principal_plane(np.ones((4, 1)))[1].tolist() == [0, 0]


def test_no_name_on_the_map_covers_another_even_where_many_points_lie_together() -> None:
    weight = np.random.default_rng(3).normal(size=(100, 4))
    figure = plots_embedding.embedding_map(weight, [f"word{i}" for i in range(100)], "words, c", letters=False)
    assert_readable(figure)
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) > 90
    assert not [i for i, box in enumerate(boxes) if any(overlap(box, other) for other in boxes[:i])]


def test_names_that_no_font_can_show_are_written_as_signs_or_code_points() -> None:
    assert [labels.shown(name) for name in ("\n", " ", "é", "$", '"\u2060', "名")] == [
        "↵",
        "␣",
        "é",
        "$",
        '"',
        "U+540D",
    ]
    axes = new_figure().add_subplot()
    labels.place(axes, np.array([[0.5, 0.5]]), ["$x"], ["black"], 10)
    assert [text.get_text() for text in axes.texts] == ["$x"]
