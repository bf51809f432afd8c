"""Training a GPT: against a plain torch loop, in parts, with dropout across a stop, and by every setting of its own."""

import math
import re

import numpy as np
import pytest
import torch
from support.stopped_runs import FILES, stopped
from support.tiny_gpt import tiny_gpt
from support.tiny_runs import data_folder, train
from support.tiny_runs import nnz as command

import nnz.gpt
from nnz import RNG
from nnz.backend import registry
from nnz.files.errors import UsageError
from nnz.gpt.workers import Workers
from nnz.recipes import from_recipe
from nnz.runs import checkpoints, sampling
from nnz.text import datasets
from nnz.training.loop import Trainer
from nnz.training.run import Run

V = 20


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return data_folder(tmp_path_factory.mktemp("data") / "few-names")


def module(recipe):
    """The recipe's model as nnz.gpt has it."""
    return from_recipe.model(registry.load("torch"), recipe, V, trains=False)


def made(recipe):
    """That, and its optimizer."""
    model = module(recipe)
    return model, from_recipe.optimizer(registry.load("torch"), recipe, model)


def batch(rows=8, seed=3):
    windows = np.random.default_rng(seed).integers(0, V, (rows, 7))
    return windows[:, :-1], windows[:, 1:]


def gradients(recipe, step=0):
    model, _ = made(recipe)
    model.dropout_step = step
    _, loss = model(*batch())
    return float(loss), {name: g.clone() for name, g in model.backward().items()}


def assert_close(actual, expected, limit=1e-12):
    assert actual.keys() == expected.keys()
    for name, tensor in actual.items():
        assert (tensor - expected[name]).abs().max() <= limit * expected[name].abs().max(), name


@pytest.mark.parametrize("settings", [{}, {"optimizer__decay": "matrices", "optimizer__clip": 0.05}])
def test_it_trains_as_a_plain_torch_loop_does(data, settings):
    recipe = tiny_gpt(data, model__dropout=0.0, optimizer__weight_decay=0.1, optimizer__beta2=0.9, **settings)
    model, optimizer = made(recipe)
    plain = module(recipe).gpt
    matrices = [p for p in plain.parameters() if p.dim() == 2]
    others = [p for p in plain.parameters() if p.dim() != 2]
    decay = 0.1 if not settings else 0.0
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": decay}]
    usual = torch.optim.AdamW(groups, lr=recipe.optimizer.lr, betas=(0.9, 0.9))
    for step in range(12):
        inputs, targets = batch(seed=step)
        _, loss = model(inputs, targets)
        optimizer.step(model.backward())
        usual.zero_grad()
        expected = plain(torch.from_numpy(inputs), torch.from_numpy(targets))[1]
        expected.backward()
        if settings:
            assert torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.05) > 0.05
        usual.step()
        assert float(loss) == pytest.approx(expected.item(), rel=1e-12)
    assert_close(model.parameters(), dict(plain.named_parameters()), 1e-10)


def test_what_is_spared_by_decay_is_every_bias_and_norm(data):
    recipe = tiny_gpt(data, optimizer__decay="matrices", optimizer__weight_decay=1.0, optimizer__lr=0.5)
    model, optimizer = made(recipe)
    before = {name: p.clone() for name, p in model.parameters().items()}
    optimizer.step({name: torch.zeros_like(p) for name, p in before.items()})
    for name, p in model.parameters().items():
        assert torch.equal(p, before[name] * (0.5 if p.dim() == 2 else 1.0)), name


