"""A GPT that learns documents: alike in every backend, also stopped and resumed, and judged on every token."""

import numpy as np
import pytest
from support.stopped_runs import FILES, stopped
from support.tiny_gpt import tiny_gpt
from support.tiny_runs import BUILT, NAMES, data_folder, nnz, train

from nnz import RNG
from nnz.backend import registry
from nnz.files.errors import UsageError
from nnz.recipes import from_recipe
from nnz.runs import checkpoints, sampling
from nnz.text.datasets import load_dataset
from nnz.training.loop import Trainer
from nnz.training.run import Run

HOW = {"data__windows": "documents", "model__context_length": 10, "train__evaluation": "all"}
HOW |= {"sample__tokens": 0, "sample__new": True}
ONE_BY_ONE = {"train__batch_size": 1, "train__order": "sequential"}

each_backend = pytest.mark.parametrize("backend", BUILT)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return data_folder(tmp_path_factory.mktemp("data") / "few-names")


def made(data, **settings):
    return tiny_gpt(data, **HOW | settings)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """One uninterrupted run per backend and order."""
    place = tmp_path_factory.mktemp("whole")
    return {
        (name, order): train(made(data, **settings), place / name / order, name)
        for name in BUILT
        for order, settings in (("random", {}), ("one by one", ONE_BY_ONE))
    }


@pytest.mark.slow
@each_backend
@pytest.mark.parametrize("order", ["random", "one by one"])
def test_every_backend_writes_the_same_log_and_names_in_float64(whole, backend, order):
    for name in ("log.csv", "samples.txt"):
        assert (whole[backend, order] / name).read_bytes() == (whole["numpy", order] / name).read_bytes(), name


@pytest.mark.slow
@each_backend
@pytest.mark.parametrize("order", ["random", "one by one"])
def test_a_run_stopped_and_resumed_ends_in_the_same_bytes(data, tmp_path, whole, backend, order):
    recipe = made(data, **(ONE_BY_ONE if order == "one by one" else {}))
    stopped(Run(recipe, backend, tmp_path), 13, "before the update")
    train(recipe, tmp_path, backend, resume=True)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (whole[backend, order] / name).read_bytes(), name


def test_val_is_judged_on_every_token_whatever_the_batch_size(data):
    dataset, nn = load_dataset(data, "documents"), registry.load("numpy")
    losses = []
    for batch_size in (1, 3, 100):
        recipe = made(data, train__batch_size=batch_size)
        model = from_recipe.model(nn, recipe, dataset.tokenizer.vocab_size)
        losses.append(Trainer(model, None, dataset, recipe).split_loss(dataset.val))
    model.eval()
    one_by_one = []  # the loss of each token, after all before it in its name
    for name in dataset.val.text.split():
        ids = dataset.encode(f"\n{name}\n")
        for n in range(1, len(ids)):
            logits = model(ids[None, :n])[0][0, -1]
            one_by_one.append(np.log(np.exp(logits).sum()) - logits[ids[n]])
    assert len(one_by_one) == dataset.val.n_tokens
    assert np.allclose(losses, np.mean(one_by_one), rtol=1e-12)


def test_samples_are_new_names_which_end_with_their_token_or_their_context(data, whole, capsys):
    names = (whole["numpy", "random"] / "samples.txt").read_text().split("\n")[:-1]
    assert len(set(names)) == len(names) == 6
    assert not set(names) & set(NAMES)
    recipe = made(data, sample__new=False, sample__count=40)
    model = from_recipe.model(registry.load("numpy"), recipe, 20)
    sampler = sampling.of_recipe(model, load_dataset(data).tokenizer, recipe)
    lengths = {len(list(sample)) for sample in sampler.samples(RNG(4), 40)}
    assert max(lengths) == 10
    assert len(lengths) > 1
    code, out, _ = nnz(capsys, "sample", whole["numpy", "random"], "--count", 3)
    assert (code, len(out.splitlines())) == (0, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model__context_length": 1}, "model.context_length = 1 shows of a document only its start; take 2 or more"),
        ({"train__evaluation": "batches"}, "train.evaluation = 'batches' counts windows"),
    ],
)
def test_settings_that_contradict_documents_are_refused(data, settings, message):
    with pytest.raises(UsageError, match=message):
        from_recipe.model(registry.load("numpy"), made(data, **settings), 20)


def test_they_are_refused_for_a_model_that_predicts_one_token_and_for_a_running_text(data, tmp_path, capsys):
    (tmp_path / "text.txt").write_text("some words that go on " * 40)
    words = ("--set", "data.windows=documents", "--out", tmp_path / "run", "--steps", 1)
    for recipe, text, code, message in (
        ("names", data, 2, "data.windows = 'documents' is not for mlp, which predicts one token; take padded"),
        ("gpt-cpu", tmp_path / "text.txt", 1, "data.windows = 'documents' needs lines that end"),
    ):
        got, out, error = nnz(capsys, "train", recipe, "--data", text, *words)
        assert (got, out, error.count("\n")) == (code, "", 1)
        assert message in error


def test_a_run_remembers_that_its_names_are_documents(whole):
    recipe = checkpoints.load(whole["numpy", "random"] / "checkpoint.safetensors").recipe
    assert (recipe.data.windows, recipe.data.kind) == ("documents", "list")
