import math

from nnz.backend.schedules import SCHEDULES, constant, cosine


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
