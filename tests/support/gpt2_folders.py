"""Small GPT-2s in folders of Hugging Face transformers."""

from dataclasses import asdict

import numpy as np

from nnz import RNG
from nnz.backend import registry
from nnz.backend.gpt_config import GPTConfig
from nnz.backend.initial import gpt_shapes
from nnz.exchange import hugging_face
from nnz.text.tokenizers import CharTokenizer

CHARACTERS = CharTokenizer("\nabcdefghij")
SIZES = {"vocab_size": CHARACTERS.vocab_size, "context_length": 9, "n_layer": 3, "n_head": 3, "n_embd": 12}


def random_parameters(config, seed=1):
    """Weights five times as large as GPT-2's own at the start."""
    generator = np.random.default_rng(seed)
    return {
        name: (("norm" in name and name.endswith("weight")) + 0.1 * generator.normal(size=shape)).astype(config.dtype)
        for name, shape in gpt_shapes(config).items()
    }


def write_gpt2(folder, tokenizer=CHARACTERS, **changes):
    """Write one; return its config and parameters."""
    config = GPTConfig.gpt2(**SIZES | {"vocab_size": tokenizer.vocab_size} | changes)
    hugging_face.write(folder, config, parameters := random_parameters(config), tokenizer)
    return config, parameters


def built(backend, found):
    """The model of a folder that was read, in a backend."""
    gpt = registry.load(backend).GPT(**asdict(found.config), rng=RNG(1))
    gpt.load_parameters(found.parameters)
    return gpt.eval()
