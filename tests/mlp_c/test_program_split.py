"""build/mlp splits a file into train, val and test as Python does."""

import subprocess

import pytest
from support.built_program import built

from nnz.runs import checkpoints
from nnz.text.datasets import load_dataset

TEXTS = {
    "plain": "".join(f"line {i} of few\n" for i in range(41)),
    "no newline at the end": "\n\n one\ntwo \n" * 9 + "three",
    "of Windows": "\ufeffone\r\ntwo\rthree\r\n\r\n" * 9,
    "one long line": "abcdefg " * 99,
}


@pytest.mark.parametrize("fractions", [[0.9, 0.1], [0.7, 0.1, 0.2], [0.333, 0.3335, 0.3335]], ids=str)
@pytest.mark.parametrize("split", ["lines", "python", "position"])
@pytest.mark.parametrize("kind", ["list", "text"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_file_is_split_as_python_splits_it(tmp_path, text, kind, split, fractions):
    path = tmp_path / "made.txt"
    path.write_bytes(text.encode())
    how = ["--data-kind", kind, "--split", split, "--fractions", str(fractions), "--count", "0", "--steps", "1"]
    small = ["--context-length", "1", "--hidden-size", "1", "--embedding-size", "1"]
    command = [str(built()), "--data", str(path), "--out", str(tmp_path / "run"), *how, *small]
    done = subprocess.run(command, capture_output=True, text=True)
    told = ""
    try:
        data = load_dataset(path, "stream", split, fractions, kind=kind)
    except ValueError as error:
        told = str(error).partition(";")[0]
    assert (done.returncode, told in done.stderr) == (1 if told else 0, True), done
    if not told:
        checkpoint = checkpoints.load(tmp_path / "run" / "checkpoint.safetensors")
        assert (checkpoint.data, checkpoint.tokenizer.characters) == (data.fingerprint, data.tokenizer.characters)
