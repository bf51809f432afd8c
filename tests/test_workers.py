"""The test run itself: groups, what workers build, and the random order, in runs of their own."""

import itertools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.built_program import built

GROUPED = """
import pytest
pytestmark = pytest.mark.xdist_group("one")

@pytest.mark.parametrize("n", range(8))
def test_it(n):
    pass
"""
SLOW_BUILD = "build/made:\n\techo begun >>build/log; sleep 0.5; echo done >>build/log; touch $@\n"
BUILDS = "import sys, pathlib; from support.built_program import make; make('build/made', pathlib.Path(sys.argv[1]))"


def pytest_run(folder, *words):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "xdist", *words]
    alone = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    alone["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=True).stdout


def test_a_group_of_tests_runs_in_one_worker(tmp_path):
    (tmp_path / "test_grouped.py").write_text(GROUPED, encoding="utf-8")
    out = pytest_run(tmp_path, "-v", "-n", "2", "--dist", "loadgroup")
    workers = re.findall(r"\[(gw\d)\].* PASSED", out)
    assert (len(workers), len(set(workers))) == (8, 1), (
        "the pytest that is installed hides the groups from pytest-xdist"
    )


def test_what_two_processes_need_at_once_is_built_once(tmp_path):
    built()  # or skip, where nothing can be built
    (tmp_path / "Makefile").write_text(SLOW_BUILD, encoding="utf-8")
    command = [sys.executable, "-c", BUILDS, tmp_path]
    tests = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    processes = [subprocess.Popen(command, env=tests) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert (tmp_path / "build" / "log").read_text().split() == ["begun", "done"]


@pytest.mark.slow
def test_a_seed_decides_the_order_of_modules_and_of_their_tests(tmp_path):
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    for module in "xyz":
        tests = [f"def test_{module}{n}(): pass\n" for n in range(8)]
        (tmp_path / f"test_{module}.py").write_text("".join(tests), encoding="utf-8")

    def order(*words):
        return re.findall(r"::test_(\w+)", pytest_run(tmp_path, "--collect-only", "-q", *words))

    plain, seven, again, eight = order(), *(order("--shuffle", seed) for seed in "778")
    assert seven == again != eight
    assert sorted(seven) == sorted(eight) == plain != seven
    assert len([module for module, _ in itertools.groupby(seven, lambda name: name[0])]) == 3  # a module stays together
