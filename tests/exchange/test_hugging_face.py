"""Hugging Face transformers reads what nnz writes, and nnz what it writes: the same numbers and texts."""

import dataclasses
import json
import shutil
import warnings

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support.gpt2_folders import CHARACTERS, SIZES, built, write_gpt2
from support.tiny_runs import BUILT

from nnz import RNG
from nnz.conformance.bounds.gpt import gpt_with_limits
from nnz.exchange import hugging_face
from nnz.runs.choice import Choice
from nnz.runs.sampling import GPTSampler
from nnz.text import tokenizers
from nnz.text.tokenizers import CharTokenizer, WordTokenizer

END = "<|endoftext|>"
TEXTS = ["It was", " Ünïcödé — 你好 😀 1234 don't  go \n\n x", f"a{END}b", "\x85\xa0 _x² ½ Ⅷ it's", "''s", ""]


@pytest.fixture(scope="module")
def transformers():
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")  # its own, about its own
        patch.setenv("HF_HUB_OFFLINE", "1")
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        yield transformers


@pytest.fixture(scope="module")
def theirs(transformers, tmp_path_factory):
    """A folder that transformers wrote, with a random GPT-2 and byte pairs of its own; and what it is in Python."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    pairs = Tokenizer(models.BPE())
    pairs.pre_tokenizer, pairs.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    pairs.train_from_iterator(["It was the best of times, it was the worst of times. " * 3], trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=pairs, bos_token=END, eos_token=END)
    sizes = {"n_positions": 9, "n_layer": 2, "n_head": 2, "n_embd": 12}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=len(tokenizer), **sizes, eos_token_id=0))
    generator = np.random.default_rng(1)
    for p in model.parameters():
        p.data += 0.2 * p.new_tensor(generator.normal(size=tuple(p.shape)))
    folder = tmp_path_factory.mktemp("theirs")
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder, model, tokenizer


@pytest.mark.slow  # importing transformers takes longer than all of this file
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_logits_are_those_of_transformers_within_the_bound(theirs, dtype):
    folder, model, tokenizer = theirs
    found = hugging_face.read(folder, dtype=dtype)
    ids = np.random.default_rng(2).integers(0, len(tokenizer), (3, 9))
    switches = {"n_head": 2, "activation": "gelu", "terms": 48}
    exact, limits = gpt_with_limits(found.parameters, ids, ids, np.dtype(dtype), **switches)
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        logits = {"transformers": model.to(getattr(torch, dtype))(torch.tensor(ids)).logits.numpy()}
    logits |= {backend: built(backend, found)(ids)[0] for backend in BUILT}
    for name, found_logits in logits.items():
        assert found_logits.dtype == dtype
        assert (np.abs(found_logits - exact["logits"]) <= limits["logits"]).all(), name


@pytest.mark.slow
def test_weights_in_several_files_are_read_too(theirs, tmp_path):
    folder, model, _ = theirs
    shutil.copytree(folder, tmp_path / "shards", ignore=shutil.ignore_patterns("*.safetensors"))
    model.float().save_pretrained(tmp_path / "shards", max_shard_size="10KB")
    assert len(list((tmp_path / "shards").glob("model-0*-of-0*.safetensors"))) > 2
    whole, parts = hugging_face.read(folder), hugging_face.read(tmp_path / "shards")
    assert parts.config == whole.config
    assert parts.parameters.keys() == whole.parameters.keys()
    for name, p in whole.parameters.items():
        np.testing.assert_array_equal(parts.parameters[name], p)


@pytest.mark.slow
def test_gpt2s_own_tokenizer_is_read_in_both_of_its_forms_and_written_again(theirs, transformers, tmp_path):
    folder, model, tokenizer = theirs
    model.save_pretrained(tmp_path / "first")
    tokenizer.backend_tokenizer.model.save(str(tmp_path / "first"))  # vocab.json and merges.txt
    found = [hugging_face.read(place) for place in (folder, tmp_path / "first")]
    hugging_face.write(tmp_path / "again", found[0].config, found[0].parameters, found[1].tokenizer)
    again = transformers.AutoTokenizer.from_pretrained(tmp_path / "again")
    for text in TEXTS:
        ids = tokenizer(text).input_ids
        assert again(text).input_ids == ids
        for ours in (each.tokenizer for each in found):
            assert ours.encode(text).tolist() == ids
            assert "".join(ours.pieces(ids)) == ours.decode(ids) == text
    with pytest.raises(ValueError, match="position 1 of the text is not UTF-8"):
        ours.encode("a\udcff")
    assert found[0].tokenizer.decode([tokenizer.vocab["Ã"]]) == "\ufffd"  # half of a letter
    assert tokenizers.from_config(json.loads(json.dumps(ours.to_config()))).to_config() == ours.to_config()
    assert (ours.delimiter, ours.start) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("tokenizer", [CHARACTERS, CharTokenizer("a bc\nd", ends=False), CharTokenizer("abc")])
def test_the_pipeline_of_transformers_runs_on_an_export_and_writes_what_nnz_writes(tokenizer, tmp_path, transformers):
    config, _ = write_gpt2(tmp_path, tokenizer)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert theirs("abca").input_ids == [tokenizer.start, *tokenizer.encode("abca")]
    assert theirs.decode(tokenizer.encode(tokenizer.characters)) == tokenizer.characters
    write = transformers.pipeline("text-generation", model=str(tmp_path))
    assert len(write("abc")[0]["generated_text"]) <= config.context_length
    gpt = built("numpy", hugging_face.read(tmp_path))
    greedy = GPTSampler(gpt, tokenizer, config.context_length, Choice(temperature=0)).sample(RNG(1), "abc", 5)
    text = write("abc", do_sample=False, max_length=9, eos_token_id=-1)[0]["generated_text"]
    assert text == "abc" + tokenizer.decode(list(greedy))
    (tmp_path / "nnz-tokenizer.json").unlink()  # as after a training in transformers
    assert hugging_face.read(tmp_path).tokenizer.to_config() == tokenizer.to_config()


@pytest.mark.slow
def test_a_model_of_words_runs_in_the_pipeline_of_transformers_as_it_is(tmp_path, transformers):
    words = WordTokenizer("'the cat' -- and the \"dog\": it's 3.5 - well, (no)! 'tis so.\n\n你好。")
    config, _ = write_gpt2(tmp_path, words, context_length=50)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    found = theirs("The DOG -- 'tis well, it’s (no) 'dog'.").input_ids
    assert found[1:] == words.encode("the dog--'tis well, it's (no) 'dog'.").tolist()
    assert theirs.decode(found) == "\n\nthe dog--'tis well, it's (no) 'dog'."
    write = transformers.pipeline("text-generation", model=str(tmp_path))
    gpt = built("numpy", hugging_face.read(tmp_path))
    for prompt in ("The cat", "It’s 3.5", '"Dog'):
        sampler = GPTSampler(gpt, words, config.context_length, Choice(temperature=0))
        greedy = list(sampler.sample(RNG(1), prompt, 20))
        length = 1 + len(words.encode(prompt)) + 20
        text = write(prompt, do_sample=False, max_length=length, eos_token_id=-1)[0]["generated_text"]
        assert text == prompt + "".join(words.pieces(greedy, prompt))
        drawn = write(prompt, max_length=length, eos_token_id=-1, return_tensors=True)[0]["generated_token_ids"]
        assert theirs.decode(drawn) == words.decode(drawn)
    (tmp_path / "nnz-tokenizer.json").unlink()
    assert hugging_face.read(tmp_path).reason == "tokenizer.json normalizes texts"


def test_the_folder_has_gpt2s_layout_and_reads_back(tmp_path):
    config, parameters = write_gpt2(tmp_path)
    found = load_file(tmp_path / "model.safetensors")
    assert len(found) == len(parameters)
    for layer in range(config.n_layer):
        for theirs, ours in (
            ("attn.c_attn", "attention.qkv"),
            ("attn.c_proj", "attention.proj"),
            ("mlp.c_fc", "mlp.fc1"),
        ):
            upright = parameters[f"blocks.{layer}.{ours}.weight"]
            assert np.array_equal(found[f"transformer.h.{layer}.{theirs}.weight"], upright.T)
        assert np.array_equal(found[f"transformer.h.{layer}.ln_2.bias"], parameters[f"blocks.{layer}.norm2.bias"])
    back = hugging_face.read(tmp_path)
    assert (back.config, back.tokenizer.to_config(), back.reason) == (config, CHARACTERS.to_config(), "")
    assert_same(back.parameters, parameters)
    assert json.loads((tmp_path / "config.json").read_text())["eos_token_id"] == CHARACTERS.delimiter


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "float64"])  # one that numpy does not have; one that is wider
def test_the_causal_mask_of_an_older_version_is_not_even_read(tmp_path, dtype):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    config, _ = write_gpt2(tmp_path)
    tensors = {name: torch.tensor(t) for name, t in load_file(tmp_path / "model.safetensors").items()}
    mask = torch.ones(9).to(getattr(torch, dtype))
    save_file(tensors | {"transformer.h.0.attn.bias": mask}, tmp_path / "model.safetensors")
    assert hugging_face.read(tmp_path).config == config


@pytest.mark.parametrize(("end", "delimiter"), [(0, 0), (3, 3), (None, None), (11, None)])
def test_a_text_of_characters_ends_with_the_token_that_the_config_names(tmp_path, end, delimiter):
    write_gpt2(tmp_path)
    (tmp_path / "nnz-tokenizer.json").unlink()  # as after a training in transformers
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"eos_token_id": end}))
    back = hugging_face.read(tmp_path)
    assert back.tokenizer.delimiter == delimiter
    assert isinstance(back.tokenizer, CharTokenizer) == (end != 3)
    assert back.reason == ("tokenizer.json has characters, but 'c' ends a text, and not a newline" if end == 3 else "")


def test_folders_of_older_versions_are_read_too(tmp_path):
    config, parameters = write_gpt2(tmp_path)
    tensors = {name.removeprefix("transformer."): t for name, t in load_file(tmp_path / "model.safetensors").items()}
    tensors |= {"h.0.attn.bias": np.ones((1, 1, 9, 9), bool), "lm_head.weight": tensors["wte.weight"].copy()}
    save_file(tensors, tmp_path / "model.safetensors")
    sizes = {"n_layer": 3, "n_head": 3, "n_embd": 12, "n_positions": 9, "vocab_size": 11}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2", "activation_function": "gelu_new"} | sizes))
    back = hugging_face.read(tmp_path)
    assert back.config == config
    assert_same(back.parameters, parameters)
    save_file(tensors | {"lm_head.weight": tensors["wte.weight"] + 1}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"'lm_head.weight' is not the token embedding"):
        hugging_face.read(tmp_path)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_becomes_float32(tmp_path, dtype):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    _, parameters = write_gpt2(tmp_path)
    half, path = getattr(torch, dtype), tmp_path / "model.safetensors"
    save_file({name: torch.tensor(a).to(half) for name, a in load_file(path).items()}, path)
    rounded = {name: torch.tensor(a).to(half).float().numpy() for name, a in parameters.items()}
    assert_same(hugging_face.read(tmp_path).parameters, rounded)


def test_what_leaves_the_numbers_alone_can_be_chosen_on_reading(tmp_path):
    write_gpt2(tmp_path)
    config = hugging_face.read(tmp_path, attention="spelled out", dropout=0.0, dtype="float64").config
    assert (config.attention, config.dropout, config.dtype) == ("spelled out", 0.0, "float64")
    with pytest.raises(TypeError, match="n_layer is given by the folder"):
        hugging_face.read(tmp_path, n_layer=1)


def test_the_torch_module_goes_and_comes_the_same_way(tmp_path):
    gpt = pytest.importorskip("nnz.gpt")
    model = gpt.GPT(gpt.GPTConfig.gpt2(**SIZES))
    gpt.to_hf(model, CHARACTERS.to_config(), tmp_path)
    back, tokenizer = gpt.from_hf(tmp_path)
    assert (dataclasses.asdict(back.config), tokenizer) == (dataclasses.asdict(model.config), CHARACTERS.to_config())
    named = {name: p.detach().numpy() for name, p in back.named_parameters()}
    assert_same(named, {name: p.detach().numpy() for name, p in model.named_parameters()})


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array), name
