"""A finished run is found again: its results are shown, and nothing is trained, unless --restart says so."""

import signal

import pytest
from support.stopped_runs import stopped
from support.tiny_runs import BUILT, data_folder, nnz, tiny_recipe

from nnz.backend import registry
from nnz.pictures import of_run
from nnz.recipes.recipe import load
from nnz.runs import checkpoints
from nnz.runs.folder import REMEDY, START_AGAIN, WITHOUT_RESUME
from nnz.training.run import Run

TOO_SMALL = "train.batch_size = 1 is too small for BatchNorm, which compares rows; take 2 or more"
pytestmark = pytest.mark.usefixtures("without_pictures")


@pytest.fixture
def words(tmp_path):
    recipe = tiny_recipe(data_folder(tmp_path / "few-names"))
    (tmp_path / "tiny.toml").write_text(recipe.to_toml(), encoding="utf-8")
    return ["train", tmp_path / "tiny.toml", "--backend", "numpy", "--out", tmp_path / "run"]


def files(run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.iterdir()}


def checkpoint_time(words) -> int:
    return (words[-1] / "checkpoint.safetensors").stat().st_mtime_ns


def test_a_finished_run_is_shown_again_to_the_byte_and_not_trained(words, capsys) -> None:
    first, when = nnz(capsys, *words), checkpoint_time(words)
    code, out, err = nnz(capsys, *words)
    assert (code, out, checkpoint_time(words)) == (0, first[1], when)
    assert err == f"{words[-1]} holds this run, finished: here are its results; to train again, add --restart\n"


def test_restart_trains_a_finished_run_anew_to_the_same_results(words, capsys) -> None:
    first, when = nnz(capsys, *words), checkpoint_time(words)
    code, out, err = nnz(capsys, *words, "--restart")
    assert (code, out) == (0, first[1])
    assert "its files are replaced" in err
    assert checkpoint_time(words) != when


def test_a_run_resumed_and_finished_is_shown_again_whole(words, capsys) -> None:
    whole = nnz(capsys, *words)[1]
    nnz(capsys, *words, "--resume")
    assert nnz(capsys, *words)[:2] == (0, whole)


@pytest.mark.parametrize("change", [["--steps", 9], ["--seed", 3], ["--backend", "nnz.numpy"]], ids=lambda c: c[0])
def test_a_run_with_other_settings_is_refused_and_the_first_one_kept(words, capsys, change) -> None:
    nnz(capsys, *words)
    kept = files(words[-1])
    code, out, err = nnz(capsys, *words, *change)
    assert (code, out, err) == (1, "", f"nnz: {words[-1]} already holds a run; {REMEDY}\n")
    assert files(words[-1]) == kept
    assert "its files are replaced" in nnz(capsys, *words, *change, "--restart")[2]


def test_with_another_text_of_the_same_letters_it_is_another_run(words, capsys) -> None:
    nnz(capsys, *words)
    train = words[1].parent / "few-names" / "train.txt"
    train.write_text("".join(reversed(train.read_text().splitlines(keepends=True))))
    assert REMEDY in nnz(capsys, *words)[2]
    assert "its files are replaced" in nnz(capsys, *words, "--restart")[2]
    train.write_text(train.read_text() * 2)
    code, _, err = nnz(capsys, *words, "--resume")
    assert (code, "is not the text that" in err) == (1, True)


def test_a_run_whose_data_has_moved_is_resumed_with_the_new_place(words, capsys) -> None:
    stopped(Run(load(str(words[1])), "numpy", words[-1]), 9, "before the update")
    moved = words[1].parent / "moved"
    (words[1].parent / "few-names").rename(moved)
    assert "few-names" in nnz(capsys, "train", "--resume", words[-1])[2]
    assert "going on from step 5" in nnz(capsys, "train", "--resume", words[-1], "--data", moved)[2]
    assert nnz(capsys, *words, "--data", moved)[0] == 0
    assert checkpoints.load(words[-1] / "checkpoint.safetensors").recipe.data.name == str(moved)


