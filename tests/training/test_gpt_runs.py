"""The GPT trains by one loop in every backend: in float64 to the same bytes, also where another one goes on."""

import re
import shlex
import subprocess
import sys
from argparse import Namespace

import numpy as np
import pytest
from support.stopped_runs import FILES, stopped
from support.tiny_checkpoints import rewrite
from support.tiny_gpt import tiny_gpt
from support.tiny_runs import BUILT, data_folder, nnz, tiny_recipe, train

from nnz.backend import registry
from nnz.backend.muon import Muon
from nnz.backend.parameter_groups import ParameterGroups
from nnz.commands import train as command
from nnz.recipes import recipe as recipes
from nnz.runs import checkpoints
from nnz.training import cost
from nnz.training.run import Run

pytestmark = pytest.mark.slow

BACKENDS = [*BUILT, *(["nnz.c.plain"] if "c" in BUILT else [])]
# dropout in all its places, and what GPT-2 has: a tied head, GELU, biases everywhere
HOW = {"model__shape": "gpt2", "model__dropout": 0.2, "model__embedding_dropout": 0.1, "train__eval_every": 10}
HOW |= {"optimizer__decay": "matrices", "optimizer__weight_decay": 0.1, "optimizer__clip": 0.05, "optimizer__warmup": 5}
OLD = {"n_layer = ": "layers = ", "n_head = ": "heads = ", "n_embd = ": "embedding_size = "}
WITHOUT_TORCH = """
import shlex, sys
sys.modules["torch"] = None
from nnz.commands.main import main
print("exit codes:", *[main(shlex.split(words)) for words in sys.argv[1:]])
"""

each_backend = pytest.mark.parametrize("backend", BACKENDS)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return data_folder(tmp_path_factory.mktemp("data") / "few-names")


def made(data, **settings):
    return tiny_gpt(data, 30, **HOW | settings)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """One uninterrupted run per backend."""
    place = tmp_path_factory.mktemp("whole")
    return {name: train(made(data), place / name, name, drawn=name == "numpy") for name in BACKENDS}


@each_backend
def test_every_backend_writes_the_same_log_and_samples_in_float64(whole, backend):
    for name in ("log.csv", "samples.txt"):
        assert (whole[backend] / name).read_bytes() == (whole["numpy"] / name).read_bytes(), name
    first, *_, last = (whole[backend] / "log.csv").read_text().splitlines()[1:]
    assert float(last.split(",")[1]) < float(first.split(",")[1])


def test_clipping_decay_and_dropout_change_the_run(data, tmp_path, whole):
    without = {
        "optimizer__clip": 0.0,
        "optimizer__decay": "all",
        "model__dropout": 0.0,
        "model__embedding_dropout": 0.0,
    }
    for key, value in without.items():
        other = train(made(data, **{key: value}), tmp_path / key, "numpy")
        assert (other / "log.csv").read_bytes() != (whole["numpy"] / "log.csv").read_bytes(), key


def test_muon_trains_alike_in_every_backend(data, tmp_path, whole):
    how = {"optimizer__name": "muon", "train__steps": 11}
    logs = {(train(made(data, **how), tmp_path / name, name) / "log.csv").read_bytes() for name in BUILT}
    assert len(logs) == 1
    assert not logs & {(whole["numpy"] / "log.csv").read_bytes()}


def test_muon_is_torchs_but_for_its_bfloat16():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    for shape in ((6, 40), (40, 6)):
        ours = rng.normal(size=shape)
        p = torch.nn.Parameter(torch.tensor(ours))
        theirs = torch.optim.Muon([p], lr=0.3, weight_decay=0.5, adjust_lr_fn="match_rms_adamw")
        mine = Muon({"blocks.w": ours}, 0.3, 0.5, registry.load("numpy").ops.linear_forward)
        for _ in range(3):
            p.grad = torch.tensor(g := rng.normal(size=shape))
            theirs.step()
            mine.step({"blocks.w": g})
            assert np.abs(p.detach().numpy() - ours).max() < 0.3 * 0.2 * 40**0.5 * 2**-5  # of an update, some roundings


