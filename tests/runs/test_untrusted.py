"""What a recipe or a checkpoint from elsewhere cannot do: run code, write outside the folder, take all memory."""

import resource
import subprocess
import sys

import pytest
from support.malformed_requests import framed
from support.tiny_checkpoints import RECIPE, checkpoint, rewrite
from support.tiny_runs import data_folder, finished_run, nnz, tiny_recipe

from nnz.runs import checkpoints

MODULE = "from pathlib import Path\nPath('was-run').touch()\n"


def forged(path, **texts):
    """A checkpoint that is whole, hashes and all, but for what these texts of its metadata say."""
    checkpoints.save(path, checkpoint())
    rewrite(path, lambda metadata, arrays: metadata.update(texts))
    return path


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, with a module that leaves a trace when it is imported."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "evil.py").write_text(MODULE)
    (tmp_path / "elsewhere" / "__init__.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_checkpoint_does_not_choose_what_code_runs(place, capsys):
    config = RECIPE.to_toml().replace("[train]", '[train]\nbackend = "elsewhere.evil"')
    forged(place / "a.safetensors", backend="elsewhere.evil", config=config)
    code, out, err = nnz(capsys, "sample", place / "a.safetensors", "--count", 1, "--tokens", 2)
    assert (code, out != "") == (0, True)
    assert "written by backend 'elsewhere.evil', which is used only where it is named" in err
    assert not (place / "was-run").exists()
    assert "elsewhere" not in sys.modules


@pytest.mark.slow
def test_what_a_checkpoint_says_is_never_a_place_to_write_to(tmp_path, capsys):
    (tmp_path / "inside").mkdir()
    run = finished_run(tmp_path / "inside") / "run"
    outside = {"recipe": "../../outside", "backend": "../../outside"}
    rewrite(run / "checkpoint.safetensors", lambda metadata, arrays: metadata.update(outside))
    before = sorted(tmp_path.rglob("*"))
    assert nnz(capsys, "plot", run)[0] == 0
    assert nnz(capsys, "compare", run)[0] == 0
    new = set(tmp_path.rglob("*")) - set(before)
    assert all(file.is_relative_to(run) for file in new), new


LIMITED = """
import resource, sys
from nnz.runs import checkpoints
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    checkpoints.load(sys.argv[1])
except ValueError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
LARGE = {
    "a hidden layer of two billion": "[model]\nhidden_size = 2147483647\n",
    "a context of two billion": "[model]\ncontext_length = 2147483647\nembedding_size = 2147483647\n",
    "two billion layers": '[model]\nkind = "residual"\nhidden_layers = 2147483647\n',
    "a thousand wide layers": '[model]\nkind = "residual"\nhidden_layers = 1000\nhidden_size = 2147483647\n',
    "a batch of two billion": "[model]\nhidden_size = 5\nembedding_size = 2\n[train]\nbatch_size = 2147483647\n",
}


def loaded(path):
    """What refused the file, if anything did; within 20 s, and the memory that a file of its size may take."""
    command = [sys.executable, "-c", LIMITED, str(path)]
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_CPU, (20, 20))}
    done = subprocess.run(command, capture_output=True, text=True, check=True, **limit)
    *refusal, megabytes = done.stdout.splitlines()
    assert int(megabytes) <= 50 + 2 * path.stat().st_size // 1_000_000, refusal
    return "".join(refusal)


@pytest.mark.slow
@pytest.mark.parametrize("what", LARGE)
def test_a_small_checkpoint_takes_little_memory_and_time_whatever_it_says(tmp_path, what):
    refusal = loaded(forged(tmp_path / "a.safetensors", config=LARGE[what]))
    assert what == "a batch of two billion" or "is not a whole nnz-checkpoint-1 file" in refusal


def texts(n):
    return '"__metadata__":{' + ",".join(f'"{i:x}":""' for i in range(n)) + "}"


def arrays(n):
    return ",".join(f'"{i:x}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for i in range(n))


def lists(n):
    return f'"__metadata__":{{"format":"nnz-checkpoint-1","tokenizer":"[{"[]," * n}0]"}}'


def axes(n):
    return f'"x":{{"dtype":"F32","shape":[{"1," * n}1],"data_offsets":[0,0]}}'


HEADERS = {
    "a million texts": (texts(1_000_000), "more than 300,000 parts"),
    "as many texts as there may be": (texts(39_999), "its format is None"),
    "one more": (texts(40_000), "more than 40,000 names"),
    "a quarter of a million arrays": (arrays(250_000), "more than 300,000 parts"),
    "as many arrays as there may be": (arrays(40_000), "its format is None"),
    "a shape of five million axes": (axes(5_000_000), "more than 300,000 parts"),
    "as many axes as there may be": (axes(299_990), "not a whole"),
    "a tokenizer of five million lists": (lists(5_000_000), "more than 300,000 parts"),
    "the same in escapes": (lists(999_999).replace("[]", "\\u005b]"), "more than 300,000 parts"),
    "a text of 15 MB": (f'"__metadata__":{{"a":"{"x" * 15_000_000}"}}', "its format is None"),
    "a text of 17 MB": (f'"__metadata__":{{"a":"{"x" * 17_000_000}"}}', "longer than 16 MiB"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", HEADERS)
def test_a_header_takes_no_memory_out_of_proportion_whatever_it_holds(tmp_path, what):
    header, refusal = HEADERS[what]
    (tmp_path / "a").write_bytes(framed(f"{{{header}}}"))
    assert refusal in loaded(tmp_path / "a")


def test_a_recipe_too_large_for_the_machine_is_one_line(tmp_path, capsys):
    recipe = tiny_recipe(data_folder(tmp_path / "data"), train__batch_size=2**31 - 1)
    (tmp_path / "large.toml").write_text(recipe.to_toml())
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**34, limits[1]))  # 16 GiB, where the system would promise any
    try:
        code, out, err = nnz(capsys, "train", tmp_path / "large.toml", "--backend", "numpy", "--out", tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    *notes, error = err.splitlines()
    assert (code, out, [note for note in notes if note.startswith("nnz: ")]) == (1, "", []), err
    assert error.startswith("nnz: out of memory")
