"""What is proved of the GPT at sizes, rates and times that the other proofs do not reach; see test_gpt_proofs."""

import math

import numpy as np
import pytest
import torch
from support.gpt_limits import GRADIENT_LIMIT
from test_gpt_proofs import ATTENTIONS, config, random_ids, random_model, random_parameters

import nnz.gpt
from nnz.conformance.oracle import mlp as formulas
from nnz.conformance.oracle.gpt import gpt as oracle
from nnz.runs.generation import logit_error

DEEPEST = 13  # one block more than GPT-2 has
LONG = 70  # more tokens than 64
ROWS = 4_000
RATES = (0.05, 0.1, 0.35, 0.6)
SIGMAS = 6  # of a share of zeros: further off once in 500 million
CLIPS = (1e-6, 1e-3, 0.019, 0.5, 30.0)
TIMES = (0, 1, 9, 136, 137, 138, 1_000, 2_000, 65_536, 10**6)
HOW = {"lr": 0.01, "betas": (0.9, 0.99), "weight_decay": 0.1}


def check_depth(nn):
    """Every block runs once, in its turn, with a cache and without."""
    for n_layer in range(1, DEEPEST + 1):
        model, idx = random_model(nn, n_layer=n_layer), random_ids()
        x = model.wte.weight[idx] + model.wpe.weight[: idx.shape[1]]
        for block in model.blocks:
            x = block(x)
        expected = model.head(model.norm(x))
        assert len(model.blocks) == n_layer
        assert torch.equal(model(idx)[0], expected)
        assert torch.equal(model(idx, cache=nn.Cache(model.config))[0], expected)


def check_sizes(nn):
    """Logits, loss and gradients against the oracle at sizes beyond 64, and of 1."""
    sizes = ((1, 1, 1, 1, 2, 1), (3, LONG, 9, 72, 300, 1), (70, 3, 2, 140, 5, 2), (2, 5, 1, 3, 11, 5))
    for attention in ATTENTIONS:
        for rows, T, n_head, n_embd, vocab_size, n_layer in sizes:
            shape = {"context_length": T, "n_head": n_head, "n_embd": n_embd, "n_layer": n_layer}
            cfg = nn.GPTConfig(vocab_size, attention=attention, dtype="float64", **shape)
            parameters = {name: p / math.sqrt(n_embd) for name, p in random_parameters(nn, cfg).items()}
            model = nn.GPT(cfg, parameters=parameters).eval()
            rng = np.random.default_rng(n_embd)
            idx, targets = rng.integers(0, vocab_size, (2, rows, T))
            logits, loss = model(idx, targets)
            loss.backward()
            actual = {"logits": logits, "loss": loss} | {f"d{n}": p.grad for n, p in model.named_parameters()}
            expected = oracle(parameters, idx, targets, n_head, cfg.activation)
            for name, found in actual.items():
                error = np.abs(found.detach().numpy() - expected[name]).max()
                assert error <= GRADIENT_LIMIT["float64"] * max(np.abs(expected[name]).max(), 1.0), (name, sizes)


def check_pieces(nn):
    """However the tokens come into a cache, one, two or many at once, each sees those before it and no other."""
    pieces = np.random.default_rng(5)
    for attention in ATTENTIONS:
        for dtype in ("float32", "float64"):
            model = random_model(nn, "gpt2", attention=attention, dtype=dtype, context_length=LONG, n_layer=2)
            idx = random_ids(6, (2, LONG))
            whole = model(idx)[0].detach().numpy()
            starts = [(first, first + size) for first in (1, 2, 3, 5, 40) for size in range(1, 9)]
            starts += [tuple(np.sort(pieces.choice(np.arange(1, LONG), 2, replace=False))) for _ in range(20)]
            for first, second in starts:
                cache, got = nn.Cache(model.config), []
                for start, stop in ((0, first), (first, second), (second, LONG)):
                    got.append(model(idx[:, start:stop], cache=cache)[0].detach().numpy())
                assert np.abs(np.concatenate(got, axis=1) - whole).max() <= logit_error(model.config, whole)


def check_rates(nn):
    """In each of its four places the share of zeros is the config's rate, and what is left grows by 1/(1 - rate)."""
    for attention in ATTENTIONS:
        for rate in RATES:
            how = {"dropout": rate, "embedding_dropout": rate, "attention": attention, "n_layer": 2}
            model = random_model(nn, "gpt2", **how)
            idx, seen = random_ids(3, (ROWS, 1)), {}
            for block in model.blocks:  # with one token each weight is 1: two dropouts, one after the other
                for name, part, shares in (("mlp", block.mlp, 1), ("attention", block.attention, 2)):
                    x = torch.from_numpy(np.random.default_rng(1).normal(size=(ROWS, 1, model.config.n_embd)))
                    if name == "attention":
                        x = _each_head_alone(block.attention, x)
                    assert_dropped(part, x, 1 - (1 - rate) ** shares, (1 - rate) ** -shares)
            model.blocks[0].register_forward_pre_hook(lambda block, given, seen=seen: seen.update(x=given[0]))
            model.train()
            model(idx)
            dropped = seen["x"].detach()
            model.eval()
            model(idx)
            assert_share(dropped, seen["x"].detach(), rate, 1 / (1 - rate))