def test_a_stopped_run_is_kept_unless_it_is_continued_or_begun_again(words, capsys) -> None:
    stopped(Run(load(str(words[1])), "numpy", words[-1]), 9, "before the update")
    kept = files(words[-1])
    assert REMEDY in nnz(capsys, *words)[2]
    assert files(words[-1]) == kept
    assert "going on from step 5" in nnz(capsys, *words, "--resume")[2]


@pytest.mark.parametrize("left", ["best.safetensors", "samples.txt"])
@pytest.mark.parametrize("flag", [(), ("--resume",)], ids=["plain", "resume"])
def test_what_is_left_of_a_run_is_kept_too(words, capsys, left, flag) -> None:
    nnz(capsys, *words)
    for name in {"checkpoint.safetensors", "best.safetensors", "samples.txt"} - {left}:
        (words[-1] / name).unlink()
    code, out, err = nnz(capsys, *words, *flag)
    remedy = WITHOUT_RESUME if flag else START_AGAIN
    assert (code, out, err) == (1, "", f"nnz: {words[-1]} already holds a run without its checkpoint; {remedy}\n")
    assert (words[-1] / left).exists()
    assert nnz(capsys, *words, "--restart")[0] == 0


def test_a_run_knows_its_recipe(words, capsys) -> None:
    whole = nnz(capsys, *words)
    stopped(Run(load(str(words[1])), "numpy", other := words[-1].with_name("other")), 9, "before the update")
    code, out, _ = nnz(capsys, "train", "--resume", other)
    assert (code, out.splitlines()) == (0, whole[1].splitlines()[1:])
    assert (other / "log.csv").read_bytes() == (words[-1] / "log.csv").read_bytes()
    words[1].unlink()
    (other / "loss.png").touch()  # which this module does not draw
    assert nnz(capsys, "train", "--resume", other)[:2] == (0, whole[1])


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        ((), 2, "which recipe?"),
        (("--resume",), 2, "which recipe?"),
        (("--resume", "nowhere"), 1, "there is no run folder nowhere"),
        (("names", "--resume", "here", "--out", "there"), 2, "are two folders"),
    ],
)
def test_a_run_without_a_recipe_is_one_that_can_be_resumed(capsys, asked, code, message) -> None:
    found, out, err = nnz(capsys, "train", *asked)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert message in err


