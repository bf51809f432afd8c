"""nnz export and nnz import: what comes out is what went in, and what cannot go is refused in one line."""

import gc
import json
import resource
import shutil
import subprocess
import sys
import textwrap
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from support.tiny_checkpoints import rewrite
from support.tiny_gpt import tiny_gpt
from support.tiny_runs import BUILT, data_folder, finished_run, nnz, train

import nnz.gpt as nnz_gpt
from nnz.runs import checkpoints
from nnz.torch import MLPModule

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """mlp/run, a finished run of an MLP; course and gpt2, those of a GPT of each shape."""
    place = tmp_path_factory.mktemp("runs")
    (place / "mlp").mkdir()
    finished_run(place / "mlp")
    data = data_folder(place / "few-names")
    for shape in ("course", "gpt2"):
        train(tiny_gpt(data, model__shape=shape, model__dtype="float32"), place / shape, "torch")
    return place


def parameters(run):
    return checkpoints.load(run / "checkpoint.safetensors").parameters


@pytest.mark.parametrize("shape", ["course", "gpt2"])
def test_pth_is_a_state_dict_of_the_gpt(capsys, place, tmp_path, shape):
    assert nnz(capsys, "export", place / shape, "--to", "pth", tmp_path / "new" / "gpt.pth")[0] == 0
    found = torch.load(tmp_path / "new" / "gpt.pth", weights_only=True)
    make = {"course": nnz_gpt.GPTConfig, "gpt2": nnz_gpt.GPTConfig.gpt2}[shape]
    V = found["wte.weight"].shape[0]
    gpt = nnz_gpt.GPT(make(vocab_size=V, context_length=6, n_layer=2, n_head=2, n_embd=8))
    gpt.load_state_dict(found)
    for name, p in gpt.named_parameters():
        assert np.array_equal(p.detach().numpy(), parameters(place / shape)[name]), name


def test_pth_of_an_mlp_holds_its_weights_by_name(capsys, place, tmp_path):
    assert nnz(capsys, "export", place / "mlp" / "run", "--to", "pth", tmp_path / "mlp.pth")[0] == 0
    found = torch.load(tmp_path / "mlp.pth", weights_only=True)
    expected = parameters(place / "mlp" / "run")
    assert list(found) == list(expected)
    for name, array in MLPModule(found).state_dict().items():
        assert np.array_equal(array.numpy(), expected[name.replace("wte.weight", "wte")]), name


def test_hf_and_back_is_the_same_model_and_samples_alike(capsys, place, tmp_path):
    assert nnz(capsys, "export", place / "gpt2", "--to", "hf", tmp_path / "hf")[0] == 0
    code, out, error = nnz(capsys, "import", tmp_path / "hf", "--out", tmp_path / "back")
    assert (code, out) == (0, f"{tmp_path / 'back'}\n")
    assert "so nnz compare needs --data" in error
    recipe = checkpoints.load(tmp_path / "back" / "checkpoint.safetensors").recipe
    assert (recipe.name, recipe.sample.tokens) == ("hf", 0)  # a line ends where it ended
    for name, array in parameters(place / "gpt2").items():
        assert np.array_equal(parameters(tmp_path / "back")[name], array), name
    words = ("--count", 3, "--tokens", 9, "--seed", 5)
    assert nnz(capsys, "sample", place / "gpt2", *words) == nnz(capsys, "sample", tmp_path / "back", *words)


def test_an_imported_run_is_compared_and_drawn_like_any_other(capsys, place, tmp_path):
    nnz(capsys, "export", place / "gpt2", "--to", "hf", tmp_path / "hf")
    nnz(capsys, "import", tmp_path / "hf", "--out", tmp_path / "back")
    before, after = (
        checkpoints.load(run / "checkpoint.safetensors").recipe.model for run in (place / "gpt2", tmp_path / "back")
    )
    assert before == after
    refusal = f"nnz: {tmp_path / 'back'} was imported, and does not say on what text; name one with --data\n"
    assert nnz(capsys, "compare", tmp_path / "back") == (2, "", refusal)
    code, out, error = nnz(capsys, "compare", tmp_path / "back", "--data", place / "few-names", "--tokens", 5)
    assert (code, error) == (0, "")
    assert out.count("val_loss") == 2
    assert " | imported\n" in out
    assert nnz(capsys, "plot", tmp_path / "back", "--prompt", "em")[0] == 0
    assert (tmp_path / "back" / "attention.png").stat().st_size > 10_000


