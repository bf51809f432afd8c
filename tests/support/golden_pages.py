"""The golden files kept with the project, and how other numbers are held against them."""

from pathlib import Path

import numpy as np

from nnz.conformance import golden
from nnz.conformance.bounds import derived as bounds
from nnz.conformance.bounds.compare import compare
from nnz.conformance.checks.training import PROMISED
from nnz.conformance.golden import Golden

FOLDER = Path(__file__).with_name("golden")
Arrays = dict[str, np.ndarray]


def kept(dtype: str) -> Golden:
    return golden.read(FOLDER, dtype)


def first_batch(pages: Golden) -> tuple[np.ndarray, np.ndarray]:
    return pages.given["inputs"][0], pages.given["targets"][0]


def expected_of(pages: Golden, name: str) -> np.ndarray:
    return pages.expected[name][0] if name == "loss" else pages.expected[name]


def assert_first_batch(actual: Arrays, pages: Golden, dtype: str) -> None:
    limits = bounds.mlp_bounds(pages.weights, *first_batch(pages), dtype)
    for name, array in actual.items():
        m = compare(name, array, expected_of(pages, name), limits[name], dtype)
        assert m.ok, m


def assert_nine_decimals(actual: Arrays, pages: Golden) -> None:
    """What the project promises of a log in float64; between machines the oracle itself moves in its last digits."""
    for name, array in actual.items():
        assert array.shape == pages.expected[name].shape
        assert np.max(np.abs(array - pages.expected[name])) <= PROMISED, name