def _each_head_alone(attention, x):
    """Let v be 1 and the projection pass on one channel, so that a zero in the output is one dropped number."""
    with torch.no_grad():
        attention.qkv.weight.zero_()
        attention.qkv.bias.fill_(1.0)
        attention.proj.weight.copy_(torch.eye(len(attention.proj.weight)))
        attention.proj.bias.zero_()
    return x


def assert_dropped(part, x, share, scale):
    part.train()
    dropped = part(x).detach()
    part.eval()
    assert_share(dropped, part(x).detach(), share, scale)


def assert_share(dropped, whole, share, scale):
    """Of the rows, which are independent, so many are 0 in each channel; the others are `scale` times as large."""
    kept = dropped != 0
    deviation = math.sqrt(share * (1 - share) / ROWS)
    assert ((~kept).double().mean(dim=0) - share).abs().max() <= SIGMAS * deviation
    torch.testing.assert_close(dropped[kept], scale * whole[kept])


def stepped(nn, optimizer, parameters, gradients, clip, t, moments):
    """(what the optimizer makes of the parameters and moments, what the formula makes of them)"""
    length = math.sqrt(sum(float(np.square(g).sum()) for g in gradients.values()))
    cut = min(1.0, clip / length) if clip else 1.0
    optimizer.load_state({f"{m}.{name}": a for m, found in moments.items() for name, a in found.items()}, t)
    expected = {}
    for name, p in parameters.items():
        how = {"lr": HOW["lr"], "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": HOW["weight_decay"]}
        given = (p.detach().numpy().copy(), cut * gradients[name], moments["m"][name], moments["v"][name], t + 1)
        expected |= dict(zip((name, f"m.{name}", f"v.{name}"), formulas.adamw_step(*given, **how), strict=True))
    optimizer.step({name: torch.from_numpy(g.copy()) for name, g in gradients.items()})
    actual = {name: p.detach() for name, p in parameters.items()} | optimizer.state()
    return actual, expected


def check_steps(nn):
    """AdamW after a resume at any t, with any clip: weights and moments are those of the formula."""
    rng = np.random.default_rng(7)
    for clip, t in [(0.0, t) for t in TIMES] + [(clip, 137) for clip in CLIPS]:
        model = nn.GPT(config(nn))
        parameters = dict(model.named_parameters())
        drawn = [{name: 0.01 * rng.normal(size=tuple(p.shape)) for name, p in parameters.items()} for _ in range(3)]
        moments = {"m": drawn[1], "v": {name: np.square(a) for name, a in drawn[2].items()}}
        optimizer = nn.optimizers.AdamW(parameters, clip=clip, **HOW)
        for n in range(2):
            actual, expected = stepped(nn, optimizer, parameters, drawn[0], clip, t + n, moments)
            assert actual.keys() == expected.keys()
            assert optimizer.t == t + n + 1
            for name, tensor in actual.items():
                # torch divides a clipped gradient by its length + 1e-6
                near = 1e-5 if clip else GRADIENT_LIMIT["float64"]
                error = np.abs(tensor.numpy() - expected[name]).max()
                assert error <= near * np.abs(expected[name]).max(), (name, clip, t)
            moments = {m: {name: actual[f"{m}.{name}"].numpy().copy() for name in parameters} for m in "mv"}


CHECKS = [check for name, check in list(globals().items()) if name.startswith("check_")]


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_package_passes(check):
    check(nnz.gpt)


def test_resumed_or_not_the_moments_and_weights_are_the_same_to_the_bit():
    """A run stopped at any t goes on as one that was not stopped."""
    rng = np.random.default_rng(1)
    straight, resumed = (dict(nnz.gpt.GPT(config(nnz.gpt)).named_parameters()) for _ in range(2))
    one, other = (nnz.gpt.optimizers.AdamW(p, **HOW) for p in (straight, resumed))
    for t in range(200):
        gradients = {name: torch.from_numpy(rng.normal(size=tuple(p.shape))) for name, p in straight.items()}
        if t % 23 == 22:
            state, other = other.state(), nnz.gpt.optimizers.AdamW(resumed, **HOW)
            other.load_state({name: a.numpy().copy() for name, a in state.items()}, t)
        for optimizer in (one, other):
            optimizer.step({name: g.clone() for name, g in gradients.items()})
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
