"""What a port may do otherwise than microgpt: each setting's default is what the reference does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """One way to train microgpt. A deviation changes one line of this list (deviations.py), a pair two."""

    # documents
    seed: int = 42
    generator: str = "python"  # of both shuffle and weights: a key of draws.GENERATORS
    shuffle: str = "python"  # or floor, upward, none
    first_document: int = 0
    order_of_tokens: str = "sorted"  # or appearance
    bos_first: bool = False  # it is token 0, and the characters follow
    starts_with_bos: bool = True
    ends_with_bos: bool = True
    context: int = 16

    # weights
    weights_generator: str = ""  # where it is another than that of the shuffle
    weights_first: bool = False  # drawn before the shuffle
    normal: str = "gauss"  # a key of draws.NORMALS
    std: float = 0.08
    order_of_weights: str = "wte wpe lm_head wq wk wv wo fc1 fc2"
    by_columns: bool = False
    zero_weights: str = ""  # drawn, and then set to zero
    tied: str = ""  # lm_head is wte: and it is not "drawn", or it is "dropped"

    # forward
    norms: str = (
        "embedding attention mlp"  # where; or final, query and key, apart (of wte and wpe before they are added)
    )
    norm_epsilon: float = 1e-5
    norm_outside: bool = False
    norm_centred: bool = False
    norm_summed: bool = False
    position_shift: int = 0
    has_positions: bool = True
    heads: int = 4
    interleaved: bool = False
    scale: str = "head"  # C / H inside the root; or width: C; or none
    lookahead: int = 0
    activation: str = "relu"
    residuals: str = "attention mlp"

    # loss
    target_shift: int = 1
    divisor: str = "positions"  # or context, none
    gradient_divisor: str = ""  # where the backward takes another
    shown: str = "loss"  # or bits, mean so far, smoothed

    # backward
    accumulates: bool = False  # gradients are never set to zero
    overwrites_rows: bool = False
    norm_fixed: bool = False
    frozen: str = ""  # weights that are not trained
    clip: float = 0.0  # the most length of the gradient; 0: any

    # optimizer
    optimizer: str = "adam"  # or sgd
    beta1: float = 0.85
    beta2: float = 0.99
    epsilon: float = 1e-8
    epsilon_inside: bool = False
    corrected: str = "m v"
    step_shift: int = 0  # of the bias correction
    weight_decay: float = 0.0
    l2: float = 0.0
    lr: float = 0.01
    decay: str = "linear"  # or cosine, none
    decay_steps: int = 1000
    decay_floor: float = 0.0  # share of the rate at the end
    decay_shift: int = 0

    # arithmetic: an honest float32 port may have any (envelope.py)
    dtype: str = "float64"
    sums: str = "blas"  # a key of sums.PRODUCTS
    channels: str = "as drawn"  # or backward, mixed: the order in which sums take them
    moments: str = "as written"  # or apart, folded: forms of Adam
    logarithms: str = "of sums"  # or of probabilities, each divided by n before they are added


REFERENCE = Variant()
