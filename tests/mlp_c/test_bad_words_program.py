"""What build/mlp refuses, row by row with its whole text, and with which exit code."""

import subprocess

import pytest
from support.built_program import built
from support.tiny_runs import data_folder

RATE, WHOLE, COUNT = "a number above 0", "an integer from 1 to 2147483647", "an integer from 0 to 2147483647"
THREADS = "an integer from 1 to 1024"
SEED = "an integer from 1 to 18446744073709551615"


def value(key, word, allowed):
    return ["--set", f"{key}={word}"], f"{key} = {word} is not allowed; it takes {allowed}"


ASKED_WRONGLY = [
    (["--stesp", "3"], "unknown setting --stesp; did you mean --steps? see mlp --help"),
    (["--set", "train.lr=3"], "unknown setting train.lr; did you mean optimizer.lr? see mlp --help"),
    (["--hiden-size", "3"], "unknown setting --hiden-size; did you mean --hidden-size? see mlp --help"),
    (["--xyz", "3"], "unknown setting --xyz; see mlp --help"),
    (["--step", "3"], "unknown setting --step; did you mean --steps? see mlp --help"),
    (["--set", "train.stesp=3"], "unknown setting train.stesp; did you mean train.steps? see mlp --help"),
    (["--set", "train.steps"], "--set takes SECTION.KEY=VALUE; got train.steps"),
    (["--set", "=3"], "unknown setting ; see mlp --help"),
    (["--steps"], "--steps needs a value; see mlp --help"),
    (["--out", ""], "--out is empty; give a folder"),
    (["--data", ""], "--data is empty; give a folder with train.txt, val.txt and test.txt"),
    value("train.steps", "0", WHOLE),
    value("train.steps", "-1", WHOLE),
    value("train.steps", "ten", WHOLE),
    value("train.steps", "", WHOLE),
    value("train.steps", "3.0", WHOLE),
    value("train.steps", "2147483648", WHOLE),
    value("train.steps", "99999999999999999999", WHOLE),
    *(value("train.steps", word, WHOLE) for word in (" 5", "+5", "5_0", "٥", "0x5", "1e1", "inf", "1" + "0" * 400)),
    *(value("optimizer.lr", word, RATE) for word in (" 0.1", "+0.1", "0x1p-3", "1_0.5", "٥", "1e999", "-.", ".e5")),
    *(value("train.seed", word, SEED) for word in ("", " 5", "+5", "5_0", "٥", "1e308")),
    *((["--threads", n], f"--threads = {n} is not allowed; it takes {THREADS}") for n in ("0", "-1", "1025", "x")),
    value("train.batch_size", "0", WHOLE),
    value("train.eval_every", "0", WHOLE),
    value("train.eval_batches", "0", WHOLE),
    value("train.seed", "0", SEED),
    value("train.seed", "-1", SEED),
    value("train.seed", "x", SEED),
    value("train.seed", "1x", SEED),
    value("train.seed", "18446744073709551616", SEED),
    value("sample.seed", "0", SEED),
    value("sample.count", "-1", COUNT),
    value("sample.top_k", "-1", COUNT),
    value("sample.temperature", "-1", "a number of at least 0"),
    value("sample.temperature", "nan", "a number of at least 0"),
    value("sample.new", "yes", "true or false"),
    value("model.context_length", "0", WHOLE),
    value("model.embedding_size", "0", WHOLE),
    value("model.hidden_size", "0", WHOLE),
    value("model.dtype", "float16", "float32 or float64"),
    (
        ["--precision", "strict", "--dtype", "float64"],
        "model.precision = 'strict' rounds to float32; drop it, or model.dtype = 'float64'",
    ),
    value("train.evaluation", "drawn", "batches or all"),
    value("optimizer.name", "adam", "adamw or sgd"),
    value("optimizer.schedule", "linear", "cosine or constant"),
    value("optimizer.lr", "", RATE),
    value("optimizer.lr", "0", RATE),
    value("optimizer.lr", "inf", RATE),
    value("optimizer.lr", "fast", RATE),
    value("optimizer.lr", "1e-3x", RATE),
    value("optimizer.weight_decay", "-0.1", "a number of at least 0"),
]


def run(tmp_path, words):
    command = [str(built()), *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=60)


@pytest.mark.parametrize(("words", "text"), ASKED_WRONGLY, ids=[text for _, text in ASKED_WRONGLY])
def test_what_is_asked_wrongly_is_one_line_and_exit_2(tmp_path, words, text):
    done = run(tmp_path, ["--data", "data", *words])
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"mlp: {text}\n")
    assert list(tmp_path.iterdir()) == []


def test_no_data_at_all_is_asked_wrongly(tmp_path):
    done = run(tmp_path, [])
    text = "which data? give --data DIR, a folder with train.txt, val.txt and test.txt"
    assert (done.returncode, done.stderr) == (2, f"mlp: {text}\n")


@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden_size": 2**31 - 1, "embedding_size": 2**31 - 1},
        {"hidden_size": 2**24, "embedding_size": 2**20, "context_length": 2**20},  # a product of 2^64
        {"hidden_size": 1, "embedding_size": 2**31 - 1, "context_length": 2**31 - 1},
    ],
    ids=str,
)
def test_a_model_too_large_is_one_line_and_exit_1(tmp_path, sizes):
    data_folder(tmp_path / "data")
    words = [word for key, size in sizes.items() for word in ("--set", f"model.{key}={size}")]
    done = run(tmp_path, ["--data", "data", *words])
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    assert done.stderr.startswith("mlp: out of memory: ")
