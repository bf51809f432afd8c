"""nnz parity --strict: results must be exact to the bit, and a backend that is not strict passes almost nothing."""

import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from support import false_backends, plain_lists

from nnz.backend import registry
from nnz.commands.main import main
from nnz.conformance.checks.layers import LAYERS
from nnz.conformance.grading import LEVELS, STRICT, grade
from nnz.conformance.levels import STRICT_CHECKS
from nnz.conformance.report import FAILED, NOT_THERE, PASSED
from nnz.conformance.strict.bitwise import compare_bits
from nnz.conformance.strict.training import HASHES, RUNS

f32 = np.float32
QUICK = [level for level in LEVELS if level not in ("training", "layers")]
LARGEST = float(np.finfo(f32).max)


def not_strict(name: str) -> ModuleType:
    """A backend whose functions take a precision and ignore it."""
    module, native = ModuleType("not_strict"), registry.load(name)

    def ignoring_precision(function):
        def call(*values, precision="native", **settings):
            return function(*values, **settings)

        return call

    module.ops = SimpleNamespace(**{op: ignoring_precision(getattr(native.ops, op)) for op in native.ops.__all__})
    for part in ("MLP", "SGD", "AdamW", "Embedding", "Linear", "Tanh", "BatchNorm1d"):
        setattr(module, part, ignoring_precision(getattr(native, part)))
    module.Flatten, module.Residual, module.Sequential = native.Flatten, native.Residual, native.Sequential
    return module


@pytest.mark.parametrize("backend", registry.names())
def test_every_backend_of_the_project_gives_every_bit(backend):
    report = grade(backend, QUICK, [STRICT], rounds=1)
    assert [(r.name, r.reason) for r in report.results if not r.passed] == []
    assert report.asked == sum(check.level in QUICK for check in STRICT_CHECKS)
    assert all(m.compared > 0 and m.wrong == 0 for r in report.results for m in r.measurements)
    assert all(r.measurements for r in report.results)


@pytest.mark.slow
@pytest.mark.parametrize("backend", registry.names())
def test_every_backend_of_the_project_trains_to_the_published_bits(backend):
    report = grade(backend, ["layers", "training"], [STRICT], rounds=1)
    assert [(r.name, r.reason) for r in report.results if not r.passed] == []


@pytest.mark.parametrize("backend", registry.names())
def test_a_native_backend_that_claims_to_be_strict_fails_wherever_a_sum_is_rounded(backend):
    report = grade(not_strict(backend), [*QUICK, "layers"], [STRICT], rounds=1)
    failed = {(r.level, r.check) for r in report.results if r.outcome == FAILED}
    assert {r.outcome for r in report.results} == {FAILED, PASSED}
    assert failed >= {("linear", "forward"), ("tanh", "forward"), ("batch_norm", "forward"), ("mlp", "every tensor")}
    assert failed >= {(f"{op}_backward", "backward") for op in ("embedding", "linear", "batch_norm")}
    assert failed >= {("cross_entropy", "forward"), ("mlp", "rows alone and together")}
    assert {check for level, check in failed if level == "layers"} == set(LAYERS) - {"Flatten"}
    assert all("ULP off" in r.reason for r in report.results if r.outcome == FAILED)


PLANTED = {  # one bit, or one rounding, at one place
    "sum": ("linear_backward", lambda dx, dw, db: (dx, dw, np.nextafter(db, f32(9)))),
    "one entry": ("linear_backward", lambda dx, dw, db: (dx, off_at(dw, -1), db)),
    "-0": ("embedding_backward", lambda dwte: np.where(dwte == 0, f32(-0.0), dwte)),
    "loss": ("cross_entropy_forward", lambda loss, probs: (float(np.nextafter(f32(loss), f32(9))), probs)),
    "loss in float64": ("cross_entropy_forward", lambda loss, probs: (loss * (1 + 2**-40), probs)),
}


def off_at(array, place):
    array = array.copy()
    array.flat[place] = np.nextafter(array.flat[place], f32(9))
    return array


@pytest.mark.parametrize("fault", PLANTED)
def test_a_single_bit_is_found(fault):
    name, spoil = PLANTED[fault]
    numpy, module = registry.load("numpy"), ModuleType("spoiled")
    original = getattr(numpy.ops, name)

    def spoiled(*values, precision):
        result = original(*values, precision=precision)
        return spoil(*result) if isinstance(result, tuple) else spoil(result)

    module.ops = SimpleNamespace(**{name: spoiled})
    level = name.removesuffix("_forward")
    (result,) = grade(module, [level], [STRICT], rounds=1).results
    assert result.outcome == FAILED
    assert sum(m.wrong for m in result.measurements) > 0 or "float64" in result.reason


