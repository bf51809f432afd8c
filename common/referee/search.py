"""Which deviation, or which pair of them, has the losses that a port printed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import inf, isnan, nan

import numpy as np

from ..conformance.bounds.compare import T2_LIMIT, T2_SEEN
from .deviations import DECAYS, DEVIATIONS, FLOAT32, LATE, Found, decay_over, pairs, variant
from .envelope import Envelope
from .first_step import limits
from .log import Losses
from .start import Names
from .training import STEPS, Training

SLACK = 1e-9  # between two float64 trainings that add in different orders: 1,000 steps differ by about 1e-15
FEWEST = 3  # losses that name a pair: by one or two of them many are alike
EARLY = 20  # a log that begins later makes every pair train so long
MOST_STEPS = 50_000  # of all pairs then
ESTIMATED = 2  # losses by which the likely ones are chosen then
SHUFFLES = {one for one in DEVIATIONS if one.fields & {"seed", "shuffle", "generator", "weights_first"}}


@dataclass(frozen=True)
class Agreement:
    """How far a training with these deviations has the port's losses."""

    deviations: Found
    agrees: int  # how many of the losses that were read, from the first
    step: int | None  # the first that is not the port's; None if all are
    expected: float  # there
    bound: float = 0.0  # there, with half a unit of the last printed digit
    furthest: float = 0.0  # of those that agree, from `expected`

    @property
    def is_whole(self) -> bool:
        return self.step is None


class Search:
    """Trainings compared with the losses of a port, in their first `steps`. `show` is called after each."""

    def __init__(
        self, names: Names, losses: Losses, steps: int = STEPS, show: Callable[[], object] = lambda: None
    ) -> None:
        self._names, self._show = names, show
        self._losses = {step: loss for step, loss in sorted(losses.values.items()) if step <= steps}
        self._halves = losses.halves
        self.left_out = 0  # pairs that were not tried

    def agreement(self, deviations: Found) -> Agreement:
        """Train until a loss is not the port's."""
        with np.errstate(all="ignore"):  # some deviations overflow, and so does a port that has them
            trained = self._with_bounds(deviations)
            place, furthest = 0, 0.0
            for agrees, (step, loss) in enumerate(self._losses.items()):
                expected, bound = next(itertools.islice(trained, step - place - 1, None), (nan, 0.0))
                place = step
                bound += self._halves[step]
                if not (abs(loss - expected) <= bound or _alike(loss, expected)):
                    return Agreement(deviations, agrees, step, expected, bound, furthest)
                furthest = max(furthest, abs(loss - expected))
        return Agreement(deviations, len(self._losses), None, 0.0, furthest=furthest)

    def _with_bounds(self, deviations: Found) -> Iterator[tuple[float, float]]:
        """Each loss, and how far an honest port's may be from it."""
        losses = Training(self._names, variant(deviations)).losses()
        if FLOAT32 not in deviations:
            yield from ((loss, SLACK) for loss in losses)
            return
        others = tuple(one for one in deviations if one is not FLOAT32)
        exact, off = Training(self._names, variant(others)).losses(), 0.0
        for step, (loss, true) in enumerate(zip(losses, exact, strict=True), 1):
            off, row = max(off, abs(loss - true)), self._envelope.at(step)
            widest = row.widest
            if others:  # the envelope was measured without them: as much wider than ours as it is there
                widest = max(widest, off * (widest / row.plain if row.plain else 1))
            # T2's room over what was seen, since this port is none of those that were measured
            yield true, self._first if step == 1 and not others else T2_LIMIT / T2_SEEN * widest

    @cached_property
    def _envelope(self) -> Envelope:
        return Envelope(self._names)

    @cached_property
    def _first(self) -> float:
        """How far the loss of step 1 may be off in float32."""
        return float(limits(self._names, "float32")["loss"][1])

    def singles(self, totals: Iterable[int] = ()) -> list[Agreement]:
        """Each deviation alone, and a rate that falls over another number of steps: those that the port makes."""
        also = [decay_over(n) for n in totals if n not in DECAYS]
        return [self._counted((one,)) for one in (*DEVIATIONS, *also)]

    def pairs(self, singles: list[Agreement]) -> Iterator[list[Agreement]]:
        """Pairs in two helpings, the quick ones first: those that shuffle anew for each pair take longer.

        Of a log that lacks the first steps only those that are likely, as each must be trained for so long.
        """
        first = next(iter(self._losses))
        if first > EARLY:
            yield [self._counted(pair) for pair in self._likely(MOST_STEPS // first)]
            return
        agreeing = {found.deviations for found in singles if found.agrees}
        found = [pair for pair in pairs() if first > 1 or self._may_begin(pair, agreeing)]
        self.left_out = 0
        yield [self._counted(pair) for pair in found if not SHUFFLES.issuperset(pair)]
        yield [self._counted(pair) for pair in found if SHUFFLES.issuperset(pair)]

    def _likely(self, count: int) -> list[Found]:
        """Those pairs whose two effects on the first losses add up to what the port has, the nearest first."""
        losses = np.array([*self._losses.values()][:ESTIMATED])
        reference = self._beginning(())
        effects = {one: self._beginning((one,)) - reference for one in DEVIATIONS}

        def distance(pair: Found) -> float:
            off = float(np.abs(reference + effects[pair[0]] + effects[pair[1]] - losses).max())
            return inf if isnan(off) else off

        found = sorted(pairs(), key=distance)
        self.left_out = max(0, len(found) - count)
        return found[:count]

    def _beginning(self, deviations: Found) -> np.ndarray:
        """The losses of the first steps that were read."""
        with np.errstate(all="ignore"):
            trained = list(
                itertools.islice(Training(self._names, variant(deviations)).losses(), [*self._losses][:ESTIMATED][-1])
            )
        self._show()
        return np.array([trained[step - 1] if step <= len(trained) else nan for step in [*self._losses][:ESTIMATED]])

    def _may_begin(self, pair: Found, agreeing: set[Found]) -> bool:
        """Whether the first loss may be the port's: a deviation that is LATE does not change that of the other."""
        early = tuple(one for one in pair if one not in LATE)
        return len(early) != 1 or early in agreeing

    def _counted(self, deviations: Found) -> Agreement:
        found = self.agreement(deviations)
        self._show()
        return found


def _alike(a: float, b: float) -> bool:
    return a == b or (isnan(a) and isnan(b))
