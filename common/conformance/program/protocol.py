"""A program in any language, asked for one function at a time: files in, files out, as docs/protocol.md says."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nnz.backend import initial, spec
from nnz.backend.gpt_config import GPTConfig
from nnz.files import tensor_file
from nnz.files.errors import nearest, one_line
from nnz.numbers import precisions

from . import process

VERSION, REQUEST, RESPONSE = "nnz-conformance-1", "nnz-request-1", "nnz-response-1"
PARAMETERS = tuple(initial.mlp_shapes(1, 1, 1, 1))
GRADIENTS = tuple(f"d{name}" for name in PARAMETERS)
INTERMEDIATES = ("emb", "h_pre", "h", "probs", "dlogits", "dh", "dh_pre", "demb")
STATE = (*PARAMETERS, *(f"{moment}.{name}" for moment in "mv" for name in PARAMETERS))

# function -> the tensors that its response must hold
OUTPUTS: dict[str, tuple[str, ...]] = {
    **{name: tuple(f.outputs or f.updates) for name, f in spec.FUNCTIONS.items()},
    "initial_weights": PARAMETERS,
    "mlp": ("logits", "loss", *GRADIENTS),  # and INTERMEDIATES, all or none; without targets only the logits
    "gpt": (
        "logits",
        "loss",
    ),  # and the gradient of each weight, and the intermediates; without targets only the logits
    "training": ("losses", *STATE),
    "sampling": ("tokens",),
    "checkpoint": ("loss",),
}
MODELS = ("mlp", "gpt")
DTYPES = {"tokens": "int32", "total": "float64"}  # of outputs that have one of their own
GPT_FUNCTIONS = (*(name for name in spec.FUNCTIONS if name not in spec.MLP_FUNCTIONS), "gpt")
KINDS = ("float32", "float64", precisions.STRICT)  # what may follow a name in the list
FILES = ("request.safetensors", "response.safetensors")
SERVE = "serve"  # a line of the list, and with -- before it the argument that starts it
REFUSED = 2  # the exit code for a request that makes no sense
TIMEOUT = 60.0  # seconds
LONGEST_OUTPUT = 300  # characters of a program's output that are quoted


class ProgramError(Exception):
    """The program crashed, timed out, or its response is not valid. No refusal: it is none of the errors asked for."""


class Refused(ValueError, TypeError):
    """The program says that the request makes no sense. Its exit code does not tell a wrong value from a wrong type."""


class Program:
    """A command that follows the protocol. `functions` is what it lists: {name: dtypes}. `close` ends it.

    Raises OSError if it cannot be started, ValueError if its list is not valid.
    """

    serves = False  # whether one process answers many requests
    _served: process.Served | None = None
    _folder: tempfile.TemporaryDirectory | None = None  # of the requests

    def __init__(self, command: Sequence[str], timeout: float = TIMEOUT) -> None:
        if not command:
            raise ValueError("no program is named")
        self.command, self.timeout, self._hung = list(command), timeout, ""
        self.name = Path(self.command[-1] if Path(self.command[-1]).is_file() else self.command[0]).name
        try:
            self.functions = self._listed()
        except ProgramError as error:
            raise ValueError(f"{' '.join(self.command)} does not follow {VERSION}: {error}") from error

    def call(
        self, function: str, dtype: str, arrays: Mapping[str, Any], precision: str = precisions.NATIVE, **settings: Any
    ) -> dict[str, np.ndarray]:
        """The tensors of the response, with the right dtypes; shapes and values are not checked.

        Raises NotImplementedError for a function that the program does not list, Refused, and ProgramError.
        """
        strict = precision == precisions.STRICT
        self.must_list(function, precision if strict else dtype)
        head = {"function": function, "dtype": dtype, "nonce": secrets.token_hex(8)}
        head |= {"precision": precision} if strict else {}
        given = {name: _sent(value) for name, value in arrays.items() if value is not None}
        with self._empty_folder() as folder:
            request, response = (folder / name for name in FILES)
            notes = {"format": REQUEST, **head, **{key: _text(value) for key, value in settings.items()}}
            widest_first = dict(sorted(given.items(), key=lambda item: -item[1].itemsize))  # for alignment
            tensor_file.write(request, widest_first, notes)
            code, said = self._answer(folder)
            said = one_line(said)[:LONGEST_OUTPUT] or "it prints nothing"
            if code == REFUSED:
                raise Refused(f"{self.name} refuses: {said}")
            if code != 0:
                raise ProgramError(f"{self.name} ended with {_ending(code)}: {said}")
            optional = intermediates_of(function, settings.get("n_layer", 0))
            return _read(response, {"format": RESPONSE, **head}, expected_of(function, given), optional)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *reasons: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process that answers, if there is one, and remove what was exchanged."""
        if self._served is not None:
            self._served.close()
            self._served = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def must_list(self, function: str, kind: str) -> None:
        """Raises NotImplementedError unless the program lists the function in one of KINDS."""
        if kind not in self.functions.get(function, ()):
            raise NotImplementedError(f"{self.name} lists no {function} {kind}")

    def _listed(self) -> dict[str, tuple[str, ...]]:
        code, said = self._run(["--list"], "stdout")
        first, *lines = said.splitlines() or [""]
        if code != 0 or first != VERSION:
            raise ProgramError(f"--list ended with {_ending(code)} and printed {one_line(said)[:LONGEST_OUTPUT]!r}")
        words = [line.split() for line in lines if line.strip()]
        self.serves = [SERVE] in words
        functions = {name: tuple(dtypes) for name, *dtypes in words if [name, *dtypes] != [SERVE]}
        for name, dtypes in functions.items():
            if name not in OUTPUTS:
                raise ProgramError(f"--list names {name!r}; {nearest(name, OUTPUTS)}")
            if not dtypes or not set(dtypes) <= set(KINDS):
                raise ProgramError(
                    f"--list gives {name} the dtypes {dtypes}; some of {', '.join(KINDS)} must follow it"
                )
        return functions

    @contextmanager
    def _empty_folder(self) -> Iterator[Path]:
        """For one request, and for the next one too if nothing but FILES was left in it, as to make one takes time."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="nnz-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        try:
            yield folder
        finally:
            try:
                for file in map(folder.joinpath, FILES):
                    file.unlink(missing_ok=True)
                is_empty = next(os.scandir(folder), None) is None
            except OSError:  # a folder lies there instead of a file, or the program has taken the folder away
                is_empty = False
            if not is_empty and self._folder is not None:
                self._folder.cleanup()
                self._folder = None

    def _answer(self, folder: Path) -> tuple[int, str]:
        """The exit code for the request in the folder, and what the program wrote to stderr."""
        if not self.serves:
            return self._run([str(folder / name) for name in FILES], "stderr")
        with self._stopped_once():
            if self._served is None:
                self._served = process.Served([*self.command, "conformance", f"--{SERVE}"])
            code, said = self._served.ask(str(folder), self.timeout)
            if self._served.has_ended:
                self.close()  # and the next request starts another
            return code, said

    def _run(self, words: list[str], stream: str) -> tuple[int, str]:
        """As process.run."""
        with self._stopped_once():
            return process.run([*self.command, "conformance", *words], stream, self.timeout)

    @contextmanager
    def _stopped_once(self) -> Iterator[None]:
        """A program that was stopped once is not called again."""
        if self._hung:
            raise ProgramError(f"not called again: {self._hung}")
        try:
            yield
        except process.Stopped as error:
            self.close()
            self._hung = f"{self.name} {error}"
            raise ProgramError(self._hung) from error


def expected_of(function: str, given: Collection[str]) -> tuple[str, ...]:
    """The tensors that the response must hold where the request has these."""
    if function in MODELS and "targets" not in given:
        return ("logits",)
    if function == "gpt":
        return (*OUTPUTS["gpt"], *(f"d{name}" for name in given if name not in ("inputs", "targets")))
    optional = spec.FUNCTIONS[function].optional if function in spec.FUNCTIONS else ()
    return tuple(k for k in OUTPUTS[function] if k not in optional or k.removeprefix("d") in given)


def intermediates_of(function: str, n_layer: int) -> tuple[str, ...]:
    """The tensors that the response to a batch with targets may hold, all or none of them."""
    if function == "gpt":
        shapes = GPTConfig(vocab_size=1, n_layer=n_layer, n_head=1, n_embd=1).intermediates(1, 1)
        return tuple(name for name in shapes if name != "logits")
    return INTERMEDIATES if function == "mlp" else ()


def _sent(value: Any) -> np.ndarray:
    """Token ids are sent as int32; one that is too large is clipped, and is still too large to be an id."""
    array = np.asarray(value)
    limits = np.iinfo(np.int32)
    return np.clip(array, limits.min, limits.max).astype(np.int32) if array.dtype.kind in "iu" else array


def _text(value: Any) -> str:
    """A number as text that reads back to the same bits; a flag is 1 or 0."""
    if isinstance(value, bool | int | np.integer | np.bool_):
        return str(int(value))
    return value if isinstance(value, str) else repr(float(value))


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _read(
    path: Path, head: dict[str, str], expected: tuple[str, ...], optional: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """The response's tensors. Raises ProgramError for a file that is missing, damaged or of another request."""

    def check(metadata: dict[str, str], found: dict[str, tuple[str, tuple[int, ...]]]) -> None:
        for key, value in head.items():
            if metadata.get(key) != value:
                raise ValueError(f"its {key} is {metadata.get(key)!r}, not {value!r}")
        needed = {*expected, *(optional if found.keys() & set(optional) else ())}
        if needed != found.keys():
            wrong = sorted(needed - found.keys()) or sorted(found.keys() - needed)
            raise ValueError(f"it {'lacks' if needed - found.keys() else 'should not hold'} {wrong[0]!r}")
        for name, (dtype, _) in found.items():
            asked = tensor_file.DTYPES[DTYPES.get(name, head["dtype"])]
            if dtype != asked:
                raise ValueError(f"{name!r} is {dtype}; it must be {asked}")

    try:
        return tensor_file.read(path, check)[1]
    except FileNotFoundError as error:
        raise ProgramError("it left no response") from error
    except (OSError, ValueError) as error:
        raise ProgramError(f"its response is not valid: {one_line(str(error))}") from error