def test_unchecked_rounding_of_a_float64_sum_is_found():
    numpy, module = registry.load("numpy"), ModuleType("unchecked")
    wide = lambda a: a.astype(np.float64)  # noqa: E731
    module.ops = SimpleNamespace(
        linear_forward=lambda x, w, b, precision: (wide(x) @ wide(w).T).astype(f32) + (0 if b is None else b),
        tanh_forward=numpy.ops.tanh_forward,
    )
    linear, tanh = grade(module, ["linear", "tanh"], [STRICT], rounds=1).results
    assert (linear.outcome, tanh.outcome) == (FAILED, PASSED)


@pytest.mark.parametrize("fill", false_backends.FILLS)
def test_a_backend_that_computes_nothing_passes_nowhere(fill):
    report = grade(false_backends.backend(false_backends.FILLS[fill]), QUICK, [STRICT], rounds=1)
    assert [r.name for r in report.results if r.passed] == []
    assert report.asked > 0


@pytest.mark.parametrize("module", [plain_lists, ModuleType("empty")])
def test_what_takes_no_precision_is_not_there(module):
    report = grade(module, QUICK, [STRICT], rounds=1)
    assert {r.outcome for r in report.results} == {NOT_THERE}
    assert not report.ok


def test_any_other_bits_of_weights_or_moments_have_another_sha(monkeypatch):
    run = next(iter(RUNS))
    monkeypatch.setitem(HASHES[run], 1, HASHES[run][10])
    (result,) = [r for r in grade("numpy", ["training"], [STRICT]).results if r.check == run]
    assert result.outcome == FAILED
    assert "SHA-256" in result.reason


def test_nothing_compared_is_nothing_met(monkeypatch):
    for run in HASHES:
        monkeypatch.setitem(HASHES, run, {})
    assert {r.outcome for r in grade("numpy", ["training"], [STRICT]).results} == {FAILED}
    for nothing in (np.zeros(0, f32), np.zeros(3, f32), np.full(3, np.nan, f32)):
        assert not compare_bits("x", nothing, nothing).ok


@pytest.mark.parametrize(
    ("actual", "expected", "ulps"),
    [
        (1.0, np.nextafter(f32(1), f32(2)), 1),
        (-(2.0**-149), 2.0**-149, 2),
        (LARGEST, np.inf, 1),
        (-1.0, 1.0, 2 * 0x3F800000),
    ],
)
def test_an_error_is_counted_in_the_float32s_between(actual, expected, ulps):
    found = compare_bits("x", np.array([7, actual, 7], f32), np.array([7, expected, 8], f32))
    assert (found.compared, found.wrong, found.index, found.ulps, found.ok) == (3, 2, (1,), ulps, False)


def test_the_sign_of_a_zero_counts_unless_it_need_not():
    minus, plus = np.array([-0.0, 1], f32), np.array([0.0, 1], f32)
    assert (compare_bits("x", minus, plus).ok, compare_bits("x", minus, plus, any_zero=True).ok) == (False, True)
    assert not compare_bits("x", np.array([-1, 1], f32), np.array([1, 1], f32), any_zero=True).ok


@pytest.mark.slow
def test_the_optimizers_are_graded_in_a_process_of_their_own_too(capsys):
    code = main(["parity", "--strict", "numpy", "--level", "sgd", "--level", "adamw", "--rounds", "1"])
    assert (code, "4 of 4" in capsys.readouterr().out) == (0, True)


def parity(capsys, *words):
    code = main(["parity", "--strict", "--in-process", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_table_says_how_many_numbers_were_compared_and_how_many_were_wrong(capsys):
    code, out, err = parity(capsys, "numpy", "--level", "linear_backward", "--rounds", "1", "--verbose")
    assert (code, err) == (0, "")
    header, *rows = out.splitlines()[:4]
    assert header.split()[-3:] == ["compared", "wrong", "outcome"]
    assert [row.split()[3] for row in rows] == ["dx", "dw", "db"]
    assert all(int(row.split()[4].replace(",", "")) > 100 and row.split()[5:] == ["0", "passed"] for row in rows)
    assert "numpy: 1 of 1" in out
    assert "numbers, right in every bit" in out


def test_a_backend_that_is_not_strict_exits_with_1_and_its_first_wrong_number(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "not_strict", not_strict("numpy"))
    code, out, _ = parity(capsys, "not_strict", "--level", "linear", "--rounds", "1", "--json", "-")
    assert code == 1
    (result,) = json.loads(out)["reports"][0]["results"]
    (figures,) = result["measurements"]
    assert figures["wrong"] > 0
    assert figures["bits"][0] != figures["bits"][1]
    assert figures["ulps"] > 0
