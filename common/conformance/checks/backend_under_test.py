"""The backend under test, held at arm's length: whatever it does becomes an answer, "not there" or "wrong"."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from nnz.backend import registry
from nnz.files.errors import UsageError, one_line

from .provenance import Witness

Array = np.ndarray
LONGEST_REASON = 300  # characters of a foreign error that a line can hold


class NotThere(Exception):
    """The backend does not have what the check asks for."""


class Wrong(Exception):
    """The backend has it, and what it did is no answer."""


class Subject:
    """A backend by name or module. Every call into it passes through `call`.

    Raises what nnz.backend.registry.load raises, and ImportError for a module whose own code fails as it is imported.
    """

    def __init__(self, backend: ModuleType | str) -> None:
        self.module = _imported(backend) if isinstance(backend, str) else backend
        self.name = backend if isinstance(backend, str) else backend.__name__
        self.witness = Witness(self.module.__name__)

    @property
    def is_own(self) -> bool:
        """Whether it is one of the project's own backends."""
        return self.module.__name__ in registry.modules()

    def borrowed(self) -> str:
        """The project's own backends that ran instead of or beside it since the witness was last cleared."""
        return " and ".join(self.witness.others())

    def origin(self) -> dict[str, Any]:
        """Where the code that was graded lies: the module's file and the shared objects of its package."""
        file = getattr(self.module, "__file__", None)
        return {"module": self.module.__name__, "file": file, "shared_objects": self.witness.shared_objects()}

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
        """What the function returns; the first `updates` arguments are its to write to, the others are not.

        Raises NotThere for NotImplementedError; Wrong for any other exception and for an argument written to.
        """
        given = _arrays([*arguments[updates:], *settings.values()])
        before = [array.tobytes() for array in given]
        name = getattr(function, "__name__", type(function).__name__)
        try:
            result = self._run(function, arguments, settings)
        except NotImplementedError as error:
            raise NotThere(one_line(f"{name} is not implemented. {error}")[:LONGEST_REASON]) from error
        except (Exception, SystemExit) as error:
            raise Wrong(f"{name}: {describe(error)}") from error
        if [array.tobytes() for array in given] != before:
            raise Wrong(f"{name} wrote to an argument that is not its own")
        return result

    def refuses(self, function: Callable, error_type: type[Exception], *arguments: Any) -> None:
        """Pass if the function raises this type of error. Raises NotThere, and Wrong if it does anything else."""
        try:
            self._run(function, arguments, {})
        except NotImplementedError as error:
            raise NotThere(one_line(str(error))[:LONGEST_REASON]) from error
        except error_type:
            return
        except (Exception, SystemExit) as error:
            raise Wrong(f"{error_type.__name__} was due; it raised {describe(error)}") from error
        raise Wrong(f"{error_type.__name__} was due; it raised nothing")

    def _run(self, function: Callable, arguments: tuple, settings: Mapping[str, Any]) -> Any:
        with np.errstate(all="ignore"), warnings.catch_warnings(), self.witness:
            warnings.simplefilter("ignore")  # a backend is judged by what it returns
            return function(*arguments, **settings)


def as_array(name: str, value: Any, dtype: DTypeLike) -> Any:
    """A result as numpy sees it: arrays and tensors as they are, plain Python lists rounded to the dtype asked for.

    A Python float stays one: compare() takes it for a scalar of any dtype. Raises Wrong for what is no array.
    """
    if isinstance(value, float) and not isinstance(value, np.generic):
        return value
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
        array = np.asarray(value)
    except Exception as error:
        raise Wrong(f"{name} is no array: {describe(error)}") from error
    if isinstance(value, list | tuple) and array.dtype.kind in "fi":
        return array.astype(dtype)
    return array


def describe(error: BaseException) -> str:
    """A foreign exception on one line of bearable length."""
    return one_line(f"{type(error).__name__}: {error}")[:LONGEST_REASON]


def _imported(name: str) -> ModuleType:
    try:
        with warnings.catch_warnings():
            return registry.load(name)
    except (ImportError, UsageError):
        raise
    except (Exception, SystemExit) as error:
        raise ImportError(f"{name} cannot be imported: {describe(error)}") from error


def _arrays(values: list) -> list[Array]:
    """The numpy arrays among the values and in their dicts."""
    flat = [v for value in values for v in (value.values() if isinstance(value, Mapping) else (value,))]
    return [value for value in flat if isinstance(value, np.ndarray)]
