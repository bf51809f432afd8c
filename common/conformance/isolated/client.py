"""One worker and the connection to it: what each side has of the other's arrays, dicts and objects."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from nnz.files.errors import UsageError
from nnz.numbers.rng import RNG

from .descendants import LIMITS, Descendants, limit
from .evidence import Evidence
from .messages import (
    Blobs,
    decode,
    decode_numbers,
    encode,
    encode_memory,
    receive,
    send,
    set_state,
    state_of,
)
from .objects import Remote, SharedDict, error_of, remote

MOST_TIMEOUTS = 3  # then it is not called any more
DICTS_WATCHED = 4  # the last dicts given to constructors: an optimizer may put new arrays into one


class ProcessEnded(Exception):
    """The worker has ended, or was stopped: it took too long, or its answer was not a message."""


class Overwrote(Exception):
    """The backend wrote to what it must not change."""


class Client:
    """One worker and the connection to it."""

    def __init__(self, name: str, timeout: float, hung: dict[str, str], evidence: Evidence) -> None:
        self.timeout, self.seconds_left, self.hung, self.ended = timeout, timeout, hung, ""
        self.forget: list[int] = []
        self.known: dict[int, weakref.ref] = {}  # number -> what we have of it
        self.numbers: dict[int, int] = {}  # id -> number
        self.states: dict[int, bytes] = {}  # what the worker knows of it
        self.watched: list[tuple[int, dict]] = []
        self.given: list[tuple[int, dict]] = []  # with the request of now
        self.sent: set[int] = set()  # the same of arrays
        self.writable: list[int] = []  # ids of arrays that the backend may write to, in the next call and later
        self.locked: set[int] = set()  # numbers of those that it may not
        self.next = -1
        self.evidence, self.process, self._opened = evidence, None, ExitStack()
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        try:
            self.module = self.ask("load", None, name=name, path=sys.path)
        except BaseException as error:  # also after Ctrl-C
            self.close()
            if isinstance(error, UsageError | ImportError) or not isinstance(error, Exception | SystemExit):
                raise
            failed = ImportError(f"{name} cannot be imported: {type(error).__name__}: {error}")
            failed.place = getattr(error, "place", "")
            raise failed from error

    def _open(self) -> None:
        descendants = self._opened.enter_context(Descendants())
        self._opened.callback(lambda: descendants.end(self.process))
        pairs = socket.socketpair(), socket.socketpair()
        self.connection, told = (self._opened.enter_context(ours) for ours, _ in pairs)
        self.evidence.listen(told)
        with pairs[0][1] as theirs, pairs[1][1] as telling:
            fds = theirs.fileno(), telling.fileno()
            command = [sys.executable, "-P", "-m", f"{__package__}.worker", *map(str, fds)]
            command += [self.evidence.place, *self.evidence.folders]
            none = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
            self.process = subprocess.Popen(command, pass_fds=fds, start_new_session=True, **none)
        limit(self.process.pid, LIMITS)

    def close(self) -> None:
        """End the worker and all that it started, if that was not done."""
        self.ended = self.ended or "it was closed"
        with self._opened:
            self.look()

    def look(self) -> None:
        """Take in the evidence."""
        if self.process is not None:
            self.evidence.look(self.process)

    def ask(self, do: str, of: Remote | None, values: tuple = (), settings: Mapping | None = None, **more: Any) -> Any:
        """What the worker answers. Raises ProcessEnded, and an exception of the name and kind that the worker met."""
        if self.ended:
            raise ProcessEnded(self.ended)
        name = getattr(of, "__name__", "") if do in ("call", "again") else ""
        if name in self.hung or len(self.hung) >= MOST_TIMEOUTS:
            raise ProcessEnded(f"not called again: {self.hung.get(name, next(iter(self.hung.values())))}")
        blobs = Blobs()
        request = {"do": do, "of": None if of is None else of._number, **more}
        request["changed"] = self._changes(blobs)
        self.given, self.sent = [], set()
        if do == "again":
            request["values"] = [encode(v, blobs, encode_memory) for v in values]
        if do in ("call", "set"):
            request["values"] = [encode(v, blobs, self._give) for v in values]
            request["settings"] = {k: encode(v, blobs, self._give) for k, v in (settings or {}).items()}
        self.writable.clear()
        request["forget"], self.forget[:] = list(self.forget), []
        response, received = self._exchange(request, blobs, name)
        self._accept(response, received)
        if "error" in response:
            raise error_of(response["error"])
        value = decode(response["value"], received, self._take)
        if isinstance(value, Remote):  # of a constructor
            self.watched, self.given = self.watched + self.given, []
        dropped, self.watched = self.given + self.watched[:-DICTS_WATCHED], self.watched[-DICTS_WATCHED:]
        self.forget += [number for number, _ in dropped]
        return value

    def _exchange(self, request: dict[str, Any], blobs: Blobs, name: str) -> tuple[dict, Blobs]:
        began = time.monotonic()
        try:
            self.connection.settimeout(max(self.seconds_left, 1e-3))
            send(self.connection, request, blobs)
            response, received = receive(self.connection, began + self.seconds_left)
            if not isinstance(response, dict) or not ({"value", "error"} & response.keys()):
                raise ValueError("an answer is not a message")
        except TimeoutError:
            what = name or str(request.get("name", "the backend"))
            self.ended = f"{what} did not come back within {self.timeout:g} s, a check's time; --timeout gives more"
            if self.seconds_left > self.timeout / 2:  # this call alone took most of it
                self.hung[what] = self.ended
            raise ProcessEnded(self.ended) from None
        except (EOFError, OSError):
            code = self.process.wait()
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            self.ended = f"{name or request.get('name', 'the backend')} ended its process, with {how}"
            raise ProcessEnded(self.ended) from None
        except (ValueError, KeyError, TypeError) as error:
            self.ended = f"{name or 'its process'} answered what is not a message: {error}"
            raise ProcessEnded(self.ended) from error
        self.seconds_left -= time.monotonic() - began
        return response, received

    def _changes(self, blobs: Blobs) -> list[list[Any]]:
        """What we have written to since the worker was last told."""
        found = []
        for number, known in list(self.known.items()):
            value = known()
            if value is not None and number in self.states and (now := state_of(value)) != self.states[number]:
                self.states[number] = now
                found.append([number, blobs.add(now)])
        return found

    def _accept(self, response: dict[str, Any], blobs: Blobs) -> None:
        """What the worker has written to: it is written here too."""
        for number, place in response["changed"]:
            value = self.known.get(number, lambda: None)()
            if value is not None:
                state = blobs.at(place)
                if isinstance(value, np.ndarray) and not value.flags.writeable:
                    raise Overwrote("it wrote to an array that is read-only")
                if number in self.locked - self.sent:
                    raise Overwrote("it wrote to an array that an earlier call was given")
                set_state(value, state)
                self.states[number] = state
        for number, content in response["dicts"]:
            now = {k: decode(v, blobs, self._take) for k, v in content["items"]}
            for watched in [d for n, d in self.watched + self.given if n == number]:
                watched.clear()
                watched.update(now)

    def _give(self, value: Any, blobs: Blobs) -> Any:
        """A value with an identity that the worker has, or gets."""
        if isinstance(value, Remote):
            return {"number": value._number}
        number = self.numbers.get(id(value))
        if number is not None and self.known.get(number, lambda: None)() is value:
            self.sent.add(number)
            if id(value) in self.writable:
                self.locked.discard(number)
            return {"number": number}
        number, self.next = self.next, self.next - 1
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            self._keep(number, value)
            self.sent.add(number)
            if id(value) not in self.writable:
                self.locked.add(number)
            return {"number": number, "kind": "array", **encode_memory(value, blobs)}
        if isinstance(value, RNG):
            self._keep(number, value)
            return {"number": number, "kind": "rng", "state": str(value.state)}
        if isinstance(value, Mapping):
            same = [n for n, d in self.watched + self.given if d is value]
            if same:
                return {"number": same[0]}
            self.given.append((number, value))
            items = [[str(k), encode(v, blobs, self._give, 1)] for k, v in value.items()]
            return {"number": number, "kind": "dict", "items": items}
        raise TypeError(f"a {type(value).__name__} cannot be sent to a backend")

    def _take(self, content: dict[str, Any], blobs: Blobs) -> Any:
        """A shared value that came: ours, with its numbers as they are now, or a new one."""
        number, kind = content["number"], content["kind"]
        if kind == "object":
            return remote(self, content)
        value = self.known.get(number, lambda: None)()
        if kind == "dict":
            items = {k: decode(v, blobs, self._take) for k, v in content["items"]}
            if value is None:
                value = SharedDict(items)
                self._keep(number, value)
            elif items is not value:
                value.clear()
                value.update(items)
            return value
        numbers = decode_numbers(content, blobs)
        if isinstance(value, np.ndarray) and (value.dtype, value.shape) == (numbers.dtype, numbers.shape):
            if value.tobytes() != numbers.tobytes():
                value[...] = numbers
                self.states[number] = numbers.tobytes()
            return value
        self._keep(number, numbers)
        return numbers

    def _keep(self, number: int, value: Any) -> None:
        if number in self.forget:
            self.forget.remove(number)
        own = id(value)

        def gone(_: Any) -> None:
            if self.known.get(number) is reference:
                del self.known[number]
                self.states.pop(number, None)
                self.locked.discard(number)
                self.forget.append(number)
            if self.numbers.get(own) == number:
                del self.numbers[own]

        reference = weakref.ref(value, gone)
        self.known[number], self.numbers[own] = reference, number
        if not isinstance(value, dict):
            self.states[number] = state_of(value)
