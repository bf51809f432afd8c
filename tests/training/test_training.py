import math
import re

import numpy as np
import pytest
from support.tiny_runs import BUILT, tiny_recipe, train

import nnz
import nnz.numpy as nn
from nnz.recipes import recipe
from nnz.runs import checkpoints
from nnz.text import batches, datasets
from nnz.training.run import Run

COUNTED = {
    "data__windows": "padded",
    "model__kind": "bigram-counts",
    "model__hidden_size": 512,  # as by default: it has none
    "model__context_length": 1,
    "optimizer__name": "none",
    "steps": 1,
}


def by_hand(settings):
    """The log's rows, the test loss and the parameters of a tiny recipe, from a loop that shares nothing with ours."""
    dataset, steps, lr = nnz.load_dataset(settings.data.name), settings.train.steps, settings.optimizer.lr
    model = nn.MLP(dataset.tokenizer.vocab_size, 3, 5, 11, rng=nnz.RNG(settings.train.seed), dtype="float64")
    optimizer = nn.AdamW(model.parameters(), lr=lr, weight_decay=1e-4)

    def judge(split, n=None):
        if settings.train.evaluation == "batches":
            n = n or split.n_tokens // 7
            return sum(model(*batch)[1] for batch in split.batches(3, 7, steps=n)) / n
        windows = np.array([split.tokens[i : i + 4] for i in range(len(split.tokens) - 3)][: n and 7 * n])
        return float(np.mean([model(window[None, :3], window[3:])[1] for window in windows]))

    rows = []
    for step, (inputs, targets) in enumerate(dataset.train.batches(3, 7, steps=steps)):
        optimizer.lr = lr * 0.5 * (1 + math.cos(math.pi * step / steps))
        if step in (0, 5, 10, 15, 20, 22):
            rows.append((step, judge(dataset.train, 3), judge(dataset.val), optimizer.lr))
        model(inputs, targets)
        optimizer.step(model.backward())
    return rows, judge(dataset.test), model.parameters()


@pytest.mark.parametrize("evaluation", ["batches", "all"])
def test_the_run_is_the_loop_written_by_hand_with_evaluation_before_each_update(data, tmp_path, capsys, evaluation):
    settings = tiny_recipe(data, train__evaluation=evaluation)
    out = train(settings, tmp_path / "run")
    rows, test_loss, parameters = by_hand(settings)
    assert (out / "log.csv").read_text() == "step,train_loss,val_loss,lr\n" + "".join(
        f"{step},{train_loss:.9f},{val_loss:.9f},{lr:e}\n" for step, train_loss, val_loss, lr in rows
    )
    saved = checkpoints.load(out / "checkpoint.safetensors").parameters
    assert all(saved[name].tobytes() == parameters[name].tobytes() for name in parameters)
    printed = capsys.readouterr().out.splitlines()
    assert printed[: len(rows)] == [
        f"step {step:6d} | train_loss {train_loss:.6f} | val_loss {val_loss:.6f} | lr {lr:e}"
        for step, train_loss, val_loss, lr in rows
    ]
    assert printed[-1] == f"test_loss {test_loss:.6f}"
    assert printed[len(rows) : -1] == (out / "samples.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("backend", BUILT)
@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 128])
def test_a_split_is_judged_on_every_target_whatever_the_batch_size(tmp_path, batch_size, backend):
    (tmp_path / "train.txt").write_text("ab\n")
    for split in ("val", "test"):
        (tmp_path / f"{split}.txt").write_text("ab\nb\n")
    recipe = tiny_recipe(tmp_path, **COUNTED, train__batch_size=batch_size)
    trainer = Run(recipe, backend, tmp_path / "run").trainer
    # "\n" comes first, after it "a", "b" or "\n" with 1/2, 1/4, 1/4, and so on around: 3 of the 5 targets cost ln 2
    assert f"{trainer.split_loss(trainer.dataset.val):.12f}" == f"{6 * math.log(2) / 5:.12f}"


def test_the_name_that_an_evaluation_had_before_is_read(data):
    assert tiny_recipe(data, train__evaluation="whole") == tiny_recipe(data, train__evaluation="batches")


def test_each_split_is_made_into_windows_once_in_a_run(data, tmp_path, monkeypatch):
    padded, made = batches.padded, []
    monkeypatch.setitem(datasets.OF_LINES, "padded", lambda *text: made.append(text[-1]) or padded(*text))
    train(tiny_recipe(data, data__windows="padded"), tmp_path / "run")
    assert made == ["train", "val", "test"]


def test_nothing_on_stdout_varies_from_run_to_run(data, tmp_path, capsys):
    train(tiny_recipe(data), tmp_path / "a")
    first = capsys.readouterr()
    train(tiny_recipe(data), tmp_path / "b")
    second = capsys.readouterr()
    assert first.out == second.out
    assert re.search(r"23 steps in \d", first.err)


