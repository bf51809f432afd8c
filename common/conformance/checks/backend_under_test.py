"""The backend under test. Whatever a call of it does becomes a result, or the exception NotThere or Wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import Parameter, signature
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nnz.backend import by_path, places, registry
from nnz.files.errors import UsageError, one_line

from ..bounds.compare import Measurement, compare, compare_any
from .provenance import Provenance

Array = np.ndarray
LONGEST_REASON = 300  # characters of a backend's own error message that are quoted


class NotThere(Exception):
    """The backend does not have what the check asks for."""


class Wrong(Exception):
    """The backend has it, but raised an error or returned something that is not a result."""


class BackendUnderTest:
    """A backend by name, path or module. Every call into it passes through `call`, and `last` has the last one.

    Raises what nnz.backend.registry.load raises, and ImportError for a module whose own code fails as it is imported.
    """

    def __init__(self, backend: ModuleType | str) -> None:
        self.module = _imported(backend) if isinstance(backend, str) else backend
        self.name = backend if isinstance(backend, str) else backend.__name__
        self.provenance = Provenance(self.module.__name__)
        self.last: tuple[str, tuple[Any, ...]] = "", ()  # a function's name and its arguments

    @property
    def is_own(self) -> bool:
        """Whether it is one of the project's own backends."""
        return self.module.__name__ in registry.modules()

    @property
    def is_quick_to_call(self) -> bool:
        """Whether a call costs so little that thousands may be made; not if each starts a program."""
        return not getattr(type(self.module), "is_slow_to_call", False)

    def begin(self) -> None:
        """Before each check."""
        self.provenance.modules.clear()

    def borrowed(self) -> tuple[str, ...]:
        """The project's other backends whose code ran since the last `begin`."""
        return self.provenance.other_backends()

    def origin(self) -> dict[str, Any]:
        """The files that were graded: the module's own, and the shared objects of its package."""
        file = getattr(self.module, "__file__", None)
        return {"module": self.module.__name__, "file": file, "shared_objects": self.provenance.shared_objects()}

    def place(self, path: str) -> str:
        """`file:line` of a function of the backend, as in "ops.tanh_forward"; empty if that is not known."""
        return places.of(self.module, path) if isinstance(self.module, ModuleType) else ""

    def place_of_error(self, error: BaseException) -> str:
        """`file:line` where the backend raised it; empty if that is not known."""
        return places.of_error(error, self.module) if isinstance(self.module, ModuleType) else ""

    def find(self, path: str, start: Any = None) -> Any:
        """`ops.linear_forward` of the backend, or `backward` of an object of it. Raises NotThere, or Wrong."""
        found = self.module if start is None else start
        for name in path.split("."):
            try:
                found = getattr(found, name)
            except (AttributeError, NotImplementedError) as error:
                raise NotThere(f"it has no {path}") from error
            except Exception as error:
                raise Wrong(f"{path}: {describe(error)}") from error
        return found

    def call(self, function: Callable, *arguments: Any, updates: int = 0, **settings: Any) -> Any:
        """What the function returns. It may write to its first `updates` arguments, and to no others.

        Raises NotThere for NotImplementedError; Wrong for any other exception and for an argument written to.
        """
        given = arrays_in([*arguments[updates:], *settings.values()])
        before = [array.tobytes() for array in given]
        name = getattr(function, "__name__", type(function).__name__)
        self.last = name, arguments
        try:
            result = self._run(function, arguments, settings)
        except NotImplementedError as error:
            raise NotThere(one_line(f"{name} is not implemented. {error}")[:LONGEST_REASON]) from error
        except (Exception, SystemExit) as error:
            raise Wrong(f"{name}: {describe(error)}") from error
        if [array.tobytes() for array in given] != before:
            raise Wrong(f"{name} wrote to an argument that it must not change")
        return result

    def again(self, function: Callable, arguments: Sequence[Any], updates: int, times: int) -> Iterator[tuple]:
        """The same call so many times, on copies: (its number from 1, the result, the arguments that it may update)."""
        for number in range(1, times + 1):
            given = [v.copy() if isinstance(v, np.ndarray) else v for v in arguments]
            yield number, self.call(function, *given, updates=updates), given[:updates]

    def use_threads(self, n: int) -> None:
        """Let it compute on `n` threads from now on, if it has `set_threads`."""
        try:
            self.call(self.find("set_threads"), n)
        except NotThere:
            return

    def refuses(self, function: Callable, error_type: type[Exception], *arguments: Any) -> None:
        """Pass if the function raises this type of error. Raises NotThere, and Wrong if it does anything else."""
        try:
            self._run(function, arguments, {})
        except NotImplementedError as error:
            raise NotThere(one_line(str(error))[:LONGEST_REASON]) from error
        except error_type:
            return
        except (Exception, SystemExit) as error:
            raise Wrong(f"it must raise {error_type.__name__}; it raised {describe(error)}") from error
        raise Wrong(f"it must raise {error_type.__name__}; it raised nothing")

    def _run(self, function: Callable, arguments: tuple, settings: Mapping[str, Any]) -> Any:
        with np.errstate(all="ignore"), warnings.catch_warnings(), self.provenance:
            warnings.simplefilter("ignore")  # a backend is judged by what it returns
            return function(*arguments, **settings)


