"""Each known deviation is planted in a port that shares no code with the referee, and the referee names it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from support.microgpt_ports import PLANTED, edited, printed

pytest.importorskip("torch", reason="torch is not installed")

from nnz.referee import log, search
from nnz.referee.deviations import DEVIATIONS, named
from nnz.referee.start import Names
from nnz.referee.verdict import Verdict, judge

FEW = 12  # steps
SLOW_TO_SHOW = {"no-attention-norm": 30, "decay-over-999": 60}  # steps
HARD_TO_SEE = ("float32", "decay-over-999", "gradient-summed", "gradient-over-16")  # in 4 decimals
PAIRS = (
    "beta1-0.9+beta2-0.999",
    "mask-shows-next+beta2-0.95",
    "float32+no-decay",
    "generator-mulberry32+box-muller-cosine",
    "no-bos-at-end+loss-summed",
    "weights-numpy+epsilon-inside",
)
QUICK = {*[one.name for one in DEVIATIONS][::8], PAIRS[1]}


def slow_but_some(plants: Iterable[str]) -> list[Any]:
    return [plant if plant in QUICK else pytest.param(plant, marks=pytest.mark.slow) for plant in plants]


def verdict_on(plant: str, names: Names, data: Path, steps: int = FEW, decimals: int = 4) -> Verdict:
    source = edited(plant).replace(":.4f}", f":.{decimals}f}}")
    return judge(names, log.read(printed(source, data, steps)), steps)


def found_by(verdict: Verdict) -> list[set[str]]:
    return [{one.name for one in found.deviations} for found in verdict.why]


def test_every_deviation_is_planted() -> None:
    assert {one.name for one in DEVIATIONS} == PLANTED.keys()
    assert len({one.name for one in DEVIATIONS}) == len(DEVIATIONS) >= 25


def test_a_port_without_a_deviation_is_equal(names: Names, data: Path) -> None:
    verdict = verdict_on("", names, data)
    assert verdict.is_equal
    assert verdict.why == ()


@pytest.mark.slow
@pytest.mark.parametrize("plant", slow_but_some(one.name for one in DEVIATIONS))
def test_each_deviation_is_named_alone(plant: str, names: Names, data: Path) -> None:
    steps = SLOW_TO_SHOW.get(plant, FEW)
    verdict = verdict_on(plant, names, data, steps, 8 if plant in HARD_TO_SEE else 4)
    assert not verdict.is_equal
    assert found_by(verdict) == [{plant}]


@pytest.mark.slow
def test_a_pair_is_named_of_a_log_without_the_first_steps(names: Names, data: Path, monkeypatch) -> None:
    monkeypatch.setattr(search, "MOST_STEPS", 4000)  # not all pairs, so that the likely ones must be found
    steps = search.EARLY + 10
    lines = printed(edited("mask-shows-next+norm-backward"), data, steps).splitlines()[search.EARLY :: 3]
    verdict = judge(names, log.read("\n".join(lines)), steps)
    assert found_by(verdict) == [{"mask-shows-next", "norm-backward"}]
    assert verdict.left_out > 7000


@pytest.mark.slow
@pytest.mark.parametrize("plant", slow_but_some(PAIRS))
def test_each_pair_is_named(plant: str, names: Names, data: Path) -> None:
    verdict = verdict_on(plant, names, data, 2 * FEW, 8 if "float32" in plant else 4)
    assert found_by(verdict) == [{one.name for one in named(plant)}]