@pytest.mark.parametrize(
    ("gpu", "device", "named", "backend"),
    [
        (True, "auto", None, "torch"),
        (False, "auto", None, "c"),
        (False, "cuda", None, "torch"),
        (True, "auto", "numpy", "numpy"),
        (True, "cpu", None, "c"),
    ],
)
def test_a_recipe_for_a_gpu_takes_torch_where_one_is(monkeypatch, gpu, device, named, backend):
    monkeypatch.setattr(registry, "has_gpu", lambda: gpu)
    monkeypatch.setattr(registry, "default", lambda: "c")
    words = Namespace(device=device, backend=named, out=None, threads=None)
    assert [command._backend(words, recipes.load(name)) for name in ("gpt", "gpt-best")] == [backend] * 2
    assert [command._backend(words, recipes.load(name)) for name in ("gpt-cpu", "gpt-cpu-best")] == [named or "c"] * 2


def test_without_a_gpu_it_says_what_the_training_will_cost_and_goes_on(capsys, monkeypatch, data, tmp_path):
    monkeypatch.setattr(registry, "has_gpu", lambda: False)
    (tmp_path / "tiny.toml").write_text(made(data, train__steps=2, train__backend="gpu").to_toml(), encoding="utf-8")
    code, out, error = nnz(capsys, "train", tmp_path / "tiny.toml", "--out", tmp_path / "run")
    said = rf"no GPU for torch here: tiny will take about \d+ seconds? in {registry.default()}; Ctrl-C stops it and"
    assert (code, re.match(said, error) is not None, "test_loss" in out) == (0, True, True)
    assert [cost.in_words(seconds) for seconds in (0.2, 1.6, 130, 7200, 200_000)] == [
        *("1 second", "2 seconds", "2 minutes", "2 hours", "2 days")
    ]
    monkeypatch.setattr(Run, "train", lambda self: None)
    for words in (["--backend", registry.default()], ["--device", "cpu"]):  # who chose is told nothing
        error = nnz(capsys, "train", tmp_path / "tiny.toml", "--out", tmp_path / words[0], *words)[2]
        assert "no GPU" not in error


def test_to_estimate_the_cost_leaves_the_running_statistics_as_they_were(data, tmp_path):
    trainer = Run(tiny_recipe(data, model__kind="mlp-batchnorm"), "numpy", tmp_path).trainer
    before = {name: buffer.copy() for name, buffer in trainer.model.buffers().items()}
    assert cost.seconds(trainer) > 0
    for name, buffer in trainer.model.buffers().items():
        assert np.array_equal(buffer, before[name]), name


@each_backend
def test_a_run_stopped_and_resumed_ends_in_the_same_bytes(data, tmp_path, whole, backend):
    stopped(Run(made(data), backend, tmp_path), 13, "before the update")
    train(made(data), tmp_path, backend, resume=True)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (whole[backend] / name).read_bytes(), name


@pytest.mark.parametrize(("first", "second"), [(a, b) for a in BUILT for b in BUILT if a != b])
def test_a_run_begun_by_one_backend_is_finished_by_another(data, tmp_path, whole, first, second):
    stopped(Run(made(data), first, tmp_path), 17, "after the update")
    train(made(data), tmp_path, second, resume=True)
    for name in ("log.csv", "samples.txt"):
        assert (tmp_path / name).read_bytes() == (whole["numpy"] / name).read_bytes(), name
    found = checkpoints.load(tmp_path / "checkpoint.safetensors")
    assert found.backend == second
    for run in whole.values():
        ours, theirs = (vars(checkpoints.load(r / "checkpoint.safetensors")) for r in (tmp_path, run))
        for arrays in ("parameters", "optimizer"):
            shapes = [{name: a.shape for name, a in of[arrays].items()} for of in (ours, theirs)]
            assert shapes[0] == shapes[1]


@each_backend
def test_float32_trains_too_and_is_close_to_float64(data, tmp_path, whole, backend):
    run = train(made(data, model__dtype="float32"), tmp_path, backend)
    rows, exact = (np.loadtxt(r / "log.csv", delimiter=",", skiprows=1) for r in (run, whole["numpy"]))
    assert np.allclose(rows, exact, rtol=np.finfo(np.float32).eps ** 0.5)  # half of the digits, after 30 steps


