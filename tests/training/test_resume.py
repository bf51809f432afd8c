"""A run that was stopped and resumed ends with the files of one that was not."""

import signal

import pytest
from support.stopped_runs import FILES, stopped
from support.tiny_runs import BUILT, data_folder, tiny_recipe, train

from nnz.backend import registry
from nnz.runs import checkpoints
from nnz.runs.folder import LOG_HEADER, RunFolder
from nnz.training.run import Run


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """One uninterrupted run per backend."""
    place = tmp_path_factory.mktemp("whole")
    return {name: train(tiny_recipe(data), place / name, name, drawn=name == "numpy") for name in BUILT}


PLACES = [
    ("before the forward", (1, 2, 9, 10, 17, 60)),
    ("before the update", (1, 6, 23)),
    ("half way through the update", (1, 8, 23)),
    ("in the log", (2, 6)),
    ("in the checkpoint", (2, 7)),
]
CASES = [(where, calls[0]) for where, calls in PLACES]
CASES += [pytest.param(where, n, marks=pytest.mark.slow) for where, calls in PLACES for n in calls[1:]]


@pytest.mark.parametrize(("where", "calls"), CASES)
def test_a_run_stopped_anywhere_ends_as_if_it_never_was(data, tmp_path, whole, where, calls):
    stopped(Run(tiny_recipe(data), "numpy", tmp_path), calls, where)
    train(tiny_recipe(data), tmp_path, resume=True)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (whole["numpy"] / name).read_bytes(), name


def test_a_run_stopped_by_two_signals_says_how_it_goes_on(data, tmp_path, whole):
    run = Run(tiny_recipe(data), "numpy", tmp_path)
    update, run._stopped = run.trainer.optimizer.step, lambda: signal.raise_signal(signal.SIGINT)
    run.trainer.optimizer.step = lambda gradients: (update(gradients), signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt, match="stopped at once; the same command with --resume continues in "):
        run.train()
    train(tiny_recipe(data), tmp_path, resume=True)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (whole["numpy"] / name).read_bytes(), name


def test_a_run_stopped_again_and_again_ends_as_if_it_never_was(data, tmp_path, whole):
    reached = []
    for _ in range(4):
        stopped(Run(tiny_recipe(data), "numpy", tmp_path, resume=True), 23, "before the forward")
        reached.append(checkpoints.load(tmp_path / "checkpoint.safetensors").step)
    assert reached == sorted(set(reached))
    assert 5 < reached[-1] < 23
    train(tiny_recipe(data), tmp_path, resume=True, drawn=True)
    for name in (*FILES, "loss.png"):
        assert (tmp_path / name).read_bytes() == (whole["numpy"] / name).read_bytes(), name


@pytest.mark.parametrize("second", registry.names())
@pytest.mark.parametrize("first", registry.names())
def test_a_run_begun_by_one_backend_is_finished_by_another(data, tmp_path, whole, first, second):
    for name in {first, second} - set(BUILT):
        pytest.skip(f"backend {name} is not there")
    stopped(Run(tiny_recipe(data), first, tmp_path), 9, "before the update")
    train(tiny_recipe(data), tmp_path, second, resume=True)
    for name in FILES[:2] if first != second else FILES[:4]:
        assert (tmp_path / name).read_bytes() == (whole[second] / name).read_bytes(), name


def test_a_finished_run_resumed_stays_as_it_is(data, tmp_path, whole):
    train(tiny_recipe(data), tmp_path)
    train(tiny_recipe(data), tmp_path, resume=True, drawn=True)
    for name in (*FILES, "loss.png"):
        assert (tmp_path / name).read_bytes() == (whole["numpy"] / name).read_bytes(), name


