"""The command `nnz`, as a person meets it: exit codes, one line of error, what goes to stdout."""

import platform
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.tiny_runs import finished_run, nnz

from nnz import __version__
from nnz.backend import registry
from nnz.commands import main as command_line
from nnz.commands.main import main
from nnz.runs import checkpoints

pytestmark = pytest.mark.usefixtures("without_pictures")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return finished_run(tmp_path_factory.mktemp("place"))


def process(*words, **options):
    return subprocess.run([sys.executable, "-m", "nnz", *map(str, words)], capture_output=True, text=True, **options)


def test_train_prints_evaluations_then_samples_then_the_test_loss_last(place, tmp_path, capsys):
    code, out, _ = nnz(capsys, "train", place / "tiny.toml", "--backend", "numpy", "--steps", 6, "--out", tmp_path)
    assert code == 0
    lines = out.splitlines()
    evaluation = r"step +\d+ \| train_loss \d\.\d{6} \| val_loss \d\.\d{6} \| lr \d\.\d{6}e[+-]\d\d"
    assert [bool(re.fullmatch(evaluation, line)) for line in lines] == [True] * 2 + [False] * (len(lines) - 2)
    assert lines[2:-1] == (tmp_path / "samples.txt").read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"test_loss \d\.\d{6}", lines[-1])


def test_flags_and_set_override_the_recipe_and_flags_win(place, tmp_path, capsys):
    words = ["--set", "train.steps=4", "--set", "model.hidden_size = 9", "--set", "optimizer.name=sgd"]
    flags = ["--steps", 3, "--seed", 5, "--dtype", "float32", "--backend", "numpy", "--threads", 1, "--device", "cpu"]
    assert nnz(capsys, "train", place / "tiny.toml", *words, *flags, "--out", tmp_path)[0] == 0
    used = checkpoints.load(tmp_path / "checkpoint.safetensors").recipe
    assert (used.train.steps, used.train.seed, used.model.dtype) == (3, 5, "float32")
    assert (used.model.hidden_size, used.optimizer.name, used.train.backend) == (9, "sgd", "numpy")