def test_muon_moves_the_blocks_matrices_and_adamw_all_else(data):
    recipe = tiny_gpt(data, optimizer__name="muon", optimizer__decay="matrices", model__dropout=0.0)
    model, optimizer = made(recipe)
    plain = module(recipe).gpt
    inner = [p for name, p in plain.named_parameters() if p.dim() == 2 and "blocks" in name]
    matrices = [plain.wte.weight, plain.wpe.weight, plain.head.weight]
    others = [p for p in plain.parameters() if p.dim() != 2]
    how = {"lr": recipe.optimizer.lr}
    decay = recipe.optimizer.weight_decay
    groups = [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    usual = [
        torch.optim.Muon(inner, weight_decay=decay, adjust_lr_fn="match_rms_adamw", **how),
        torch.optim.AdamW(groups, **how),
    ]
    for step in range(5):
        inputs, targets = batch(seed=step)
        model(inputs, targets)
        optimizer.step(model.backward())
        plain.zero_grad()
        plain(torch.from_numpy(inputs), torch.from_numpy(targets))[1].backward()
        for each in usual:
            each.step()
    assert_close(model.parameters(), dict(plain.named_parameters()), 1e-10)
    names = from_recipe.moment_shapes(recipe, V)
    assert {name: tuple(a.shape) for name, a in optimizer.state().items()} == names
    assert "v.wte.weight" in names
    assert "v.blocks.0.mlp.fc1.weight" not in names


@pytest.mark.parametrize("parts", [2, 4, 8])
def test_a_batch_in_parts_gives_the_gradients_of_the_whole(data, parts):
    whole, expected = gradients(tiny_gpt(data, model__dropout=0.0))
    loss, actual = gradients(tiny_gpt(data, model__dropout=0.0, train__parts=parts))
    assert loss == pytest.approx(whole, rel=1e-12)
    assert_close(actual, expected)


def test_parts_that_do_not_come_out_even_are_refused(data):
    with pytest.raises(ValueError, match=r"train\.batch_size = 8 does not come out even in 3 parts"):
        made(tiny_gpt(data, train__parts=3))


def test_dropout_depends_on_the_seed_the_step_and_the_part(data):
    recipe = tiny_gpt(data, model__dropout=0.5)
    drawn = [gradients(recipe, step)[0] for step in (0, 1, 0)]
    assert drawn[0] == drawn[2] != drawn[1]
    assert gradients(recipe.override("train.seed", 7))[0] != drawn[0]
    model, _ = made(recipe.override("train.parts", 2))
    half = batch(4)
    twice = tuple(np.concatenate([array, array]) for array in half)
    model.dropout_step = 0
    both = float(model(*twice)[1])
    model.dropout_step = 0
    alone = made(recipe)[0]
    alone.dropout_step = 0
    assert both != float(alone(*half)[1])  # the second half had a mask of its own


def test_judging_is_without_dropout_and_keeps_no_gradient(data):
    model, _ = made(tiny_gpt(data, model__dropout=0.9))
    model.eval()
    assert float(model(*batch())[1]) == float(model(*batch())[1])
    with pytest.raises(RuntimeError, match="forward"):
        model.backward()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_200_steps_with_dropout_stopped_anywhere_end_in_the_same_bytes(data, tmp_path, name):
    how = {"optimizer__name": name, "optimizer__warmup": 20}
    recipe = tiny_gpt(data, steps=200, train__eval_every=50, model__dtype="float32", **how)
    whole = train(recipe, tmp_path / "whole", "torch")
    for calls in (61, 137):
        stopped(Run(recipe, "torch", tmp_path / "run", resume=True), calls, "before the update")
    train(recipe, tmp_path / "run", "torch", resume=True)
    assert checkpoints.load(tmp_path / "run" / "checkpoint.safetensors").step == 200
    for name in FILES:
        assert (tmp_path / "run" / name).read_bytes() == (whole / name).read_bytes(), name


def test_the_drawn_windows_are_the_same_at_each_evaluation_and_in_each_run(data):
    recipe, dataset = tiny_gpt(data), datasets.load_dataset(data)
    seen = []

    class Judged:
        training = False

        def __call__(self, inputs, targets):
            seen.append((inputs, targets))
            return None, 1.0

    for seed in (1, 2):
        Trainer(Judged(), None, dataset, recipe.override("train.seed", seed)).split_loss(dataset.val)
    assert len(seen) == 2 * recipe.train.eval_batches
    for (a, b), (c, d) in zip(seen[:3], seen[3:], strict=True):
        assert np.array_equal(a, c)
        assert np.array_equal(b, d)
        assert np.array_equal(a[:, 1:], b[:, :-1])  # the token after each position


def test_every_position_of_a_split_is_judged_once_whatever_the_batch_size(data):
    losses = set()
    for batch_size in (1, 2, 5, 1000):
        recipe = tiny_gpt(data, train__evaluation="all", train__batch_size=batch_size)
        trainer = Run(recipe, "torch", data.parent / "judged").trainer
        losses.add(f"{trainer.split_loss(trainer.dataset.val):.12f}")
        tokens, expected = trainer.dataset.val.tokens, []
        for first in range(0, len(tokens) - 1, 6):
            window = tokens[first : first + 7]
            expected += [float(trainer.model.eval()(window[None, :-1], window[None, 1:])[1])] * (len(window) - 1)
    assert losses == {f"{np.mean(expected):.12f}"}


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("batch_size", [1, 2, 4, 7])
def test_workers_share_a_batch_that_does_not_come_out_even(count, batch_size):
    rows = []
    for rank in range(count):
        workers = Workers(torch.nn.Identity(), "cpu")
        workers.rank, workers.count = rank, count
        rows += [row for share in workers.uneven_shares(batch_size) for row in range(batch_size)[share]]
    assert rows == list(range(batch_size))


def test_warm_up_rises_to_the_schedule(data):
    recipe = tiny_gpt(data, steps=100, optimizer__warmup=10, optimizer__lr=0.01)
    trainer = Trainer(None, None, None, recipe)
    rates = []
    for trainer.step in range(100):
        rates.append(trainer.lr())
    cosine = [0.01 * 0.5 * (1 + math.cos(math.pi * step / 100)) for step in range(100)]
    assert rates[10:] == cosine[10:]
    assert rates[:10] == pytest.approx([c * (step + 1) / 10 for step, c in enumerate(cosine[:10])])


def test_autocast_computes_in_bfloat16_and_keeps_the_weights_as_they_are(data):
    recipe = tiny_gpt(data, model__dtype="float32", model__dropout=0.0)
    exact, rough = gradients(recipe), gradients(recipe.override("train.autocast", "on"))
    assert 1e-6 < abs(rough[0] - exact[0]) < 0.05
    assert all(g.dtype == torch.float32 for g in rough[1].values())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler uses what torch deprecates
def test_compiled_it_computes_the_same(data):
    recipe = tiny_gpt(data, model__dropout=0.0)
    loss, expected = gradients(recipe)
    compiled, actual = gradients(recipe.override("train.compile", "on"))
    assert compiled == pytest.approx(loss, rel=1e-12)
    assert_close(actual, expected)


def test_deterministic_asks_torch_for_it(data):
    try:
        made(tiny_gpt(data, train__deterministic=True))
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_the_optimizers_state_goes_out_and_comes_back(data):
    recipe = tiny_gpt(data, model__dropout=0.0)
    (first, one), (second, two) = made(recipe), made(recipe)
    for step in range(3):
        first(*batch(seed=step))
        one.step(first.backward())
    second.load_parameters(checkpoints.to_numpy(first.parameters()))
    two.load_state({name: array.copy() for name, array in checkpoints.to_numpy(one.state()).items()}, one.t)
    for model, optimizer in ((first, one), (second, two)):
        model(*batch(seed=9))
        optimizer.step(model.backward())
    assert_close(second.parameters(), first.parameters(), 0.0)
    with pytest.raises(ValueError, match="optimizer state"):
        two.load_state({}, 3)


@pytest.mark.slow
def test_shapes_are_known_without_making_the_model(data):
    recipe = tiny_gpt(data, model__shape="gpt2")
    model, _ = made(recipe)
    shapes = from_recipe.parameter_shapes(recipe, V)
    assert shapes == {name: tuple(p.shape) for name, p in model.parameters().items()}
    assert nnz.gpt.GPT.shapes(nnz.gpt.GPTConfig(65, n_layer=1000, n_embd=6 * 100_000))  # no memory is taken


@pytest.mark.parametrize("backend", ["numpy", "c"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.parts", 2),
        ("train.autocast", "on"),
        ("train.compile", "on"),
        ("train.deterministic", True),
    ],
)
def test_what_only_torch_can_do_is_refused_by_other_backends(data, backend, key, value):
    if backend not in registry.available():
        pytest.skip(f"backend {backend} is not there")
    recipe = tiny_gpt(data, model__dtype="float32").override(key, value)
    with pytest.raises(UsageError, match=f"^{key} = {value!r} is of torch alone, and nnz.{backend} has none of it"):
        from_recipe.model(registry.load(backend), recipe, V)
    assert from_recipe.model(registry.load(backend), recipe, V, trains=False)  # to sample from it needs none of that


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("optimizer__clip", 1.0),
        ("optimizer__decay", "matrices"),
        ("train__parts", 2),
        ("model__n_layer", 3),
        ("optimizer__name", "muon"),
    ],
)
def test_what_is_of_a_gpt_alone_is_refused_for_another_model(data, key, value):
    recipe = tiny_gpt(data, model__kind="mlp", **{key: value})
    with pytest.raises(UsageError, match=r"means nothing to mlp; leave it out|cannot train mlp; take adamw, sgd"):
        from_recipe.model(registry.load("numpy"), recipe, V)


