"""A program with the interface of a backend, so that it can be graded like a module: every call becomes a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from nnz.backend import checks, clipping, initial, optimizers, spec
from nnz.numbers.precisions import NATIVE, PRECISIONS, STRICT
from nnz.numbers.rng import RNG

from .gpt import GPT
from .protocol import GPT_FUNCTIONS, GRADIENTS, INTERMEDIATES, PARAMETERS, Program


class ProgramBackend:
    """What the grading uses of a module, answered by a program: `ops`, `MLP`, `SGD`, `AdamW`, and of one that lists any
    of the GPT's functions `GPT` and `clip_grad_norm`.

    What the program does not list raises NotImplementedError.
    """

    is_slow_to_call = True

    def __init__(self, program: Program) -> None:
        self.program, self.__name__ = program, program.name
        self.__file__ = " ".join(program.command)
        functions = spec.FUNCTIONS if speaks_gpt(program) else spec.MLP_FUNCTIONS
        self.ops = SimpleNamespace(**{name: _op(program, name) for name in functions})
        self.MLP = partial(_MLP, program)
        self.SGD, self.AdamW = _optimizers(self.ops)
        if speaks_gpt(program):
            self.GPT, self.clip_grad_norm = partial(GPT, program), partial(clipping.clip_grad_norm, _clipping(self.ops))


def speaks_gpt(program: Program) -> bool:
    """Whether it lists any function of the GPT; one that lists none is graded on the MLP's part alone."""
    return not program.functions.keys().isdisjoint(GPT_FUNCTIONS)


def _clipping(ops: SimpleNamespace) -> dict[str, SimpleNamespace]:
    def in_(precision: str) -> SimpleNamespace:
        def clip_step(g: np.ndarray, scale: float) -> None:
            g[...] = ops.clip_step(g, scale, precision=precision)

        return SimpleNamespace(square_sum=partial(ops.square_sum, precision=precision), clip_step=clip_step)

    return {precision: in_(precision) for precision in PRECISIONS}


def _op(program: Program, name: str) -> Callable:
    function = spec.FUNCTIONS[name]

    def call(*values: Any, precision: str = NATIVE) -> Any:
        given = dict(zip(function.python_arguments, values, strict=True))
        arrays = {key: given[key] for key in (*function.updates, *function.inputs)}
        settings = {key: given[key] for key in (*function.arguments, *function.scalars)}
        dtype = next(np.asarray(a).dtype.name for a in arrays.values() if np.asarray(a).dtype.kind == "f")
        response = program.call(name, dtype, arrays, precision, **settings)
        if "total" in response:  # a Python float, as of every backend
            response["total"] = float(response["total"])
        # Without a weight there is no dweight.
        outputs = tuple(response.get(key) for key in function.outputs or function.updates)
        return outputs[0] if len(outputs) == 1 else outputs

    call.__name__ = name
    return call


def _optimizers(ops: SimpleNamespace) -> tuple[type, type]:
    """nn.SGD and nn.AdamW; each step makes one request for each parameter."""

    def in_place(function: Callable, count: int, precision: str) -> Callable:
        def step(*values: Any) -> None:
            results = function(*values, precision=precision)
            for old, new in zip(values[:count], results if count > 1 else (results,), strict=True):
                old[...] = new

        return step

    steps = {
        precision: SimpleNamespace(
            sgd_step=in_place(ops.sgd_step, 1, precision), adamw_step=in_place(ops.adamw_step, 3, precision)
        )
        for precision in PRECISIONS
    }
    made = {"ops_by_precision": steps}
    return type("SGD", (optimizers.SGD,), made), type("AdamW", (optimizers.AdamW,), made)


class _MLP:
    """The weights are kept here and sent with every batch: the program keeps nothing."""

    def __init__(
        self,
        program: Program,
        vocab_size: int,
        context_length: int,
        embedding_size: int,
        hidden_size: int,
        rng: RNG,
        dtype: str = "float32",
        precision: str = NATIVE,
    ) -> None:
        program.must_list("mlp", STRICT if precision == STRICT else dtype)
        self._program, self._dtype, self._precision, self._seed = program, dtype, precision, rng.state
        self._sizes = vocab_size, context_length, embedding_size, hidden_size
        self._weights: dict[str, np.ndarray] | None = None
        self._response: dict[str, np.ndarray] | None = None

    def parameters(self) -> dict[str, np.ndarray]:
        """The weights; if they were not set, the program draws them."""
        if self._weights is None:
            sizes = dict(zip("VTEH", self._sizes, strict=True))
            drawn = self._program.call("initial_weights", self._dtype, {}, self._precision, seed=self._seed, **sizes)
            self._weights = {name: drawn[name] for name in PARAMETERS}  # a file may have another order
        return self._weights

    def load_parameters(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set the weights, in the arrays that an optimizer may have."""
        if self._weights is None:
            shapes = initial.mlp_shapes(*self._sizes)
            self._weights = {name: np.empty(shape, self._dtype) for name, shape in shapes.items()}
        for name, own in self._weights.items():
            own[...] = arrays[name]

    def __call__(self, inputs: np.ndarray, targets: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """One request returns the gradients too; backward() returns them later."""
        arrays = {**self.parameters(), "inputs": inputs, "targets": targets}
        response = self._program.call("mlp", self._dtype, arrays, self._precision)
        self._response = None if targets is None else response
        return response["logits"], response.get("loss")

    def backward(self) -> dict[str, np.ndarray]:
        """The gradients of the last batch by the parameters' names."""
        return {name[1:]: self._last()[name].copy() for name in GRADIENTS}

    def intermediates(self) -> dict[str, np.ndarray]:
        """The tensors between weights and gradients. Raises NotImplementedError if the program returns none."""
        last = self._last()
        if not last.keys() & set(INTERMEDIATES):
            raise NotImplementedError(f"{self._program.name} returns no intermediates")
        return {name: last[name] for name in (*INTERMEDIATES, "logits") if name in last}

    def _last(self) -> dict[str, np.ndarray]:
        checks.forward_came_first(self._response)
        return self._response
