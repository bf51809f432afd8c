"""Whether a port's losses are those of microgpt, and if not, why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import comb, isfinite

from ..files.errors import UsageError
from .deviations import DEVIATIONS, FLOAT32, Found
from .first_step import Graded
from .log import Line, Losses, placed
from .search import FEWEST, Agreement, Search
from .start import Names
from .training import STEPS, Training
from .variant import REFERENCE

FEWEST_DECIMALS, FEWEST_LOSSES, WIDEST = 2, 5, 200  # to be called equal; WIDEST: steps between two losses


@dataclass(frozen=True)
class Verdict:
    """What was read, how far the reference agrees, and the deviations whose losses are the port's."""

    losses: Losses
    steps: int  # that were asked for
    reference: Agreement
    why: Sequence[Agreement] = ()  # each agrees to the end
    closest: Agreement | None = None  # where none does
    tried_pairs: bool = False
    left_out: int = 0  # pairs that were not tried
    names: int | None = None  # how many of the samples are the reference's; None: none were printed
    problems: Sequence[str] = field(default=())  # with its steps, or with the program
    gradients: Sequence[Graded] = ()  # of step 1, if the port has written them

    @property
    def is_equal(self) -> bool:
        return self.reference.is_whole and not self.problems and all(one.is_right for one in self.gradients)


def judge(
    names: Names,
    lines: Sequence[Line],
    steps: int = STEPS,
    samples: Sequence[str] = (),
    problems: Sequence[str] = (),
    in_float32: bool = False,
    show: Callable[[], object] = lambda: None,
    gradients: Sequence[Graded] = (),
) -> Verdict:
    """Compare, and search if the losses differ.

    Raises UsageError for losses that contradict each other, or are all of other steps.
    """
    honest: Found = (FLOAT32,) if in_float32 else ()
    tried = []
    for losses in placed(lines, steps):
        if min(losses.values) > steps:
            continue
        search = Search(names, losses, steps, show)
        tried.append((losses, search, search.agreement(honest)))
        if tried[-1][2].is_whole:
            break
    if not tried:
        raise UsageError(f"no loss to grade is of the first {steps:,} steps")
    losses, search, reference = max(tried, key=lambda one: one[2].agrees)  # the first of equals
    problems = [*_of_log(losses, steps), *problems]
    to_the_end, totals, losses = losses.last + losses.stride > STEPS, _totals(losses, lines), losses.until(steps)
    if reference.is_whole:
        found = None
        if samples and to_the_end:
            trained = Training(names, REFERENCE)
            for _ in trained.losses():
                pass
            found = sum(map(str.__eq__, samples, trained.samples()))
        return Verdict(losses, steps, reference, names=found, problems=problems, gradients=gradients)

    singles = [one for one in search.singles(totals) if not set(honest) & set(one.deviations)]
    why, best = [one for one in singles if one.is_whole], [reference, *singles]
    tried_pairs = not why and len(losses.values) >= FEWEST and isfinite(losses.values[reference.step])
    if tried_pairs:
        for found in search.pairs([reference, *singles]):
            best += found
            why = [one for one in found if one.is_whole]
            if why:
                break
    closest = max(best, key=lambda one: one.agrees)
    if why or closest.agrees < reference.agrees + FEWEST_LOSSES:  # a few more are chance: there are thousands of pairs
        closest = None
    return Verdict(losses, steps, reference, why, closest, tried_pairs, search.left_out, None, problems, gradients)


def trainings() -> int:
    """How many a whole search makes at most."""
    return len(DEVIATIONS) + comb(len(DEVIATIONS), 2)


def _of_log(losses: Losses, steps: int) -> list[str]:
    """What is wrong with the number of steps, or of decimals; or that some are missing."""
    if losses.decimals < FEWEST_DECIMALS:
        return [f"its losses have {losses.decimals} decimals, too few to tell; let it print {FEWEST_DECIMALS} or more"]
    found, last = _holes(losses), losses.last
    count, enough = len(losses.values), min(FEWEST_LOSSES, steps // min(losses.stride, WIDEST))
    if count < enough:
        found.append(f"{count} loss{'es' * (count > 1)} can be equal by chance; let it print {enough} or more")
    shown = last - 1 + losses.base
    if last > STEPS == steps:
        return [*found, f"it goes on to step {shown:,}; microgpt ends after {STEPS:,} steps"]
    if last + losses.stride <= steps:
        return [*found, f"it ends with step {shown:,}; {steps:,} steps are asked for"]
    return found


def _holes(losses: Losses) -> list[str]:
    holes = losses.holes
    if not holes:
        return []
    first, last = (f"{step - 1 + losses.base:,}" for step in holes[0])
    place = f"step {first} has no loss" if first == last else f"steps {first} to {last} have no loss"
    more = f", and {len(holes) - 1} more such places" if len(holes) > 1 else ""
    return [f"{place}, and those before and after it have one{more}"]


def _totals(losses: Losses, lines: Sequence[Line]) -> list[int]:
    """The numbers of steps that the port may make in all, if that is not STEPS: what it says, and its last step."""
    said = {line.of for line in lines if line.of and line.of >= losses.last}
    return sorted((said | {losses.last}) - {0, 1, STEPS})
