"""The objects of a backend in a worker, as the grading sees them: attributes and calls are asked of the worker."""

from __future__ import annotations

import builtins
import weakref
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from nnz.files.errors import UsageError, printable

from ..checks.backend_under_test import LONGEST_REASON

if TYPE_CHECKING:
    from .client import Client

SHARE = 4  # the same call again and again takes a quarter of a check's time at most


class Remote:
    """An object of the backend."""

    def __init__(self, client: Client, number: int, name: str) -> None:
        self.__dict__.update(_client=client, _number=number, __name__=name)
        weakref.finalize(self, client.forget.append, number)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__file__":
            raise AttributeError(name)
        return self._client.ask("get", self, name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._client.ask("set", self, (value,), name=name)


class RemoteFunction(Remote):
    """One that can be called."""

    def __call__(self, *values: Any, **settings: Any) -> Any:
        return self._client.ask("call", self, values, settings)

    @property
    def __signature__(self) -> Signature:
        """For BackendUnderTest's `accepts`."""
        try:
            known = self._client.ask("signature", self)
        except (TypeError, ValueError) as error:
            raise AttributeError("it has no signature") from error
        kinds = {int(kind): kind for kind in type(Parameter.VAR_KEYWORD)}
        none = Parameter.empty
        return Signature([Parameter(name, kinds[kind], default=None if has else none) for name, kind, has in known])


class Again:
    """A function that the worker calls so many times with copies of the same: it returns the different results."""

    def __init__(self, function: Remote, times: int, updates: int) -> None:
        self.function, self.__name__ = function, function.__name__
        self.how = {"times": times, "updates": updates, "seconds": function._client.timeout / SHARE}

    def __call__(self, *values: Any) -> list[tuple[int, Any, list]]:
        return self.function._client.ask("again", self.function, values, **self.how)


class SharedDict(dict):
    """A dict of the worker; unlike a plain one it can be referred to weakly."""


def remote(client: Client, content: dict[str, Any]) -> Remote:
    """An object of a class with the name of the one in the worker, as messages show it."""
    base = RemoteFunction if content["callable"] else Remote
    return type(str(content["type"]), (base,), {})(client, content["number"], str(content["name"]))


def error_of(content: dict[str, Any]) -> BaseException:
    """An exception of the same name and of the nearest of Python's own types, or of ours; `place` is where it arose."""
    text, types = str(content["text"]), [str(t) for t in content["types"]]
    error: BaseException = RuntimeError(f"{types[0]}: {text}")
    if "UsageError" in types:
        error = UsageError(text)
    for name in types:
        base = getattr(builtins, name, None)
        if isinstance(base, type) and issubclass(base, Exception | SystemExit) and not issubclass(base, UnicodeError):
            error = error if isinstance(error, UsageError) else type(types[0], (base,), {})(text)
            break
    error.place = printable(str(content.get("place", ""))[:LONGEST_REASON])
    return error
