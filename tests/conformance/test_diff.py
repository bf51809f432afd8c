"""nnz diff: the first tensor that differs, where, which of the two is off, and why that may be."""

import inspect
import re
import sys
import textwrap
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
from support.planted_bugs import BUGS, GPT_BUGS

from nnz.backend import registry
from nnz.backend.gpt import GPTBase
from nnz.commands.main import main
from nnz.conformance.cases.gpt import gpt_case
from nnz.conformance.cases.mlp import ordinary_case, overflowing_case
from nnz.conformance.checks.backend_under_test import BackendUnderTest
from nnz.conformance.diff.first_difference import compare_batch
from nnz.conformance.diff.gpt import gpt_walk
from nnz.conformance.diff.likely_cause import UNKNOWN, cause_in_step, likely_cause
from nnz.conformance.diff.mlp import COMPUTED_BY, methods, mlp_walk
from nnz.conformance.diff.optimizers import MISTAKES, RATES, expected_steps, gradients, mistaken_steps
from nnz.conformance.diff.sources import caller_of, source_of
from nnz.conformance.levels import GPT_FORWARDS
from nnz.conformance.oracle import mlp as oracle
from nnz.conformance.oracle import ops as oracle_ops

EXACT = np.finfo(np.float64).eps * 8  # of a step in float64