def as_array(name: str, value: Any, dtype: DTypeLike) -> Any:
    """A result as a numpy array: arrays and tensors as they are, Python lists of numbers of the dtype in it.

    A Python float stays a float: compare() accepts it as a scalar of any dtype. Raises Wrong if it is not an array.
    """
    if isinstance(value, float) and not isinstance(value, np.generic):
        return value
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
        array = np.asarray(value)
    except Exception as error:
        raise Wrong(f"{name} is not an array: {describe(error)}") from error
    if isinstance(value, list | tuple) and array.dtype.kind in "fi":
        if not np.array_equal(array.astype(dtype), array, equal_nan=True):
            raise Wrong(f"{name} is a list of numbers that are not {np.dtype(dtype)}; round each of them")
        return array.astype(dtype)
    return array


def compare_all(
    actual: Mapping[str, Any],
    expected: Mapping[str, Any],
    bounds: Mapping[str, Any],
    dtype: DTypeLike,
    terms: Mapping[str, float] | None = None,
    any_value: bool = False,
    infinities_stay: bool = False,
) -> list[Measurement]:
    """Compare every tensor of `actual`. Raises Wrong for one that is not an array, or that the oracle does not have.

    With `terms` T2 allows for the length of each tensor's sums; with `any_value` numbers of all magnitudes, NaN and
    infinities are compared, by T1 alone.
    """
    if unknown := sorted(set(map(str, actual)) - set(expected)):
        raise Wrong(f"it returned {', '.join(unknown)}, which was not asked for")
    if any_value:
        return [
            compare_any(k, as_array(k, value, dtype), expected[k], bounds[k], dtype, infinities_stay)
            for k, value in actual.items()
        ]
    how = {k: (bounds[k], dtype, *(() if terms is None else (terms[k],))) for k in actual}
    return [compare(k, as_array(k, value, dtype), expected[k], *how[k]) for k, value in actual.items()]


def accepts(function: Callable, *names: str) -> bool:
    """Whether the function has arguments of these names. One whose signature cannot be read counts as having them."""
    try:
        known = signature(function, follow_wrapped=False).parameters
    except (TypeError, ValueError):
        return True
    return set(names) <= set(known) or any(p.kind is Parameter.VAR_KEYWORD for p in known.values())


def describe(error: BaseException) -> str:
    """An exception on one line of limited length."""
    return one_line(f"{type(error).__name__}: {error}")[:LONGEST_REASON]


def _imported(name: str) -> ModuleType:
    try:
        with warnings.catch_warnings():
            return by_path.load(name)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        failed = error
        if not isinstance(error, ImportError):
            failed = ImportError(f"{name} cannot be imported: {describe(error)}")
        failed.place = places.of_error(error, None)
        raise failed from (None if failed is error else error)


def arrays_in(values: list) -> list[Array]:
    """The numpy arrays among the values and in their dicts."""
    flat = [v for value in values for v in (value.values() if isinstance(value, Mapping) else (value,))]
    return [value for value in flat if isinstance(value, np.ndarray)]
