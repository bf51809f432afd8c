"""Parameters that fill one array are updated in one pass, which is never to be seen."""

import copy
import pickle

import numpy as np
import pytest
from test_copies import each_backend, model, nn, values  # noqa: F401  (nn is a fixture)

from nnz.backend.initial import FlatViews, flat_array

SHAPES = {"a": (2, 3), "b": (2,), "c": (2,)}


def test_views_that_fill_an_array_in_order_are_known_for_it():
    flat = np.zeros(10)
    assert flat_array(FlatViews(flat, SHAPES).values()) is flat


@pytest.mark.parametrize(
    "change",
    [
        lambda v: {"a": v["a"], "b": v["c"], "c": v["b"]},
        lambda v: {"a": v["a"], "b": v["b"]},
        lambda v: v | {"c": v["c"].copy()},
        lambda v: v | {"c": v["c"][::-1]},
        lambda v: v | {"c": v["c"].view(np.int64)},
        lambda v: {},
    ],
    ids=["swapped", "one missing", "one elsewhere", "one backwards", "one of another type", "none"],
)
def test_any_other_views_are_not(change):
    assert flat_array(change(FlatViews(np.zeros(10), SHAPES)).values()) is None


def test_a_dict_of_views_that_nobody_changed_gives_the_flat_array_whatever_its_values():
    flat = np.zeros(10, "float32")
    views = FlatViews(flat, SHAPES)
    assert views.flat(SHAPES, flat.dtype) is flat
    views["b"][...] = 3
    assert views.flat(dict(SHAPES), flat.dtype) is flat
    assert flat.tolist() == [0] * 6 + [3] * 2 + [0] * 2


def replaced(views):
    views["b"] = views["b"] + 1
    return views


def swapped(views):
    views["b"], views["c"] = views["c"], views["b"]
    return views


def swapped_by_name(views):
    b, c = views.pop("b"), views.pop("c")
    views["c"], views["b"] = b, c  # in the order in which they lie
    return views


def put_in_again(views):
    views["a"] = views.pop("a")
    return views


def deeply_copied_and_written_to(views):
    twin = copy.deepcopy(views)
    twin["a"][...] += 1
    return twin


def pickled_and_written_to(views):
    twin = pickle.loads(pickle.dumps(views))
    twin["c"][...] += 1
    return twin


def removed(views):
    del views["c"]
    return views


def added(views):
    views["d"] = views["c"]
    return views


def renamed(views):
    views["d"] = views.pop("c")
    return views


def cut_in_another_order(views):
    return FlatViews(views.flat(SHAPES, views["a"].dtype), {"c": (2,)} | SHAPES)


def in_half_precision(views):
    return FlatViews(np.zeros(10, "float16"), SHAPES)


def of_another_shape(views):
    return FlatViews(np.zeros(10), SHAPES | {"a": (3, 2)})


ALLOWED = [replaced, swapped, swapped_by_name, put_in_again, deeply_copied_and_written_to, pickled_and_written_to]
REFUSED = [removed, added, renamed]


@pytest.mark.parametrize("change", [*ALLOWED, *REFUSED, cut_in_another_order, in_half_precision, of_another_shape])
def test_a_dict_of_views_that_was_changed_gives_no_flat_array(change):
    flat = np.arange(10.0)
    assert change(FlatViews(flat, SHAPES)).flat(SHAPES, flat.dtype) is None


@pytest.mark.parametrize("dtype", ["float32", ">f8", "int64"])
def test_a_dict_of_views_gives_no_flat_array_of_another_dtype(dtype):
    assert FlatViews(np.zeros(10), SHAPES).flat(SHAPES, np.dtype(dtype)) is None


@pytest.mark.parametrize(
    "shapes",
    [
        {"b": (2,), "a": (2, 3), "c": (2,)},
        {"a": (3, 2), "b": (2,), "c": (2,)},
        {"a": (2, 3), "b": (4,)},
        {"a": (2, 3), "b": (2,), "d": (2,)},
    ],
    ids=["in another order", "one of another shape", "two that are one", "one of another name"],
)
def test_a_dict_of_views_gives_no_flat_array_of_other_shapes(shapes):
    assert FlatViews(np.zeros(10), SHAPES).flat(shapes, np.dtype("float64")) is None


def drawn(generator):
    return FlatViews(generator.normal(size=10), SHAPES)


def with_parameters(optimizer):
    parameters = drawn(np.random.default_rng(29))
    return parameters, optimizer(parameters, lr=0.1, weight_decay=0.1)


@each_backend
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
@pytest.mark.parametrize("change", [*ALLOWED, cut_in_another_order])
def test_gradients_that_were_changed_step_as_plain_ones(nn, optimizer, change):  # noqa: F811
    (one, by_views), (many, by_plain) = (with_parameters(getattr(nn, optimizer)) for _ in range(2))
    generator = np.random.default_rng(31)
    for _ in range(3):
        gradients = change(drawn(generator))
        by_views.step(gradients)
        by_plain.step({name: np.array(g) for name, g in gradients.items()})
        assert values(one) == values(many)


@each_backend
@pytest.mark.parametrize("change", [*REFUSED, in_half_precision, of_another_shape])
def test_gradients_that_do_not_fit_are_refused_as_plain_ones_and_no_step_is_taken(nn, change):  # noqa: F811
    (parameters, optimizer), gradients = with_parameters(nn.AdamW), change(drawn(np.random.default_rng(37)))
    before = values(parameters)
    with pytest.raises(ValueError, match="grads") as plain:
        optimizer.step({name: np.array(g) for name, g in gradients.items()})
    with pytest.raises(ValueError, match="grads") as raised:
        optimizer.step(gradients)
    assert str(raised.value) == str(plain.value)
    assert (optimizer.t, values(parameters)) == (0, before)


@each_backend
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_one_pass_over_all_parameters_steps_as_one_pass_over_each(nn, optimizer):  # noqa: F811
    together, apart, generator = model(nn), model(nn), np.random.default_rng(23)
    separate = {name: np.array(p) for name, p in apart.parameters().items()}
    one, many = (getattr(nn, optimizer)(p, lr=0.1, weight_decay=0.1) for p in (together.parameters(), separate))
    shapes = {name: p.shape for name, p in separate.items()}
    for _ in range(3):
        gradients = FlatViews(generator.normal(size=sum(p.size for p in separate.values())), shapes)
        one.step(gradients)
        many.step(gradients)
    for name, p in together.parameters().items():
        assert np.array_equal(np.asarray(p), separate[name])


@each_backend
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_a_copied_optimizer_moves_its_own_parameters_as_the_original_does(nn, copied):  # noqa: F811
    original = model(nn)
    original(np.array([[1, 2, 3]]), np.array([4]))
    optimizer, gradients = nn.AdamW(original.parameters(), lr=0.1), original.backward()
    twin, before = copied(optimizer), values(original.parameters())
    twin.step(gradients)
    assert values(original.parameters()) == before
    optimizer.step(gradients)
    assert values(twin._p) == values(original.parameters())