def diff(capsys, *words):
    code = main(["diff", *words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("pair", [("c", "numpy"), ("numpy", "torch"), ("torch", "c")])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_between_two_right_backends_nothing_differs(capsys, pair, dtype):
    code, out, err = diff(capsys, *pair, "--dtype", dtype, "--seed", "3")
    assert (code, err) == (0, "")
    compared = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert compared[: 2 * len(COMPUTED_BY)] == 2 * list(COMPUTED_BY)
    blocks = [line for line in compared[2 * len(COMPUTED_BY) : -2 * len(RATES)] if "." in line]
    forward = blocks[: len(blocks) // 2]
    assert forward == [f"blocks.{layer}" for layer in range(len(forward))]
    assert blocks[len(forward) :] == [f"d{block}" for block in reversed(forward)]
    assert compared[-2 * len(RATES) :] == 2 * len(RATES) * ["step"]
    assert "first difference" not in out
    assert out.endswith(f"\n{pair[0]} and {pair[1]} agree\n")


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_named_with_its_place_and_its_usual_cause(capsys, monkeypatch, bug):
    function, wrong, tensor, cause = BUGS[bug]
    plant(monkeypatch, function, wrong)
    code, out, err = diff(capsys, "torch", "numpy")
    assert code == 1
    assert f"first difference: {tensor}[" in out
    assert re.search(rf"likely cause: .*{re.escape(cause)}", out)
    assert "numpy differs from the oracle there" in err
    torch_state, numpy_state = [line for line in out.splitlines() if "its bound" in line]
    assert torch_state.split()[0] == "torch"
    assert torch_state.endswith("within its bound")
    assert numpy_state.split()[0] == "numpy"
    assert "times its bound" in numpy_state
    assert f"mlp_torch/ops/{source_stem(tensor)}.py:" in out
    assert "support/planted_bugs.py:" in out


@pytest.mark.parametrize("bug", GPT_BUGS)
def test_a_bug_planted_in_the_gpt_is_named_with_its_block_its_place_and_its_usual_cause(capsys, monkeypatch, bug):
    function, wrong, tensor, cause, place = GPT_BUGS[bug]
    case = gpt_case(1, "float64")
    assert (case.config.norm, case.config.activation) == ("rms", "gelu")
    if isinstance(wrong, str):  # a line of the model
        monkeypatch.setattr(registry.load("numpy").GPT, function, changed(function, *wrong.split(" -> ")))
    else:
        monkeypatch.setattr(registry.load("numpy").GPT.ops_by_precision["native"], function, wrong)
        monkeypatch.setattr(registry.load("numpy").ops, function, wrong)
    code, out, err = diff(capsys, "torch", "numpy")
    assert code == 1
    assert f"first difference: {tensor}[" in out, out
    assert cause in out, out
    assert place in out, out
    assert err.endswith(f"the first difference is in {tensor}; numpy differs from the oracle there\n")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gpt_alone_is_compared_block_by_block_and_by_its_optimizer(capsys, dtype):
    code, out, err = diff(capsys, "nnz.gpt", "numpy", "--dtype", dtype)
    assert (code, err) == (0, "")
    compared = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert compared[:-5] == ["blocks.0", "blocks.1", "head", "dhead", "dblocks.1", "dblocks.0", "demb"]
    assert compared[-5:] == ["step"] * 5
    assert "not compared: the MLP, which nnz.gpt does not have, SGD, which nnz.gpt does not have\n" in out


def test_a_bug_planted_in_a_gpt_alone_is_named_with_its_block_and_its_source(capsys, monkeypatch):
    monkeypatch.setattr("nnz.gpt.attention.ATTEND", {"fused": lambda q, k, v, dropout: v})
    code, out, err = diff(capsys, "numpy", "nnz.gpt")
    assert code == 1
    assert "first difference: blocks.0.y[" in out
    assert "gpt_torch/gpt.py:" in out
    assert err.endswith("the first difference is in blocks.0.y; nnz.gpt differs from the oracle there\n")


def test_two_that_have_nothing_in_common_are_not_said_to_agree(capsys, monkeypatch):
    other = ModuleType("other")
    other.MLP = registry.load("numpy").MLP
    monkeypatch.setitem(sys.modules, "other", other)
    code, _, err = diff(capsys, "nnz.gpt", "other")
    assert code == 1
    assert err.startswith(
        "nnz: could not compare the two: they have nothing in common; missing are the MLP, which nnz.gpt"
    )


def changed(method, old, new):
    """numpy's GPT with one line of a method changed."""
    module = sys.modules["nnz.numpy.gpt.gpt"]
    source = textwrap.dedent(inspect.getsource(getattr(module.GPT, method)))
    assert source.count(old) == 1
    names = {}
    exec(compile(source.replace(old, new), module.__file__, "exec"), vars(module), names)
    return names[method]


@pytest.mark.parametrize("seed", range(8))
def test_each_tensor_is_what_is_said_to_compute_it(seed):
    for walk in (mlp_walk(ordinary_case(seed, "float64"), "float64"), gpt_walk(gpt_case(seed, "float64"), "float64")):
        for name, expected in walk.values.items():
            made = walk.made(name)
            output = oracle_ops.outputs(made.op, made.given)[made.output]
            found = np.reshape(output, np.shape(expected)) + (0 if made.added is None else made.added)
            assert np.allclose(found, expected, rtol=1e-12, atol=1e-14), name


def plant(monkeypatch, function, wrong):
    """In numpy's model and in its ops."""
    monkeypatch.setattr(registry.load("numpy").MLP.ops_by_precision["native"], function, wrong)
    monkeypatch.setattr(registry.load("numpy").ops, function, wrong)


def source_stem(tensor):
    return COMPUTED_BY[tensor][0].removesuffix("_forward").removesuffix("_backward")


OPS = {op: ("MLP", *methods(tensor)) for tensor, (op, _) in COMPUTED_BY.items()}
OPS |= {f"{op}_{way}": ("GPT", "forward") for op in GPT_FORWARDS for way in ("forward", "backward")}


@pytest.mark.parametrize("op", OPS)
def test_the_source_named_is_the_line_where_the_function_is_defined(op):
    for backend, start in (("c", "void "), ("numpy", "def "), ("torch", "def ")):
        place, function = source_of(BackendUnderTest(backend), op, OPS[op]).split("  ")
        path, line = place.rsplit(":", 1)
        with open(path, encoding="utf-8") as file:
            assert file.read().splitlines()[int(line) - 1].startswith(f"{start}{function}(")


def test_a_backend_without_intermediates_is_compared_by_loss_logits_and_gradients(monkeypatch, tmp_path, capsys):
    monkeypatch.delattr("nnz.backend.model.MLPBase.intermediates")
    monkeypatch.delattr("nnz.backend.gpt.GPTBase.intermediates")
    code, out, _ = diff(capsys, "numpy", "torch")
    assert code == 0
    compared = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert compared[:7] == ["logits", "loss", "dfc2.weight", "dfc2.bias", "dfc1.weight", "dfc1.bias", "dwte"]
    assert "not compared: emb, h_pre, h, probs, dlogits, dh, dh_pre, demb, blocks.0.x, " in out
    assert out.endswith("numpy and torch agree in all else\n")


@pytest.mark.parametrize("size", [1, 2, 128])
def test_the_batch_may_be_of_any_size(capsys, size):
    code, out, _ = diff(capsys, "c", "torch", "--batch-size", str(size))
    assert code == 0
    assert f"(B {size}," in out


@pytest.mark.parametrize(
    "words", [["--dtype", "float16"], ["--seed", "-1"], ["--batch-size", "0"], ["--batch-size", "1000000"]]
)
def test_what_is_asked_wrongly_exits_with_2(capsys, words):
    assert diff(capsys, "c", "numpy", *words)[0] == 2


def test_a_backend_that_cannot_run_a_batch_is_one_line_and_not_a_traceback(capsys):
    code, _, err = diff(capsys, "numpy", "json")
    assert code == 1
    until = "until its model is written, go on with nnz parity json"
    assert err == f"nnz: could not compare the two: json: it has no MLP; {until}\n"


def test_the_second_batch_overflows_exp_and_the_first_does_not():
    for dtype in ("float32", "float64"):
        first = ordinary_case(5, dtype)
        second = overflowing_case(first, dtype)
        for case, overflows in ((first, False), (second, True)):
            logits = oracle.mlp(case.weights, case.inputs, case.targets)["logits"]
            assert bool(logits.max() > np.log(np.finfo(dtype).max)) == overflows


def test_what_has_no_usual_cause_is_said_to_have_none():
    case = ordinary_case(1, "float64")
    walk = mlp_walk(case, "float64")
    right = walk.values["h_pre"]
    off = right + np.random.default_rng(0).normal(size=right.shape)
    assert likely_cause(walk.made("h_pre"), off, right, "float64") == UNKNOWN


def test_every_tensor_of_the_oracle_is_compared_in_its_order():
    case = ordinary_case(2, "float64")
    walk = mlp_walk(case, "float64")
    compared = compare_batch(BackendUnderTest("numpy"), BackendUnderTest("torch"), walk, "float64")
    names = [name for name, _ in compared.steps]
    assert names == list(oracle.mlp(case.weights, case.inputs, case.targets)) == list(COMPUTED_BY)
    assert compared.difference is None


class WrongAdamW(registry.load("numpy").AdamW):
    """numpy's, with settings that are not those that were asked for."""

    changed: ClassVar[dict] = {}

    def step(self, grads):
        kept = {name: getattr(self, name) for name in self.changed}
        for name, value in self.changed.items():
            setattr(self, name, value)
        super().step(grads)
        for name, value in kept.items():
            setattr(self, name, value)


def run_with(monkeypatch, capsys, **changed):
    """nnz diff of torch and a backend that has numpy's parts but for these."""
    other, numpy = ModuleType("other"), registry.load("numpy")
    for name in ("MLP", "GPT", "SGD", "AdamW", "ops"):
        setattr(other, name, changed.get(name, getattr(numpy, name)))
    monkeypatch.setitem(sys.modules, "other", other)
    return diff(capsys, "torch", "other")


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"weight_decay": 0.0}, "the weight decay is missing"),
        ({"beta2": 0.9}, "beta1 and beta2 are the same"),
        ({"t": 0}, "t is not counted: it is always 1"),
        ({"beta1": 0.85}, UNKNOWN),
    ],
)
def test_a_wrong_optimizer_is_a_difference_and_its_operation_is_not_blamed(monkeypatch, capsys, changed, cause):
    monkeypatch.setattr(WrongAdamW, "changed", changed)
    code, out, err = run_with(monkeypatch, capsys, AdamW=WrongAdamW)
    assert code == 1
    assert f"likely cause: {cause}" in out
    assert "of AdamW; other differs from the oracle there" in err
    assert "adamw_step itself is right" in out


