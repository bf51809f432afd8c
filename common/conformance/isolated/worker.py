"""The process that runs a backend: it imports the module and does what the grading asks, one request at a time.

python -m nnz.conformance.isolated.worker CONNECTION EVIDENCE OWN FOLDER ...: the file descriptors of two sockets, where
the backend lies, and the folders that the witness watches.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import socket
import sys
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from nnz.backend import by_path, places
from nnz.numbers.rng import RNG

from .descendants import end_with_parent
from .messages import (
    Blobs,
    decode,
    decode_memory,
    decode_numbers,
    encode,
    encode_numbers,
    numbers_of,
    receive,
    send,
    set_state,
    state_of,
)
from .witness import watch

LONGEST_MESSAGE = 2_000


class Worker:
    """The objects of the backend by number: those above 0 come from here, those below from the grading."""

    def __init__(self) -> None:
        self.module: ModuleType | None = None
        self.objects: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}  # id of an object -> its number
        self.states: dict[int, bytes] = {}  # what the other side knows of it
        self.entries: dict[int, dict[Any, Any]] = {}  # the same for dicts
        self.next = 1

    def answer(self, request: dict[str, Any], blobs: Blobs) -> tuple[dict[str, Any], Blobs]:
        """Do what is asked. An exception is an answer too."""
        out, response = Blobs(), {}
        try:
            for number in request["forget"]:
                self._forget(number)
            for number, place in request["changed"]:
                self.states[number] = blobs.at(place)
                set_state(self.objects[number], self.states[number])
            response["value"] = encode(self._do(request, blobs), out, self._share)
        except BaseException as error:
            response = {"error": {**_described(error), "place": places.of_error(error, self.module)}}
        changed = [(n, new) for n, old in self.states.items() if (new := state_of(self.objects[n])) not in (None, old)]
        self.states.update(changed)
        response["changed"] = [[number, out.add(state)] for number, state in changed]
        response["dicts"] = [
            [number, self._share(found, out)]
            for number, before in list(self.entries.items())
            if not _same(found := self.objects[number], before)
        ]
        return response, out

    def _do(self, request: dict[str, Any], blobs: Blobs) -> Any:
        if request["do"] == "load":
            sys.path[:] = request["path"]
            with warnings.catch_warnings():
                self.module = by_path.load(request["name"])
            return self.module
        if request["do"] == "place":
            return places.of(self.module, request["name"])
        found = self.objects[request["of"]]
        if request["do"] == "get":
            return getattr(found, request["name"])
        if request["do"] == "signature":
            known = inspect.signature(found, follow_wrapped=False).parameters.values()
            return [(p.name, int(p.kind), p.default is not p.empty) for p in known]
        if request["do"] == "again":
            return self._again(found, request, blobs)
        values = [decode(v, blobs, self._shared) for v in request["values"]]
        if request["do"] == "set":
            return setattr(found, request["name"], *values)
        settings = {k: decode(v, blobs, self._shared) for k, v in request["settings"].items()}
        return _called(found, values, settings)

    def _again(self, function: Any, request: dict[str, Any], blobs: Blobs) -> list[tuple[int, Any, list]]:
        """Call it `times` times with copies of the same: each result that is not like an earlier one, with its number.

        And the first `updates` arguments, to which it may have written. After so many `seconds` no call is begun.
        """
        until = time.monotonic() + request["seconds"]
        untouched = _bytes(_copies(request, blobs)[request["updates"] :])
        results: dict[bytes, tuple[int, Any, list]] = {}
        for number in range(1, request["times"] + 1):
            given, seen = _copies(request, blobs), Blobs()
            text = encode([_called(function, given, {}), given[: request["updates"]]], seen, _as_numbers)
            written = b"".join(seen.parts)
            alike = json.dumps(text).encode() + written
            if alike not in results:  # a later call may overwrite it: keep what it is now
                results[alike] = (number, *decode(text, Blobs(written), decode_numbers))
            if _bytes(given[request["updates"] :]) != untouched:
                raise ValueError(f"call {number} with the same wrote to an argument that it must not change")
            if time.monotonic() > until:
                break
        return list(results.values())

    def _shared(self, content: dict[str, Any], blobs: Blobs) -> Any:
        """A shared value that came in: one that is here, or a new one."""
        number, kind = content["number"], content.get("kind")
        if kind is not None and number not in self.objects:
            if kind == "array":
                value: Any = decode_memory(content, blobs)
            elif kind == "rng":
                value = RNG(int(content["state"]))
            else:
                value = {k: decode(v, blobs, self._shared) for k, v in content["items"]}
            self._keep(number, value)
        return self.objects[number]

    def _share(self, value: Any, blobs: Blobs) -> dict[str, Any]:
        """A value with an identity that goes out, with what it is now."""
        array = None if isinstance(value, Mapping) else numbers_of(value)
        number = None if array is None and not isinstance(value, Mapping) else self.numbers.get(id(value))
        if number is None or self.objects.get(number) is not value:
            number, self.next = self.next, self.next + 1
            self._keep(number, value)
        if isinstance(value, Mapping):
            self.entries[number] = dict(value)
            items = [[str(k), encode(v, blobs, self._share, 1)] for k, v in value.items()]
            return {"number": number, "kind": "dict", "items": items}
        if array is not None:
            return {"number": number, "kind": "array", **encode_numbers(array, blobs)}
        kind = type(value).__name__
        names = {"type": kind, "name": str(getattr(value, "__name__", kind)), "callable": callable(value)}
        return {"number": number, "kind": "object", **names}

    def _keep(self, number: int, value: Any) -> None:
        self.objects[number] = value
        if isinstance(value, Mapping):
            self.entries[number], self.numbers[id(value)] = dict(value), number
        elif (state := state_of(value)) is not None:
            self.states[number], self.numbers[id(value)] = state, number

    def _forget(self, number: int) -> None:
        value = self.objects.pop(number, None)
        if self.numbers.get(id(value)) == number:
            del self.numbers[id(value)]
        self.states.pop(number, None)
        self.entries.pop(number, None)


def _called(function: Any, values: list, settings: dict[str, Any]) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*values, **settings)


def _copies(request: dict[str, Any], blobs: Blobs) -> list[Any]:
    return [decode(v, blobs, decode_memory) for v in request["values"]]


def _bytes(values: list[Any]) -> list[bytes]:
    return [value.tobytes() for value in values if isinstance(value, np.ndarray)]


def _as_numbers(value: Any, blobs: Blobs) -> dict[str, Any]:
    numbers = numbers_of(value)
    if numbers is None:
        raise TypeError(f"it returned a {type(value).__name__} where it must be an array")
    return encode_numbers(numbers, blobs)


def _same(now: Mapping, before: dict) -> bool:
    return now.keys() == before.keys() and all(now[k] is v for k, v in before.items())


def _described(error: BaseException) -> dict[str, Any]:
    """An exception as the names of its types and its text."""
    try:
        text = str(error)[:LONGEST_MESSAGE]
    except BaseException:
        text = ""
    return {"types": [t.__name__ for t in type(error).__mro__], "text": text}


def main() -> None:
    """Answer until the connection ends."""
    connection, evidence = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    for file in (connection.fileno(), evidence):
        os.set_inheritable(file, False)
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the grading, which ends this
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # where memory runs out, this is what ends
    watch(evidence, sys.argv[4:], own=sys.argv[3])
    worker = Worker()
    while True:
        try:
            send(connection, *worker.answer(*receive(connection)))
        except (EOFError, OSError):
            os._exit(0)


if __name__ == "__main__":
    main()
