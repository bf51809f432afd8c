"""nnz bench, the command: what it refuses before it times anything, and no figure without parity."""

import json
import sys

import pytest
from support import false_backends
from support.tiny_runs import nnz

from nnz.backend import registry
from nnz.commands.bench.workload import has_baseline

QUICK = ["--dtype", "float64", "--threads", "1", "--rounds", "1", "--steps", "1", "--set", "model.hidden_size=8"]


@pytest.fixture(autouse=True)
def _small_squares(monkeypatch):
    """What the machine can do is asked of matrices that are multiplied in no time."""
    monkeypatch.setattr("nnz.commands.bench.contenders.SQUARES", (8,))


@pytest.mark.slow
def test_a_backend_that_fails_parity_gets_no_figure_and_the_others_do(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ones_backend", false_backends.backend(false_backends.FILLS["ones"]))
    words = ["--backend", "ones_backend", "--backend", "numpy", "--json", tmp_path / "bench.json"]
    code, out, err = nnz(capsys, "bench", *words, *QUICK)
    assert code == 0
    assert err.startswith("ones_backend fails parity (0 of ")
    assert "| numpy | " in out
    assert "ones_backend" not in out
    figures = json.loads((tmp_path / "bench.json").read_text())
    assert {timing["name"] for timing in figures["timings"]} == {"numpy", "baseline numpy"}
    assert {op["name"] for op in figures["ops"]} == set(figures["built_with"]) == {"numpy"}
    assert "blas" in figures["built_with"]["numpy"].lower()
    assert figures["environment"]["cpu"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--json", "no/such/folder.json"), 1, "no/such/folder.json: No such file or directory"),
        (("--json", "."), 1, ".: Is a directory"),
        (("--set", "model.hidden_size"), 2, "--set 'model.hidden_size' is not of the form section.key=value"),
    ],
)
def test_what_could_not_be_written_or_read_is_refused_before_anything_is_timed(capsys, monkeypatch, words, code, said):
    monkeypatch.setattr("nnz.commands.bench._measured", lambda *_: pytest.fail("it was timed"))
    found, out, err = nnz(capsys, "bench", "--backend", "numpy", *words)
    assert (found, out) == (code, "")
    assert err.startswith(f"nnz: {said}")


def interrupted(_):
    raise KeyboardInterrupt


def test_files_that_were_there_are_as_they_were_until_there_are_figures(capsys, monkeypatch, tmp_path):
    (tmp_path / "old.json").write_text("old")
    monkeypatch.setattr("nnz.commands.bench.in_parity", interrupted)
    nnz(capsys, "bench", "--json", tmp_path / "old.json")
    nnz(capsys, "bench", "--json", tmp_path / "new.json")
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]
    assert (tmp_path / "old.json").read_text() == "old"


@pytest.mark.slow
def test_what_is_asked_for_twice_is_timed_once(capsys):
    code, out, _ = nnz(capsys, "bench", *("--backend", "numpy") * 2, *("--threads", "1") * 2, *QUICK)
    assert (code, out.count("| numpy |"), out.count("**float64, 1 thread**")) == (0, 1, 1)


def test_where_no_backend_passes_there_is_no_table_and_an_error(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ones_backend", false_backends.backend(false_backends.FILLS["ones"]))
    code, out, err = nnz(capsys, "bench", "--backend", "ones_backend", *QUICK)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == "nnz: every backend fails parity, so there is nothing to time; see nnz parity"


def test_a_backend_that_is_a_single_module_is_timed_without_a_baseline():
    assert has_baseline("numpy")
    assert not has_baseline("nnz.c.plain")


GPT = ["--threads", "1", "--rounds", "1", "--steps", "1"]
GPT += [f"--set=model.{size}" for size in ("n_layer=1", "n_head=2", "n_embd=8", "context_length=4")]


def test_a_gpt_is_timed_in_each_backend_next_to_torch_with_its_generation(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("nnz.commands.bench.in_parity", lambda names, levels: names)
    code, out, err = nnz(capsys, "bench", "gpt-cpu", *GPT, "--json", tmp_path / "bench.json")
    assert code == 0, err
    figures = json.loads((tmp_path / "bench.json").read_text())
    names = {timing["name"] for timing in figures["timings"]}
    assert names == set(figures["tokens_per_second"]) == {"c", "numpy", "torch", "baseline torch"}
    assert out.startswith("**batch 12, context 4, 1 layer, 2 heads, 8 wide; float32, 1 thread**")
    assert all(timing["step"] > 0 for timing in figures["timings"])
    assert out.count("| 1.00 x |") == 2  # the baseline, in both tables


def test_a_gpt_that_fails_parity_is_not_timed(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ones_backend", false_backends.backend(false_backends.FILLS["ones"]))
    code, out, err = nnz(capsys, "bench", "gpt-cpu", "--backend", "ones_backend", *GPT)
    assert (code, out) == (1, "")
    assert "ones_backend fails parity" in err


def test_a_recipe_of_another_kind_is_refused(capsys):
    code, out, err = nnz(capsys, "bench", "wavenet")
    assert (code, out) == (2, "")
    assert err.startswith("nnz: wavenet is a recipe of kind ")


def test_the_baseline_draws_as_many_tokens_as_asked_and_the_same_model_again():
    gpt = registry.gpt()
    draw = gpt.baseline.baseline_tokens(gpt.GPTConfig(5, context_length=6, n_layer=2, n_head=2, n_embd=8))
    for _ in range(2):
        tokens = draw(5)
        assert len(tokens) == 5
        assert set(tokens) <= set(range(5))
