import math

import pytest

from nnz.backend.schedules import SCHEDULES, constant, cosine, step, warmed_up


def test_cosine_starts_at_lr_is_half_of_it_half_way_and_ends_near_zero():
    assert cosine(7e-4, 0, 50_000) == 7e-4
    assert cosine(7e-4, 25_000, 50_000) == 3.5e-4
    assert 0 < cosine(7e-4, 49_999, 50_000) < 7e-12


def test_cosine_falls_at_every_step():
    rates = [cosine(1.0, step, 100) for step in range(100)]
    assert rates == sorted(rates, reverse=True)
    assert len(set(rates)) == 100


def test_cosine_follows_the_order_of_operations_of_the_published_runs():
    assert cosine(7e-4, 200, 50_000) == 7e-4 * 0.5 * (1 + math.cos(math.pi * 200 / 50_000))


def test_constant_is_lr_at_every_step():
    assert {constant(0.1, step, 9) for step in range(9)} == {0.1}


def test_every_schedule_of_a_recipe_begins_at_its_learning_rate():
    assert [schedule(0.25, 0, 8) for schedule in SCHEDULES.values()] == [0.25] * len(SCHEDULES)


@pytest.mark.parametrize("steps", [*range(1, 70), 1_000, 50_000, 200_001])
def test_step_is_lr_before_the_middle_and_a_tenth_of_it_from_there_on(steps):
    near = {0, 1, steps // 3, *range(max(0, steps // 2 - 3), steps // 2 + 4), steps - 1}
    rates = {i: step(0.1, i, steps) for i in near if i < steps}
    assert rates == {i: 0.1 if 2 * i < steps else 0.1 / 10 for i in rates}


@pytest.mark.parametrize("steps", [1, 2, 3, 64, 257, 50_000, 10**6])
def test_cosine_is_the_formula_at_the_ends_and_around_every_quarter(steps):
    places = {min(steps - 1, max(0, quarter * steps // 4 + by)) for quarter in range(5) for by in (-1, 0, 1)}
    for i in places:
        assert cosine(3e-4, i, steps) == 3e-4 * 0.5 * (1.0 + math.cos(math.pi * i / steps))


@pytest.mark.parametrize("warmup", [0, 1, 2, 7, 500, 3_000])
def test_the_rate_rises_over_the_steps_of_the_warmup_and_no_longer(warmup):
    for i in {*range(4), *range(max(0, warmup - 2), warmup + 3)}:
        assert warmed_up("constant", warmup, 0.3, i, 10_000) == (0.3 * (i + 1) / warmup if i < warmup else 0.3)