def test_the_run_folder_is_named_after_recipe_and_backend(place, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nnz(capsys, "train", place / "tiny.toml", "--steps", 1)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [f"tiny-{registry.default()}"]


def test_a_dotted_module_serves_as_a_backend(place, tmp_path, capsys):
    code, _, _ = nnz(capsys, "train", place / "tiny.toml", "--backend", "nnz.numpy", "--steps", 1, "--out", tmp_path)
    assert code == 0
    assert nnz(capsys, "sample", tmp_path, "--backend", "nnz.numpy")[0] == 0
    code, out, err = nnz(capsys, "sample", tmp_path)  # a module named in a file is not imported because of that
    assert (code, len(out.splitlines())) == (0, 10)
    assert "written by backend 'nnz.numpy', which is used only where it is named" in err


@pytest.mark.parametrize("module", ["evil.backend", "evil_backend"])
def test_a_recipe_cannot_choose_which_module_is_imported(place, tmp_path, capsys, monkeypatch, module):
    (tmp_path / "evil").mkdir()
    for file in ("evil/backend.py", "evil_backend.py"):
        (tmp_path / file).write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, out, err = nnz(capsys, "train", place / "tiny.toml", "--set", f"train.backend={module}")
    assert (code, out) == (2, "")
    assert f"if you trust the module, add --backend {module}" in err
    assert module not in sys.modules


@pytest.mark.parametrize(
    ("bug", "name"), [(lambda *_, **__: [][0], "IndexError"), (lambda *_, **__: int("x"), "ValueError")]
)
def test_a_bug_is_one_line_and_its_traceback_is_there_for_the_asking(place, monkeypatch, capsys, bug, name):
    monkeypatch.setattr(checkpoints, "load", bug)
    code, out, err = nnz(capsys, "sample", place / "run")
    assert (code, out) == (1, "")
    assert err.startswith(f"nnz: {name}: ")
    assert err.count("\n") == 1
    monkeypatch.setenv("NNZ_TRACEBACK", "1")
    with pytest.raises((IndexError, ValueError)):
        main(["sample", str(place / "run")])


def test_no_command_prints_five_to_begin_with_and_names_the_others(capsys):
    code, out, err = nnz(capsys)
    assert (code, err) == (2, "nnz: no command given; name one of those above\n")
    first = [line.split()[1] for line in out.splitlines() if line.startswith("  nnz ")]
    assert first == ["train", "sample", "compare", "read", "parity"]
    assert all(name in out for name in command_line.COMMANDS)


def test_version_prints_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"nnz {__version__}\n"


def test_the_help_names_every_environment_variable_of_the_package(capsys):
    package = Path(command_line.__file__).parents[1]
    sources = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    assert main(["--help"]) == 0
    listed = re.findall(r"^  (NNZ_\w+)", capsys.readouterr().out, re.MULTILINE)
    assert set(re.findall(r'"(NNZ_[A-Z_]+)"', sources)) == set(listed)


@pytest.mark.parametrize("name", command_line.COMMANDS)
def test_every_command_has_a_help_with_examples(name, capsys):
    assert main([name, "--help"]) == 0
    assert f"examples:\n  nnz {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["trian", "names"], "did you mean 'train'?"),
        (["data", "gett", "x"], "did you mean 'get'?"),
        (["train", "names", "--stepz", "5"], "did you mean --steps? see nnz train --help"),
        (["train", "names", "--stepz=5"], "did you mean --steps? see nnz train --help"),
        (["--verison"], "did you mean --version? see nnz --help"),
        (["train", "nmaes"], "did you mean 'names'?"),
        (["train", "names", "--device", "cude"], "did you mean 'cuda'?"),
        (["train", "names", "--set", "train.lr=1"], "did you mean 'optimizer.lr'?"),
        (["train", "names", "--set", "lr=1"], "did you mean 'optimizer.lr'?"),
        (["train", "names", "--set", "optimiser.lr=1"], "did you mean 'optimizer'?"),
        (["bench-gpt", "--set", "model.n_haed=1"], "did you mean 'n_head'?"),
        (["train", "names", "--set", "model.hiden_size=1"], "did you mean 'hidden_size'?"),
        (["train", "names", "--set", "model.kind=mpl"], "did you mean 'mlp'?"),
        (["train", "names", "--data", "nmaes"], "did you mean 'names'?"),
        (["train", "names", "--backend", "numpi"], "did you mean 'numpy'?"),
        (["parity", "numpi"], "did you mean 'numpy'?"),
        (["parity", "numpy", "--level", "liner"], "did you mean 'linear'?"),
    ],
)
def test_what_was_probably_meant_is_said(capsys, words, meant):
    code, out, err = nnz(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert meant in err


@pytest.mark.parametrize("command", ["train names", "ladder", "bench", "bench-gpt"])
def test_no_machine_has_use_for_a_million_threads(capsys, command):
    code, out, err = nnz(capsys, *command.split(), "--threads", 1_000_000)
    assert (code, out) == (2, "")
    assert err == "nnz: --threads = 1000000 is not allowed; it takes an integer from 1 to 1024\n"


def test_output_is_utf8_whatever_the_locale(place, capsys):
    environment = {"PYTHONIOENCODING": "ascii", "PATH": ""}
    done = process("sample", place / "run", "--prompt", "zoé", env=environment, encoding="utf-8")
    assert (done.returncode, done.stdout[:3], done.stderr) == (0, "zoé", "")


def test_the_list_of_commands_says_what_each_module_says_of_itself():
    for name, summary in command_line.COMMANDS.items():
        assert command_line.load(name).__doc__.splitlines()[0] == summary


def loaded(code):
    """Which of these modules a fresh process has loaded after the code."""
    heavy = "cffi matplotlib nnz.torch numpy pooch requests safetensors threadpoolctl torch tqdm webbrowser"
    shown = f"print('loaded', *set({heavy.split()}) & set(sys.modules), file=sys.stderr)"
    code = f"import sys\nfrom nnz.commands import main\n{code}\n{shown}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    first, *names = done.stderr.splitlines()[-1].split()
    assert first == "loaded", done.stderr
    return set(names)


def test_version_and_help_load_neither_numpy_nor_plots():
    code = """
for words in ([], ["--version"], ["--help"], *([name, "--help"] for name in main.COMMANDS)):
    main.main(words)
"""
    assert not loaded(code)


def test_a_wrong_word_is_told_without_loading_plots_data_or_backend():
    assert loaded("assert main.main(['train', 'nmaes']) == 2") <= {"numpy"}


def test_training_begins_without_loading_what_only_its_end_needs(tmp_path):
    code = (
        "from nnz.training import run\ndef begin(*_): raise KeyboardInterrupt\nrun.Trainer.run = begin\n"
        f"main.main(['train', 'names', '--backend', 'numpy', '--out', {str(tmp_path)!r}])"
    )
    assert not loaded(code) & {"matplotlib", "pooch", "requests", "torch", "webbrowser", "threadpoolctl"}


def test_a_trained_model_is_drawn_from_without_loading_another_backend(place):
    assert not loaded(f"main.main(['sample', {str(place / 'run')!r}, '--count', '1'])") & {
        "torch",
        "nnz.torch",
        "matplotlib",
    }


def test_info_says_what_a_report_of_a_bug_needs(capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    first, *lines = out.splitlines()
    told = {name: text.strip() for name, _, text in (line.strip().partition(" ") for line in lines)}
    assert first == f"nnz {__version__}"
    assert told["numpy"] == np.__version__
    assert told["python"] == platform.python_version()
    assert {"cpu", "system", "torch", "cffi", "nnz.c", "threads"} <= told.keys()
    assert "OMP_NUM_THREADS=1" in told["settings"]
    if "c" in registry.available():
        assert told["nnz.c"].startswith("kernels for ")