def test_an_import_does_not_mix_with_the_folder_it_reads(capsys, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nnz(capsys, "export", place / "gpt2", "--to", "hf", "runs/mine")
    before = {path.name: path.read_bytes() for path in Path("runs/mine").iterdir()}
    code, out, _ = nnz(capsys, "import", "runs/mine")
    assert (code, Path(out.strip())) == (0, Path("runs/mine-imported"))
    assert {path.name: path.read_bytes() for path in Path("runs/mine").iterdir()} == before
    nnz(capsys, "import", "runs/mine", "--out", "both")
    nnz(capsys, "export", place / "gpt2", "--to", "hf", "both", "--restart")  # as one asks for it
    code, _, error = nnz(capsys, "export", place / "gpt2", "--to", "hf", "both")
    assert code == 1
    assert "both is there, and no earlier export" in error


def test_an_imported_folder_is_started_from_and_not_continued(capsys, place, tmp_path):
    nnz(capsys, "export", place / "gpt2", "--to", "hf", tmp_path / "hf")
    for found in (tmp_path / "hf", tmp_path / "hf" / "model.safetensors"):
        code, out, error = nnz(capsys, "sample", found)
        remedy = f"make a run of it with nnz import {tmp_path / 'hf'}"
        assert (code, out) == (1, "")
        assert error == f"nnz: {tmp_path / 'hf'} is a folder of Hugging Face transformers; {remedy}\n"
    nnz(capsys, "import", tmp_path / "hf", "--out", run := tmp_path / "back")
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    for words in (["--resume", run], ["gpt-cpu", "--resume", "--out", run, "--data", place / "few-names"]):
        code, out, error = nnz(capsys, "train", *words)
        assert (code, out, error.count("\n")) == (1, "", 1)
        assert f"has no training to continue; start a new run with its weights: nnz train gpt --init {run}" in error
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_import_leaves_a_run_that_is_there_as_it_is(capsys, place, tmp_path):
    nnz(capsys, "export", place / "gpt2", "--to", "hf", tmp_path / "hf")
    before = {path.name: path.read_bytes() for path in (place / "course").iterdir()}
    code, out, error = nnz(capsys, "import", tmp_path / "hf", "--out", place / "course")
    assert (code, out) == (1, "")
    remedy = "replace the run with --restart, or give another folder with --out"
    assert error == f"nnz: {place / 'course'} already holds a run; {remedy}\n"
    assert {path.name: path.read_bytes() for path in (place / "course").iterdir()} == before


def test_what_cannot_be_a_gpt2_is_refused(capsys, place, tmp_path):
    code, out, error = nnz(capsys, "export", place / "course", "--to", "hf", tmp_path / "hf")
    assert (code, out) == (1, "")
    assert "cannot be a GPT-2" in error
    code, out, error = nnz(capsys, "export", place / "mlp" / "run", "--to", "hf", tmp_path / "hf")
    assert (code, out) == (2, "")
    assert error == f"nnz: --to hf is for a gpt, but {place / 'mlp' / 'run'} is of kind mlp; use --to pth\n"
    assert not (tmp_path / "hf").exists()


@pytest.mark.parametrize(("run", "to"), [("mlp/run", "pth"), ("course", "pth"), ("gpt2", "hf")])
def test_a_model_that_is_not_finite_is_not_exported(capsys, place, tmp_path, run, to):
    def spoil(metadata, arrays):
        name = next(iter(arrays))
        arrays[name].reshape(-1)[-1] = np.nan

    shutil.copy(place / run / "checkpoint.safetensors", tmp_path / "spoilt.safetensors")
    rewrite(tmp_path / "spoilt.safetensors", spoil)
    code, out, error = nnz(capsys, "export", tmp_path / "spoilt.safetensors", "--to", to, tmp_path / "out")
    assert (code, out, error.count("\n")) == (1, "", 1)
    assert "is not finite: its training diverged; take another, or train again" in error
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_finite_is_not_imported(capsys, place, tmp_path):
    nnz(capsys, "export", place / "gpt2", "--to", "hf", tmp_path / "hf")
    arrays = load_file(tmp_path / "hf" / "model.safetensors")
    arrays["transformer.wte.weight"][-1, -1] = np.inf
    save_file(arrays, tmp_path / "hf" / "model.safetensors", {"format": "pt"})
    code, out, error = nnz(capsys, "import", tmp_path / "hf", "--out", tmp_path / "back")
    assert (code, out) == (1, "")
    assert "wte.weight is not finite: its training diverged; take another, or train again" in error
    assert not (tmp_path / "back").exists()


def test_a_folder_that_is_no_gpt2_is_refused(capsys, place, tmp_path):
    nnz(capsys, "export", place / "gpt2", "--to", "hf", tmp_path / "hf")
    config = json.loads((tmp_path / "hf" / "config.json").read_text())
    (tmp_path / "hf" / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))
    code, _, error = nnz(capsys, "import", tmp_path / "hf", "--out", tmp_path / "back")
    assert code == 1
    assert "model_type is 'llama'" in error
    code, _, error = nnz(capsys, "import", tmp_path / "nowhere")
    assert code == 1
    assert "nowhere" in error
    assert not (tmp_path / "back").exists()


