"""The recipe microgpt is Karpathy's microgpt: its documents, weights, losses and names, in every backend."""

import random

import numpy as np
import pytest
from support.stopped_runs import FILES, stopped
from support.tiny_runs import BUILT, train

from nnz.backend import registry
from nnz.files import downloads
from nnz.files.errors import UsageError
from nnz.numbers.rng import RNG
from nnz.recipes import from_recipe, microgpt
from nnz.recipes.recipe import load
from nnz.runs import checkpoints, load_model, sampling
from nnz.training.run import Run

LOSSES = [3.3660, 3.4243, 3.1778, 3.0664, 3.2209]  # of steps 1 to 5, as the reference prints them
LAST_LOSS = 2.6497  # of step 1000
NAMES = "kamon ann karai jaire vialan karia yeran anna areli kaina konna keylen liole alerin earan lenne kana lara"
NAMES = [*NAMES.split(), "alela", "anton"]


@pytest.fixture(scope="module")
def recipe():
    try:
        downloads.get("makemore-names")
    except downloads.DownloadError as error:
        pytest.skip(str(error))
    return load("microgpt")


def losses(folder):
    return np.loadtxt(folder / "log.csv", delimiter=",", skiprows=1)[:, 1]


def test_the_first_losses_are_those_of_the_reference_in_every_backend(recipe, tmp_path):
    first = recipe.override("train.steps", 1_000)  # the learning rate falls over all of them
    found = {}
    for name in BUILT:
        run = Run(first, name, tmp_path / name)
        logged = []
        with pytest.raises(KeyboardInterrupt):
            run.trainer.run(lambda e, _, to=logged: to.append(e.train_loss), stopping=lambda to=logged: len(to) == 6)
        run.folder.lock.release()
        found[name] = [f"{loss:.9f}" for loss in logged]
        assert np.round(logged[:5], 4).tolist() == LOSSES
    assert len(set(map(tuple, found.values()))) == 1


@pytest.mark.slow
def test_the_whole_run_ends_with_the_references_loss_and_its_names(recipe, tmp_path):
    folder = train(recipe, tmp_path / "whole", "c")
    found = losses(folder)
    assert len(found) == 1_000
    assert np.round(found[[*range(5), -1]], 4).tolist() == [*LOSSES, LAST_LOSS]
    assert (folder / "samples.txt").read_text().split() == NAMES


@pytest.mark.parametrize("fractions", [(0.9, 0.05, 0.05), (0.9, 0.1)])
def test_documents_and_weights_are_those_that_python_draws(recipe, fractions):
    recipe = recipe.override("data.fractions", fractions)
    dataset = from_recipe.dataset(recipe)
    rng = random.Random(42)
    lines = downloads.get("makemore-names").read_text().split()
    rng.shuffle(lines)
    assert dataset.train.text.split() == lines[: len(dataset.train.text.split())]
    assert dataset.tokenizer.characters == "abcdefghijklmnopqrstuvwxyz\n"
    model = from_recipe.model(registry.load("numpy"), recipe, 27)
    from_recipe.fit(model, recipe, dataset)
    assert sum(p.size for p in model.parameters().values()) == 4_192
    for name in ("wte.weight", "wpe.weight", "head.weight", "blocks.0.attention.qkv.weight"):
        p = model.parameters()[name]
        assert p.ravel().tolist() == [rng.gauss(0, 0.08) for _ in range(p.size)], name


def test_the_untrained_model_of_a_run_is_the_one_that_it_began_with(recipe, tmp_path):
    checkpoint = checkpoints.load(train(recipe.override("train.steps", 2), tmp_path / "run") / "checkpoint.safetensors")
    dataset = from_recipe.dataset(recipe)
    found = load_model.build(checkpoint, "numpy", untrained=dataset).parameters()
    first = microgpt.weights(microgpt.shuffled(42, dataset), from_recipe.parameter_shapes(recipe, 27))
    for name, p in first.items():
        assert np.array_equal(found[name], p), name


def test_a_seed_of_the_samples_is_refused(recipe):
    with pytest.raises(
        UsageError, match=r"^sample\.seed means nothing to microgpt, which goes on drawing by train\.seed"
    ):
        from_recipe.model(registry.load("numpy"), recipe.override("sample.seed", 7), 27)


@pytest.mark.parametrize("length", [0, 3, 15, 16, 20])
def test_a_name_ends_with_the_context_whatever_its_prompt(recipe, length):
    """And a prompt that fills it is all there is."""
    dataset = from_recipe.dataset(recipe)
    model = from_recipe.model(registry.load("numpy"), recipe, 27)
    sampler = sampling.of_recipe(model, dataset.tokenizer, recipe, banned=(26,))  # so that nothing else ends it
    (tokens,) = (list(each) for each in sampler.samples(RNG(1), 1, "a" * length))
    assert len(tokens) == max(0, 16 - length)


def test_names_are_drawn_as_choices_draws_them():
    rng, python = microgpt.Uniforms(7), random.Random(7)
    sums = np.cumsum([0.1, 0.2, 0.3, 0.4])
    ours = [int(np.searchsorted(sums, rng.uniform(), side="right")) for _ in range(50)]
    assert ours == python.choices(range(4), weights=[0.1, 0.2, 0.3, 0.4], k=50)
    assert rng.uniform(size=(3, 2)).tolist() == [[python.random() for _ in range(2)] for _ in range(3)]


def test_samples_have_the_length_that_is_asked_for(recipe, tmp_path):
    short = recipe.override("train.steps", 1).override("sample.count", 3)
    folder = train(short.override("sample.tokens", 5), tmp_path / "run")
    assert len((folder / "samples.txt").read_text()) == 3 * 6


@pytest.mark.slow
@pytest.mark.parametrize("where", ["before the update", "in the checkpoint"])
def test_a_run_that_is_stopped_goes_on_to_the_same_files(recipe, tmp_path, monkeypatch, where):
    monkeypatch.setattr("nnz.training.run.BETWEEN_SAVES", 0)  # usually a second, and this run takes less
    short = recipe.override("train.steps", 20)
    whole = train(short, tmp_path / "whole")
    stopped(Run(short, "numpy", tmp_path / "stopped"), 13, where)
    again = train(short, tmp_path / "stopped", resume=True)
    for name in FILES:
        assert (whole / name).read_bytes() == (again / name).read_bytes(), name


def test_what_was_not_saved_is_trained_again_and_the_best_is_kept(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("nnz.training.run.BETWEEN_SAVES", 1e9)  # usually a second, which a busy machine may need
    short = recipe.override("train.steps", 20)
    whole = train(short, tmp_path / "whole")
    run, calls = Run(short, "numpy", tmp_path / "stopped"), iter(range(13))

    def killed(*_):
        raise MemoryError

    step = run.trainer.optimizer.step
    run.trainer.optimizer.step = lambda gradients: step(gradients) if next(calls, None) is not None else killed()
    with pytest.raises(MemoryError):
        run.train()
    assert checkpoints.load(tmp_path / "stopped" / "checkpoint.safetensors").step == 0
    again = train(short, tmp_path / "stopped", resume=True)
    for name in FILES:
        assert (whole / name).read_bytes() == (again / name).read_bytes(), name


def test_settings_that_only_a_gpt_has_are_refused_elsewhere():
    with pytest.raises(UsageError, match=r"^optimizer\.beta1 means nothing to mlp; leave it out$"):
        from_recipe.model(registry.load("numpy"), load("names").override("optimizer.beta1", 0.8), 27)
