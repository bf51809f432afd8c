"""build/mlp takes up a run only if it can go on with it exactly, and says in one line why not."""

import resource
import shlex
import subprocess

import pytest
from support.malformed_requests import malformed
from support.tiny_commands import FILES, PROGRAM, content, finish, refused, run_program, start, words
from support.tiny_runs import data_folder, tiny_recipe, train

from nnz.backend import registry
from nnz.runs import checkpoints
from nnz.runs.folder import START_AGAIN, WITHOUT_RESUME

BEST = ("best val at ", "val_loss never fell below that of step 0")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return tiny_recipe(data_folder(tmp_path_factory.mktemp("data") / "few-names"))


@pytest.fixture
def run(recipe, tmp_path):
    """A finished run of build/mlp."""
    finish(start(PROGRAM, recipe, tmp_path / "run"))
    return tmp_path / "run"


def resumed(recipe, run, *more):
    """The exit code and stderr."""
    done = subprocess.run(words(PROGRAM, recipe, run, "--resume", *more), capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_what_the_program_writes_python_reads_and_it_is_what_the_c_backend_writes(recipe, run, tmp_path):
    train(recipe, tmp_path / "by-python", "c")
    assert content(run) == content(tmp_path / "by-python")
    checkpoint = checkpoints.load(run / "checkpoint.safetensors", finite=True)
    assert checkpoint.backend == "c"
    assert list(checkpoint.recipe.items()) == list(recipe.override("train.backend", "c").items())
    assert (run / "config.toml").read_bytes() == (tmp_path / "by-python" / "config.toml").read_bytes()
    assert sorted(path.name for path in run.iterdir()) == sorted([*FILES, "config.toml"])


@pytest.mark.slow
@pytest.mark.parametrize("evaluation", ["batches", "all", "drawn"])
@pytest.mark.parametrize("batch_size", [1, 6, 10_000])
def test_the_program_judges_a_split_as_python_does(recipe, tmp_path, evaluation, batch_size):
    recipe = recipe.override("train.evaluation", evaluation).override("train.batch_size", batch_size)
    train(recipe, tmp_path / "by-python", "c")
    finish(start(PROGRAM, recipe, tmp_path / "run"))
    assert content(tmp_path / "run") == content(tmp_path / "by-python")


@pytest.mark.parametrize(
    "settings",
    [
        {"train.order": "random", "optimizer.warmup": 5, "optimizer.beta2": 0.9},
        {"optimizer.schedule": "step", "sample.new": False, "sample.tokens": 40},
    ],
    ids=str,
)
def test_an_mlp_has_the_settings_of_gpt_cpu_too(recipe, run, tmp_path, settings):
    for key, value in settings.items():
        recipe = recipe.override(key, value)
    train(recipe, tmp_path / "by-python", "c")
    finish(start(PROGRAM, recipe, tmp_path / "other"))
    assert content(tmp_path / "other") == content(tmp_path / "by-python") != content(run)


def test_the_program_knows_every_setting_of_a_recipe(recipe, tmp_path):
    """A new setting needs a row in mlp_c/program/settings.c; what the program does not do is FIXED there."""
    train(recipe, tmp_path / "run", registry.default())
    assert resumed(recipe, tmp_path / "run") == (0, f"{tmp_path}/run: going on from step 23\n")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (["--steps", "22"], f"had train.steps = 23, not 22; ask for the same settings, or, {WITHOUT_RESUME}"),
        (["--lr", "0.02"], "had optimizer.lr = 0.01, not 0.02; "),
        (["--dtype", "float32"], 'had model.dtype = "float64", not "float32"; '),
        (["--new", "false"], "had sample.new = true, not false; "),
        (["--sample-seed", "18446744073709551615"], "had sample.seed = 42, not 18446744073709551615; "),
    ],
)
def test_a_run_is_not_resumed_with_other_settings(recipe, run, setting, message):
    before = {name: (run / name).read_bytes() for name in FILES}
    code, error = resumed(recipe, run, *setting)
    assert (code, error.count("\n")) == (1, 1)
    assert message in error
    assert {name: (run / name).read_bytes() for name in FILES} == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data.windows", "padded"),
        ("data.tokenizer", "word"),
        ("model.kind", "mlp-batchnorm"),
        ("sample.top_p", 0.5),
    ],
)
def test_a_run_that_the_program_cannot_do_is_not_resumed(recipe, tmp_path, key, value):
    train(recipe.override(key, value), tmp_path / "run", "numpy")
    code, error = resumed(recipe, tmp_path / "run")
    assert (code, error.count("\n")) == (1, 1)
    assert f"had {key} = " in error
    assert "which this program does not do; resume it with nnz train" in error


@pytest.mark.parametrize("change", ["emma", "emmb"], ids=["other tokens", "other characters"])
def test_a_run_is_not_resumed_on_another_text(tmp_path, change):
    data = data_folder(tmp_path / "data")
    recipe = tiny_recipe(data)
    finish(start(PROGRAM, recipe, tmp_path / "run"))
    for split in ("train", "val", "test"):
        text = (data / f"{split}.txt").read_text()
        text = text.replace("é", "è") if change == "emmb" else text.replace("emma", "amme")
        (data / f"{split}.txt").write_text(text)
    code, error = resumed(recipe, tmp_path / "run")
    told = f"{data} is not the text that {tmp_path}/run was trained on; name that one, or, {WITHOUT_RESUME}"
    assert (code, error) == (1, f"mlp: {told}\n")


