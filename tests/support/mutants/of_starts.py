"""Mutants of the initial weights: where they come from, how wide they are, and in which order they are drawn."""

from .mutant import Mutant, mutant

HOLD_C = "parts = [array.ravel() for array in arrays]"
OPS_NUMPY = "    ops_by_precision = OPS\n"
HOLD_TORCH = "torch.tensor(array, device=device"
LINEAR = "drawn = initial.linear(*sizes, bias, checks.generator(rng), self.dtype, gain)"
EMBEDDING = "weight = checks.generator(rng).normal((self.num_embeddings, self.embedding_dim), self.dtype)"
MODEL = "checks.generator(rng), self.dtype)"


def held(name: str, does: str, c: str, python: str) -> Mutant:
    """A mutant of an array as it is held, where `python` is an expression of `array`."""
    return mutant(
        name,
        does,
        "initial_weights",
        c=("views.py", HOLD_C, f"parts = [{c} for p in arrays]"),
        numpy=("mlp.py", OPS_NUMPY, f"{OPS_NUMPY}    parameter = staticmethod(lambda array, device: {python})\n"),
        torch=("model.py", HOLD_TORCH, f"torch.tensor({python}, device=device"),
    )


MUTANTS = (
    held(
        "biases_start_at_0", "the biases are not drawn, but 0", "p.ravel() * (p.ndim > 1)", "array * (array.ndim > 1)"
    ),
    held(
        "weights_start_in_half_precision",
        "the initial weights are rounded to float16",
        'p.ravel().astype("f2").astype(p.dtype)',
        'array.astype("f2").astype(array.dtype)',
    ),
    held(
        "weights_drawn_column_by_column",
        "the draws go down the columns of a weight",
        "p.reshape(p.shape[::-1]).T.ravel()",
        "array.reshape(array.shape[::-1]).T.copy()",
    ),
    held(
        "weights_drawn_backwards",
        "the last number of a parameter is drawn first",
        "p.ravel()[::-1]",
        "array.ravel()[::-1].reshape(array.shape).copy()",
    ),
    held(
        "weights_start_with_the_other_sign",
        "a bias has the other sign",
        "p.ravel() * (1 - 2 * (p.ndim < 2))",
        "array * (1 - 2 * (array.ndim < 2))",
    ),
    mutant(
        "seed_in_32_bits",
        "the upper half of a model's seed is ignored",
        "initial_weights",
        common=("backend/model.py", MODEL, "RNG(checks.generator(rng).state & 0xFFFFFFFF or 1), self.dtype)"),
    ),
    mutant(
        "gain_twice",
        "the gain of a linear layer is squared",
        "layers",
        common=("backend/layers.py", LINEAR, LINEAR.replace(", gain)", ", gain and gain * gain)")),
    ),
    mutant(
        "gain_with_a_bias",
        "with a gain the bias is not 0",
        "layers",
        common=(
            "backend/layers.py",
            LINEAR,
            f'{LINEAR}\n        if gain and bias:\n            drawn["bias"] += drawn["weight"][:, 0]',
        ),
    ),
    mutant(
        "embedding_layer_starts_narrow",
        "the embedding layer starts at a hundredth of N(0, 1)",
        "layers",
        common=("backend/layers.py", EMBEDDING, f"{EMBEDDING} / 100"),
    ),
    mutant(
        "layers_start_from_one_stream_each",
        "a layer does not move the generator on, so that the next one draws the same",
        "layers",
        common=(
            "backend/layers.py",
            LINEAR,
            LINEAR.replace("checks.generator(rng)", "RNG(checks.generator(rng).state)"),
        ),
    ),
)
