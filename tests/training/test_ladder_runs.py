"""Rungs as runs: random batches, running statistics that survive a stop, and the model that is counted."""

import itertools
import os

import numpy as np
import pytest
from support.stopped_runs import FILES, stopped
from support.tiny_runs import tiny_recipe, train

import nnz
from nnz.backend import registry
from nnz.recipes import from_recipe, ladder
from nnz.runs import checkpoints, load_model
from nnz.text import batches
from nnz.training.run import Run

DEEP = {"model__kind": "residual", "model__hidden_layers": 3, "train__order": "random", "data__windows": "padded"}
HOME = os.environ.get("NNZ_DATA_HOME")


def windows(n: int) -> batches.Windows:
    return batches.stream(np.arange(n + 1, dtype=np.int32), 1)


def first_tokens(found) -> list[list[int]]:
    return [inputs[:, 0].tolist() for inputs, _ in found]


@pytest.mark.parametrize("n", [3, 1000])
def test_random_batches_are_the_draws_of_one_generator_scaled_to_the_number_of_windows(n) -> None:
    rng = nnz.RNG(2**64 - 1337)
    expected = [[rng.u32() * n >> 32 for _ in range(5)] for _ in range(7)]
    assert first_tokens(batches.random_batches(windows(n), 5, 1337, steps=7)) == expected


@pytest.mark.parametrize("start", [0, 1, 5, 20_000])
def test_random_batches_from_a_step_are_what_that_step_would_have_had(start) -> None:
    whole = batches.random_batches(windows(999), 32, 7)
    expected = first_tokens(itertools.islice(whole, start, start + 3))
    assert first_tokens(batches.random_batches(windows(999), 32, 7, steps=3, start=start)) == expected


def test_random_batches_reach_every_window_and_another_seed_draws_others() -> None:
    drawn = [
        set(np.concatenate(first_tokens(batches.random_batches(windows(50), 40, seed, steps=20)))) for seed in (1, 2)
    ]
    assert drawn == [set(range(50))] * 2
    one, two = (first_tokens(batches.random_batches(windows(50), 40, seed, steps=1)) for seed in (1, 2))
    assert one != two


@pytest.mark.slow
@pytest.mark.parametrize("backend", registry.names())
def test_a_run_with_running_statistics_stopped_and_resumed_ends_as_if_it_never_was(data, tmp_path, backend) -> None:
    whole = train(tiny_recipe(data, **DEEP), tmp_path / "whole", backend)
    for calls in (4, 10):
        stopped(Run(tiny_recipe(data, **DEEP), backend, tmp_path / "run", resume=True), calls, "after the update")
    train(tiny_recipe(data, **DEEP), tmp_path / "run", backend, resume=True)
    for name in FILES:
        assert (tmp_path / "run" / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_checkpoint_holds_the_running_statistics_and_gives_them_back(data, tmp_path) -> None:
    out = train(tiny_recipe(data, **DEEP), tmp_path)
    checkpoint = checkpoints.load(out / "checkpoint.safetensors")
    assert list(checkpoint.buffers)[:2] == ["3.running_mean", "3.running_var"]
    dataset = from_recipe.dataset(checkpoint.recipe)
    untrained, model = (load_model.build(checkpoint, untrained=of) for of in (dataset, None))
    assert [model.training, untrained.training] == [False, False]
    assert {k: b.tobytes() for k, b in model.buffers().items()} == {
        k: b.tobytes() for k, b in checkpoint.buffers.items()
    }
    assert np.all(untrained.buffers()["3.running_mean"] == 0)


def test_evaluation_leaves_the_running_statistics_alone_and_training_goes_on_after_it(data, tmp_path) -> None:
    trainer = Run(tiny_recipe(data, **DEEP), "numpy", tmp_path).trainer
    before = {k: b.tobytes() for k, b in trainer.model.buffers().items()}
    trainer.split_loss(trainer.dataset.val)
    assert {k: b.tobytes() for k, b in trainer.model.buffers().items()} == before
    assert trainer.model.training


@pytest.mark.parametrize("backend", registry.names())
def test_the_counted_bigram_is_log_of_the_smoothed_shares_and_no_step_changes_it(data, tmp_path, backend) -> None:
    counted = {"model__kind": "bigram-counts", "model__context_length": 1, "optimizer__name": "none", "steps": 1}
    settings = tiny_recipe(data, **counted, data__windows="padded", model__smoothing=0.5)
    out = train(settings, tmp_path, backend)
    text = (data / "train.txt").read_text(encoding="utf-8")
    pairs = list(itertools.pairwise("\n" + text))
    characters = checkpoints.load(out / "checkpoint.safetensors").tokenizer.characters
    expected = [[pairs.count((a, b)) + 0.5 for b in characters] for a in characters]
    expected /= np.sum(expected, axis=1, keepdims=True)
    saved = checkpoints.load(out / "checkpoint.safetensors").parameters["0.weight"]
    assert np.allclose(np.exp(saved), expected, rtol=len(characters) * np.finfo(np.float64).eps, atol=0)
    assert (out / "log.csv").read_text().splitlines()[1].endswith(",0.000000e+00")


@pytest.mark.skipif(HOME is None, reason="NNZ_DATA_HOME is unset: it names the folder with the text to check")
def test_the_names_of_makemore_are_the_published_number_of_examples() -> None:
    dataset = nnz.load_dataset("makemore-names", "padded", "lines", (0.8, 0.1, 0.1))
    splits = (dataset.train, dataset.val, dataset.test)
    assert dataset.tokenizer.vocab_size == 27
    assert sum(split.n_tokens for split in splits) == 228_146
    assert sum(len(split.sliding_windows(3)) for split in splits) == 228_146
    assert sum(ladder.bigram_counts(split.sliding_windows(1), 27).sum() for split in splits) == 228_146