def test_two_runs_in_one_folder_the_second_is_told_who_holds_it(recipe, tmp_path):
    long = recipe.override("train.steps", 2_000_000)
    with start(PROGRAM, long, tmp_path / "run") as first:
        first.stdout.readline()
        code, error = resumed(long, tmp_path / "run")
        by_python = start("numpy", long, tmp_path / "run").communicate(timeout=60)[1]
        first.terminate()
        first.communicate()
    assert code == 1
    assert error.startswith(f"mlp: {tmp_path}/run is in use by process {first.pid} on ")
    assert by_python.startswith(f"nnz: {tmp_path}/run is in use by process {first.pid} on ")
    assert not (tmp_path / "run" / "lock").exists()


@pytest.mark.parametrize("every", [499, pytest.param(23, marks=pytest.mark.slow)])
def test_a_checkpoint_with_a_byte_changed_or_cut_off_is_not_resumed(recipe, run, every):
    whole, changed = (run / "checkpoint.safetensors").read_bytes(), 0
    before = content(run)
    for i, data in enumerate(malformed(whole)):
        if i % every == 0:
            (run / "checkpoint.safetensors").write_bytes(data)
            code, error = resumed(recipe, run)
            assert (code, error.count("\n")) in ((0, 1), (1, 1)), (i, code, error)
            if code == 0:
                assert content(run) == before, i
            changed += 1
    assert changed > 50


def test_a_run_that_cannot_be_saved_as_it_goes_on_keeps_its_log(recipe, run):
    """Its last line, of the shorter run, is needed as long as the checkpoint is that of the shorter run."""

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    log, whole = (run / "log.csv").read_bytes(), content(run)
    assert len(log) < 2_000 < (run / "checkpoint.safetensors").stat().st_size
    longer = recipe.override("train.steps", 31)
    done = subprocess.run(words(PROGRAM, longer, run, "--resume"), stderr=-1, text=True, preexec_fn=small_files)
    refused(done, "File too large")
    assert (run / "log.csv").read_bytes() == log
    assert resumed(recipe, run)[0] == 0
    assert content(run) == whole


def test_a_damaged_checkpoint_is_named_with_what_can_be_done(recipe, run):
    (run / "checkpoint.safetensors").write_bytes((run / "checkpoint.safetensors").read_bytes()[:-1])
    for flags, remedy in (((), START_AGAIN), (("--resume",), WITHOUT_RESUME)):
        done = run_program(recipe, run, *flags)
        refused(done, f"checkpoint.safetensors is not a whole safetensors file: it ends too early; {remedy}")
    assert run_program(recipe, run, "--restart").returncode == 0


@pytest.mark.parametrize("left", ["best.safetensors", "samples.txt"])
def test_what_is_left_of_a_run_without_its_checkpoint_is_kept(recipe, run, left):
    for name in {"checkpoint.safetensors", "best.safetensors", "samples.txt"} - {left}:
        (run / name).unlink()
    for flags, remedy in (((), START_AGAIN), (("--resume",), WITHOUT_RESUME)):
        done = run_program(recipe, run, *flags)
        assert done.stderr == f"mlp: {run} already holds a run without its checkpoint; {remedy}\n"
        assert (run / left).exists()
    assert run_program(recipe, run, "--restart").returncode == 0


def told_of_the_best(recipe, run, capsys) -> list[str]:
    """What nnz says of it, and build/mlp too."""
    train(recipe, run, "c")
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith(BEST)]
    done = run_program(recipe, run, "--restart")
    assert [line for line in done.stderr.splitlines() if line.startswith(BEST)] == lines
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["run", "my first run", "it's", "é"])
def test_the_best_checkpoint_is_named_as_python_names_it(recipe, tmp_path, folder, capsys):
    overfitting = recipe.override("optimizer.lr", 0.1).override("train.steps", 201)
    (told,) = told_of_the_best(overfitting, tmp_path / folder, capsys)
    assert shlex.split(told.partition("; ")[2]) == ["nnz", "sample", str(tmp_path / folder), "--best"]


def test_no_checkpoint_is_named_where_the_last_is_the_best_or_the_untrained_one_is(recipe, tmp_path, capsys):
    assert told_of_the_best(recipe.override("optimizer.lr", 0.001), tmp_path / "last", capsys) == []
    untrained = "val_loss never fell below that of step 0, before the training: is there too little text for it?"
    assert told_of_the_best(recipe.override("optimizer.lr", 3.0), tmp_path / "first", capsys) == [untrained]


@pytest.mark.parametrize("threads", ["1", "2", "1024"])
def test_the_number_of_threads_changes_no_byte(recipe, run, tmp_path, threads):
    done = run_program(recipe, tmp_path / "again", "--threads", threads)
    assert done.returncode == 0, done
    assert content(tmp_path / "again") == content(run)
    assert (tmp_path / "again" / "config.toml").read_bytes() == (run / "config.toml").read_bytes()
