"""The ladder: each rung is the same model in every backend, to the ninth decimal; its gradients are the oracle's."""

import numpy as np
import pytest
from shadow_layers import Shadow
from tiny_runs import train

import nnz
from nnz import assembly, backends, ladder, recipe
from nnz.conformance import oracle
from nnz.conformance.compare import T2_LIMIT, compare, t2_error
from nnz.recipe import Recipe

V = 27
RUNGS = ("bigram", "mlp-batchnorm", "namegen", "residual", "wavenet")
COUNTS = {"bigram": 729, "bigram-counts": 729, "namegen": 11_897, "wavenet": 76_579}
PLAIN = {"model.skips": False, "model.batch_norm": False}
VARIANTS = [(name, {}) for name in RUNGS] + [("residual", PLAIN), ("residual", {"model.skips": False})]
each_variant = pytest.mark.parametrize(
    ("name", "changes"), VARIANTS, ids=[" ".join([name, *(f"no {key[6:]}" for key in c)]) for name, c in VARIANTS]
)

layered = pytest.mark.parametrize(("name", "changes"), [v for v in VARIANTS if v[0] != "namegen"])  # see test_gradients


def rung(name: str, changes: dict, dtype: str = "float64") -> Recipe:
    settings = recipe.load(name).override("model.dtype", dtype)
    for key, value in changes.items():
        settings = settings.override(key, value)
    return settings


def built(settings: Recipe, backend: str):
    return assembly.model(backends.load(backend), settings, V)


@pytest.mark.parametrize("name", COUNTS)
def test_a_rung_has_the_published_number_of_parameters(name) -> None:
    assert sum(p.size for p in built(rung(name, {}), "numpy").parameters().values()) == COUNTS[name]


@each_variant
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_backend_starts_a_rung_from_the_same_bytes_in_the_shapes_foretold(name, changes, dtype) -> None:
    settings = rung(name, changes, dtype)
    for kind, shapes in (("parameters", assembly.parameter_shapes), ("buffers", assembly.buffer_shapes)):
        first, *others = [getattr(built(settings, b), kind)() for b in backends.names()]
        assert {k: a.shape for k, a in first.items()} == shapes(settings, V)
        for other in others:
            assert [(k, a.dtype, a.tobytes()) for k, a in other.items()] == [
                (k, a.dtype, a.tobytes()) for k, a in first.items()
            ]


def losses(settings: Recipe, backend: str, steps: int) -> list[str]:
    """The loss of every training step, and after them that in evaluation, as a log would have them."""
    data, nn = nnz.load_dataset("names", "padded"), backends.load(backend)
    model, T = assembly.model(nn, settings, V), settings.model.context_length
    optimizer = assembly.optimizer(nn, settings, model)
    found = []
    for inputs, targets in data.train.batches(T, 32, steps=steps, seed=settings.train.seed):
        found.append(model(inputs, targets)[1])
        optimizer.step(model.backward())
    model.eval()
    found += [model(*batch)[1] for batch in data.val.batches(T, 32, steps=5)]
    return [f"{loss:.9f}" for loss in found]


@each_variant
def test_fifty_float64_steps_give_the_same_losses_in_every_backend(name, changes) -> None:
    first, *others = (losses(rung(name, changes), backend, 50) for backend in backends.names())
    assert float(first[49]) < float(first[0])
    for other in others:
        assert other == first


@pytest.mark.slow
@each_variant
def test_a_thousand_float64_steps_give_the_same_log_in_every_backend(name, changes, tmp_path, capsys) -> None:
    settings = rung(name, {**changes, "train.steps": 1_000, "train.eval_every": 50})
    first, *others = (train(settings, tmp_path / b, b) / "log.csv" for b in backends.names())
    assert len(first.read_text().splitlines()) == 22
    for other in others:
        assert other.read_bytes() == first.read_bytes()


def case(name: str, changes: dict, backend: str, dtype: str = "float64"):
    """A rung and a batch; the biases and the gains of BatchNorm1d are drawn too, for 0 and 1 would hide mistakes."""
    settings = rung(name, {**changes, "model.hidden_size": 64, "train.seed": 1}, dtype)
    model, rng = built(settings, backend), np.random.default_rng(1)
    drawn = {k: rng.normal(0, 0.3, p.shape) if p.ndim == 1 else 0.0 for k, p in model.parameters().items()}
    model.load_parameters({k: (p + drawn[k]).astype(dtype) for k, p in model.parameters().items()})
    data = nnz.load_dataset("names", "padded")
    return model, *next(data.train.batches(settings.model.context_length, 61, seed=4))


@layered
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", backends.names())
def test_every_layer_of_a_rung_is_within_its_bounds_of_the_oracle_on_what_it_is_given(
    name, changes, dtype, backend
) -> None:
    """Not from end to end: errors grow from layer to layer, in honest code too, and a bound on them says nothing."""
    model, x, targets = case(name, changes, backend, dtype)
    walked, measured = [], []
    for layer in model.layers.layers:
        shadow = Shadow(layer, dtype)
        (y, limit), back = shadow(x)
        x = layer(x)
        measured.append(compare("y", x, y, limit, dtype))
        walked.append((layer, shadow, back))
    _, probs = backends.load(backend).ops.cross_entropy_forward(x, targets)
    dy = backends.load(backend).ops.cross_entropy_backward(probs, targets)
    for layer, shadow, back in reversed(walked):
        dx, limit = back(dy.astype(np.float64), np.zeros(dy.shape))
        dy = layer.backward(dy)
        measured += [compare(k, g, *shadow.gradients[k], dtype) for k, g in layer.gradients().items()]
        measured += [] if dy is None else [compare("dx", dy, dx, limit, dtype)]
    assert all(m.ok for m in measured), [m for m in measured if not m.ok]


@layered
@pytest.mark.parametrize("backend", backends.names())
def test_float64_gradients_of_a_whole_rung_are_those_of_the_oracle_where_float32_could_not_tell(
    name, changes, backend
) -> None:
    model, inputs, targets = case(name, changes, backend)
    shadow = Shadow(model.layers, "float64")
    (logits, _), back = shadow(inputs)
    loss, probs = oracle.cross_entropy_forward(logits, targets)
    dlogits = oracle.cross_entropy_backward(probs, targets)
    back(dlogits, np.zeros_like(dlogits))
    found = dict(zip(("logits", "loss"), model(inputs, targets), strict=True)) | model.backward()
    expected = {"logits": logits, "loss": loss} | {k: value for k, (value, _) in shadow.gradients.items()}
    assert list(found)[2:] == list(shadow.p)
    for k, value in found.items():
        assert t2_error(value, expected[k], "float32") <= T2_LIMIT, k


def test_a_rung_that_cannot_be_built_says_why() -> None:
    with pytest.raises(ValueError, match="power of 2 from 2, not 6"):
        built(rung("wavenet", {"model.context_length": 6}), "numpy")
    with pytest.raises(ValueError, match=r"model\.context_length must be 1, not 3"):
        built(rung("bigram", {"model.context_length": 3}), "numpy")


def test_the_recipes_cover_every_kind() -> None:
    kinds = {recipe.load(name).model.kind for name in recipe.known()}
    assert {*ladder.RUNGS, "mlp"} <= kinds
