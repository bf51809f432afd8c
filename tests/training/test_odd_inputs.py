"""nnz with the C backend and build/mlp take the same texts, and refuse the others in the same words."""

import contextlib
import io
import os
import re
import subprocess

import pytest
from support.built_program import built
from support.tiny_runs import data_folder, nnz

from nnz.commands.main import main
from nnz.files import inputs
from nnz.pictures import of_run
from nnz.runs import checkpoints

SIZES = (
    "--steps",
    "2",
    *(word for key in ("model.hidden_size", "model.embedding_size") for word in ("--set", f"{key}=8")),
)
HINT = "a data folder holds train.txt, val.txt and test.txt"
NOT_UTF8 = "is not UTF-8: bad byte at offset %d; convert it to UTF-8 first"
NUL = "holds a NUL character at offset %d, so it is not plain text; take it out"
UNKNOWN = (
    "character %s at position %d is not among the 19 characters of the vocabulary: leave it out, or train on a text"
)
SHORT = (
    "the val split has 3 tokens, too few for context_length 3: it must have at least 4; take a longer text, or a "
    "smaller context_length"
)

ONLY_PYTHON = re.compile(r"2 steps in |pictures: ").match

# what -> split, its bytes, or several as a dict; "list" or "text", and what is said; None if it is taken
ODD = {
    "no file": ("val", None, "list", f"no file data/val.txt: {HINT}"),
    "an empty file": ("test", b"", "list", "data/test.txt is empty: it must hold some text"),
    "nothing but a mark": ("train", b"\xef\xbb\xbf", "list", "data/train.txt is empty: it must hold some text"),
    "only empty lines": ("val", b"\n \r\n\t\n", "list", "data/val.txt has no line that is not empty: a list needs one"),
    "only empty lines of a text": ("train", b"\n\n\n\n\n", "text", "data/val.txt: character 'a'"),
    "bytes that are not UTF-8": ("train", b"ab\xff", "list", f"data/train.txt {NOT_UTF8 % 2}"),
    "UTF-16": ("train", "emma\n".encode("utf-16"), "list", f"data/train.txt {NOT_UTF8 % 0}"),
    "UTF-16 without a mark": ("train", "emma\n".encode("utf-16-le"), "list", f"data/train.txt {NUL % 1}"),
    "a character cut off": ("val", b"emma\xc3", "list", f"data/val.txt {NOT_UTF8 % 4}"),
    "a surrogate": ("val", b"\xed\xa0\x80", "list", f"data/val.txt {NOT_UTF8 % 0}"),
    "an overlong slash": ("val", b"ab\xc0\xaf", "list", f"data/val.txt {NOT_UTF8 % 2}"),
    "beyond Unicode": ("val", b"\xf4\x90\x80\x80", "list", f"data/val.txt {NOT_UTF8 % 0}"),
    "a NUL": ("train", b"emma\0", "list", f"data/train.txt {NUL % 4}"),
    "a NUL in val": ("val", b"\0emma", "text", f"data/val.txt {NUL % 0}"),
    "a letter that train has not": ("val", b"emmaX\n", "list", "data/val.txt: " + UNKNOWN % ("'X' (U+0058)", 4)),
    "an accent that train has not": ("val", "emmaü".encode(), "list", "data/val.txt: " + UNKNOWN % ("'ü' (U+00FC)", 4)),
    "a bell": ("val", b"em\x07ma", "list", "data/val.txt: " + UNKNOWN % ("U+0007", 2)),
    "a right-to-left mark": ("val", "em\u200fma".encode(), "list", "data/val.txt: " + UNKNOWN % ("U+200F", 2)),
    "a line separator": ("val", "em\u2028ma".encode(), "list", "data/val.txt: " + UNKNOWN % ("U+2028", 2)),
    "an unknown letter in val, and an empty test": (
        *({"val": b"X", "test": b""}, None, "list", "data/test.txt is empty: it must hold some text"),
    ),
    "an unknown letter in val, and a test that is not UTF-8": (
        *({"val": b"X", "test": b"a\xff"}, None, "text", f"data/test.txt {NOT_UTF8 % 1}"),
    ),
    "no line in train, and a NUL in test": ({"train": b"\n", "test": b"\0"}, None, "list", f"data/test.txt {NUL % 0}"),
    "a quote": ("val", b"em'ma", "list", "data/val.txt: " + UNKNOWN % ("''' (U+0027)", 2)),
    "a mark in a line": ("val", "em\ufeffma".encode(), "list", "data/val.txt: " + UNKNOWN % ("U+FEFF", 2)),
    "a space in a text": ("val", b" emma\n", "text", "data/val.txt: " + UNKNOWN % ("' ' (U+0020)", 0)),
    "a text too short": ("val", b"emm", "text", SHORT),
    "a list too short": ("val", b"em", "list", SHORT),
    "a name without a newline": ("val", b"emma", "list", None),
    "CR alone": ("val", b"emma\rava\r", "list", None),
    "CRLF": ("val", b"emma\r\nava\r\n", "list", None),
    "all three line ends": ("train", b"emma\r\nava\rmia\n\r\rzoe\n\r\n", "alone", None),
    "marks at lines' starts": ("val", b"\xef\xbb\xbfemma\n\xef\xbb\xbfava\r\xef\xbb\xbf\xef\xbb\xbfmia", "list", None),
    "a mark between CR and LF": ("train", b"a\r\xef\xbb\xbf\nb\nab\nba\n", "alone text", None),
    "a mark between CR and LF of a list": ("val", b"ava\r\xef\xbb\xbf\nmia\r\n", "list", None),
    "marks alone on their lines": ("val", b"\xef\xbb\xbf\r\n\xef\xbb\xbf\nemma\n\xef\xbb\xbf", "list", None),
    "nothing but marks and line ends": (
        *("val", b"\xef\xbb\xbf\r\xef\xbb\xbf\n", "list"),
        "data/val.txt has no line that is not empty: a list needs one",
    ),
    "a mark after a space": ("val", b"emma\n \xef\xbb\xbfava\n", "list", "data/val.txt: " + UNKNOWN % ("U+FEFF", 5)),
    "a CR at the end": ("val", b"emma\nava\r", "list", None),
    "a CR at the end of a text": ("train", b"emma\nava\r", "alone text", None),
    "one very long line": ("train", b"ab" * 500_000, "alone text", None),
    "a NUL after a million letters": ("train", b"ab" * 500_000 + b"\0", "list", f"data/train.txt {NUL % 1_000_000}"),
    "a NUL before a byte that is not UTF-8": ("val", b"\0\xff", "list", f"data/val.txt {NOT_UTF8 % 1}"),
    "letters of Asia and beyond the first plane": ("train", "日本\n😀語\n日本語\n".encode(), "alone", None),
    "an Arabic letter mark": ("val", "em\u061cma".encode(), "list", "data/val.txt: " + UNKNOWN % ("U+061C", 2)),
    "a tag": ("val", "em\U000e0041ma".encode(), "list", "data/val.txt: " + UNKNOWN % ("U+E0041", 2)),
    "a private letter": ("val", "em\U000f0000ma".encode(), "list", "data/val.txt: " + UNKNOWN % ("U+F0000", 2)),
    "repeated lines": ("train", b"emma\nava\nemma\nemma\n\nzo\nava\n", "alone", None),
    "more lines than expect noise": (
        "train",
        b"".join(b"%c%c\n" % (97 + i % 26, 97 + i // 26) for i in range(130)),
        "alone",
        None,
    ),
    "spaces around lines": ("val", "  emma\t\n\u3000ava\x1c\x85\n\n\n".encode(), "list", None),
    "spaces in lines": ("train", b" anna  maria \n\nbo b\n", "alone", None),
    "blank lines of a text": ("train", b"\n\nto be  \n\n or not\n\n", "alone text", None),
    "a text without a newline": ("train", b"ACGTTGCAAC", "alone text", None),
    "one line twice": ("train", b"emma\nemma\n", "alone", None),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", ODD)
def test_python_and_the_program_take_and_refuse_the_same_texts(tmp_path, monkeypatch, what):
    split, content, how, text = ODD[what]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(of_run, "draw", lambda *of_a_run: [])
    data_folder(tmp_path / "data")
    names = ("train", "val", "test") if how.startswith("alone") else (split,)
    for name, text_of_it in (split if isinstance(split, dict) else dict.fromkeys(names, content)).items():
        file = tmp_path / "data" / f"{name}.txt"
        file.unlink()
        if text_of_it is not None:
            file.write_bytes(text_of_it)
    words = ["--data", "data", *SIZES, "--set", f"data.kind={how.split()[-1].replace('alone', 'list')}"]
    said, printed = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
        code = main(["train", "names", "--backend", "c", "--out", "python", *words])
    command = [str(built()), *words, "--out", "program"]
    program = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert code == program.returncode == (text is not None), (said.getvalue(), program)
    if text is None:
        assert program.stdout == printed.getvalue()
        assert program.stderr.splitlines() == [line for line in said.getvalue().splitlines() if not ONLY_PYTHON(line)]
        saved = [checkpoints.load(f"{run}/checkpoint.safetensors") for run in ("python", "program")]
        python, c = [(found.tokenizer.to_config(), found.data) for found in saved]
        assert python == c
        return
    assert program.stderr.removeprefix("mlp: ") == said.getvalue().removeprefix("nnz: ")
    assert program.stderr.startswith(f"mlp: {text}")
    assert program.stderr.count("\n") == 1


ODD_FILES = {
    "a folder": (os.mkdir, "data/val.txt: Is a directory; check the path"),
    "a pipe": (os.mkfifo, "data/val.txt is not a regular file; copy its content into one"),
    "a device": (lambda path: os.symlink("/dev/zero", path), "data/val.txt is not a regular file; copy its content"),
    "a link to nothing": (lambda path: os.symlink("none", path), f"no file data/val.txt: {HINT}"),
    "a link to itself": (
        lambda path: os.symlink("val.txt", path),
        "data/val.txt: Too many levels of symbolic links; check the path",
    ),
    "a file of the system that cannot be read": (
        lambda path: os.symlink("/proc/self/mem", path),
        "data/val.txt: Input/output error; check the path, its disk and its permissions",
    ),
}


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="the words are those of Linux")
@pytest.mark.parametrize("what", ODD_FILES)
def test_python_and_the_program_refuse_the_same_files(tmp_path, monkeypatch, capsys, what):
    make, text = ODD_FILES[what]
    monkeypatch.chdir(tmp_path)
    data_folder(tmp_path / "data")
    (tmp_path / "data" / "val.txt").unlink()
    make("data/val.txt")
    code, out, said = nnz(capsys, "train", "names", "--data", "data/")
    done = subprocess.run([str(built()), "--data", "data/"], capture_output=True, text=True, check=False, timeout=60)
    assert (code, out, said) == (done.returncode, done.stdout, done.stderr.replace("mlp: ", "nnz: ")) == (1, "", said)
    assert said.startswith(f"nnz: {text}")


def test_a_text_too_large_is_not_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data_folder(tmp_path / "data")
    os.truncate(tmp_path / "data" / "test.txt", inputs.TEXT + 1)  # a hole, which takes no space
    said = "data/test.txt is too large: 2,147,483,649 bytes; at most 2,147,483,648 are read\n"
    assert nnz(capsys, "train", "names", "--data", "data") == (1, "", f"nnz: {said}")
    done = subprocess.run([str(built()), "--data", "data"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"mlp: {said}")


def test_a_log_too_large_is_not_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data_folder(tmp_path / "data")
    words = ["--data", "data", *SIZES, "--set", "data.kind=list", "--out", "run"]
    subprocess.run([str(built()), *words], capture_output=True, check=True, timeout=60)
    os.truncate(tmp_path / "run" / "log.csv", inputs.LOG + 1)
    done = subprocess.run([str(built()), *words, "--resume"], capture_output=True, text=True, check=False, timeout=60)
    said = "run/log.csv is too large: 1,073,741,825 bytes; at most 1,073,741,824 are read\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"mlp: {said}")
    assert nnz(capsys, "train", "names", "--backend", "c", *words, "--resume") == (1, "", f"nnz: {said}")
