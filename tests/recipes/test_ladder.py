"""The ladder: each rung is the same model in every backend, to the ninth decimal."""

import pytest
from support.tiny_runs import train

import nnz
from nnz.backend import registry
from nnz.recipes import from_recipe, models, recipe
from nnz.recipes.recipe import Recipe

V = 27
RUNGS = ("bigram", "mlp-batchnorm", "namegen", "residual", "wavenet")
COUNTS = {"bigram": 729, "bigram-counts": 729, "namegen": 11_897, "wavenet": 76_579, "gpt-names": 192_672}
WITHOUT = ("model.skips", "model.batch_norm")
VARIANTS = [(name, {}) for name in RUNGS]
VARIANTS += [("residual", dict.fromkeys(keys, False)) for keys in (WITHOUT[:1], WITHOUT[1:], WITHOUT)]
# Without both the gradient fades to the size of AdamW's eps, which makes steps of its rounding (docs/numerics.md).
VARIANTS[-1][1].update({"optimizer.name": "sgd", "optimizer.lr": 0.1, "optimizer.schedule": "step"})


def named(variants: list[tuple[str, dict]]):
    """A test for each of them."""
    ids = [" ".join([name, *(f"no {key[6:]}" for key in changes if key in WITHOUT)]) for name, changes in variants]
    return pytest.mark.parametrize(("name", "changes"), variants, ids=ids)


each_variant = named(VARIANTS)


def rung(name: str, changes: dict, dtype: str = "float64") -> Recipe:
    settings = recipe.load(name).override("model.dtype", dtype)
    for key, value in changes.items():
        settings = settings.override(key, value)
    return settings


def built(settings: Recipe, backend: str):
    return from_recipe.model(registry.load(backend), settings, V)


@pytest.mark.parametrize("name", COUNTS)
def test_a_rung_has_the_published_number_of_parameters(name) -> None:
    assert sum(p.size for p in built(rung(name, {}), "numpy").parameters().values()) == COUNTS[name]


@pytest.mark.slow
@each_variant
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_backend_starts_a_rung_from_the_same_bytes_in_the_shapes_foretold(name, changes, dtype) -> None:
    settings = rung(name, changes, dtype)
    for kind, shapes in (("parameters", from_recipe.parameter_shapes), ("buffers", from_recipe.buffer_shapes)):
        first, *others = [getattr(built(settings, b), kind)() for b in registry.names()]
        assert {k: a.shape for k, a in first.items()} == shapes(settings, V)
        for other in others:
            assert [(k, a.dtype, a.tobytes()) for k, a in other.items()] == [
                (k, a.dtype, a.tobytes()) for k, a in first.items()
            ]


def losses(settings: Recipe, backend: str, steps: int) -> list[str]:
    """The loss of every training step, and after them that in evaluation, as a log would have them."""
    data, nn = nnz.load_dataset("names", "padded"), registry.load(backend)
    model, T = from_recipe.model(nn, settings, V), settings.model.context_length
    optimizer = from_recipe.optimizer(nn, settings, model)
    found = []
    for inputs, targets in data.train.batches(T, 32, steps=steps, seed=settings.train.seed):
        found.append(model(inputs, targets)[1])
        optimizer.step(model.backward())
    model.eval()
    found += [model(*batch)[1] for batch in data.val.batches(T, 32, steps=5)]
    return [f"{loss:.9f}" for loss in found]


@each_variant
def test_fifty_float64_steps_give_the_same_losses_in_every_backend(name, changes) -> None:
    first, *others = (losses(rung(name, changes), backend, 50) for backend in registry.names())
    assert float(first[49]) < float(first[0])
    for other in others:
        assert other == first


@pytest.mark.slow
@each_variant
def test_hundreds_of_float64_steps_give_the_same_log_in_every_backend(name, changes, tmp_path, capsys) -> None:
    settings = rung(name, {**changes, "train.steps": 300, "train.eval_every": 100})
    first, *others = (train(settings, tmp_path / b, b) / "log.csv" for b in registry.names())
    assert len(first.read_text().splitlines()) == 5
    for other in others:
        assert other.read_bytes() == first.read_bytes()


def test_a_rung_that_cannot_be_built_says_why() -> None:
    with pytest.raises(ValueError, match="power of 2 from 2, not 6"):
        built(rung("wavenet", {"model.context_length": 6}), "numpy")
    with pytest.raises(ValueError, match=r"model\.context_length must be 1, not 3"):
        built(rung("bigram", {"model.context_length": 3}), "numpy")


def test_the_recipes_cover_every_kind() -> None:
    kinds = {recipe.load(name).model.kind for name in recipe.known()}
    assert kinds == set(models.MODELS)
