"""Folders and models that must not cross between us and Hugging Face transformers, and what is said of them."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support.gpt2_folders import SIZES, random_parameters, write_gpt2
from support.malformed_requests import BROKEN

from nnz.backend.gpt_config import GPTConfig
from nnz.exchange import hugging_face


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
    write_gpt2(tmp_path)
    found = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(found | changes))
    with pytest.raises(ValueError, match=message):
        hugging_face.read(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [{"activation": "relu"}, {"qkv_bias": False}, {"tied_head": False}, {"head_bias": True}, {"norm_first": True}],
)
def test_a_model_that_is_no_gpt2_is_refused_before_anything_is_written(changes, tmp_path):
    config = GPTConfig.gpt2(**SIZES | changes)
    with pytest.raises(ValueError, match=f"a model with {next(iter(changes))} = .* cannot be a GPT-2"):
        hugging_face.write(tmp_path / "new", config, random_parameters(config), None)
    assert not (tmp_path / "new").exists()


def test_broken_or_missing_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        hugging_face.read(tmp_path)
    write_gpt2(tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(ValueError, match="Expected `object`, got `array`; take a whole folder"):
        hugging_face.read(tmp_path)
    (tmp_path / "config.json").write_text(f"[{'[],' * 999_999}1]")
    with pytest.raises(ValueError, match="out of proportion to its 3,000,000 bytes"):
        hugging_face.read(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(BROKEN["two of a name"][0])
    with pytest.raises(ValueError, match="is not a whole safetensors file: 'x' is twice in its header"):
        hugging_face.read(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not one")
    with pytest.raises(ValueError, match="is not a whole safetensors file"):
        hugging_face.read(tmp_path)


def in_two_files(folder):
    """Write a GPT-2 whose weights are in two files; return its index."""
    write_gpt2(folder)
    arrays, where = load_file(folder / "model.safetensors"), {}
    for n, names in enumerate((sorted(arrays)[::2], sorted(arrays)[1::2]), 1):
        save_file({name: arrays[name] for name in names}, folder / f"model-{n}.safetensors")
        where |= dict.fromkeys(names, f"model-{n}.safetensors")
    (folder / "model.safetensors").unlink()
    return where


def test_weights_in_two_files_are_read_when_all_is_there(tmp_path):
    index = {"metadata": {"total_size": 1}, "weight_map": in_two_files(tmp_path)}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    config, parameters = write_gpt2(tmp_path / "whole")
    found = hugging_face.read(tmp_path)
    assert found.config == config
    assert all(np.array_equal(found.parameters[name], p) for name, p in parameters.items())
    (tmp_path / "model-2.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no model-2.safetensors, which .* names"):
        hugging_face.read(tmp_path)


def test_a_tensor_under_both_of_its_names_is_refused(tmp_path):
    write_gpt2(tmp_path)
    arrays = load_file(tmp_path / "model.safetensors")
    save_file(arrays | {"wte.weight": arrays[EMBEDDING]}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"it holds 'wte.weight' twice, as 'transformer.wte.weight' too"):
        hugging_face.read(tmp_path)


EMBEDDING = "transformer.wte.weight"


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (None, "has neither model.safetensors nor model.safetensors.index.json"),
        ("{", "is not as it should be: Input data was truncated"),
        ({}, "index.json has no weight_map"),
        ({"weight_map": []}, "index.json has no weight_map"),
        ({"weight_map": {}}, "index.json has no weight_map"),
        ({EMBEDDING: 1}, "is in '1', which is no safetensors file of that folder"),
        ({EMBEDDING: "../model-1.safetensors"}, "which is no safetensors file of that folder"),
        ({EMBEDDING: "config.json"}, "which is no safetensors file of that folder"),
        ({"x": "model-1.safetensors"}, r"model-1.safetensors lacks 'x', and .* says that it is there; take a whole"),
        (
            {EMBEDDING: None},
            r"model-2.safetensors holds 'transformer.wte.weight', and .* does not say so; take a whole",
        ),
    ],
)
def test_files_at_odds_with_their_index_are_refused(index, message, tmp_path):
    where = in_two_files(tmp_path)
    if isinstance(index, dict) and index and "weight_map" not in index:
        index = {"weight_map": {name: file for name, file in (where | index).items() if file is not None}}
    if index is not None:
        text = index if isinstance(index, str) else json.dumps(index)
        (tmp_path / "model.safetensors.index.json").write_text(text, encoding="utf-8")
    with pytest.raises((OSError, ValueError), match=message) as refusal:
        hugging_face.read(tmp_path)
    assert "\n" not in str(refusal.value)


BPE = {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False}}


def bpe(vocabulary, merges=(), **more):
    return BPE | {"model": {"type": "BPE", "vocab": vocabulary, "merges": list(merges), **more}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "Input data was truncated"),
        ("[1]", "Expected `object`, got `array`"),
        ({"model": 1}, "it has no model"),
        (bpe([1]), "its vocabulary does not give each token an id"),
        (bpe({"a": "0"}), "its vocabulary does not give each token an id"),
        (bpe({"a": 11}), "its token 'a' has the id 11, and the model has 11"),
        (bpe({"a": 0, "b": 0}), "its tokens 'a' and 'b' have the same id 0"),
        (bpe({"a": 0, "b": 1}, ["a b"]), "its merge 'a b' is not of two tokens that make a third"),
        (bpe({"a": 0}, [1]), "its merges are not a list of pairs"),
        (bpe({"a": 0, "\n": 1}), "one of its tokens has a line end"),
        (bpe({"a": 0, "你": 1}), "its token '你' is not written in GPT-2's letters for bytes"),
        (bpe({"a": 0}) | {"added_tokens": [1]}, "its added_tokens have no content and id"),
    ],
)
def test_a_broken_tokenizer_is_refused_also_where_nnz_has_its_own_words_for_it(content, message, tmp_path):
    write_gpt2(tmp_path)
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as refusal:
        hugging_face.read(tmp_path)
    assert str(refusal.value).startswith(f"{tmp_path / 'tokenizer.json'} is not as it should be: ")
    assert str(refusal.value).endswith("; take a whole folder")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"model": {"type": "Unigram", "vocab": [["a", 0.0]]}}, "has a model of kind 'Unigram' and cuts texts as None"),
        (bpe({"a": 0}, byte_fallback=True), "has byte_fallback = True"),
        (bpe({"a": 0}) | {"normalizer": {"type": "NFC"}}, "normalizes texts"),
        (None, "has no tokenizer.json and no vocab.json"),
    ],
)
def test_where_the_text_side_cannot_be_had_token_ids_are_text(content, reason, tmp_path):
    write_gpt2(tmp_path)
    (tmp_path / "nnz-tokenizer.json").unlink()
    (tmp_path / "tokenizer.json").unlink()
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    found = hugging_face.read(tmp_path)
    ids = found.tokenizer
    assert reason in found.reason
    assert (ids.encode("3 10 0").tolist(), ids.decode([3, 10, 0]), "".join(ids.pieces([7, 1], "3"))) == (
        *([3, 10, 0], "3 10 0"),
        " 7 1",
    )
    for text in ("11", "a", "-1", "٣"):
        with pytest.raises(ValueError, match="is not a token id: of this model only those are known, 0 to 10"):
            ids.encode(text)
