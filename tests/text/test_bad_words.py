"""What the command `nnz` refuses, in which words, and with which exit code."""

import pytest
from support.tiny_runs import finished_run, nnz


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("place"))


ASKED_WRONGLY = {
    "nothing": ([], "no command given"),
    "an unknown command": (["trian"], "unknown 'trian'; did you mean 'train'?"),
    "train without a recipe": (["train"], "which recipe?"),
    "an unknown recipe": (["train", "nmaes"], "did you mean 'names'?"),
    "a missing recipe file": (["train", "missing.toml"], "there is no recipe file 'missing.toml'; known: "),
    "a recipe file mistyped": (["train", "nmaes.toml"], "did you mean 'names'?"),
    "an unknown flag": (["train", "names", "--stesp", "3"], "unrecognized arguments: --stesp 3; did you mean --steps?"),
    "a word too many": (
        ["compare", "runs/a", "runs/b"],
        "nnz compare takes only RUN, to print samples of the untrained and of the trained model side by side; see",
    ),
    "an abbreviated flag": (["train", "names", "--step", "3"], "unrecognized arguments: --step 3"),
    "an unknown backend": (["train", "names", "--backend", "tensorflow"], "unknown backend 'tensorflow'"),
    "an unknown key": (["train", "names", "--set", "train.stesp=3"], "did you mean 'steps'?"),
    "a set without a value": (["train", "names", "--set", "train.steps"], "section.key=value"),
    "a value of the wrong type": (["train", "names", "--set", "train.steps=many"], "train.steps = 'many'"),
    "a dtype there is not": (["train", "names", "--dtype", "float16"], "model.dtype = 'float16'"),
    "seed 0": (["train", "names", "--seed", "0"], "train.seed = 0"),
    "no steps": (["train", "names", "--steps", "0"], "train.steps = 0"),
    "steps that are no number": (["train", "names", "--steps", "ten"], "argument --steps: 'ten' is not an integer"),
    "no threads": (["train", "names", "--threads", "0"], "--threads = 0"),
    "a device there is not": (["train", "names", "--device", "tpu"], "unknown 'tpu'; did you mean 'cpu'?"),
    "an unknown character": (["sample", "RUN", "--prompt", "emmaX"], "'X'"),
    "a negative temperature": (["sample", "RUN", "--temperature", "-1"], "sample.temperature = -1.0"),
    "a temperature that is none": (["sample", "RUN", "--temperature", "nan"], "sample.temperature = nan"),
    "a negative top k": (["sample", "RUN", "--top-k", "-1"], "sample.top_k = -1"),
    "a negative count": (["sample", "RUN", "--count", "-1"], "sample.count = -1"),
    "a negative number of tokens": (["sample", "RUN", "--tokens", "-1"], "--tokens = -1"),
    "a sampling seed of 0": (["sample", "RUN", "--seed", "0"], "sample.seed = 0"),
    "data without an action": (["data"], "required: list|get"),
    "a missing module": (["train", "names", "--backend", "no.such"], "no module 'no.such'"),
    "an unknown data set": (["data", "get", "nmaes"], "did you mean 'names'?"),
}
COULD_NOT = {
    "missing data": (["train", "names", "--data", "./missing.txt"], "missing.txt"),
    "a device the backend has not": (["train", "names", "--backend", "numpy", "--device", "cuda"], "it has cpu"),
    "a model too large": (
        ["train", "names", "--set", "model.hidden_size=2147483647", "--backend", "numpy"],
        "of memory",
    ),
    "a folder that is a file": (["train", "TOML", "--backend", "numpy", "--out", "TOML"], "tiny.toml: File exists"),
    "a missing run": (["sample", "missing"], "there is no checkpoint missing"),
    "a file that is no checkpoint": (["sample", "TOML"], "is no checkpoint: name a run folder"),
}


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        pytest.param(words, message, code, id=what)
        for code, table in ((2, ASKED_WRONGLY), (1, COULD_NOT))
        for what, (words, message) in table.items()
    ],
)
def test_what_goes_wrong_is_one_line_on_stderr(place, tmp_path, capsys, monkeypatch, words, message, code):
    monkeypatch.chdir(tmp_path)
    stands_for = {"RUN": place / "run", "TOML": place / "tiny.toml"}
    got, out, err = nnz(capsys, *[stands_for.get(word, word) for word in words])
    assert (got, err.count("\n"), err[:5]) == (code, 1, "nnz: ")
    assert message in err
    assert out == "" or words == []
    assert list(tmp_path.iterdir()) == []
