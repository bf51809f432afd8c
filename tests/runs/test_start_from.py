"""`--init`: a run that starts with the weights of another one, on the same text or on another."""

import numpy as np
import pytest
from support.stopped_runs import stopped
from support.tiny_gpt import tiny_gpt
from support.tiny_runs import BUILT, data_folder, nnz, tiny_recipe, train

from nnz.files.errors import UsageError
from nnz.recipes.models import RUNGS
from nnz.runs import checkpoints
from nnz.training.run import Run

TRAINED = [*sorted(set(RUNGS) - {"bigram-counts"}), "mlp", "gpt"]


@pytest.fixture
def data(tmp_path):
    return data_folder(tmp_path / "few-names")


@pytest.fixture
def other(tmp_path, data):
    """Another text: without z, and with x and ß."""
    folder = tmp_path / "other-names"
    folder.mkdir()
    for split in ("train", "val", "test"):
        text = (data / f"{split}.txt").read_text(encoding="utf-8").replace("z", "x")
        (folder / f"{split}.txt").write_text(text + "maxß\n" * 3, encoding="utf-8")
    return folder


def recipe_of(kind, data, **settings):
    if kind == "gpt":
        return tiny_gpt(data, **settings)
    context_length = {"wavenet": 8, "bigram": 1}.get(kind, 3)
    return tiny_recipe(data, steps=6, model__kind=kind, model__context_length=context_length, **settings)


def model_of(run):
    return checkpoints.to_numpy(run.trainer.model.parameters())


def begun(recipe, out, backend):
    run = Run(recipe, backend, out)
    run.folder.lock.release()
    return run


@pytest.mark.slow
@pytest.mark.parametrize("backend", BUILT)
@pytest.mark.parametrize("kind", TRAINED)
def test_every_kind_of_model_starts_with_the_weights_of_a_run_on_the_same_text(data, tmp_path, kind, backend):
    train(recipe_of(kind, data), first := tmp_path / "first", backend)
    run = begun(recipe_of(kind, data, train__init=str(first)), tmp_path / "second", backend)
    trained = checkpoints.load(first / "checkpoint.safetensors")
    for name, weights in model_of(run).items():
        assert np.array_equal(weights, trained.parameters[name]), name
    for name, buffer in trained.buffers.items():
        assert np.array_equal(checkpoints.to_numpy(run.trainer.model.buffers())[name], buffer), name


@pytest.mark.parametrize("kind", ["mlp", "bigram", "gpt"])
def test_on_another_text_the_rows_of_known_tokens_are_kept_and_new_ones_drawn(data, other, tmp_path, capsys, kind):
    backend = "numpy"
    train(recipe_of(kind, data), first := tmp_path / "first", backend)
    run = begun(recipe_of(kind, other, train__init=str(first)), tmp_path / "second", backend)
    drawn = model_of(begun(recipe_of(kind, other), tmp_path / "third", backend))
    trained = checkpoints.load(first / "checkpoint.safetensors")
    before, now = trained.tokenizer.characters, run.dataset.tokenizer.characters
    assert set(now) - set(before) == {"x", "ß"}
    table = {"mlp": "wte", "bigram": "0.weight", "gpt": "wte.weight"}[kind]
    for token in now:
        row, expected = model_of(run)[table][now.index(token)], drawn[table][now.index(token)]
        if token in before:
            expected = expected.copy() if kind == "bigram" else trained.parameters[table][before.index(token)]
            if kind == "bigram":  # both axes are tokens
                for column in set(now) & set(before):
                    there = before.index(token), before.index(column)
                    expected[now.index(column)] = trained.parameters[table][there]
        assert np.array_equal(row, expected), token
    n = len(now)
    message = f"{first}: {n - 2} of {n} tokens start with its weights, 2 are new and drawn ('x', 'ß'); 1 of its own"
    assert message in capsys.readouterr().err


def test_a_run_that_started_so_is_resumed_from_its_own_checkpoint(data, tmp_path):
    train(tiny_recipe(data), tmp_path / "first")
    recipe = tiny_recipe(data, train__init=str(tmp_path / "first"))
    train(recipe, tmp_path / "whole")
    stopped(Run(recipe, "numpy", tmp_path / "run"), 9, "before the update")
    for file in (tmp_path / "first").iterdir():
        file.unlink()
    train(recipe, tmp_path / "run", resume=True)
    for name in ("log.csv", "checkpoint.safetensors", "samples.txt"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_model_of_another_shape_is_refused_with_the_flags_that_help(data, tmp_path):
    train(tiny_recipe(data), tmp_path / "first")
    flags = "add --set model.context_length=3 --set model.hidden_size=11"
    recipe = tiny_recipe(data, train__init=str(tmp_path / "first"), model__hidden_size=12, model__context_length=2)
    with pytest.raises(UsageError, match=flags):
        Run(recipe, "numpy", tmp_path / "second")
    assert not (tmp_path / "second").exists()


def test_weights_that_are_not_finite_are_not_started_from(data, tmp_path):
    train(tiny_recipe(data), tmp_path / "first")
    path = tmp_path / "first" / "checkpoint.safetensors"
    spoilt = checkpoints.load(path)
    spoilt.parameters["wte"][0, 0] = np.nan
    checkpoints.save(path, spoilt)
    with pytest.raises(ValueError, match="wte is not finite"):
        Run(tiny_recipe(data, train__init=str(path)), "numpy", tmp_path / "second")


@pytest.mark.slow
def test_the_flag_takes_a_folder_or_a_file_and_is_refused_for_what_is_none(data, tmp_path, capsys):
    train(tiny_recipe(data), tmp_path / "first")
    (tmp_path / "tiny.toml").write_text(tiny_recipe(data, steps=2).to_toml(), encoding="utf-8")
    words = "train", tmp_path / "tiny.toml", "--backend", "numpy", "--out", tmp_path / "second", "--init"
    assert nnz(capsys, *words, tmp_path / "first" / "best.safetensors")[0] == 0
    assert nnz(capsys, *words, tmp_path / "first")[0] == 1
    assert nnz(capsys, *words, tmp_path / "first", "--restart")[0] == 0
    code, _, err = nnz(capsys, *words, tmp_path / "nowhere", "--restart")
    assert (code, "there is no checkpoint" in err) == (1, True)
