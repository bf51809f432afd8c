"""The harness finds known bugs: the list is valid, and a few are planted here; `make test-mutants` plants them all."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.mutants import BACKENDS, MUTANTS, planting
from support.mutants.c_contract import CHECKS
from support.mutants.compiling import Kernels
from support.mutants.mutant import STRICT, Mutant, Plant, level_of, mutant
from support.mutants.processes import Died
from support.mutants.trials import BROKEN, CAUGHT, QUICK, SURVIVED, Harness, Job, Result, jobs_for, result_of, right

from nnz.backend import registry
from nnz.conformance import grading

TESTS = Path(__file__).resolve().parents[1]
KILL_MATRIX = (TESTS.parent / "docs" / "kill-matrix.md").read_text(encoding="utf-8")
PLANTS = [pytest.param(where, plant, id=f"{m.name}-{where}") for m in MUTANTS for where, plant in m.plants.items()]


def test_there_are_at_least_forty_mutants_and_each_has_a_name_of_its_own():
    assert len(MUTANTS) >= 40
    assert len({m.name for m in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("where", BACKENDS)
def test_every_backend_has_at_least_forty_of_them(where):
    assert sum(where in m.plants for m in MUTANTS) >= 40


@pytest.mark.parametrize(("where", "plant"), PLANTS)
def test_the_text_that_a_mutant_changes_occurs_exactly_once_in_its_file(where, plant):
    assert planting.source(where, plant).count(plant.old) == 1
    assert plant.new != plant.old


def test_a_python_plant_is_python():
    for where in ("numpy", "torch", "common"):
        for m in MUTANTS:
            if where in m.plants and m.plants[where].file.endswith(".py"):
                plant = m.plants[where]
                compile(planting.source(where, plant).replace(plant.old, plant.new), m.name, "exec")


def test_what_is_meant_to_catch_a_mutant_exists():
    for m in MUTANTS:
        if "::" in m.caught_by:
            file, name = m.caught_by.split("::")
            assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8"), m.name
        else:
            level, dtypes = level_of(m.caught_by)
            assert level in CHECKS or grading.selected([level], dtypes), m.name


def test_every_level_of_the_grading_has_a_mutant_that_it_must_catch():
    assert set(grading.LEVELS) <= {m.caught_by for m in MUTANTS}


def test_every_strict_level_that_rounds_twice_has_a_mutant_that_only_strictness_sees():
    levels = {check.level for check, _ in grading.selected(None, [STRICT])}
    copies = {"embedding", "relu", "relu_backward", "dropout", "dropout_backward"}  # or multiplies once
    assert {f"{STRICT} {level}" for level in levels - copies} <= {m.caught_by for m in MUTANTS}


def test_the_kill_matrix_names_every_mutant():
    lines = KILL_MATRIX.splitlines()
    for m in MUTANTS:
        assert any(line.startswith(f"| {m.name} ") and m.does in line for line in lines), f"{m.name}: make kill-matrix"


def test_the_kill_matrix_has_no_survivor_and_no_false_alarm_of_ours():
    text = KILL_MATRIX
    assert '("our check"): 0 survive it.' in text
    assert "passes everywhere" in " ".join(text.split())
    for regime in ("our check", "T1", "T2"):
        rows = [line for line in text.splitlines() if line.startswith(f"| {regime} ")]
        assert len(rows) == 2, "one for the native mutants, one for the strict"
        assert {row.split("|")[-2].strip() for row in rows} == {"none"}


@pytest.mark.slow
def test_a_few_mutants_are_caught_and_the_unchanged_code_passes():
    command = [sys.executable, "-m", "support.mutants", "--quick", "--workers", "2"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(TESTS)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    planted = [line for line in done.stdout.splitlines() if "/" in line.split()[0]]
    assert len(planted) == sum(map(len, QUICK.values())) + len({w for columns in QUICK.values() for w in columns})
    assert done.stdout.endswith("0 survivors\n")


def run_one(m: Mutant | None, where: str, scratch: Path) -> Result:
    return Harness(scratch, None, {where: ("tanh",)}).run(Job(m, where))


def test_a_mutant_that_changes_nothing_survives(tmp_path):
    harmless = mutant("harmless", "", "tanh", numpy=("ops/tanh.py", "return np.tanh(x)", "return np.tanh(1 * x)"))
    result = run_one(harmless, "numpy", tmp_path)
    assert result.outcome == SURVIVED
    assert not right(Job(harmless, "numpy"), result)


def test_a_mutant_that_no_longer_fits_or_cannot_be_imported_is_not_taken_for_caught(tmp_path):
    gone = mutant("gone", "", "tanh", numpy=("ops/tanh.py", "no such line", ""))
    assert run_one(gone, "numpy", tmp_path).outcome == BROKEN
    unreadable = mutant("unreadable", "", "tanh", numpy=("ops/tanh.py", "return np.tanh(x)", "return ("))
    assert run_one(unreadable, "numpy", tmp_path).outcome == BROKEN


def test_a_broken_plain_copy_is_a_failure_of_the_control(tmp_path, monkeypatch):
    real = planting.planted

    def spoilt(where: str, plant: Plant | None, folder: Path) -> Path:
        return real(where, Plant("ops/tanh.py", "return np.tanh(x)", "return x"), folder)

    monkeypatch.setattr(planting, "planted", spoilt)
    result = run_one(None, "numpy", tmp_path)
    assert result.outcome == CAUGHT
    assert not right(Job(None, "numpy"), result)


def test_a_process_that_was_killed_or_gave_no_answer_is_not_taken_for_caught():
    assert [result_of(Died(code)).outcome for code in (-9, 0, 1, -11)] == [BROKEN, BROKEN, BROKEN, CAUGHT]


def test_the_code_that_ran_is_the_code_that_was_changed(tmp_path):
    changed = mutant("changed", "", "tanh", numpy=("ops/tanh.py", '"""tanh: squash', '"""tanh, mutated: squash'))
    module = planting.backend(changed, "numpy", tmp_path)
    assert importlib.import_module(f"{module.__name__}.ops.tanh").__doc__.startswith("tanh, mutated")
    with pytest.raises(AssertionError, match="not the mutated code"):
        planting.prove(module.__name__, tmp_path / "elsewhere")


def test_every_mutant_is_tested_in_every_column_with_the_unchanged_code():
    jobs = jobs_for(MUTANTS)
    assert {job.where for job in jobs if job.mutant is None} == {*BACKENDS, "common"}
    assert len(jobs) == 4 + sum(len(m.plants) for m in MUTANTS)


@pytest.mark.parametrize("check", CHECKS)
def test_the_kernels_keep_their_contract(check):
    if "c" not in registry.available():
        pytest.skip("the C kernels are not built")
    code = f"import nnz.c; from support.mutants.c_contract import CHECKS; assert CHECKS[{check!r}](nnz.c) == ''"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(TESTS)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_kernels_are_compiled_from_the_sources_that_the_build_names(tmp_path):
    if "c" not in registry.available():
        pytest.skip("no C compiler")
    assert {"fast/float32.c", "fast/float64.c"} <= set(Kernels(tmp_path).sources)
