"""Folders and models that must not cross between us and Hugging Face transformers, and what is said of them."""

import json

import pytest
from support.malformed_requests import BROKEN
from test_gpt_proofs import COURSE, config, random_model

import nnz.gpt


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "llama"}, "model_type is 'llama'; only folders of a 'gpt2' can be read"),
        ({"activation_function": "relu"}, "activation_function is 'relu'; only a GPT-2 with 'gelu_new' can be read"),
        ({"activation_function": "gelu"}, "activation_function is 'gelu'"),  # the exact one
        ({"tie_word_embeddings": False}, "tie_word_embeddings is False"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx is True"),
        ({"scale_attn_weights": False}, "scale_attn_weights is False"),
        ({"add_cross_attention": True}, "add_cross_attention is True"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon is 1e-06"),
        ({"quantization_config": {"bits": 4}}, "quantization_config is"),
        ({"attn_pdrop": 0.3}, "resid_pdrop is 0.1 and attn_pdrop 0.3"),
        ({"n_inner": 20}, "n_inner is 20; only a feed-forward 4 times as wide"),
        ({"n_layer": 2}, "does not fit its config.json: it holds 'h.2.attn.c_attn.bias'"),
        ({"n_layer": 10**9}, "does not fit its config.json: it lacks 'h.3.ln_1.weight'"),
        ({"n_positions": 10**9}, r"does not fit its config.json: parameters\['wpe.weight'\] must have shape"),
        ({"n_head": "3"}, "n_head must be an integer, not str"),
        ({"n_layer": [3]}, "n_layer must be an integer, not list"),
        ({"resid_pdrop": [0.1], "attn_pdrop": [0.1]}, "dropout must be a number"),
        ({"n_positions": 2**60}, "context_length must be at most 2147483647; got 1152921504606846976"),
        ({"vocab_size": 10**30}, "vocab_size must be at most 2147483647; got 10{30}"),
        ({"embd_pdrop": {}}, "embedding_dropout must be a number"),
    ],
)
def test_a_folder_that_this_model_would_compute_otherwise_is_refused(changes, message, tmp_path):
    nnz.gpt.to_hf(random_model(nnz.gpt, "gpt2", dtype="float32"), None, tmp_path)
    found = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(found | changes))
    with pytest.raises(ValueError, match=message):
        nnz.gpt.from_hf(tmp_path)


@pytest.mark.parametrize(
    "changes", [{"activation": "relu"}, {"qkv_bias": False}, {"tied_head": False}, {"head_bias": True}]
)
def test_a_model_that_is_no_gpt2_is_refused_before_anything_is_written(changes, tmp_path):
    cfg = nnz.gpt.GPTConfig.gpt2(**COURSE | changes)
    with pytest.raises(ValueError, match=f"a model with {next(iter(changes))} = .* cannot be a GPT-2"):
        nnz.gpt.to_hf(nnz.gpt.GPT(cfg), None, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_broken_or_missing_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        nnz.gpt.from_hf(tmp_path)
    nnz.gpt.to_hf(nnz.gpt.GPT(config(nnz.gpt, "gpt2")), None, tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(ValueError, match="Expected `object`, got `array`; take a whole folder"):
        nnz.gpt.from_hf(tmp_path)
    (tmp_path / "config.json").write_text(f"[{'[],' * 999_999}1]")
    with pytest.raises(ValueError, match="out of proportion to its 3,000,000 bytes"):
        nnz.gpt.from_hf(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(BROKEN["two of a name"][0])
    with pytest.raises(ValueError, match="is not a whole safetensors file: 'x' is twice in its header"):
        nnz.gpt.from_hf(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not one")
    with pytest.raises(ValueError, match="is not a whole safetensors file"):
        nnz.gpt.from_hf(tmp_path)