def test_every_mistake_of_an_optimizer_is_told_from_the_others():
    case = ordinary_case(1, "float64")
    start = case.weights["fc1.weight"]
    grads = [g["fc1.weight"] for g in gradients(case.weights, 1, "float64")]
    for name in ("SGD", "AdamW"):
        tried = dict(mistaken_steps(name, start, grads))
        for mistake, steps in tried.items():
            right = [
                values["fc1.weight"]
                for values, _, _ in expected_steps(
                    name, {"fc1.weight": start}, [{"fc1.weight": g} for g in grads], "float64"
                )
            ]
            step = next(
                i for i, (a, b) in enumerate(zip(steps, right, strict=True)) if not np.allclose(a, b, rtol=EXACT)
            )
            assert cause_in_step(name, steps[step], start, grads, step, "float64") == mistake
    assert set(tried) == set(MISTAKES)


def test_what_one_of_the_two_does_not_have_is_said_and_is_no_difference(monkeypatch, capsys):
    other, numpy = ModuleType("other"), registry.load("numpy")
    other.MLP = numpy.MLP
    monkeypatch.setitem(sys.modules, "other", other)
    code, out, _ = diff(capsys, "torch", "other")
    assert code == 0
    lacks = "the GPT (other: it has no GPT), SGD, which other does not have, AdamW, which other does not have"
    assert f"not compared: {lacks}\n" in out
    assert out.endswith("torch and other agree in all else\n")