def test_resume_before_the_recipe_is_a_flag(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert "unknown backend" in nnz(capsys, "train", "--resume", "names", "--backend", "fortran")[2]


@pytest.mark.parametrize("kind", ["mlp-batchnorm", "residual", "wavenet"])
@pytest.mark.parametrize("backend", BUILT)
def test_a_batch_of_one_row_for_batch_norm_is_refused_before_a_run_is_lost(words, capsys, backend, kind) -> None:
    nnz(capsys, *words)
    kept = files(words[-1])
    changes = "--restart", "--backend", backend, "--set", "train.batch_size=1"
    code, out, err = nnz(capsys, "train", kind, *words[4:], "--data", words[1].parent / "few-names", *changes)
    assert (code, out, err) == (2, "", f"nnz: {TOO_SMALL}\n")
    assert files(words[-1]) == kept


@pytest.mark.parametrize("change", [["--data", "short"], ["--set", "model.kind=gpt"], ["--backend", "nowhere.at_all"]])
def test_what_cannot_train_is_refused_before_a_folder_is_made_or_a_run_lost(words, capsys, change, tmp_path) -> None:
    data_folder(tmp_path / "short")
    (tmp_path / "short" / "val.txt").write_text("a")
    change = [str(tmp_path / "short") if word == "short" else word for word in change]
    assert nnz(capsys, *words, *change)[0] in (1, 2)
    assert not words[-1].exists()
    nnz(capsys, *words)
    kept = files(words[-1])
    assert nnz(capsys, *words, *change, "--restart")[0] in (1, 2)
    assert files(words[-1]) == kept


@pytest.mark.parametrize("backend", BUILT)
def test_a_batch_too_large_for_the_memory_is_found_before_a_run_is_lost(words, capsys, backend, monkeypatch) -> None:
    nnz(capsys, *words)
    kept = files(words[-1])

    def forward(self, inputs, targets=None):
        raise MemoryError("a batch")

    monkeypatch.setattr(registry.load(backend).MLP, "__call__", forward)
    code, out, err = nnz(capsys, *words, "--restart", "--backend", backend)
    assert (code, out) == (1, "")
    assert "out of memory (a batch); take a smaller model, batch or text" in err
    assert files(words[-1]) == kept


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mlp", "mlp-batchnorm", "residual", "wavenet", "bigram-counts"])
def test_a_step_that_is_only_tried_leaves_no_trace(words, capsys, kind) -> None:
    kinds = {"wavenet": 8, "bigram-counts": 1}
    recipe = tiny_recipe(words[1].parent / "few-names", model__kind=kind, model__context_length=kinds.get(kind, 3))
    if kind == "bigram-counts":
        recipe = recipe.override("optimizer.name", "none").override("train.steps", 1)
    words[1].write_text(recipe.to_toml(), encoding="utf-8")
    nnz(capsys, *words)
    first = files(words[-1])
    assert nnz(capsys, *words, "--restart")[0] == 0
    assert files(words[-1]) == first


def test_all_that_differs_is_named_and_the_command_that_needs_none_of_it_works(words, capsys) -> None:
    stopped(Run(load(str(words[1])), "numpy", words[-1]), 9, "before the update")
    changed = ["--resume", "--steps", 9, "--seed", 7, "--data", "names"]
    code, _, err = nnz(capsys, *words, *changed)
    differing = [f"data.name = '{words[1].parent}/few-names', not 'names'", "train.steps = 23, not 9"]
    seed = load(str(words[1])).train.seed
    assert code == 1
    assert f"had {'; '.join(differing)}; train.seed = {seed}, not 7; ask for the same settings; " in err
    command = err.partition("same settings; ")[2].partition(" asks for its own")[0]
    assert nnz(capsys, *command.split()[1:])[0] == 0


def test_a_run_goes_on_to_more_steps_only_if_they_are_asked_for(words, capsys) -> None:
    nnz(capsys, *words, "--steps", 9)
    kept = files(words[-1])
    code, out, err = nnz(capsys, *words, "--resume")
    told = f"the run in {words[-1]} had train.steps = 9, not 23; ask for more steps by --steps"
    own = f"nnz train --resume {words[-1]} asks for its own"
    assert (code, out, err) == (1, "", f"nnz: {told}; {own}; or, {WITHOUT_RESUME}\n")
    assert files(words[-1]) == kept
    for flags in (["--steps", 23], ["--set", "train.steps = 25"]):
        assert "going on from step" in nnz(capsys, *words, "--resume", *flags)[2]


def test_resume_and_restart_together_are_refused(words, capsys) -> None:
    code, out, err = nnz(capsys, *words, "--resume", "--restart")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "give only one of them" in err


@pytest.mark.parametrize("signals", [1, 2])
def test_a_signal_while_pictures_are_drawn_does_not_ask_to_start_again(words, capsys, monkeypatch, signals) -> None:
    def draw(*of_a_run):
        for _ in range(signals):
            signal.raise_signal(signal.SIGINT)
        return []

    monkeypatch.setattr(of_run, "draw", draw)
    code, out, err = nnz(capsys, *words)
    told = f"nnz: all but the pictures is in {words[-1]}; nnz plot {words[-1]} draws them"
    assert (code, told in err, "start it again" in err) == (signals - 1, signals == 2, False)
    assert nnz(capsys, *words)[:2] == (0, out)