@pytest.mark.parametrize("backend", BUILT)
def test_the_run_of_any_backend_is_sampled_compared_and_drawn_by_any_other(capsys, data, whole, tmp_path, backend):
    words = ("--count", 2, "--tokens", 20, "--prompt", "em", "--top-p", 0.9)
    expected = nnz(capsys, "sample", whole["numpy"], *words, "--backend", "numpy")
    assert expected[0] == 0
    for by in BUILT:
        assert nnz(capsys, "sample", whole[backend], *words, "--backend", by) == expected
        code, out, error = nnz(capsys, "compare", whole[backend], "--backend", by)
        assert (code, out.count("val_loss"), error) == (0, 2, "")
    assert nnz(capsys, "plot", whole[backend], "--prompt", "emma", "--out", tmp_path)[0] == 0
    assert (tmp_path / "attention.png").stat().st_size > 10_000


def test_a_run_on_one_line_is_drawn_and_what_of_a_prompt_does_not_fit_is_said(capsys, tmp_path):
    (tmp_path / "line.txt").write_text("the cat sat on the mat and the dog sat on the cat " * 9, encoding="utf-8")
    recipe = made(tmp_path / "line.txt", data__kind="text", data__split="position", sample__tokens=9)
    run = train(recipe, tmp_path, "numpy")
    assert nnz(capsys, "plot", run)[0] == 0
    code, _, error = nnz(capsys, "plot", run, "--prompt", "the cat sat")
    assert code == 0
    assert error.endswith("\nthe maps show the first 6 tokens: more do not fit, or not into the context\n")
    assert "the maps show" not in nnz(capsys, "plot", run, "--prompt", "the")[2]


def test_attention_is_the_same_picture_from_every_backend(data, whole):
    drawn = []
    for backend in BUILT:
        run = Run(made(data, train__init=str(whole["numpy"])), backend, data.parent / f"drawn-{backend}")
        run.folder.lock.release()
        drawn.append(run.trainer.model.attention_maps(np.array([[0, 3, 1, 2, 5, 1, 4]])))  # one more than fits
    assert all(np.array_equal(maps, drawn[0]) for maps in drawn)
    assert drawn[0].shape == (2, 2, 6, 6)
    assert np.allclose(drawn[0].sum(-1), 1)
    assert not np.triu(drawn[0], 1).any()


