"""A backend in a worker. Every check runs on it as it does on a module in the same process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nnz.backend import registry
from nnz.files.errors import one_line, printable

from ..checks.backend_under_test import LONGEST_REASON, BackendUnderTest, Wrong, arrays_in
from .client import Client, Overwrote, ProcessEnded
from .evidence import Evidence
from .objects import Again

TIMEOUT = 60.0  # seconds for the calls of one check


class IsolatedBackend(BackendUnderTest):
    """A backend in a process of its own; `close` ends that.

    Raises UsageError and ImportError as nnz.backend.registry.load does.
    """

    def __init__(self, name: str, timeout: float = TIMEOUT) -> None:
        self.name, self.evidence, self._timeout, self._hung = name, Evidence(name), timeout, {}
        self._start()

    def __enter__(self) -> IsolatedBackend:
        return self

    def __exit__(self, *reasons: object) -> None:
        self.close()

    def begin(self) -> None:
        """Before each check: a process that has ended is replaced."""
        if self._client.ended:
            self._client.close()
            self._start()
        self._client.seconds_left = self._timeout

    def close(self) -> None:
        """End the process and all that it started."""
        self._client.close()

    @property
    def is_own(self) -> bool:
        """As BackendUnderTest.is_own, by the name that was asked for."""
        return self.evidence.module_name in registry.modules()

    def borrowed(self) -> tuple[str, ...]:
        """What it used that is not its own, up to now."""
        self._client.look()
        return tuple(sorted(self.evidence.found))

    def origin(self) -> dict[str, Any]:
        """The files that were graded: the module's own, and the shared objects of its package."""
        self._client.look()
        return {**self._origin, "shared_objects": self.evidence.shared_objects()}

    def place(self, path: str) -> str:
        """As BackendUnderTest.place, asked of the worker."""
        try:
            self.begin()
            return printable(str(self._client.ask("place", None, name=path))[:LONGEST_REASON])
        except Exception:  # it has ended
            return ""

    def place_of_error(self, error: BaseException) -> str:
        """As BackendUnderTest.place_of_error, as the worker told it."""
        return getattr(error, "place", "")

    def _start(self) -> None:
        self._client = Client(self.name, self._timeout, self._hung, self.evidence)
        self.module = self._client.module
        file = getattr(self.module, "__file__", None)
        shown = None if file is None else one_line(str(file)[:LONGEST_REASON])
        self._origin = {"module": one_line(self.evidence.module_name[:LONGEST_REASON]), "file": shown}

    def call(self, function: Callable, *arguments: Any, updates: int = 0, **settings: Any) -> Any:
        """As BackendUnderTest.call. What is not among the first `updates` arguments is not written to later either."""
        self._client.writable += [id(array) for array in arrays_in(list(arguments[:updates]))]
        try:
            return super().call(function, *arguments, updates=updates, **settings)
        except Wrong as error:
            if isinstance(error.__cause__, ProcessEnded | Overwrote):
                raise Wrong(str(error.__cause__)) from error.__cause__
            raise

    def again(self, function: Callable, arguments: Sequence[Any], updates: int, times: int) -> Iterator[tuple]:
        """As BackendUnderTest.again, of results that are alike only the first."""
        yield from self.call(Again(function, times, updates), *arguments, updates=updates)

    def _run(self, function: Callable, arguments: tuple, settings: Mapping[str, Any]) -> Any:
        return function(*arguments, **settings)
