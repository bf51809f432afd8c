"""The pictures of a run: that they are drawn, and that one can read them."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text
from support.readable import assert_readable, overlap
from support.tiny_runs import nnz, tiny_recipe, train

from nnz.backend.schedules import warmed_up
from nnz.pictures import embedding, layers, of_run
from nnz.pictures.drawing import new_figure, shown
from nnz.runs import load_model
from nnz.runs.folder import RunFolder
from nnz.runs.statistics import Statistics

pytestmark = pytest.mark.slow

DEEP = {"model__kind": "residual", "model__hidden_layers": 4, "train__order": "random"}
PICTURES = ("embeddings.png", "histograms.png", "loss.png", "updates.png")


@pytest.fixture(scope="module")
def deep(data, tmp_path_factory):
    return train(tiny_recipe(data, **DEEP), tmp_path_factory.mktemp("deep") / "run", watched=True, drawn=True)


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
    assert "there are no pictures of layers and updates" in err


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more"])
def test_spoiled_statistics_are_an_error_of_one_line(deep, tmp_path, capsys, content) -> None:
    for name in ("checkpoint.safetensors", "log.csv"):
        (tmp_path / name).write_bytes((deep / name).read_bytes())
    (tmp_path / "statistics.npz").write_bytes(content)
    code, out, err = nnz(capsys, "plot", tmp_path)
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "not a whole file of statistics" in err


def test_plotting_what_is_no_run_folder_says_what_to_name(deep, tmp_path, capsys) -> None:
    assert nnz(capsys, "plot", deep / "checkpoint.safetensors")[0] == 2
    code, _, err = nnz(capsys, "plot", tmp_path / "none")
    assert (code, "there is no checkpoint" in err) == (1, True)


def test_every_picture_of_layers_has_named_axes_and_a_legend_and_nothing_overlaps(deep) -> None:
    statistics = Statistics.load(RunFolder(deep).statistics)
    for draw in (layers.histograms, layers.updates, layers.gradient_by_depth):
        assert_readable(draw(statistics, "tiny, numpy"))


def test_the_map_keeps_the_distances_of_points_that_lie_in_a_plane() -> None:
    rng = np.random.default_rng(7)
    flat, turned = rng.normal(size=(9, 2)), np.linalg.qr(rng.normal(size=(5, 5)))[0][:2]
    points, shares = embedding.principal_plane(flat @ turned + 3)
    apart = [np.linalg.norm(p[:, None] - p[None], axis=2) for p in (flat, points)]
    np.testing.assert_allclose(*apart, rtol=0, atol=np.sqrt(np.finfo(np.float64).eps))
    assert shares.sum() == pytest.approx(1)
    assert embedding.principal_plane(np.ones((4, 1)))[1].tolist() == [0, 0]


def test_no_name_on_the_map_covers_another_even_where_many_points_lie_together() -> None:
    weight = np.random.default_rng(3).normal(size=(100, 4))
    figure = embedding.embedding_map(weight, [f"word{i}" for i in range(100)], "words, c", letters=False)
    assert_readable(figure)
    boxes = [
        Text.get_window_extent(text) for text in figure.axes[0].texts
    ]  # of the names alone, without the lines to them
    assert len(boxes) > 90
    assert not [i for i, box in enumerate(boxes) if any(overlap(box, other) for other in boxes[:i])]


def test_names_that_no_font_can_show_are_written_as_signs_or_code_points() -> None:
    names = {"\n": "↵", " ": "␣", "é": "é", "$": "$", '"\u2060': '"', "名": "U+540D"}
    assert [shown(name) for name in names] == list(names.values())
    axes = new_figure().add_subplot()
    embedding.place_names(axes, np.array([[0.5, 0.5]]), ["$x"], ["black"], 10)
    assert [text.get_text() for text in axes.texts] == ["$x"]


def test_an_accented_vowel_is_a_vowel_in_every_alphabet_that_has_accents() -> None:
    kinds = {
        "vowel": "aéüöåÉyÿøæıάЭёї",
        "other letter": "bçñßйж名",
        "digit or mark": "7.\n\u0301",
    }
    for kind, names in kinds.items():
        assert {name: embedding._kind(name, letters=True) for name in names} == dict.fromkeys(names, kind)
    assert embedding._kind("1984", letters=False) == "word"


def test_a_healthy_update_shrinks_with_the_learning_rate(deep) -> None:
    statistics = Statistics.load(RunFolder(deep).statistics)
    steps = statistics.arrays["steps"]
    for schedule in (None, lambda step: warmed_up("cosine", 2, 1.0, step, 1 + int(steps[-1]))):
        line = layers.updates(statistics, "tiny", schedule).axes[0].lines[-1]
        assert line.get_label().startswith("a healthy size")
        expected = [layers.HEALTHY * (schedule(int(step)) if schedule else 1) for step in steps]
        np.testing.assert_array_equal(line.get_ydata(), expected)


def test_the_title_says_which_data_even_where_its_name_looks_like_a_formula(deep, data, tmp_path, monkeypatch) -> None:
    titles = []
    monkeypatch.setattr(of_run.losses, "loss_curves", lambda path, rows, title, *rest: titles.append(title))
    checkpoint = load_model.find(deep)
    recipe = replace(checkpoint.recipe, data=replace(checkpoint.recipe.data, name="a/b/$x_y$.txt"))
    folder = RunFolder(tmp_path)
    of_run.draw(recipe, checkpoint.tokenizer, checkpoint.parameters, [], Statistics(), folder)
    assert titles == [rf"{recipe.name} on \$x_y\$.txt, numpy"]
    assert folder.embeddings.is_file()
