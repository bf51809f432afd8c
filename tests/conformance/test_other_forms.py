"""The same formulas written in other honest ways: no check refuses any of them."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.grading import grade, grade_one
from nnz.conformance.levels import CHECKS

FORMS = {
    "decay first": {"sgd_step": lambda p, g, lr, wd: _put(p, (1 - lr * wd) * p - lr * g)},
    "gradient first": {"sgd_step": lambda p, g, lr, wd: _put(p, p - lr * g - lr * wd * p)},
    "decay into the gradient": {"sgd_step": lambda p, g, lr, wd: _put(p, p - lr * (wd * p + g))},
    "tanh by products": {"tanh_backward": lambda dy, y: dy - dy * y * y},
    "tanh by factors": {"tanh_backward": lambda dy, y: dy * (1 - y) * (1 + y)},
    "by the logarithm of the sum": {"cross_entropy_forward": lambda *batch: _by_log_sum(*batch)},
    "each term by B": {"cross_entropy_backward": lambda probs, targets: _by_terms(probs, targets)},
    "bias as a column": {"linear_forward": lambda x, w, b: _by_column(x, w, b)},
}


def _put(p, new):
    p[...] = new


def _by_log_sum(logits, targets):
    largest = logits.max(axis=1, keepdims=True)
    log_probs = logits - largest - np.log(np.exp(logits - largest).sum(axis=1, keepdims=True))
    return -log_probs[np.arange(len(targets)), targets].mean(), np.exp(log_probs)


def _by_terms(probs, targets):
    B = probs.dtype.type(len(probs))
    dlogits = probs / B
    dlogits[np.arange(len(targets)), targets] -= 1 / B
    return dlogits


def _by_column(x, w, b):
    if b is None:
        return x @ w.T
    ones = np.ones((*x.shape[:-1], 1), x.dtype)
    return np.concatenate([x, ones], axis=-1) @ np.concatenate([w, b[:, None]], axis=1).T


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_another_form_of_a_formula_is_never_refused(form):
    ((function, computes),) = FORMS[form].items()
    level = function.removesuffix("_forward").removesuffix("_step")
    module = SimpleNamespace(__name__=form, ops=SimpleNamespace(**{function: computes}))
    for seed in range(3):
        report = grade(module, [level], rounds=4, seed=seed)
        asked = [r for r in report.results if not r.check.startswith("nn.") and "steps" not in r.check]
        assert [(r.name, r.reason) for r in asked if not r.passed] == []


def _largest_first(x, w, b):
    """Every sum from its largest term down to its smallest, which the terms below 0 make as wrong as it can be."""
    products = -np.sort(-x.reshape(-1, 1, x.shape[-1]) * w, axis=-1)
    y = np.zeros(products.shape[:2], x.dtype)
    for term in np.moveaxis(products, -1, 0):
        y += term
    return (y if b is None else y + b).reshape(*x.shape[:-1], -1)


@pytest.mark.slow
def test_sums_from_the_largest_term_down_are_not_refused():
    module = SimpleNamespace(__name__="largest_first", ops=SimpleNamespace(linear_forward=_largest_first))
    for seed in range(5):
        backend = BackendUnderTest(module)
        for dtype in ("float32", "float64"):
            check = next(c for c in CHECKS if (c.level, c.name) == ("linear", "forward"))
            assert grade_one(backend, check, dtype, 2, seed).reason == ""
