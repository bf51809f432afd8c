"""Files and folders that the user may not read or write: one line that names them, and nothing of a run is lost.

root may read and write everything, so root's tests become the user nobody; any other user's stay what they are.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from support.built_program import built
from support.tiny_commands import PROGRAM, words
from support.tiny_runs import data_folder, tiny_recipe, train

from nnz.commands.main import main
from nnz.pictures import of_run

NOBODY = 65534
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="users and permissions are those of POSIX")


@pytest.fixture(scope="module", autouse=True)
def all_is_imported(tmp_path_factory):
    """nobody may not import what is root's own."""
    place = tmp_path_factory.mktemp("imported")
    command = words("numpy", tiny_recipe(data_folder(place / "data"), steps=3), place / "run")[3:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of_run, "draw", lambda *of_a_run: [])  # it takes long
        assert main(command) == main([*command, "--resume"]) == 0


@pytest.fixture
def place():
    """A folder that anybody may enter: those of tmp_path are root's alone."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copy(built(), folder / "mlp")
    yield folder
    shutil.rmtree(folder)


def become_nobody():
    if ROOT:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def attempt(runner, recipe, out, *more):
    """Train as a user; return the exit code and stderr. Python in a fork: nobody may not read root's own Python."""
    command, report = words(runner, recipe, out, *more), out.with_name("stderr")
    with open(report, "w") as stderr:
        if runner == PROGRAM:
            command[0] = str(out.with_name("mlp"))
            child = subprocess.Popen(command, stderr=stderr, stdout=subprocess.DEVNULL, preexec_fn=become_nobody)
            return child.wait(), report.read_text()
        child = os.fork()
        if child == 0:
            sys.stdout, sys.stderr = open(os.devnull, "w"), stderr  # noqa: SIM115 (until the process ends)
            become_nobody()
            code = main(command[3:])
            stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), report.read_text()


def owned(path):
    """Give all in the folder to the user."""
    for at in [path, *path.rglob("*")] if ROOT else []:
        os.chown(at, NOBODY, NOBODY)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock" and path.is_file()}


# what is taken from the user, and with which permissions; what the error names
FOR_A_NEW_RUN = [("data/train.txt", 0o000), ("data", 0o000), ("data/val.txt", 0o200), (".", 0o555)]
FOR_A_RESUMED_RUN = [("run", 0o555), ("run", 0o000), ("run/checkpoint.safetensors", 0o000), ("run/log.csv", 0o000)]


@pytest.mark.parametrize("runner", ["numpy", PROGRAM])
@pytest.mark.parametrize(("path", "mode"), FOR_A_NEW_RUN)
def test_what_may_not_be_read_or_written_is_named_and_no_run_begins(place, runner, path, mode):
    recipe = tiny_recipe(data_folder(place / "data"), steps=3)
    words(runner, recipe, place / "run")  # writes the recipe
    owned(place)
    (place / path).chmod(mode)
    code, error = attempt(runner, recipe, place / "run")
    (place / path).chmod(0o755)
    assert (code, error.count("\n")) == (1, 1), error
    assert "Permission denied" in error
    assert str(place / path) in error
    assert not (place / "run").exists()


@pytest.mark.parametrize("runner", ["numpy", PROGRAM])
@pytest.mark.parametrize(("path", "mode"), FOR_A_RESUMED_RUN)
def test_a_run_that_may_not_be_read_or_written_stays_as_it_is(place, runner, path, mode):
    recipe = tiny_recipe(data_folder(place / "data"), steps=3)
    train(recipe, place / "run")
    before = contents(place / "run")
    owned(place)
    (place / path).chmod(mode)
    code, error = attempt(runner, recipe, place / "run", "--resume")
    (place / path).chmod(0o755)
    assert (code, error.count("\n")) == (1, 1), error
    assert "Permission denied" in error
    assert str(place / path) in error
    assert contents(place / "run") == before
