"""What the GPT refuses, each in one line and before anything is computed."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from support.tiny_runs import data_folder
from support.tiny_runs import nnz as command
from test_gpt_proofs import V, config, random_model, random_parameters

import nnz.gpt
from nnz.gpt.workers import own_device


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab_size": 0}, "vocab_size must be at least 1; got 0"),
        ({"n_layer": 2.0}, "n_layer must be an integer, not float"),
        ({"n_head": 5}, "n_embd must be a multiple of n_head; got 12 for 5 heads"),
        ({"dropout": 1.0}, "dropout must be below 1; got 1.0"),
        ({"embedding_dropout": -0.1}, "embedding_dropout must be finite and at least 0"),
        ({"activation": "swish"}, "activation must be 'relu' or 'gelu'; got 'swish'"),
        ({"attention": "flash"}, "attention must be 'spelled out' or 'fused'; got 'flash'"),
        ({"dtype": "float16"}, "dtype must be 'float32' or 'float64'; got 'float16'"),
        ({"tied_head": 1}, "tied_head must be true or false; got 1"),
    ],
)
def test_a_config_that_makes_no_model_is_refused(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        config(nnz.gpt, **changes)


@pytest.mark.parametrize(
    ("idx", "targets", "message"),
    [
        ([[0, V]], None, r"idx\[0, 1\] is 11; token ids run from 0 to 10"),
        ([[0, -1]], None, r"idx\[0, 1\] is -1"),
        ([[0.0]], None, "idx must hold integers, not float64"),
        (torch.zeros(1, 2), None, "idx must hold integers, not float32"),
        (torch.zeros(1, 2, dtype=torch.bool), None, "idx must hold integers, not bool"),
        ([0, 1], None, r"idx must have shape \(B, T\); got \(2,\)"),
        ([[0] * 10], None, "idx has 10 tokens a row; the context_length is 9"),
        (np.zeros((0, 3), int), None, "idx is empty"),
        ([[0, 1]], [[1]], r"targets must have the shape \(1, 2\) of idx; got \(1, 1\)"),
        ([[0, 1]], [[1, V]], r"targets\[0, 1\] is 11"),
    ],
)
def test_ids_that_the_model_cannot_take_are_refused_before_any_product(idx, targets, message):
    model = random_model(nnz.gpt)
    model.head.register_forward_hook(lambda *_: pytest.fail("a product was computed"))
    with pytest.raises((TypeError, ValueError), match=message) as refusal:
        model(idx, targets)
    assert "\n" not in str(refusal.value)


def test_parameters_that_do_not_fit_are_refused():
    cfg = config(nnz.gpt)
    parameters = random_parameters(nnz.gpt, cfg)
    with pytest.raises(ValueError, match=r"parameters lacks 'head.bias'"):
        nnz.gpt.GPT(cfg, parameters={name: p for name, p in parameters.items() if name != "head.bias"})
    with pytest.raises(ValueError, match=r"parameters\['norm.bias'\] must have shape \(12,\); got \(2,\)"):
        nnz.gpt.GPT(cfg, parameters=parameters | {"norm.bias": np.zeros(2)})


@pytest.mark.parametrize("module", ["nnz.gpt", "nnz.torch"])
def test_without_torch_the_import_says_in_one_line_how_to_get_it(module):
    code = f"import sys; sys.modules['torch'] = None; import {module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    line = f"ImportError: {module} needs torch, which is not installed; install it with: pip install torch"
    assert done.stderr.splitlines()[-1] == line


def test_without_a_compiler_the_command_says_in_one_line_what_to_install(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", "g++ -O2")  # to torch too that is the name of one program
    data = data_folder(tmp_path / "few-names")
    words = ("train", "gpt-cpu", "--backend", "torch", "--compile", "--data", data, "--out", tmp_path / "run")
    code, out, err = command(capsys, *words)
    assert (code, out, err.count("\n")) == (1, "", 1), err
    assert "torch.compile needs a C++ compiler, and there is no program 'g++ -O2'" in err


@pytest.mark.parametrize("recipe", ["names", "residual"])
def test_no_other_model_is_compiled(capsys, tmp_path, recipe):
    words = ("train", recipe, "--backend", "numpy", "--compile", "--out", tmp_path / "run")
    kind = {"names": "mlp"}.get(recipe, recipe)
    assert command(capsys, *words) == (2, "", f"nnz: train.compile means nothing to {kind}; leave it out\n")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"RANK": "x"}, "RANK is 'x' in the environment, where torchrun puts a number from 0 to 1"),
        ({"RANK": ""}, "RANK is missing in the environment"),
        ({"RANK": "-1"}, "RANK is '-1'"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two'"),
        ({"MASTER_PORT": "65536"}, "MASTER_PORT is '65536'"),
        ({"MASTER_ADDR": ""}, "MASTER_ADDR is missing"),
    ],
)
def test_an_environment_that_torchrun_never_makes_is_the_users_mistake(monkeypatch, tmp_path, capsys, changes, message):
    environment = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29511"}
    for name, value in {**environment, **changes}.items():
        monkeypatch.setenv(name, value)
    words = ("train", "gpt-cpu", "--data", data_folder(tmp_path / "few"), "--out", tmp_path / "run")
    code, out, error = command(capsys, *words, "--set", "model.context_length=4")
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"nnz: {message}")
    assert "unset WORLD_SIZE" in error


def test_a_worker_has_the_device_of_its_number(monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29511"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert own_device("cuda") == "cuda:1"
    monkeypatch.setenv("LOCAL_RANK", "x")
    with pytest.raises(ValueError, match="LOCAL_RANK is 'x' in the environment"):
        own_device("cuda")
