"""Hugging Face transformers reads what we write and we read what it writes: the same numbers, and nothing lost."""

import json
import sys
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from test_gpt_proofs import random_model

import nnz.gpt
from nnz.gpt.logit_error import TRANSFORMERS_LIMIT
from nnz.text.tokenizers import CharTokenizer

CHARACTERS = CharTokenizer("\nabcdefghij")  # as many as V


@pytest.fixture
def transformers(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, about its own
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        yield transformers


def random_gpt2(seed, dtype):
    """A GPT-2-shaped model of random sizes, its weights five times as large as GPT-2's own at the start."""
    generator = np.random.default_rng(seed)
    heads, layers, sizes = int(generator.integers(2, 6)), int(generator.integers(1, 5)), generator.integers(20, 300, 2)
    cfg = nnz.gpt.GPTConfig.gpt2(
        vocab_size=int(sizes[0]),
        context_length=int(sizes[1]),
        n_layer=layers,
        n_head=heads,
        n_embd=heads * int(generator.integers(5, 20)),
        dtype=dtype,
    )
    parameters = {
        name: ("norm" in name and name.endswith("weight")) + 0.1 * generator.normal(size=tuple(p.shape))
        for name, p in nnz.gpt.GPT(cfg).named_parameters()
    }
    return nnz.gpt.GPT(cfg, parameters=parameters).eval(), generator.integers(0, sizes[0], (3, sizes[1]))


def assert_same(model, other):
    assert model.config == other.config
    for (name, p), (other_name, q) in zip(model.state_dict().items(), other.state_dict().items(), strict=True):
        assert name == other_name
        assert torch.equal(p, q)


@pytest.mark.slow  # importing transformers takes longer than all of this file
@pytest.mark.parametrize("dtype", TRANSFORMERS_LIMIT)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_transformers_computes_the_same_logits_and_its_own_folder_reads_back_exactly(
    seed, dtype, tmp_path, transformers
):
    model, idx = random_gpt2(seed, dtype)
    nnz.gpt.to_hf(model, None, tmp_path / "ours")
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "ours", dtype=getattr(torch, dtype)).eval()
    with torch.no_grad():
        ours, expected = model(idx)[0], theirs(torch.from_numpy(idx)).logits
    difference = float((ours - expected).abs().max())
    print(f"{model.config}: {difference:.1e}")
    assert expected.dtype == ours.dtype == getattr(torch, dtype)
    assert difference <= TRANSFORMERS_LIMIT[dtype]
    theirs.save_pretrained(tmp_path / "theirs")
    for folder in ("ours", "theirs"):
        assert_same(nnz.gpt.from_hf(tmp_path / folder)[0], model)


def check_exchange(nn, folder):
    """Without transformers: the layout it documents, the tokenizer beside it, and the way back."""
    model = random_model(nn, "gpt2", dtype="float32")
    nn.to_hf(model, CHARACTERS.to_config(), folder)
    found, parameters = load_file(folder / "model.safetensors"), dict(model.named_parameters())
    assert len(found) == len(parameters)
    for layer in range(model.config.n_layer):
        for theirs, ours in (
            ("attn.c_attn", "attention.qkv"),
            ("attn.c_proj", "attention.proj"),
            ("mlp.c_fc", "mlp.fc1"),
        ):
            upright = parameters[f"blocks.{layer}.{ours}.weight"]
            assert torch.equal(found[f"transformer.h.{layer}.{theirs}.weight"], upright.T)
        assert torch.equal(found[f"transformer.h.{layer}.ln_2.bias"], parameters[f"blocks.{layer}.norm2.bias"])
    back, tokenizer = nn.from_hf(folder)
    assert_same(back, model)
    assert tokenizer == CHARACTERS.to_config()
    assert json.loads((folder / "config.json").read_text())["eos_token_id"] == CHARACTERS.delimiter


def test_the_folder_has_gpt2s_layout_and_reads_back_without_transformers(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    check_exchange(nnz.gpt, tmp_path)


def test_folders_of_older_versions_are_read_too(tmp_path):
    model = random_model(nnz.gpt, "gpt2", dtype="float32")
    nnz.gpt.to_hf(model, None, tmp_path)
    tensors = {name.removeprefix("transformer."): t for name, t in load_file(tmp_path / "model.safetensors").items()}
    tensors |= {"h.0.attn.bias": torch.ones(1, 1, 9, 9).bool(), "lm_head.weight": tensors["wte.weight"].clone()}
    save_file(tensors, tmp_path / "model.safetensors")
    sizes = {"n_layer": 3, "n_head": 3, "n_embd": 12, "n_positions": 9, "vocab_size": 11}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "activation_function": "gelu_new"} | sizes))
    back, tokenizer = nnz.gpt.from_hf(tmp_path)
    assert_same(back, model)
    assert tokenizer is None
    save_file(tensors | {"lm_head.weight": tensors["wte.weight"] + 1}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"'lm_head.weight' is not the token embedding"):
        nnz.gpt.from_hf(tmp_path)


def test_what_leaves_the_numbers_alone_can_be_chosen_on_reading(tmp_path):
    nnz.gpt.to_hf(random_model(nnz.gpt, "gpt2", dtype="float32"), None, tmp_path)
    model, _ = nnz.gpt.from_hf(tmp_path, attention="spelled out", dropout=0.0, dtype="float64")
    assert (model.config.attention, model.config.dropout, model.config.dtype) == ("spelled out", 0.0, "float64")
    with pytest.raises(TypeError, match="n_layer is given by the folder"):
        nnz.gpt.from_hf(tmp_path, n_layer=1)
