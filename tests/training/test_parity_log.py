"""The promise of float64: every backend and the C program leave the same log, samples and stdout, byte for byte."""

import os
from pathlib import Path

import pytest
from support import parity_runs

STEPS = 1_000
EVALUATIONS = STEPS // 200 + 1

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("parity_log")]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parity")
    return {runner: parity_runs.run(runner, folder / str(i), STEPS) for i, runner in enumerate(parity_runs.RUNNERS)}


@pytest.mark.parametrize("part", ["log", "samples", "stdout"])
def test_every_runner_leaves_the_same_bytes(outcomes, part):
    first, *others = (getattr(outcome, part) for outcome in outcomes.values())
    assert len(outcomes) == 4
    assert all(other == first for other in others)


def test_the_log_is_complete_and_the_model_learned(outcomes):
    lines = outcomes["c"].log.decode().splitlines()
    assert lines[0] == "step,train_loss,val_loss,lr"
    assert [int(line.split(",")[0]) for line in lines[1:]] == [*range(0, STEPS, 200), STEPS - 1]
    losses = [float(line.split(",")[2]) for line in lines[1:]]
    assert losses[-1] < losses[0] - 1
    assert len(outcomes["c"].stdout.decode().splitlines()) == EVALUATIONS + 20 + 1


def test_samples_are_new(outcomes):
    samples = outcomes["c"].samples.decode().splitlines()
    known = (parity_runs.NAMES / "train.txt").read_text(encoding="utf-8").split()
    assert len(set(samples)) == 20
    assert not set(samples) & set(known)


@pytest.mark.parametrize("runner", parity_runs.RUNNERS)
def test_the_published_run_starts_with_the_published_loss(runner, tmp_path):
    home = os.environ.get("NNZ_DATA_HOME")
    if not home:
        pytest.skip("NNZ_DATA_HOME is not set: the published run's names-splits are not here")
    outcome = parity_runs.run(runner, tmp_path, 1, Path(home) / "names-splits")
    assert b"val_loss 3.287299" in outcome.stdout  # EurekaLabs mlp, step 0
