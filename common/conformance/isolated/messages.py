"""Messages between the grading and a worker: values as JSON, the bytes of arrays behind it. Nothing is ever executed.

An array, a dict and an RNG are *shared*: both sides have one, under the same number, and before and after each call
each side tells the other what has changed. So an update in place, a result that is overwritten later and an argument
that is written to look as they do in one process.
"""

from __future__ import annotations

import ctypes
import json
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nnz.numbers.rng import RNG

HEAD = struct.Struct("<QQ")
MOST_TEXT, MOST_BYTES, PIECE = 2**26, 2**30, 2**20
DEEPEST = 20
KINDS = "biuf"  # of the numbers that an array may have


class Blobs:
    """The bytes that follow a message; a value has the place of its own."""

    def __init__(self, data: memoryview | bytes = b"") -> None:
        self.parts: list[bytes] = []
        self.size, self.data = 0, data

    def add(self, part: bytes) -> list[int]:
        self.parts.append(part)
        self.size += len(part)
        return [self.size - len(part), len(part)]

    def at(self, place: list[int]) -> bytes:
        """Raises ValueError for a place outside."""
        begin, length = place
        if not (begin >= 0 and length >= 0 and begin + length <= len(self.data)):
            raise ValueError("a message has a place outside its bytes")
        return bytes(self.data[begin : begin + length])


def send(connection: socket.socket, content: Any, blobs: Blobs) -> None:
    """Raises OSError."""
    text = json.dumps(content).encode()
    connection.sendall(b"".join((HEAD.pack(len(text), blobs.size), text, *blobs.parts)))  # each call wakes the other


def receive(connection: socket.socket, deadline: float | None = None) -> tuple[Any, Blobs]:
    """Raises EOFError at the end, TimeoutError after the deadline, ValueError for what is not a message."""
    found, end = bytearray(), HEAD.size
    while len(found) < end:
        if deadline is not None:
            connection.settimeout(max(deadline - time.monotonic(), 1e-3))
        piece = connection.recv(PIECE)
        if not piece:
            raise EOFError
        found += piece
        if len(found) - len(piece) < HEAD.size <= len(found):
            length, size = HEAD.unpack_from(found)
            if length > MOST_TEXT or size > MOST_BYTES:
                raise ValueError("a message is too long")
            end += length + size
    if len(found) > end:
        raise ValueError("a message is followed by something else")
    text = bytes(memoryview(found)[HEAD.size : HEAD.size + length])
    try:
        return json.loads(text), Blobs(memoryview(found)[HEAD.size + length :])
    except RecursionError:
        raise ValueError("a message is nested too deeply") from None


Share = Callable[[Any, Blobs], Any]


def encode(value: Any, blobs: Blobs, share: Share, depth: int = 0) -> Any:
    """A value as JSON; `share` encodes what has an identity. A float is written so that every bit returns."""
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int:
        return {"int": str(value)}
    if type(value) is float:
        return {"float": value.hex()}
    if isinstance(value, np.generic) and value.dtype.kind in KINDS:
        return {"scalar": value.dtype.str, "at": blobs.add(value.tobytes())}
    if isinstance(value, list | tuple) and depth < DEEPEST:
        kind = "tuple" if isinstance(value, tuple) else "list"
        if len(value) > 1 and all(type(v) is float for v in value):
            return {"floats": kind, "at": blobs.add(np.array(value).tobytes())}
        return {kind: [encode(v, blobs, share, depth + 1) for v in value]}
    return share(value, blobs)


def decode(content: Any, blobs: Blobs, shared: Callable[[dict[str, Any], Blobs], Any]) -> Any:
    """The value of what `encode` wrote. Raises ValueError for what it cannot have written."""
    if not isinstance(content, dict):
        if content is None or isinstance(content, bool | str):
            return content
        raise ValueError("a message has a value of no kind")
    if "int" in content:
        return int(content["int"])
    if "float" in content:
        return float.fromhex(content["float"])
    if "scalar" in content:
        return np.frombuffer(blobs.at(content["at"]), _dtype(content["scalar"]))[0]
    if "floats" in content:
        values = np.frombuffer(blobs.at(content["at"])).tolist()
        return tuple(values) if content["floats"] == "tuple" else values
    if "tuple" in content:
        return tuple(decode(v, blobs, shared) for v in content["tuple"])
    if "list" in content:
        return [decode(v, blobs, shared) for v in content["list"]]
    return shared(content, blobs)


def encode_numbers(array: np.ndarray, blobs: Blobs) -> dict[str, Any]:
    """An array as its numbers alone, in C's order."""
    return {"dtype": array.dtype.str, "shape": array.shape, "at": blobs.add(array.tobytes())}


def decode_numbers(content: Mapping[str, Any], blobs: Blobs) -> np.ndarray:
    return np.frombuffer(blobs.at(content["at"]), _dtype(content["dtype"])).reshape(content["shape"]).copy()


def encode_memory(array: np.ndarray, blobs: Blobs) -> dict[str, Any]:
    """An array as the memory that it lies in, with its strides and its place within 64 bytes."""
    low, high = np.lib.array_utils.byte_bounds(array) if array.size else (0, 0)
    first = array.__array_interface__["data"][0] - low if array.size else 0
    memory = ctypes.string_at(low, high - low) if array.size else b""
    place = blobs.add(memory)
    kind = {"dtype": array.dtype.str, "shape": array.shape, "strides": array.strides}
    return {**kind, "at": place, "first": first, "within": low % 64, "writeable": array.flags.writeable}


def decode_memory(content: Mapping[str, Any], blobs: Blobs) -> np.ndarray:
    """The same array in memory of the same kind."""
    data = blobs.at(content["at"])
    memory = np.zeros(len(data) + 128, np.uint8)
    start = (content["within"] - memory.ctypes.data) % 64
    memory[start : start + len(data)] = np.frombuffer(data, np.uint8)
    array = np.ndarray(
        content["shape"], _dtype(content["dtype"]), memory.data, start + content["first"], content["strides"]
    )
    array.setflags(write=content["writeable"])
    return array


def _dtype(name: str) -> np.dtype:
    found = np.dtype(name)
    if found.kind not in KINDS:
        raise ValueError(f"a message has numbers of the dtype {found}")
    return found


def state_of(value: Any) -> bytes | None:
    """The bytes that say whether a shared value has changed; None for one that cannot be read."""
    if isinstance(value, RNG):
        return str(value.state).encode()
    numbers = numbers_of(value)
    return None if numbers is None else numbers.tobytes()


def set_state(value: Any, state: bytes) -> None:
    """Make a shared value what it is on the other side. Raises ValueError if it cannot be written to."""
    if isinstance(value, RNG):
        value.state = int(state)
        return
    own = numbers_of(value)
    own[...] = np.frombuffer(state, own.dtype).reshape(own.shape)


def numbers_of(value: Any) -> np.ndarray | None:
    """The numbers of an array of any library, in its own memory where that can be; None for what is not an array."""
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        elif not isinstance(value, np.ndarray):
            if not hasattr(value, "__array__") or isinstance(value, type):
                return None
            value = np.asarray(value)
    except Exception:
        return None
    return value if isinstance(value, np.ndarray) and value.dtype.kind in KINDS else None
