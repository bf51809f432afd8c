"""Memory is used again once nobody holds it any longer, which is never to be seen."""

import copy
import pickle

import numpy as np
import pytest

from nnz.backend.reuse import Reused


def test_memory_is_used_again_once_nobody_holds_a_part_of_it():
    reused = Reused(4, "float32")
    first = reused.array()
    part, address = first[1:2], first.ctypes.data
    del first
    second = reused.array()
    assert second.ctypes.data != address
    del part
    assert reused.array().ctypes.data == address


def test_an_array_that_is_held_is_never_given_again_though_its_neighbour_is():
    reused = Reused(4, "float32")
    first, second = reused.array(), reused.array()
    first[...], address = 1, second.ctypes.data
    del second
    for _ in range(5):
        given = reused.array()
        assert given.ctypes.data == address
        given[...] = 2
        del given
    assert first.tolist() == [1] * 4


def test_of_arrays_that_are_all_held_no_two_share_memory():
    reused = Reused(4, "float32")
    held = [reused.array() for _ in range(5)]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(held) for b in held[:i])


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_of_what_reuses_memory_shares_none_with_the_original(copied):
    reused = Reused(4, "float32")
    held, free = reused.array(), reused.array()
    del free
    twin = copied(reused)
    arrays = [held, reused.array(), twin.array(), twin.array()]
    assert all(a.shape == (4,) and a.dtype == np.float32 for a in arrays)
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
