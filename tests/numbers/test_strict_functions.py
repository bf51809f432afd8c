"""Strict tanh, exp and log where they are easily wrong; `make test-hardcases` holds them to all 2^32 inputs."""

import numpy as np
import pytest
import torch

from nnz.c import ops
from nnz.numbers import hard_cases
from nnz.numpy import correct_rounding as in_numpy
from nnz.torch import correct_rounding as in_torch
from tools.every_float32 import differing
from tools.hard_cases import FUNCTIONS, correctly_rounded, is_hard

INF, NAN = np.inf, np.nan
SPECIAL = {
    "tanh": [(0.0, 0.0), (-0.0, -0.0), (1e-45, 1e-45), (-1e-45, -1e-45), (INF, 1), (-INF, -1), (NAN, NAN)],
    "exp": [(0.0, 1), (-0.0, 1), (1e-45, 1), (3e38, INF), (-3e38, 0), (INF, INF), (-INF, 0), (NAN, NAN)],
    "log": [(0.0, -INF), (-0.0, -INF), (1, 0.0), (-1, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)],
}
NEARLY_HARD = [0x174167EC, 0x1E9977AC, 0x30A201DC, 0x38D62464, 0x404DC250, 0x710D528D]  # for log: within 18 ULP

# The C backend's exp and log stand in no op by themselves.
each_strict_function = pytest.mark.parametrize(
    ("name", "strict"),
    [
        ("tanh", lambda x: ops.tanh_forward(x, precision="strict")),
        *((name, getattr(in_numpy, name)) for name in FUNCTIONS),
        *((name, lambda x, name=name: getattr(in_torch, name)(torch.from_numpy(x)).numpy()) for name in FUNCTIONS),
    ],
    ids=["tanh-c", *(f"{name}-{backend}" for backend in ("numpy", "torch") for name in FUNCTIONS)],
)


def floats(bits) -> np.ndarray:
    return np.array(list(bits), np.uint32).view(np.float32)


@each_strict_function
def test_hard_cases_are_correctly_rounded(name, strict):
    table = getattr(hard_cases, name.upper())
    assert not differing(strict(floats(table)), floats(table.values())).size


@each_strict_function
def test_zeros_infinities_and_nans_are_what_they_are_to_be(name, strict):
    x, expected = np.array(SPECIAL[name], np.float32).T
    assert not differing(strict(np.ascontiguousarray(x)), expected).size


@pytest.mark.parametrize("strict", [in_numpy.log, lambda x: in_torch.log(torch.from_numpy(x)).numpy()])
def test_what_is_nearly_hard_is_in_no_table_and_is_correctly_rounded(strict):
    assert not any(is_hard("log", x) for x in NEARLY_HARD)
    expected = floats(correctly_rounded("log", x) for x in NEARLY_HARD)
    assert not differing(strict(floats(NEARLY_HARD)), expected).size
