"""What is proved of the GPT, each proof a function of the package, so that test_gpt_mutants can hold copies to it."""

import numpy as np
import pytest
import torch
from support.gpt_limits import GRADIENT_LIMIT

import nnz.gpt
from nnz import RNG
from nnz.conformance.bounds.compare import T2_FLOOR
from nnz.conformance.oracle.gpt import gpt as oracle
from nnz.runs.generation import logit_error

V, T, B = 11, 7, 5
COURSE = {"vocab_size": V, "context_length": 9, "n_layer": 2, "n_head": 3, "n_embd": 12}  # T < context < V < E
SHAPES = {"course": {}, "gpt2": {"n_layer": 3}}
ATTENTIONS = ("spelled out", "fused")


def config(nn, shape="course", **changes):
    make = {"course": nn.GPTConfig, "gpt2": nn.GPTConfig.gpt2}[shape]
    return make(**COURSE | SHAPES[shape] | {"dtype": "float64"} | changes)


def random_parameters(nn, cfg, seed=1):
    """Weights far from the start's: no bias is 0, no norm 1."""
    generator, parameters = np.random.default_rng(seed), {}
    for name, p in nn.GPT(cfg).named_parameters():
        draw = generator.normal(size=tuple(p.shape))
        is_scale = "norm" in name and name.endswith("weight")
        parameters[name] = (1 + 0.3 * draw if is_scale else 0.4 * draw).astype(cfg.dtype)
    return parameters


def random_model(nn, shape="course", seed=1, **changes):
    cfg = config(nn, shape, **changes)
    return nn.GPT(cfg, parameters=random_parameters(nn, cfg, seed)).eval()


def random_ids(seed=2, shape=(B, T)):
    return np.random.default_rng(seed).integers(0, V, shape)


def gradient_errors(nn, shape, attention, dtype):
    """Each tensor's largest error against the oracle, as a share of its largest entry."""
    model = random_model(nn, shape, attention=attention, dtype=dtype)
    idx, targets = random_ids(2), random_ids(3)
    logits, loss = model(idx, targets)
    loss.backward()
    parameters = dict(model.named_parameters())
    assert all(p.grad is not None for p in parameters.values())
    actual = {"logits": logits.detach(), "loss": loss.detach()} | {"d" + name: p.grad for name, p in parameters.items()}
    arrays = {name: p.detach().numpy() for name, p in parameters.items()}
    expected = oracle(arrays, idx, targets, model.config.n_head, model.config.activation)
    assert set(actual) <= set(expected)
    errors = {}
    for name, tensor in actual.items():
        largest = np.abs(expected[name]).max()
        assert torch.isfinite(tensor).all()
        assert largest > T2_FLOOR
        errors[name] = float(np.abs(tensor.numpy() - expected[name]).max() / largest)
    return errors


def check_gradients(nn):
    for shape in SHAPES:
        for attention in ATTENTIONS:
            errors = gradient_errors(nn, shape, attention, "float64")
            assert max(errors.values()) <= GRADIENT_LIMIT["float64"], (shape, attention, errors)


def check_counts(nn):
    sizes = {name: p.numel() for name, p in nn.GPT(nn.GPTConfig(vocab_size=65)).named_parameters()}
    stems = {stem: sum(n for name, n in sizes.items() if name.startswith(stem)) for stem in ("wte", "wpe", "blocks")}
    ends = {stem: sum(n for name, n in sizes.items() if name.startswith(stem)) for stem in ("norm.", "head.")}
    assert stems | ends == {"wte": 24_960, "wpe": 98_304, "blocks": 10_639_872, "norm.": 768, "head.": 25_025}
    assert sum(sizes.values()) == 10_788_929


def check_tied(nn):
    model = nn.GPT(nn.GPTConfig.gpt2(**COURSE))
    assert model.head.weight is model.wte.weight
    E, layers = COURSE["n_embd"], COURSE["n_layer"]
    assert sum(p.numel() for p in model.parameters()) == (V + 9) * E + layers * (12 * E * E + 13 * E) + 2 * E


def check_start(nn):
    model = nn.GPT(config(nn), RNG(7))
    rng = RNG(7)
    for name, p in model.named_parameters():
        if p.dim() == 2:
            assert np.array_equal(p.detach().numpy(), 0.02 * rng.normal(tuple(p.shape)))
        else:
            assert (p == (1 if name.endswith("weight") else 0)).all()


def check_causality(nn):
    for shape in SHAPES:
        for attention in ATTENTIONS:
            model, idx = random_model(nn, shape, attention=attention), random_ids()
            before = model(idx)[0]
            for t in range(1, T):
                changed = idx.copy()
                changed[:, t:] = (changed[:, t:] + 1) % V
                after = model(changed)[0]
                assert torch.equal(before[:, :t], after[:, :t])  # bit for bit
                assert not torch.equal(before[:, t], after[:, t])


def check_eval(nn):
    for attention in ATTENTIONS:
        model, idx = random_model(nn, "gpt2", attention=attention, dropout=0.5, embedding_dropout=0.5), random_ids()
        without = random_model(nn, "gpt2", attention=attention, dropout=0.0, embedding_dropout=0.0)
        assert torch.equal(model(idx)[0], without(idx)[0])


def check_dropout(nn):
    places = ("embedding", "weights", "proj", "mlp")
    for attention in ATTENTIONS:
        for place in places:
            model, idx = random_model(nn, "gpt2", n_layer=1, attention=attention, dropout=0.5), random_ids()
            block = model.blocks[0]
            block.attention.dropout.p = 0.5 * (place == "weights")
            for name, module in (("embedding", model), ("mlp", block.mlp)):
                module.dropout.p = 0.5 * (place == name)
            block.attention.proj_dropout.p = 0.5 * (place == "proj")
            model.train()
            assert not torch.equal(model(idx)[0], model(idx)[0]), (attention, place)


def check_cache(nn):
    for dtype in ("float32", "float64"):
        for attention in ATTENTIONS:
            model, idx = random_model(nn, "gpt2", attention=attention, dtype=dtype), random_ids(4, (B, 9))
            cache, pieces = nn.Cache(model.config), []
            for start, stop in ((0, 3), (3, 4), (4, 5), (5, 9)):  # a prompt, tokens one by one, and several at once
                pieces.append(model(idx[:, start:stop], cache=cache)[0])
            whole = model(idx)[0].detach().numpy()
            difference = np.abs(torch.cat(pieces, dim=1).detach().numpy() - whole).max()
            assert difference <= logit_error(model.config, whole)


@pytest.mark.parametrize("name", [name for name in globals() if name.startswith("check_")])
def test_the_package_passes_each_of_its_proofs(name):
    globals()[name](nnz.gpt)