WTE, BIAS = "transformer.wte.weight", "transformer.h.1.ln_2.bias"
FIT = "model.safetensors does not fit its config.json: "
SPOILT = {
    "missing": (lambda arrays: arrays.pop(BIAS), f"{FIT}it lacks 'h.1.ln_2.bias'"),
    "extra": (lambda arrays: arrays.update(more=np.zeros(3)), f"{FIT}it holds 'more', which a GPT-2 does not have"),
    "of another shape": (
        lambda arrays: arrays.update({WTE: arrays[WTE][:, 1:].copy()}),
        f"{FIT}parameters['wte.weight'] must have shape (19, 8); got (19, 7)",
    ),
    "of whole numbers": (
        lambda arrays: arrays.update({BIAS: np.zeros(8, np.int32)}),
        f"model.safetensors: {BIAS!r} is I32; weights are floating-point numbers",
    ),
}


@pytest.mark.parametrize(("change", "message"), SPOILT.values(), ids=list(SPOILT))
def test_a_folder_with_a_tensor_that_does_not_fit_is_refused_and_loses_nothing(
    capsys, place, tmp_path, change, message
):
    nnz(capsys, "export", place / "gpt2", "--to", "hf", tmp_path / "hf")
    arrays = load_file(tmp_path / "hf" / "model.safetensors")
    change(arrays)
    save_file(arrays, tmp_path / "hf" / "model.safetensors", {"format": "pt"})
    before = {path.name: path.read_bytes() for path in (place / "course").iterdir()}
    code, out, error = nnz(capsys, "import", tmp_path / "hf", "--out", place / "course", "--restart")
    assert (code, out, error.count("\n")) == (1, "", 1)
    assert error == f"nnz: {tmp_path / 'hf'}/{message}\n"
    assert {path.name: path.read_bytes() for path in (place / "course").iterdir()} == before


@pytest.mark.parametrize("backend", BUILT)
def test_an_imported_model_writes_the_same_text_in_every_backend(capsys, place, tmp_path, backend):
    train(tiny_gpt(place / "few-names", model__shape="gpt2"), tmp_path / "run", backend)
    nnz(capsys, "export", tmp_path / "run", "--to", "hf", tmp_path / "hf")
    nnz(capsys, "import", tmp_path / "hf", "--out", tmp_path / "back")
    words = ("--count", 3, "--tokens", 9, "--seed", 5)
    expected = nnz(capsys, "sample", tmp_path / "run", *words)
    assert expected[0] == 0
    assert nnz(capsys, "sample", tmp_path / "back", *words, "--backend", backend) == expected


def test_a_broken_tokenizer_is_refused_and_loses_nothing(capsys, place, tmp_path):
    nnz(capsys, "export", place / "gpt2", "--to", "hf", tmp_path / "hf")
    (tmp_path / "hf" / "tokenizer.json").write_text("{")
    before = {path.name: path.read_bytes() for path in (place / "course").iterdir()}
    code, out, error = nnz(capsys, "import", tmp_path / "hf", "--out", place / "course", "--restart")
    assert (code, out, error.count("\n")) == (1, "", 1)
    assert f"{tmp_path / 'hf' / 'tokenizer.json'} is not as it should be: Input data was truncated" in error
    assert {path.name: path.read_bytes() for path in (place / "course").iterdir()} == before


def test_a_model_without_a_tokenizer_speaks_in_token_ids(capsys, place, tmp_path):
    nnz(capsys, "export", place / "gpt2", "--to", "hf", hf := tmp_path / "hf")
    (hf / "nnz-tokenizer.json").unlink()
    (hf / "tokenizer.json").unlink()
    code, _, error = nnz(capsys, "import", hf, "--out", run := tmp_path / "run")
    assert (code, f"{hf} has no tokenizer.json and no vocab.json: text is token ids" in error) == (0, True)
    for backend in BUILT:
        code, out, error = nnz(capsys, "sample", run, "--prompt", "3 1", "--tokens", 4, "--backend", backend)
        assert (code, error, out.split()[:2], len(out.split())) == (0, "", ["3", "1"], 6)
        words = ("sample", run, "--prompt", "em", "--backend", backend)
        assert nnz(capsys, *words)[2].startswith(
            "nnz: 'em' is not a token id: of this model only those are known, 0 to"
        )
    assert nnz(capsys, "plot", run, "--prompt", "3 1 4")[0] == 0
    for words, message in (
        (["compare", run, "--data", place / "few-names"], "is not a token id"),
        (["train", "names", "--init", run, "--out", tmp_path / "new"], "training cannot start from it"),
    ):
        code, _, error = nnz(capsys, *words)
        assert (code in (1, 2), error.count("\n"), message in error) == (True, 1, True), error


