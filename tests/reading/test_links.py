"""A run folder from elsewhere may hold links to other places: nothing is ever written through one."""

import subprocess

import pytest
from support.tiny_commands import FILES, PROGRAM, finish, start, words
from support.tiny_runs import data_folder, nnz, tiny_recipe

pytestmark = pytest.mark.slow
each_writer = pytest.mark.parametrize("runner", ["numpy", PROGRAM])  # the backends share all that writes
MINE = "step,train_loss,val_loss,lr\nmine\n"


@pytest.fixture
def recipe(tmp_path):
    return tiny_recipe(data_folder(tmp_path / "few-names"), steps=3)


@each_writer
def test_a_link_in_the_place_of_a_file_is_replaced_and_what_it_leads_to_stays(runner, recipe, tmp_path):
    run, mine = tmp_path / "run", tmp_path / "mine"
    run.mkdir()
    mine.write_text(MINE)
    for link in (run / name for name in (*FILES, "config.toml")):
        link.symlink_to(mine)
    finish(start(runner, recipe, run, "--restart"))
    assert mine.read_text() == MINE
    assert not any(path.is_symlink() for path in run.iterdir())


@each_writer
def test_a_link_in_the_place_of_the_lock_is_refused(runner, recipe, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "mine").write_text(MINE)
    (tmp_path / "run" / "lock").symlink_to(tmp_path / "mine")
    done = subprocess.run(words(runner, recipe, tmp_path / "run"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    assert "run/lock: Too many levels of symbolic links" in done.stderr
    assert (tmp_path / "mine").read_text() == MINE


@pytest.mark.parametrize("line", [b"\xff\n", b"0,1\n", b"0,low,1,1\n", b"0,1,1,1,1\n"])
def test_a_log_that_no_run_wrote_is_not_drawn(recipe, tmp_path, capsys, line):
    (tmp_path / "tiny.toml").write_text(recipe.to_toml())
    assert nnz(capsys, "train", tmp_path / "tiny.toml", "--backend", "numpy", "--out", tmp_path / "run")[0] == 0
    (tmp_path / "run" / "log.csv").write_bytes(MINE.splitlines()[0].encode() + b"\n" + line)
    code, out, err = nnz(capsys, "plot", tmp_path / "run")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert f"{tmp_path}/run/log.csv is not a log of a run: " in err
