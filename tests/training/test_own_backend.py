"""A backend as nnz new-backend asks for it, with operations, an MLP and optimizers alone, trains like ours."""

import sys

import pytest
from support import students
from support.tiny_runs import data_folder, nnz, tiny_recipe, train

pytestmark = pytest.mark.usefixtures("without_pictures")

OPTIMIZERS = """
import numpy as np

from . import ops


class SGD:
    def __init__(self, parameters, lr=1e-3, weight_decay=0.0):
        self.p, self.lr, self.weight_decay = parameters, lr, weight_decay

    def step(self, grads):
        for name, p in self.p.items():
            ops.sgd_step(p, grads[name], self.lr, self.weight_decay)


class AdamW:
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.p, self.lr, self.betas, self.eps, self.weight_decay = parameters, lr, betas, eps, weight_decay
        self.steps, self.m = 0, {name: np.zeros_like(p) for name, p in parameters.items()}
        self.v = {name: np.zeros_like(p) for name, p in parameters.items()}

    def step(self, grads):
        self.steps += 1
        for name, p in self.p.items():
            moments = self.m[name], self.v[name]
            ops.adamw_step(p, *moments, grads[name], self.steps, self.lr, *self.betas, self.eps, self.weight_decay)
"""


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """A folder with my_backend/, whose layers are still stubs, and tiny.toml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert nnz(capsys, "new-backend", "my_backend")[0] == 0
    files = {"ops": students.OPS, "mlp": students.MODEL, "optimizers": OPTIMIZERS}
    for name, text in files.items():
        (tmp_path / "my_backend" / f"{name}.py").write_text(text)
    recipe = tiny_recipe(data_folder(tmp_path / "few-names"))
    (tmp_path / "tiny.toml").write_text(recipe.to_toml(), encoding="utf-8")
    yield tmp_path
    for name in [name for name in sys.modules if name.split(".")[0] == "my_backend"]:
        del sys.modules[name]


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_it_trains_as_ours_do_and_samples(here, capsys, optimizer):
    words = ["train", "tiny.toml", "--backend", "my_backend", "--set", f"optimizer.name={optimizer}", "--out", "run"]
    code, _, err = nnz(capsys, *words)
    assert code == 0, err
    recipe = tiny_recipe(here / "few-names", optimizer__name=optimizer)
    assert (here / "run/log.csv").read_text() == (train(recipe, here / "ours") / "log.csv").read_text()
    assert nnz(capsys, "sample", "run", "--backend", "my_backend")[0] == 0


def test_a_stub_of_the_intermediates_is_no_obstacle(here, capsys):
    text = (here / "my_backend/mlp.py").read_text()
    (here / "my_backend/mlp.py").write_text(
        text.replace("        self.backward()\n", "        raise NotImplementedError\n")
    )
    code, _, err = nnz(capsys, "train", "tiny.toml", "--backend", "my_backend", "--steps", 3, "--out", "run")
    assert code == 0, err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--threads", "2"], "my_backend has no set_threads; leave --threads out, or write set_threads(n)"),
        (["--device", "cuda"], "my_backend has no device 'cuda' here; it has cpu"),
        (["--dtype", "float32", "--precision", "strict"], "my_backend has no model.precision = 'strict'; drop it"),
    ],
)
def test_what_it_does_not_have_is_refused_in_one_line(here, capsys, words, message):
    code, _, err = nnz(capsys, "train", "tiny.toml", "--backend", "my_backend", "--out", "run", *words)
    assert (code > 0, err) == (True, f"nnz: {message}\n")
    assert not (here / "run").exists()


def test_a_run_whose_optimizer_shows_no_state_says_that_it_cannot_be_continued(here, capsys):
    words = ["train", "tiny.toml", "--backend", "my_backend", "--out", "run"]
    assert nnz(capsys, *words)[0] == 0
    before = (here / "run/checkpoint.safetensors").read_bytes()
    code, _, err = nnz(capsys, *words, "--resume", "--steps", 40)
    assert (code, err.count("\n")) == (1, 1)
    assert "run cannot be continued: my_backend.AdamW has no state() and load_state()" in err
    assert (here / "run/checkpoint.safetensors").read_bytes() == before