@pytest.mark.parametrize("backend", [name for name in BUILT if name != "torch"])
def test_it_trains_samples_compares_and_draws_where_there_is_no_torch(data, tmp_path, whole, backend):
    (tmp_path / "tiny.toml").write_text(made(data).to_toml(), encoding="utf-8")
    run = f"runs/tiny-{backend}"
    commands = [["train", "tiny.toml", "--backend", backend], ["sample", run], ["compare", run], ["plot", run]]
    commands.append(["train", "tiny.toml", "--backend", "torch"])
    command = [sys.executable, "-c", WITHOUT_TORCH, *map(shlex.join, commands)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.count("val_loss") == 2 + len((tmp_path / run / "log.csv").read_text().splitlines()) - 1
    assert f"{run}/attention.png\n" in done.stdout
    for name in ("log.csv", "samples.txt"):
        assert (tmp_path / run / name).read_bytes() == (whole[backend] / name).read_bytes(), name
    assert done.stdout.endswith("exit codes: 0 0 0 0 1\n")
    assert "needs torch, which is not installed" in done.stderr.splitlines()[-1]


def old_names(toml):
    for new, old in OLD.items():
        assert toml.count(new) == 1
        toml = toml.replace(new, old)
    return toml


def test_the_old_names_of_a_recipe_are_understood_and_said_to_be_old(capsys, data, tmp_path):
    recipe = made(data)
    (tmp_path / "tiny.toml").write_text(old_names(recipe.to_toml()), encoding="utf-8")
    recipes._note_old_names.cache_clear()
    assert recipes.load(str(tmp_path / "tiny.toml")) == recipe
    expected = ", ".join(f"model.{old[:-3]} is now model.{new[:-3]}" for new, old in OLD.items())
    told = capsys.readouterr().err
    assert told.startswith("old names in a recipe are understood: ")
    assert sorted(told.strip().partition("understood: ")[2].split(", ")) == sorted(expected.split(", "))
    assert recipe.override("model.layers", 3) == recipe.override("model.n_layer", 3)
    with pytest.raises(ValueError, match=r"^model.heads is the old name of model.n_head, and both are given; drop"):
        recipes.loads("[model]\nkind = 'gpt'\nheads = 2\nn_head = 2\n", "both")
    assert recipes.loads("[model]\nembedding_size = 7\n", "mlp").model.embedding_size == 7  # an MLP's own


def test_a_checkpoint_with_the_old_names_is_resumed_and_sampled(capsys, data, tmp_path, whole):
    train(made(data), run := tmp_path / "run", "numpy")
    rewrite(run / "checkpoint.safetensors", lambda metadata, _: metadata.update(config=old_names(metadata["config"])))
    code, out, _ = nnz(capsys, "sample", run, "--backend", "numpy", "--count", 6)
    assert (code, out) == (0, (whole["numpy"] / "samples.txt").read_text())
    longer = made(data).override("train.steps", 40)
    assert checkpoints.load(train(longer, run, "numpy", resume=True) / "checkpoint.safetensors").step == 40


BAD = [
    (("--set", "model.n_head=3"), "model.n_embd = 8 is not a multiple of model.n_head = 3; each head has an equal"),
    (("--set", "model.dropout=1"), "model.dropout = 1 is not allowed; it takes a number of at least 0 and below 1"),
    (("--set", "model.dropout=-0.1"), "model.dropout = -0.1 is not allowed; it takes a number of at least 0 and bel"),
    (("--set", "model.context_length=400"), "too few for context_length 400"),
    (("--set", "model.n_layer=3", "--resume"), "had model.n_layer = 2, not 3; ask for the same settings"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=[" ".join(words[1:]) for words, _ in BAD])
def test_bad_settings_get_the_same_line_from_every_backend_and_lose_nothing(capsys, data, tmp_path, words, message):
    (tmp_path / "tiny.toml").write_text(made(data, train__steps=3).to_toml(), encoding="utf-8")
    run, said = train(made(data, train__steps=3), tmp_path / "run", "numpy"), set()
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    for backend in BACKENDS:
        how = words if "--resume" in words else (*words, "--restart")
        code, out, error = nnz(capsys, "train", tmp_path / "tiny.toml", "--out", run, "--backend", backend, *how)
        assert (code in (1, 2), out, error.count("\n")) == (True, "", 1)
        said.add((code, error))
        assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    [(_, line)] = said
    assert message in line


@each_backend
def test_a_checkpoint_of_another_shape_is_refused(capsys, data, tmp_path, backend):
    run = train(made(data, train__steps=3), tmp_path / "run", "numpy")

    def narrower(metadata, arrays):
        arrays["wpe.weight"] = arrays["wpe.weight"][:, :7].copy()

    rewrite(run / "checkpoint.safetensors", narrower)
    code, out, error = nnz(capsys, "sample", run, "--backend", backend)
    assert (code, out) == (1, "")
    path = run / "checkpoint.safetensors"
    what = "'wpe.weight' is F64 (6, 7) where its recipe has F64 (6, 8)"
    assert error == f"nnz: {path} is not a whole nnz-checkpoint-1 file: {what}; take another, or train again\n"


def test_a_backend_without_a_gpt_says_so(data):
    class NN:
        __name__ = "theirs"

    with pytest.raises(ValueError, match=r"^theirs has no GPT; write one, or take another backend$"):
        recipes.MODELS["gpt"].build(NN(), made(data), 20, "cpu")


THEIRS = '''
import numpy as np
import nnz.numpy as own

clip_grad_norm = lambda grads, most: np.float64(own.clip_grad_norm(grads, most))


class GPT:
    """What nnz new-backend --gpt asks for, and no more. Nobody writes to its arrays."""

    def __init__(
        self, vocab_size, context_length, n_layer, n_head, n_embd, dropout=0.0, embedding_dropout=0.0,
        activation="relu", qkv_bias=False, linear_bias=True, head_bias=True, tied_head=False, norm="layer",
        norm_first=False, rng=None, dtype="float32", dropout_seed=1337,
    ):
        self.gpt = own.GPT(**{k: v for k, v in locals().items() if k != "self"})
        for array in self.gpt._p.values():
            array.flags.writeable = False

    def __call__(self, inputs, targets=None):
        return self.gpt(inputs, targets)

    def backward(self):
        return self.gpt.backward()

    def parameters(self):
        return self.gpt._p

    def train(self):
        self.gpt.train()
        return self

    def eval(self):
        self.gpt.eval()
        return self

    @property
    def dropout_step(self):
        return self.gpt.dropout_step

    @dropout_step.setter
    def dropout_step(self, step):
        self.gpt.dropout_step = step


class AdamW:
    def __init__(self, parameters, lr, betas, weight_decay):
        self.parameters, self.lr, self.t = parameters, lr, 0
        self.written = {k: p.copy() for k, p in parameters.items()}
        self.own = own.AdamW(self.written, lr, betas, weight_decay=weight_decay)

    def step(self, grads):
        self.own.lr = self.lr
        self.own.step(grads)
        self.t += 1
        self.parameters.update({k: p.copy() for k, p in self.written.items()})


MLP = None
'''


def test_a_gpt_from_elsewhere_trains_though_it_has_no_more_than_the_exercise_asks_for(
    data, tmp_path, whole, monkeypatch
):
    (tmp_path / "their_gpt.py").write_text(THEIRS)
    monkeypatch.syspath_prepend(tmp_path)
    run = train(made(data), tmp_path / "run", "their_gpt")
    for name in ("log.csv", "samples.txt"):
        assert (run / name).read_bytes() == (whole["numpy"] / name).read_bytes(), name


@pytest.mark.parametrize("backend", BUILT)
def test_the_groups_are_adamw_with_and_without_decay(backend):
    nn, generator = registry.load(backend), np.random.default_rng(3)
    shapes = {"matrix": (3, 4), "bias": (4,), "other": (2, 2)}
    parameters, plain = ({name: np.ones(shape) for name, shape in shapes.items()} for _ in range(2))
    groups = ParameterGroups(nn, parameters, 0.1, (0.9, 0.95), 0.5, decay="matrices", clip=1e9)
    decays = {"matrix": 0.5, "bias": 0.0, "other": 0.5}
    usual = {n: nn.AdamW({n: p}, 0.1, (0.9, 0.95), weight_decay=decays[n]) for n, p in plain.items()}
    for lr in (0.1, 0.03):
        grads = {name: generator.normal(size=shape) for name, shape in shapes.items()}
        groups.lr = lr
        assert groups.step(grads) == pytest.approx(np.sqrt(sum((g * g).sum() for g in grads.values())))
        for name, optimizer in usual.items():
            optimizer.lr = lr
            optimizer.step({name: grads[name]})
    assert (groups.t, groups.lr) == (2, 0.03)
    for name in shapes:
        assert np.array_equal(parameters[name], plain[name])
        assert np.array_equal(groups.state()[f"v.{name}"], usual[name].state()[f"v.{name}"])
    with pytest.raises(ValueError, match="optimizer state"):
        groups.load_state({}, 2)


def test_the_recipes_of_the_package_build_in_every_backend(data):
    for backend in BACKENDS:
        model = recipes.MODELS["gpt"].build(registry.load(backend), recipes.load("gpt-cpu"), 65, "cpu")
        assert sum(p.size for p in model.parameters().values()) == 816_705


@pytest.mark.parametrize("attention", ["fused", "spelled out"])
@pytest.mark.parametrize("backend", BUILT)
def test_the_attention_that_the_recipe_asks_for_is_the_model_s(data, backend, attention):
    asked = made(data, model__attention=attention)
    assert recipes.MODELS["gpt"].build(registry.load(backend), asked, 20, "cpu").config.attention == attention
