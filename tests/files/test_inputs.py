"""What a user names is read if it is a regular file of a sensible size."""

import os
import re
import socket
import tracemalloc
from pathlib import Path

import msgspec
import pytest

from nnz.files import inputs
from nnz.recipes.recipe import load
from nnz.runs import checkpoints
from nnz.runs.folder import RunFolder
from nnz.runs.statistics import Statistics
from nnz.text.datasets import load_dataset

READERS = {
    "a text": load_dataset,
    "a recipe": lambda path: load(str(path)),
    "a checkpoint": checkpoints.load,
    "statistics": Statistics.load,
    "a log": lambda path: RunFolder(path.parent).read_log(),
    "JSON": inputs.read_json,
}


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, make_socket])
@pytest.mark.parametrize("what", READERS)
def test_a_pipe_and_a_socket_are_refused_at_once_by_every_reader(what, make, tmp_path):
    path = tmp_path / {"a recipe": "a.toml", "a log": "log.csv"}.get(what, "a")
    make(path)
    with pytest.raises(OSError, match=f"{path} is not a regular file"):
        READERS[what](path)


@pytest.mark.parametrize("what", [what for what in READERS if what not in ("a recipe", "a log")])
def test_a_device_is_refused_by_every_reader(what):
    with pytest.raises(OSError, match="/dev/zero is not a regular file"):
        READERS[what](Path("/dev/zero"))


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="there is no file that can be opened but not read")
def test_what_cannot_be_read_to_its_end_is_named():
    with pytest.raises(OSError, match="Input/output error: '/proc/self/mem'"):
        inputs.read_bytes("/proc/self/mem", 5)


def test_a_file_over_the_limit_of_its_kind_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(inputs.JSON + 1)  # a hole
    with pytest.raises(OSError, match="large is too large: 67,108,865 bytes; at most 67,108,864 are read"):
        inputs.read_json(path)
    path.write_bytes(b"12345")
    assert inputs.read_bytes(path, 5) == b"12345"


NOT_JSON = {
    "deep": "[" * 100_000,
    "NaN": "NaN",
    "infinity": "[Infinity]",
    "cut": "{",
    "BOM": "\ufeff{}",
    "huge": "1" * 5000,
}


@pytest.mark.parametrize("text", NOT_JSON.values(), ids=NOT_JSON)
def test_json_that_is_not_json_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011  (the words are the library's)
        inputs.parse_json(text)


class Content(msgspec.Struct):
    n: float
    list: list[str]
    maybe: float | None = None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "Expected `object`, got `array`"),
        ('{"n": 1}', "Object missing required field `list`"),
        ('{"n": "1", "list": []}', "Expected `float`, got `str` - at `$.n`"),
        ('{"n": 1, "list": ["x", 2]}', "Expected `str`, got `int` - at `$.list[1]`"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(text, problem):
    assert inputs.parse_json('{"n": 1, "list": ["x"], "more": null}', Content) == Content(1.0, ["x"])
    with pytest.raises(ValueError, match=re.escape(problem)):
        inputs.parse_json(text, Content)


def test_a_small_file_takes_little_memory_however_large_it_may_be(tmp_path):
    path = tmp_path / "small"
    path.write_bytes(b"emma\n")
    tracemalloc.start()
    assert inputs.read_bytes(path, inputs.TEXT) == b"emma\n"
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2 * inputs.GROWTH
