"""What ports of microgpt are known to do otherwise: each is one setting, with the words of the report."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from .variant import REFERENCE, Variant


@dataclass(frozen=True)
class Deviation:
    """A name, what the port does and what it must do, and the settings that this changes."""

    name: str
    text: str
    changes: tuple[tuple[str, Any], ...]

    @property
    def fields(self) -> frozenset[str]:
        """The settings that it changes."""
        return frozenset(field for field, _ in self.changes)


def _one(name: str, text: str, **changes: Any) -> Deviation:
    return Deviation(name, text, tuple(changes.items()))


FLOAT32 = _one("float32", "it computes in float32; the reference computes in float64", dtype="float32")

DOCUMENTS = (
    _one("no-shuffle", "the documents are not shuffled; random.shuffle must order them", shuffle="none"),
    _one(
        "floor-shuffle",
        "the shuffle swaps i with floor(random() * (i + 1)); Python draws bits until they are at most i",
        shuffle="floor",
    ),
    _one("upward-shuffle", "the shuffle runs from the front, by floor(random() * (i + 1))", shuffle="upward"),
    *(
        _one(f"seed-{seed}", f"the seed is {seed}; it must be 42", seed=seed)
        for seed in (0, 1, 43, 123, 1234, 1337, 2025, 2026)
    ),
    _one("second-document-first", "step 1 takes document 1; it must take document 0", first_document=1),
    _one(
        "unsorted-tokens",
        "tokens are in order of appearance; they must be sorted",
        order_of_tokens="appearance",
    ),
    _one("bos-first", "BOS is token 0; it must be the last, 26", bos_first=True),
    _one("no-bos-at-start", "a document does not begin with BOS; it must", starts_with_bos=False),
    _one("no-bos-at-end", "a document does not end with BOS; it must", ends_with_bos=False),
    _one("context-8", "the context is 8; it must be 16", context=8),
)

DRAWS = (
    *(
        _one(
            f"weights-{name.replace(' ', '-')}",
            f"the weights are drawn by {name}; it must be the generator that shuffled",
            weights_generator=name,
        )
        for name in ("numpy", "numpy's default_rng", "torch")
    ),
    _one(
        "weights-seeded-again",
        "the seed is set again before the weights; it must not",
        weights_generator="python",
    ),
    *(
        _one(f"generator-{name.replace(' ', '-')}", f"the generator is {name}; it must be Python's", generator=name)
        for name in (
            "numpy",
            "numpy's default_rng",
            "mulberry32",
            "xorshift32",
            "xorshift64star",
            "splitmix64",
            "lcg",
            "minstd",
        )
    ),
    _one("weights-first", "the weights are drawn before the shuffle; they must follow it", weights_first=True),
    _one("gauss-without-spare", "gauss throws the sine away; it must return it the next time", normal="cosine alone"),
    _one("box-muller", "normals have r from the first uniform; in gauss that is the angle's", normal="box-muller"),
    _one(
        "box-muller-cosine",
        "normals are sqrt(-2 ln u1) cos(2 pi u2) of a new pair; gauss has the angle first, and a sine next",
        normal="box-muller's cosine",
    ),
    _one("polar", "normals are made by the polar method; they must be those of gauss", normal="polar"),
    _one("normalvariate", "normals are those of normalvariate; they must be those of gauss", normal="normalvariate"),
    _one("uniform", "weights are uniform; they must be normal", normal="uniform"),
    _one("sum-of-twelve", "normals are sums of twelve uniforms; they must be those of gauss", normal="twelve"),
)

WEIGHTS = (
    *(
        _one(f"std-{std:g}", f"the weights' standard deviation is {std:g}; it must be 0.08", std=std)
        for std in (0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
    ),
    _one("wpe-first", "wpe is drawn before wte", order_of_weights="wpe wte lm_head wq wk wv wo fc1 fc2"),
    _one(
        "lm_head-last",
        "lm_head is drawn last; it must follow wpe",
        order_of_weights="wte wpe wq wk wv wo fc1 fc2 lm_head",
    ),
    _one("mlp-first", "fc1 and fc2 are drawn before wq", order_of_weights="wte wpe lm_head fc1 fc2 wq wk wv wo"),
    _one("by-columns", "matrices are filled column by column; it must be row by row", by_columns=True),
    _one("zero-projections", "wo and fc2 begin with zeros; they must be drawn like the others", zero_weights="wo fc2"),
    _one("tied", "lm_head is wte; it must be a matrix of its own", tied="dropped"),
    _one("tied-after-drawing", "lm_head is drawn, then wte is used in its place", tied="drawn"),
)

FORWARD = (
    _one("no-embedding-norm", "no rms_norm after wte + wpe", norms="attention mlp"),
    _one("no-attention-norm", "no rms_norm before the attention", norms="embedding mlp"),
    _one("no-mlp-norm", "no rms_norm before the MLP", norms="embedding attention"),
    _one("final-norm", "an rms_norm before lm_head; there must be none", norms="embedding attention mlp final"),
    _one(
        "final-norm-for-first",
        "an rms_norm before lm_head, none after wte + wpe",
        norms="attention mlp final",
    ),
    _one(
        "query-key-norm",
        "q and k are normalized in each head; they must not be",
        norms="embedding attention mlp query and key",
    ),
    _one("norm-before-wpe", "wte is normalized before wpe is added; the sum must be", norms="apart attention mlp"),
    _one("no-norms", "there is no rms_norm at all", norms=""),
    _one("layer-norm", "norms subtract the mean; rms_norm does not", norm_centred=True),
    _one("norm-of-sum", "norms take the sum of squares; it must be their mean", norm_summed=True),
    _one("norm-epsilon-outside", "rms_norm adds its epsilon to the root; it must be inside", norm_outside=True),
    _one("norm-epsilon-1e-06", "rms_norm's epsilon is 1e-06; it must be 1e-05", norm_epsilon=1e-6),
    _one("norm-epsilon-0", "rms_norm's epsilon is 0, or as good as that; it must be 1e-05", norm_epsilon=0.0),
    _one("positions-from-1", "positions are counted from 1; it must be from 0", position_shift=1),
    _one("no-positions", "wpe is not added", has_positions=False),
    *(_one(f"heads-{h}", f"there are {h} heads; it must be 4", heads=h) for h in (1, 2, 8)),
    _one("heads-interleaved", "head h has channels h, h + 4, ...; it must have 4 neighbours", interleaved=True),
    _one("no-scale", "scores are not divided by sqrt(4)", scale="none"),
    _one("scale-of-width", "scores are divided by sqrt(16); it must be sqrt(4), of a head's width", scale="width"),
    _one("mask-shows-next", "the mask is off by one: a position sees the next one", lookahead=1),
    _one("mask-hides-own", "the mask is off by one: a position does not see itself", lookahead=-1),
    _one("no-mask", "there is no mask: a position sees all later ones", lookahead=16),
    *(
        _one(name.replace("_", "-"), f"the activation is {name}; it must be relu", activation=name)
        for name in ("relu_squared", "gelu", "gelu_tanh", "silu", "tanh", "leaky_relu")
    ),
    _one("no-attention-residual", "x is not added to the attention's output", residuals="mlp"),
    _one("no-mlp-residual", "x is not added to the MLP's output", residuals="attention"),
)

LOSS = (
    _one("targets-not-shifted", "the target is the token itself; it must be the next one", target_shift=0),
    _one("loss-summed", "the loss is the sum over the positions; it must be their mean", divisor="none"),
    _one("loss-over-16", "the loss is the sum over 16; it must be over n", divisor="context"),
    _one(
        "gradient-summed",
        "gradients are those of the sum; they must be of the mean",
        gradient_divisor="none",
    ),
    _one("gradient-over-16", "gradients are divided by 16; it must be by n", gradient_divisor="context"),
    _one("bits", "the loss is printed in bits; it must be in nats", shown="bits"),
    _one("mean-so-far", "what is printed is the mean of all losses so far", shown="mean so far"),
    _one("smoothed", "what is printed is smoothed: 0.9 of the last, 0.1 of the loss", shown="smoothed"),
)

BACKWARD = (
    _one("gradients-add-up", "gradients are not set to zero between steps", accumulates=True),
    _one("row-overwritten", "a token's gradient is that of its last place; it must be the sum", overwrites_rows=True),
    _one("norm-backward", "rms_norm's backward takes its factor for a constant", norm_fixed=True),
    *(_one(f"{name}-frozen", f"{name} is not trained", frozen=name) for name in ("wte", "wpe", "lm_head")),
    _one("clipped", "the gradient's length is clipped to 1; it must not be", clip=1.0),
)

DECAYS = (500, 999, 2000, 5000, 10000)


def decay_over(n: int) -> Deviation:
    """A port that is run for n steps, if its rate falls over all of them."""
    return _one(f"decay-over-{n}", f"the learning rate falls over {n} steps; it must be 1000", decay_steps=n)


OPTIMIZER = (
    *(_one(f"beta1-{b:g}", f"beta1 is {b:g}; it must be 0.85", beta1=b) for b in (0.8, 0.9, 0.95)),
    *(_one(f"beta2-{b:g}", f"beta2 is {b:g}; it must be 0.99", beta2=b) for b in (0.95, 0.98, 0.999)),
    _one("epsilon-inside", "Adam's epsilon is inside the root; it must be added to it", epsilon_inside=True),
    *(_one(f"epsilon-{e:g}", f"Adam's epsilon is {e:g}; it must be 1e-08", epsilon=e) for e in (1e-10, 1e-6, 1e-5)),
    _one("no-correction", "Adam's moments are not corrected for their start", corrected=""),
    _one("no-correction-of-m", "Adam's m is not corrected for its start", corrected="v"),
    _one("no-correction-of-v", "Adam's v is not corrected for its start", corrected="m"),
    _one("correction-late", "the correction takes step + 1; steps count from 1 there", step_shift=1),
    _one("sgd", "the optimizer is plain gradient descent; it must be Adam", optimizer="sgd"),
    *(
        _one(f"weight-decay-{d:g}", f"weights decay by {d:g}; there must be no decay", weight_decay=d)
        for d in (0.01, 0.1)
    ),
    _one("l2-0.01", "0.01 of the weights is added to the gradients", l2=0.01),
    *(_one(f"lr-{lr:g}", f"the learning rate begins at {lr:g}; it must be 0.01", lr=lr) for lr in (0.001, 0.003, 0.1)),
    _one("no-decay", "the learning rate stays 0.01; it must fall to 0", decay="none"),
    _one("cosine-decay", "the learning rate falls as a cosine; it must be a line", decay="cosine"),
    _one("decay-to-tenth", "the learning rate falls to a tenth; it must be to 0", decay_floor=0.1),
    _one("decay-early", "the rate is of step + 1; it must be 0.01 in step 1", decay_shift=1),
    *map(decay_over, DECAYS),
)

LATE = frozenset(
    {*BACKWARD, *OPTIMIZER, *(one for one in LOSS if one.fields & {"gradient_divisor", "shown"} and one.name != "bits")}
)  # these leave the first loss as it is
DEVIATIONS = (FLOAT32, *DOCUMENTS, *DRAWS, *WEIGHTS, *FORWARD, *LOSS, *BACKWARD, *OPTIMIZER)
Found = tuple[Deviation, ...]  # none: the reference; one; or a pair


def pairs() -> Iterator[Found]:
    """All pairs that change different settings."""
    return (pair for pair in itertools.combinations(DEVIATIONS, 2) if not pair[0].fields & pair[1].fields)


def variant(deviations: Found) -> Variant:
    """What a port does that has these."""
    return replace(REFERENCE, **dict(change for one in deviations for change in one.changes))


def named(names: str) -> Found:
    """The deviations of these names, with + between them. Raises ValueError for an unknown one."""
    known = {one.name: one for one in DEVIATIONS}
    unknown = [name for name in names.split("+") if name not in known]
    if unknown:
        raise ValueError(f"unknown deviation {unknown[0]!r}")
    return tuple(known[name] for name in names.split("+"))
