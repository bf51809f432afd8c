"""Where an error is asked for, a crash or a write to what was given before is not taken for it."""

import textwrap

import pytest

from nnz.conformance.grading import grade
from nnz.conformance.isolated.remote import IsolatedBackend

CRASHES = """
    import os, nnz.numpy
    class MLP(nnz.numpy.MLP):
        def __call__(self, inputs, targets=None):
            self.evaluates = targets is None
            return super().__call__(inputs, targets)
        def backward(self):
            if self.evaluates:
                os.kill(os.getpid(), 11)
            return super().backward()
"""
OVERWRITES = """
    import nnz.numpy
    given = []
    class MLP(nnz.numpy.MLP):
        def load_parameters(self, arrays):
            given.append(arrays["wte"])
            super().load_parameters(arrays)
        def __call__(self, inputs, targets=None):
            try:
                return super().__call__(inputs, targets)
            except ValueError:
                given[-1][...] += 1
                return None
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "check", "says"),
    [
        (CRASHES, "without targets", "it must raise RuntimeError; it raised ProcessEnded: backward ended its process"),
        (OVERWRITES, "refuses bad ids", "it must raise ValueError; it raised Overwrote: it wrote to an array"),
    ],
)
def test_what_goes_wrong_instead_of_a_refusal_fails(source, check, says, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "in_its_own_way.py").write_text(textwrap.dedent(source))
    with IsolatedBackend("in_its_own_way") as backend:
        report = grade(backend, ["mlp"], ["float64"], rounds=1)
    reasons = {r.check: r.reason for r in report.failed}
    assert says in reasons[check]