@pytest.mark.slow
def test_the_run_folder_holds_its_files_and_pictures_and_a_complete_config(data, tmp_path):
    out = train(tiny_recipe(data), tmp_path / "run", watched=True, drawn=True)
    files = ["best.safetensors", "checkpoint.safetensors", "config.toml", "log.csv", "samples.txt", "statistics.npz"]
    pictures = ["embeddings.png", "histograms.png", "loss.png", "updates.png"]
    assert sorted(file.name for file in out.iterdir()) == sorted(files + pictures)
    written = recipe.loads((out / "config.toml").read_text(encoding="utf-8"), "tiny")
    assert written == tiny_recipe(data).override("train.backend", "numpy")


def test_best_is_the_model_of_the_lowest_val_loss_without_optimizer_state(data, tmp_path):
    out = train(tiny_recipe(data, train__steps=300, optimizer__lr=0.1), tmp_path / "run")
    rows = [line.split(",") for line in (out / "log.csv").read_text().splitlines()[1:]]
    lowest = min(rows, key=lambda row: float(row[2]))
    assert lowest is not rows[-1], "the case needs a model that gets worse"
    best = checkpoints.load(out / "best.safetensors")
    assert (best.step, f"{best.val_loss:.9f}", best.optimizer) == (int(lowest[0]), lowest[2], {})
    assert checkpoints.load(out / "checkpoint.safetensors").step == 300


def test_a_checkpoint_stands_at_every_evaluation(data, tmp_path, monkeypatch):
    steps = []
    save = checkpoints.save
    monkeypatch.setattr(checkpoints, "save", lambda path, c: (steps.append((path.name[:4], c.step)), save(path, c)))
    train(tiny_recipe(data), tmp_path / "run")
    assert [step for name, step in steps if name == "chec"] == [0, 5, 10, 15, 20, 22, 23, 23]  # and what was printed


def test_samples_are_new_where_asked_and_any_where_not(data, tmp_path, capsys):
    names = set((data / "train.txt").read_text(encoding="utf-8").split())
    over = {"optimizer__lr": 0.02, "train__steps": 300, "sample__count": 40, "data__windows": "padded"}
    new = (train(tiny_recipe(data, **over), tmp_path / "new") / "samples.txt").read_text(encoding="utf-8").splitlines()
    assert len(set(new)) == len(new)
    assert not names & set(new)
    old = train(tiny_recipe(data, **over, sample__new=False), tmp_path / "any") / "samples.txt"
    assert names & set(old.read_text(encoding="utf-8").splitlines())


def test_too_few_new_samples_are_said_on_stderr(data, tmp_path, capsys):
    train(tiny_recipe(data, sample__temperature=0.0), tmp_path / "run")
    assert re.search(r"only [01] of 6 samples were new", capsys.readouterr().err)


@pytest.mark.parametrize(("name", "schedule"), [("sgd", "constant"), ("adamw", "constant"), ("sgd", "cosine")])
def test_optimizer_and_schedule_are_those_of_the_recipe(data, tmp_path, name, schedule):
    settings = tiny_recipe(data, optimizer__name=name, optimizer__schedule=schedule)
    out = train(settings, tmp_path / "run")
    lrs = {line.split(",")[3] for line in (out / "log.csv").read_text().splitlines()[1:]}
    assert (len(lrs) == 1) == (schedule == "constant")
    assert bool(checkpoints.load(out / "checkpoint.safetensors").optimizer) == (name == "adamw")


def test_the_seed_decides_the_initial_weights(data, tmp_path):
    logs = [
        train(tiny_recipe(data, train__seed=seed), tmp_path / f"{i}") / "log.csv" for i, seed in enumerate((7, 7, 8))
    ]
    a, b, c = (log.read_text() for log in logs)
    assert a == b != c


@pytest.mark.slow
def test_a_run_begun_again_replaces_the_files_of_an_earlier_one_and_no_others(data, tmp_path, capsys):
    fresh = train(tiny_recipe(data, steps=3), tmp_path / "fresh")
    out = train(tiny_recipe(data), tmp_path / "run")
    (out / "notes.txt").write_text("mine")
    capsys.readouterr()
    Run(tiny_recipe(data, steps=3), "numpy", out, restart=True).train()
    assert f"{out} holds an earlier run; its files are replaced" in capsys.readouterr().err
    assert (out / "notes.txt").read_text() == "mine"
    for name in ("log.csv", "samples.txt", "checkpoint.safetensors", "best.safetensors", "config.toml"):
        assert (out / name).read_bytes() == (fresh / name).read_bytes()


@pytest.mark.parametrize("below", ["file", "file/run"])
def test_a_folder_that_cannot_be_written_fails_before_training(data, tmp_path, below):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match=r"exists|Not a directory"):
        Run(tiny_recipe(data), "numpy", tmp_path / below)
