"""What make bench adds to nnz bench: memory, the speed of sampling, and how the time grows with each size."""

import pytest
from matplotlib import image
from test_benchmark import SMALL

from nnz.backend import registry
from nnz.commands.bench import workload
from nnz.commands.bench.contenders import Ours
from tools import bench


@pytest.mark.slow
@pytest.mark.skipif(not bench.STATUS.exists(), reason="only Linux tells how much memory a process has taken")
def test_the_memory_is_that_of_weights_gradients_and_moments_at_least():
    large = workload.drawn(SMALL.override("model.hidden_size", 500), 4000)
    V, T, E, H = large.sizes
    copy = 4e-6 * (V * E + H * T * E + H + V * H + V)  # MB
    assert 4 * copy < bench.megabytes(large, "numpy", Ours, "float32") < 12 * copy
    assert 8 * copy < bench.megabytes(large, "numpy", Ours, "float64")


def test_the_torch_baseline_draws_lines_that_end_before_their_delimiter():
    baseline = pytest.importorskip("nnz.torch.baseline", reason="torch is not installed")
    model = registry.load("numpy").MLP(4, 3, 4, 8, rng=workload.RNG(1))
    for together in (True, False):
        lines = baseline.baseline_samples(model.parameters(), 3, 0, 20, 30, together)
        assert len(lines) == 30
        assert {token for line in lines for token in line} == {1, 2, 3}
        assert 0 < max(map(len, lines)) <= 20


def test_samples_are_timed_for_each_backend_and_each_baseline(monkeypatch):
    for name, value in {"DRAWN": 5, "DRAWN_ONE_BY_ONE": 2, "TRAINED": 3}.items():
        monkeypatch.setattr(bench, name, value)
    names = [name for name in ("numpy", "torch") if name in registry.available()]
    samples = bench.measure_samples(SMALL, names, threads=1)
    baselines = ["baseline torch, all at once", "baseline torch, one by one"] if "torch" in names else []
    assert [(s.name, s.count) for s in samples] == list(zip([*names, *baselines], [5, 5, 5, 2], strict=False))
    assert all(s.names_per_second > 0 for s in samples)
    table = bench.samples_table(samples, 1).splitlines()
    assert [line.split("|")[1].strip() for line in table[4:]] == [s.name for s in samples]


def test_each_contender_is_a_line_in_each_panel_of_the_picture(monkeypatch, tmp_path):
    for name, value in {"BATCHES": (2, 4), "HIDDEN": (3, 5, 7), "VOCABULARIES": (11, 13), "SCALING_ROUNDS": 1}.items():
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setattr(bench, "SCALING_SECONDS", 0)
    monkeypatch.setattr("nnz.commands.bench.contenders.SQUARES", (8,))
    points = bench.measure_scaling(SMALL, ["numpy"])
    assert len(points) == 2 * (2 + 3 + 2)
    figure = bench.scaling_picture(points)
    panels = figure.axes
    assert [panel.get_xlabel() for panel in panels] == ["batch", "hidden", "vocabulary"]
    for panel in panels:
        assert [line.get_label() for line in panel.lines] == ["numpy", "baseline numpy"]
    times = [1e3 * p.step for p in points if (p.what, p.name) == ("hidden", "numpy")]
    assert panels[1].lines[0].get_ydata().tolist() == times
    figure.savefig(tmp_path / "speed.png")
    assert image.imread(tmp_path / "speed.png").shape[:2] == (630, 1800)
