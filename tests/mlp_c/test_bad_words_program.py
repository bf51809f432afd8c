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


BELOW, FRACTIONS = (
    "a number of at least 0 and below 1",
    "three numbers above 0 that add up to 1, such as [0.9, 0.05, 0.05], or two",
)
OF_A_GPT = [
    (
        ["--n-embd", "129"],
        "model.n_embd = 129 is not a multiple of model.n_head = 4; each head has an equal part of it",
    ),
    (["--hidden-size", "3"], "model.hidden_size means nothing to gpt; leave it out"),
    (["--precision", "exact"], "model.precision = exact is not allowed; it takes native or strict"),
    value("model.dropout", "1.0", BELOW),
    value("model.embedding_dropout", "-0.1", BELOW),
    value("model.n_layer", "0", WHOLE),
    value("model.shape", "gpt", "course or gpt2 or microgpt"),
    value("model.attention", "spelled out", "fused"),
    value("optimizer.name", "muon", "adamw"),
    value("data.windows", "padded", "stream or documents"),
    value("optimizer.decay", "none", "all or matrices"),
    value("optimizer.clip", "-1", "a number of at least 0"),
    value("optimizer.warmup", "-1", COUNT),
    value("train.parts", "2", "1"),
    value("train.deterministic", "true", "false"),
]

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
    (["--data", ""], "--data is empty; give a file, or a folder with train.txt, val.txt and test.txt"),
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
    value("train.evaluation", "some", "all or batches or drawn or step"),
    value("train.evaluation", "draw", "all or batches or drawn or step"),
    value("train.order", "", "sequential or random"),
    value("optimizer.name", "adam", "adamw or sgd"),
    value("optimizer.schedule", "slow", "cosine or constant or linear or step"),
    value("optimizer.lr", "", RATE),
    value("optimizer.lr", "0", RATE),
    value("optimizer.lr", "inf", RATE),
    value("optimizer.lr", "fast", RATE),
    value("optimizer.lr", "1e-3x", RATE),
    value("optimizer.weight_decay", "-0.1", "a number of at least 0"),
    value("optimizer.beta2", "1", BELOW),
    value("data.windows", "padded", "stream"),
    value("data.windows", "documents", "stream"),
    value("data.split", "words", "lines or python or position"),
    value("data.tokenizer", "word", "char or microgpt"),
    value("data.min_count", "2", "1"),
    value("sample.top_p", "0.9", "1.0"),
    *(
        value("data.fractions", word, FRACTIONS)
        for word in (
            "",
            "0.9,0.1",
            "[0.9]",
            "[0.9,0.2]",
            "[1,0]",
            "[0.9,0.1",
            "[0.9 0.1]",
            "[.7,.1,.1,.1]",
            "[0.9,0.1]x",
        )
    ),
    (["--n-layer", "3"], "model.n_layer means nothing to mlp; leave it out"),
    (["--model", "gpt", "--model", "mlp", "--clip", "1"], "optimizer.clip means nothing to mlp; leave it out"),
    (
        ["--model", "microgpt", "--sample-seed", "7"],
        "sample.seed means nothing to microgpt, which goes on drawing by train.seed; leave it out",
    ),
    (["--model", "gpt2"], "model.kind = gpt2 is not allowed; it takes mlp or gpt or microgpt"),
    *((["--model", "gpt", *words], text) for words, text in OF_A_GPT),
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
    text = "which data? give --data FILE, or a folder with train.txt, val.txt and test.txt"
    assert (done.returncode, done.stderr) == (2, f"mlp: {text}\n")


@pytest.mark.parametrize(
    "sizes",
    [
        {"hidden_size": 2**31 - 1, "embedding_size": 2**31 - 1},
        {"hidden_size": 2**30, "embedding_size": 2**30, "context_length": 16},  # a product of 2^64
        {"hidden_size": 1, "embedding_size": 2**31 - 1, "context_length": 60},
        {"kind": "gpt", "n_embd": 2**31 - 4, "context_length": 60},
        {"kind": "gpt", "n_layer": 2**31 - 1, "context_length": 60},
    ],
    ids=str,
)
def test_a_model_too_large_is_one_line_and_exit_1(tmp_path, sizes):
    data_folder(tmp_path / "data")
    words = [word for key, size in sizes.items() for word in ("--set", f"model.{key}={size}")]
    done = run(tmp_path, ["--data", "data", *words])
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    assert done.stderr.startswith("mlp: out of memory: ")
