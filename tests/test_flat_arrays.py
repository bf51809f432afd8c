"""Parameters that fill one array are updated in one pass, and memory is used again: neither is ever to be seen."""

import copy
import pickle

import numpy as np
import pytest
from test_copies import each_backend, model, nn, values  # noqa: F401  (nn is a fixture)

from nnz.initial import flat_array, flat_views
from nnz.reuse import Reused

SHAPES = {"a": (2, 3), "b": (2,), "c": (2,)}


def test_views_that_fill_an_array_in_order_are_known_for_it():
    flat = np.zeros(10)
    assert flat_array(flat_views(flat, SHAPES).values()) is flat


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
    assert flat_array(change(flat_views(np.zeros(10), SHAPES)).values()) is None


@each_backend
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_one_pass_over_all_parameters_steps_as_one_pass_over_each(nn, optimizer):  # noqa: F811
    together, apart, generator = model(nn), model(nn), np.random.default_rng(23)
    separate = {name: np.array(p) for name, p in apart.parameters().items()}
    one, many = (getattr(nn, optimizer)(p, lr=0.1, weight_decay=0.1) for p in (together.parameters(), separate))
    shapes = {name: p.shape for name, p in separate.items()}
    for _ in range(3):
        gradients = flat_views(generator.normal(size=sum(p.size for p in separate.values())), shapes)
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


def test_memory_is_used_again_once_nobody_holds_a_part_of_it():
    reused = Reused(4, "float32")
    first = reused.array()
    part, address = first[1:2], first.ctypes.data
    del first
    second = reused.array()
    assert second.ctypes.data != address
    del part
    assert reused.array().ctypes.data == address