def test_a_gpt_goes_out_and_comes_back_where_there_is_no_torch(place, tmp_path):
    lines = f"""
        import sys; sys.modules["torch"] = None
        from nnz.commands.main import main
        for words in (
            ["export", {str(place / "gpt2")!r}, "--to", "hf", "hf"], ["import", "hf", "--out", "run"],
            ["sample", "run", "--count", "2"], ["compare", "run", "--data", {str(place / "few-names")!r}],
            ["plot", "run", "--prompt", "em"],
        ):
            assert not main(words), words
    """
    command = [sys.executable, "-c", textwrap.dedent(lines)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("run/attention.png\n")


@pytest.mark.parametrize("to", ["pth", "hf"])
def test_an_export_replaces_only_an_earlier_one_unless_it_is_told_to(capsys, place, tmp_path, to):
    words, path = ("export", place / "gpt2", "--to", to), tmp_path / "there"
    assert [nnz(capsys, *words, path)[0] for _ in range(2)] == [0, 0]
    mine = path / "model.safetensors" if to == "hf" else path
    if to == "hf":
        save_file({"mine": np.zeros(3)}, mine, {"format": "pt"})
    else:
        torch.save(torch.load(path, weights_only=True), path)  # as after a training elsewhere
    for file in (mine, place / "gpt2" / "checkpoint.safetensors"):
        before = file.read_bytes()
        code, _, err = nnz(capsys, *words, path if file == mine else file.parent if to == "hf" else file)
        assert (code, err.count("\n"), file.read_bytes() == before) == (1, 1, True)
        assert "is there, and no earlier export; replace it with --restart, or name another" in err
    assert nnz(capsys, *words, path, "--restart")[0] == 0


def test_a_damaged_file_is_no_earlier_export_and_is_closed(capsys, place, tmp_path):
    words, path = ("export", place / "course", "--to", "pth"), tmp_path / "model.pth"
    assert nnz(capsys, *words, path)[0] == 0
    whole, empty = path.read_bytes(), b"PK\5\6" + bytes(18)
    end = whole.rindex(b"PK\5\6")
    directory = int.from_bytes(whole[end + 16 : end + 20], "little")
    newer = whole[: directory + 6] + b"\xff" + whole[directory + 7 :]  # it says that it needs zip 25.5
    for damaged in (empty, whole[:-30], whole[: len(whole) // 2], newer, b"", b"PK"):
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            code, _, error = nnz(capsys, *words, path)
            gc.collect()
        assert (code, path.read_bytes()) == (1, damaged)
        assert error == f"nnz: {path} is there, and no earlier export; replace it with --restart, or name another\n"


def test_an_import_goes_on_where_one_was_killed_and_replaces_a_run_only_if_told_to(capsys, place, tmp_path):
    nnz(capsys, "export", place / "gpt2", "--to", "hf", tmp_path / "hf")
    words, run = ("import", tmp_path / "hf", "--out", tmp_path / "run"), tmp_path / "run"
    assert nnz(capsys, *words)[0] == 0
    (run / "checkpoint.safetensors").unlink()
    assert nnz(capsys, *words)[0] == 0
    code, _, err = nnz(capsys, *words)
    assert (code, f"{run} already holds a run; replace the run with --restart, or give another folder" in err) == (
        1,
        True,
    )
    assert nnz(capsys, *words, "--restart")[0] == 0


def test_a_run_starts_from_an_imported_folder(capsys, place, tmp_path):
    nnz(capsys, "export", place / "gpt2", "--to", "hf", tmp_path / "hf")
    nnz(capsys, "import", tmp_path / "hf", "--out", tmp_path / "imported")
    recipe = tiny_gpt(place / "few-names", 2, model__shape="gpt2", model__dtype="float32")
    (tmp_path / "tiny.toml").write_text(recipe.to_toml(), encoding="utf-8")
    words = "train", tmp_path / "tiny.toml", "--init", tmp_path / "imported", "--out", tmp_path / "run"
    code, _, err = nnz(capsys, *words)
    assert (code, "tokens start with its weights, 0 are new" in err) == (0, True)


def test_an_export_that_the_disk_does_not_take_is_one_line_and_leaves_nothing(place, tmp_path):
    command = [sys.executable, "-m", "nnz", "export", place / "course", "--to", "pth", tmp_path / "model.pth"]
    full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (4096, 4096))
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=full)
    why = f"nnz: {tmp_path}/model.pth: File too large; make space there, or give another path\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", why)
    assert list(tmp_path.iterdir()) == []