def test_a_bias_that_is_not_passed_is_looked_for_in_the_model_and_not_in_the_operation(monkeypatch, capsys):
    numpy = registry.load("numpy")

    class MLP(numpy.MLP):
        def _forward(self, inputs, targets):
            kept, self._p = self._p, {**self._p, "fc1.bias": 0 * self._p["fc1.bias"]}
            found = super()._forward(inputs, targets)
            self._p = kept
            return found

    code, out, _ = run_with(monkeypatch, capsys, MLP=MLP)
    assert code == 1
    assert "likely cause: the bias is not added" in out
    line = next(line for line in out.splitlines() if "MLP._forward" in line)
    assert "test_diff.py:" in line
    assert line.endswith("MLP._forward, as linear_forward itself is right")


def test_where_a_backend_has_a_method_from_nnz_its_own_class_is_shown():
    class GPT(GPTBase):
        """In a backend of a single file."""

    backend = ModuleType("backend")
    backend.GPT = GPT
    place = caller_of(BackendUnderTest(backend), "GPT", "_backward", "backward")
    assert "test_diff.py:" in place
    assert place.endswith("  GPT")


@pytest.mark.parametrize(
    ("shift", "cause"),
    [
        (lambda inputs, targets, V: np.roll(targets, 1), "shifted: each row has that of the row before it"),
        (lambda inputs, targets, V: np.roll(targets, -1), "shifted: each row has that of the row after it"),
        (lambda inputs, targets, V: inputs[:, -1], "the targets are the last token of each input"),
        (lambda inputs, targets, V: (targets + 1) % V, "the targets are one too large"),
    ],
)
@pytest.mark.parametrize("tensors", ["all", "without intermediates"])
def test_shifted_targets_are_known_and_not_called_a_factor(monkeypatch, capsys, shift, cause, tensors):
    class MLP(registry.load("numpy").MLP):
        def __call__(self, inputs, targets=None):
            return super().__call__(inputs, shift(inputs, targets, self.sizes.V))

    if tensors != "all":
        monkeypatch.delattr("nnz.backend.model.MLPBase.intermediates")
    code, out, err = run_with(monkeypatch, capsys, MLP=MLP)
    assert code == 1
    assert cause in out
    assert "loss" in err
    assert "factor" not in out


@pytest.mark.parametrize(
    ("spoil", "shown"),
    [
        (lambda logits: logits * np.nan, "not a number"),
        (lambda logits: logits * np.inf, "infinite"),
        (lambda logits: logits.T.copy(), "shape (5, 31)"),
        (lambda logits: logits * 0, "all zeros"),
        (lambda logits: logits * 1e30, "a factor of 1e+30"),
    ],
)
def test_what_it_prints_can_be_read_whatever_a_backend_returns(monkeypatch, capsys, spoil, shown):
    class MLP(registry.load("numpy").MLP):
        def __call__(self, inputs, targets=None):
            logits, loss = super().__call__(inputs, targets)
            return spoil(logits), loss

    with np.errstate(all="ignore"):
        code, out, err = run_with(monkeypatch, capsys, MLP=MLP)
    assert code == 1
    assert "the first difference is in logits; other differs from the oracle there" in err
    assert shown in out
    assert re.search(r"\bnan\b|\[\]|\binf\b|e[+]\d+ times|e[+]\d+%", out) is None


def test_an_array_of_another_dtype_is_a_difference(monkeypatch, capsys):
    class MLP(registry.load("numpy").MLP):
        def __call__(self, inputs, targets=None):
            logits, loss = super().__call__(inputs, targets)
            return logits.astype(np.float32), loss

    code, _, err = run_with(monkeypatch, capsys, MLP=MLP)
    assert (code, err) == (1, "nnz: could not compare the two: other: logits is float32; it must be float64\n")
