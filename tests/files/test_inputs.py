"""What a user names is read if it is a regular file of a sensible size."""

import os
from pathlib import Path

import pytest

from nnz.files import inputs
from nnz.files.inputs import Number
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


@pytest.mark.parametrize("what", READERS)
def test_a_pipe_is_refused_at_once_by_every_reader(what, tmp_path):
    path = tmp_path / {"a recipe": "a.toml", "a log": "log.csv"}.get(what, "a")
    os.mkfifo(path)
    with pytest.raises(OSError, match=f"{path} is not a regular file"):
        READERS[what](path)


@pytest.mark.parametrize("what", READERS.keys() - {"a recipe", "a log"})
def test_a_device_is_refused_by_every_reader(what):
    with pytest.raises(OSError, match="/dev/zero is not a regular file"):
        READERS[what](Path("/dev/zero"))


def test_a_file_over_the_limit_of_its_kind_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(inputs.JSON + 1)  # a hole
    with pytest.raises(OSError, match="large is too large: 67,108,865 bytes; at most 67,108,864 are read"):
        inputs.read_json(path)
    path.write_bytes(b"12345")
    assert inputs.read_bytes(path, 5) == b"12345"


@pytest.mark.parametrize("text", ["[" * 100_000, "NaN", "[Infinity]", "{", "\ufeff{}", "1" * 5000])
def test_json_that_is_not_json_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011  (some of the words are Python's)
        inputs.parse_json(text)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"n": 1, "list": [{"s": "x"}], "more": None}, ""),
        ({"n": 1.5, "list": [], "maybe": None}, ""),
        ([], "it is not a table"),
        ({"n": 1}, "it lacks 'list'"),
        ({"n": "1", "list": []}, "it.n is '1', not a finite number"),
        ({"n": True, "list": []}, "it.n is True, not a finite number"),
        ({"n": 10**400, "list": []}, "it.n is 100000000000000000...0000000000000000000, not a finite number"),
        ({"n": 1, "list": {}}, "it.list is not a list"),
        ({"n": 1, "list": [{"s": "x"}, {"s": 2}]}, "it.list[1].s is 2, not a str"),
        ({"n": 1, "list": [], "maybe": "1"}, "it.maybe is '1', not a finite number"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(content, problem):
    assert inputs.misfit(content, {"n": Number, "list": [{"s": str}], "maybe?": Number}) == problem