def test_an_optimizer_that_it_does_not_know_is_refused(data):
    with pytest.raises(UsageError, match="cannot train gpt; take adamw or muon"):
        made(tiny_gpt(data, optimizer__name="sgd"))


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"model__hidden_size": 7}, "model.hidden_size means nothing to gpt; leave it out"),
        ({"model__n_head": 3}, "is not a multiple of model.n_head = 3"),
        ({"data__windows": "padded"}, "would learn the padding"),
        ({"train__autocast": "on"}, "not in model.dtype = 'float64'"),
    ],
)
def test_settings_that_contradict_a_gpt_are_refused(data, settings, what):
    with pytest.raises(UsageError, match=re.escape(what)):
        made(tiny_gpt(data, **settings))


def test_a_split_shorter_than_the_context_is_refused_before_a_former_run_is_lost(capsys, data, tmp_path):
    run = train(tiny_gpt(data, steps=5), tmp_path / "run", "torch")
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    recipe = tiny_gpt(data, steps=5, model__context_length=400)
    (tmp_path / "long.toml").write_text(recipe.to_toml(), encoding="utf-8")
    code, out, error = command(capsys, "train", tmp_path / "long.toml", "--out", run)
    assert (code, out) == (1, "")
    assert "too few for context_length 400" in error
    assert "bug" not in error
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_many_samples_are_drawn_some_at_a_time_and_as_one_by_one(data, monkeypatch):
    recipe = tiny_gpt(data, model__dtype="float32", model__dropout=0.0)
    tokenizer = datasets.load_dataset(data).tokenizer
    model = from_recipe.model(registry.load("torch"), recipe, tokenizer.vocab_size, trains=False)
    sampler = sampling.of_recipe(model, tokenizer, recipe)
    monkeypatch.setattr(sampling, "SIDE_BY_SIDE", 3)
    together = [list(tokens) for tokens in sampler.samples(RNG(5), 7, "em", 11)]
    rng = RNG(5)
    assert together == [list(sampler.sample(rng, "em", 11)) for _ in range(7)]