def test_with_nothing_to_resume_the_run_begins_at_step_0(data, tmp_path, whole, capsys):
    train(tiny_recipe(data), tmp_path / "new", resume=True)
    assert "holds no checkpoint to resume; starting at step 0" in capsys.readouterr().err
    assert (tmp_path / "new" / "log.csv").read_bytes() == (whole["numpy"] / "log.csv").read_bytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train__steps": 22}, "had train.steps = 23, not 22"),
        ({"optimizer__lr": 0.02}, "had optimizer.lr = 0.01, not 0.02"),
        ({"model__hidden_size": 12}, "had model.hidden_size = 11, not 12"),
        ({"sample__seed": 1}, "had sample.seed = 42, not 1"),
    ],
)
def test_a_run_cannot_be_resumed_with_other_settings(data, tmp_path, settings, message):
    train(tiny_recipe(data), tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    with pytest.raises(ValueError, match=message):
        train(tiny_recipe(data, **settings), tmp_path, resume=True)
    assert before == {name: (tmp_path / name).read_bytes() for name in FILES}


def test_a_run_cannot_be_resumed_on_a_text_with_other_characters(tmp_path):
    data = data_folder(tmp_path / "data")
    train(tiny_recipe(data), tmp_path / "run")
    (data / "train.txt").write_text("emma\nwwwwwwwwwwwwwwwww\n" * 9)
    (data / "val.txt").write_text("emma\n" * 9)
    (data / "test.txt").write_text("emma\n" * 9)
    with pytest.raises(ValueError, match="not the text that"):
        train(tiny_recipe(data), tmp_path / "run", resume=True)


@pytest.mark.parametrize("backend", BUILT)
def test_a_run_goes_on_to_more_steps_as_if_it_had_had_them_from_the_start(data, tmp_path, backend):
    constant = {"optimizer__schedule": "constant"}
    longer = train(tiny_recipe(data, 40, **constant), tmp_path / "longer", backend)
    train(tiny_recipe(data, 23, **constant), tmp_path / "run", backend)
    train(tiny_recipe(data, 40, **constant), tmp_path / "run", backend, resume=True)
    for name in FILES:
        assert (tmp_path / "run" / name).read_bytes() == (longer / name).read_bytes(), name


def test_what_was_recorded_after_the_last_step_of_a_shorter_run_is_dropped_from_the_statistics(data, tmp_path):
    constant = {"optimizer__schedule": "constant"}
    longer = train(tiny_recipe(data, 40, **constant), tmp_path / "longer", watched=True)
    train(tiny_recipe(data, 23, **constant), tmp_path / "run", watched=True)
    train(tiny_recipe(data, 40, **constant), tmp_path / "run", resume=True, watched=True)
    assert (tmp_path / "run" / "statistics.npz").read_bytes() == (longer / "statistics.npz").read_bytes()


def test_a_schedule_that_knows_its_end_says_that_it_moved(data, tmp_path, capsys):
    train(tiny_recipe(data), tmp_path)
    stopped(Run(tiny_recipe(data, 40), "numpy", tmp_path, resume=True), 1, "before the update")
    assert "the cosine schedule now ends at step 40, and the learning rate goes on at 0.00" in capsys.readouterr().err
    assert checkpoints.load(tmp_path / "checkpoint.safetensors").recipe.train.steps == 40
    train(tiny_recipe(data, 40), tmp_path, resume=True)


def test_a_log_that_lacks_lines_is_not_resumed(data, tmp_path):
    train(tiny_recipe(data), tmp_path)
    lines = (tmp_path / "log.csv").read_text().splitlines(keepends=True)
    (tmp_path / "log.csv").write_text("".join(lines[:2] + lines[3:]))
    with pytest.raises(ValueError, match="lacks lines from before step 23"):
        train(tiny_recipe(data), tmp_path, resume=True)


def test_cutting_the_log_keeps_the_lines_before_the_step_and_drops_a_torn_one(tmp_path):
    folder = RunFolder(tmp_path)
    folder.start_log()
    for step in (0, 10, 20):
        folder.append_log(f"{step},1.0,2.0,1e-3\n")
    folder.append_log("30,1.")
    folder.truncate_log(21, eval_every=10, steps=50)
    assert folder.read_log() == [(0, 1.0, 2.0), (10, 1.0, 2.0), (20, 1.0, 2.0)]


@pytest.mark.parametrize(("step", "kept"), [(0, []), (1, [0]), (10, [0]), (11, [0, 10]), (24, [0, 10, 20]),
                                            (25, [0, 10, 20, 24]), (10**15, [0, 10, 20, 24])])  # fmt: skip
def test_a_log_is_cut_to_the_evaluations_before_a_step(tmp_path, step, kept):
    folder = RunFolder(tmp_path)
    folder.log.write_text(LOG_HEADER + "".join(f"{step},1,1,1\n" for step in (0, 10, 20, 24)))
    folder.truncate_log(step, eval_every=10, steps=25)
    assert [int(row[0]) for row in folder.read_log()] == kept


def test_a_checkpoint_far_ahead_of_its_log_is_refused_at_once(tmp_path):
    folder = RunFolder(tmp_path)
    folder.start_log()
    with pytest.raises(ValueError, match="lacks lines from before step 1000000"):
        folder.truncate_log(10**15, eval_every=1, steps=2**31 - 1)
