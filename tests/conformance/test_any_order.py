"""Calls in any order, drawn by hypothesis, which makes a sequence that fails as short as it can."""

import copy
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from support import plain_lists
from support.built_program import built

from nnz.backend import registry
from nnz.conformance.checks.backend_under_test import BackendUnderTest, Wrong
from nnz.conformance.checks.sequences import Session, any_order
from nnz.conformance.program.backend import ProgramBackend
from nnz.conformance.program.protocol import Program

pytestmark = pytest.mark.slow

MOST_MODELS, CALLS, SEQUENCES = 3, 25, 6
HOW = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}
SEEDS = st.integers(0, 2**32 - 1)
WHICH = st.integers(0, MOST_MODELS - 1)


def machine(backend, dtype="float32"):
    """The interface of a model as rules: a Session says what each call must return."""

    class Calls(RuleBasedStateMachine):
        @initialize(seed=SEEDS)
        def begin(self, seed):
            self.session = Session(BackendUnderTest(backend), dtype, np.random.default_rng(seed))

        @precondition(lambda self: len(self.session.models) < MOST_MODELS)
        @rule()
        def another_model(self):
            self.session.new_model()

        @rule(call=st.sampled_from(["train", "evaluate", "backward", "step", "load"]), which=WHICH)
        def one_call(self, call, which):
            found = getattr(self.session, call)(which % len(self.session.models))
            assert all(m.ok for m in found), [m for m in found if not m.ok]

        def teardown(self):
            if hasattr(self, "session"):
                self.session.kept.check()

    return Calls


def run(backend, phases=tuple(Phase)):
    how = settings(max_examples=SEQUENCES, stateful_step_count=CALLS, print_blob=False, phases=phases, **HOW)
    run_state_machine_as_test(machine(backend), settings=how)


@pytest.mark.parametrize("backend", registry.names())
def test_no_order_of_calls_takes_a_backend_out_of_its_bounds(backend):
    run(registry.load(backend))


def new_arrays():
    """numpy's backend as one that cannot write to an array: every step and load puts new ones into a dict."""
    nn, module = registry.load("numpy"), ModuleType("new_arrays")

    class MLP:
        def __init__(self, rng, dtype, **sizes):
            self.inner = nn.MLP(**sizes, rng=rng, dtype=dtype)
            self.weights = {name: p.copy() for name, p in self.inner.parameters().items()}

        def __call__(self, inputs, targets=None):
            self.inner.load_parameters(self.weights)
            return self.inner(inputs, targets)

        def backward(self):
            return {name: g.copy() for name, g in self.inner.backward().items()}

        def parameters(self):
            return self.weights

        def load_parameters(self, arrays):
            self.weights = {name: np.array(a) for name, a in arrays.items()}

    class AdamW:
        def __init__(self, parameters, **how):
            self.parameters = parameters
            self.copies = {name: np.array(p) for name, p in parameters.items()}
            self.inner = nn.AdamW(self.copies, **how)

        def step(self, gradients):
            self.inner.step(gradients)
            self.parameters.update({name: p.copy() for name, p in self.copies.items()})

    module.MLP, module.AdamW = MLP, AdamW
    return module


@pytest.fixture
def program():
    with Program([str(built())]) as started:
        yield ProgramBackend(started)


@pytest.mark.parametrize("make", [lambda: plain_lists, new_arrays, None], ids=["lists", "new arrays", "a program"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_session_never_alarms_on_an_honest_backend(make, dtype, program):
    backend = make() if make else program
    for found in any_order(BackendUnderTest(backend), dtype, np.random.default_rng(8), 2):
        assert all(m.ok for m in found)


def changed(**methods):
    """numpy's backend, whose model has these methods instead."""
    nn, module = registry.load("numpy"), ModuleType("changed")
    module.AdamW, module.MLP = nn.AdamW, type("MLP", (nn.MLP,), methods)
    return module


def mixture(self):
    """backward after an evaluation goes back through the batch before it."""
    self._last = copy.copy(self._saved or self._last)
    self._saved = self._last
    return registry.load("numpy").MLP.backward(self)


def ring(self):
    """The third backward overwrites what the first returned."""
    if not hasattr(self, "ring"):
        shapes = {name: p.shape for name, p in self._p.items()}
        self.ring = [{k: np.empty(n, self._p[k].dtype) for k, n in shapes.items()} for _ in range(2)]
        self.turn = 0
    self.turn += 1
    for name, gradient in registry.load("numpy").MLP.backward(self).items():
        self.ring[self.turn % 2][name][...] = gradient
    return dict(self.ring[self.turn % 2])


@pytest.mark.parametrize("backward", [mixture, ring])
def test_what_one_call_leaves_for_another_is_found_by_both(backward):
    backend = changed(backward=backward)
    with pytest.raises((Wrong, AssertionError)):
        run(backend, (Phase.generate,))  # and not Phase.shrink: that takes a minute
    with pytest.raises(Wrong):
        list(any_order(BackendUnderTest(backend), "float32", np.random.default_rng(1), 5))


@pytest.mark.parametrize("name", [*registry.names(), "build/mlp"])
def test_backward_is_refused_in_the_same_words_before_a_batch_and_after_one_without_targets(name, program):
    backend = program if name == "build/mlp" else registry.load(name)
    session = Session(BackendUnderTest(backend), "float32", np.random.default_rng(3))
    model = session.models[0].mlp
    for call in (None, "train", "evaluate"):
        if call:
            session.train(0)
            getattr(session, call)(0)
        if call != "train":
            with pytest.raises(RuntimeError) as refusal:
                model.backward()
            assert str(refusal.value) == "backward needs a forward with targets first: call model(inputs, targets)"
