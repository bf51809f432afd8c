"""The verdict as text, and as what --json writes."""

from __future__ import annotations

from math import comb, isfinite
from typing import Any

from .deviations import DEVIATIONS, FLOAT32, Found
from .search import FEWEST, Agreement
from .training import SAMPLES
from .verdict import Verdict

MOST_DECIMALS = 12  # that are shown
RIGHT = "every loss that was read is microgpt's, to the last printed digit"
EQUAL = f"equal: {RIGHT}"
MOST_SHOWN = 8  # deviations that the losses do not tell apart


def text(verdict: Verdict) -> str:
    """What the command prints."""
    v, losses = verdict, verdict.losses
    steps = sorted(losses.values)
    counted = f"steps {_step(v, steps[0])} to {_step(v, steps[-1])}"
    lines = [f"read: {_losses(len(steps))}, {counted}, with {losses.decimals} decimals"]
    lines += [f"but: {problem}" for problem in v.problems]
    if v.reference.is_whole:
        lines.append(_float32(v) if v.reference.deviations else EQUAL if v.is_equal else RIGHT)
        if v.names is not None:
            lines.append(f"names: {v.names} of the {SAMPLES} are microgpt's")
        return "\n".join([*lines, *_gradients(v)])
    lines += [f"not equal: {first_difference(v)}"]
    if v.reference.deviations:
        lines.append(_float32(v))
    return "\n".join([*lines, *_gradients(v), *_why(v)])


def _float32(v: Verdict) -> str:
    """How far a float32 port is inside the envelope."""
    at, steps = v.reference, sorted(v.losses.values)
    if not at.agrees:
        return "float32: outside the envelope of honest float32 from the first loss on"
    last, off = steps[at.agrees - 1], f"largest deviation {at.furthest:.1e}"
    return (
        f"float32: inside the envelope of honest float32 to step {_step(v, last)} ({at.agrees:,} of {len(steps):,} "
        f"losses; {off})"
    )


def _gradients(v: Verdict) -> list[str]:
    """Whether the gradients of step 1 are right."""
    if not v.gradients:
        return []
    worst = max(v.gradients, key=lambda one: one.share)
    if worst.is_right:
        return [f"gradients: all {len(v.gradients)} are right; {worst.name} has {worst.share:.0%} of what is allowed"]
    return [f"gradients: {wrong_gradients(v)}"]


def wrong_gradients(verdict: Verdict) -> str:
    """The names of the wrong ones, and of the first, where it is most wrong."""
    wrong = [one for one in verdict.gradients if not one.is_right]
    one = wrong[0]
    others = f"; {', '.join(other.name for other in wrong[1:])} {'is' if len(wrong) == 2 else 'are'} wrong too"
    return (
        f"{one.name}{list(one.index)} is {one.value:.9g}; it must be {one.expected:.9g}, within {one.allowed:.1e}"
        f"{others if len(wrong) > 1 else ''}"
    )


def first_difference(verdict: Verdict) -> str:
    """The first loss that is not the reference's."""
    v, at = verdict, verdict.reference
    loss, places = v.losses.values[at.step], min(v.losses.decimals, MOST_DECIMALS)
    off = f", {loss - at.expected:+.{max(places, 1)}f}" if isfinite(loss) else ""
    before = f"; the {_losses(at.agrees)} before it are equal" if at.agrees > 1 else ""
    allowed = f", where float32 may be off by {at.bound:.1e}" if at.deviations else ""
    return f"step {_step(v, at.step)} is {loss:.{places}f}; microgpt has {at.expected:.{places}f}{off}{allowed}{before}"


def names(deviations: Found) -> str:
    """As "mask-shows-next and beta2-0.95"."""
    return " and ".join(one.name for one in deviations)


def _why(v: Verdict) -> list[str]:
    if len(v.why) == 1:
        (found,) = v.why
        lines = [f"why: {names(found.deviations)}", *(f"     {one.text}" for one in found.deviations)]
        what = "both" if len(found.deviations) == 2 else "this"
        if found.deviations == (FLOAT32,):
            return [*lines, "     every loss is inside the envelope of honest float32: with --float32 this port passes"]
        return [*lines, f"     a training with {what} has all {_losses(len(v.losses.values))}"]
    if v.why:
        shown = [f"     {_told(found)}" for found in v.why[:MOST_SHOWN]]
        more = [f"     and {len(v.why) - MOST_SHOWN} more"] if len(v.why) > MOST_SHOWN else []
        return [f"why: one of {len(v.why)}, which these losses do not tell apart", *shown, *more]
    tried = f"none of the {len(DEVIATIONS)} known deviations"
    if v.tried_pairs:
        count = comb(len(DEVIATIONS), 2) - v.left_out
        tried += f", nor any of {count:,} pairs of them"
    lines = [f"why: not found; {tried} has these losses"]
    if v.left_out:
        lines.append(f"     {v.left_out:,} pairs were not tried: a log that has the first steps lets all be tried")
    elif not v.tried_pairs:
        lines.append(f"     pairs were not tried: that takes {FEWEST} losses or more, all of them numbers")
    if v.closest is not None:
        lines.append(f"closest: {_told(v.closest)}; it has the first {_losses(v.closest.agrees)}")
    return [*lines, f"look at: {_place(v.reference)}"]


def _place(reference: Agreement) -> str:
    """Where to look, by how far the reference agrees."""
    if reference.agrees == 0 and reference.step == 1:
        return (
            "documents, first weights and forward; a port with random numbers of its own must read its weights and "
            "documents: nnz golden microgpt DIR writes them"
        )
    if reference.agrees == 1 and reference.step == 2:
        return "the backward and the optimizer; the first loss is right, so the forward is"
    return "what changes from step to step: documents, moments, the learning rate"


def _told(found: Agreement) -> str:
    return f"{names(found.deviations)}: {'; '.join(one.text for one in found.deviations)}"


def _step(v: Verdict, step: int) -> str:
    """As the port counts it."""
    return f"{step - 1 + v.losses.base:,}"


def _losses(count: int) -> str:
    return f"{count:,} {'loss' if count == 1 else 'losses'}"


def to_json(verdict: Verdict) -> dict[str, Any]:
    """All of it; steps are counted from 1, and a loss that is not finite is its name."""
    v, at = verdict, verdict.reference
    first = None
    if not at.is_whole:
        first = {"step": at.step, "loss": _number(v.losses.values[at.step]), "reference": _number(at.expected)}
    return {
        "ok": v.is_equal,
        "read": {"losses": len(v.losses.values), "last_step": v.losses.last, "decimals": v.losses.decimals},
        "problems": list(v.problems),
        "equal_losses": at.agrees,
        "float32": {"largest_deviation": at.furthest} if at.deviations else None,
        "gradients": [
            {"name": one.name, "ok": one.is_right, "share_of_allowed": _number(one.share), "index": list(one.index)}
            for one in v.gradients
        ],
        "first_difference": first,
        "why": [[{"name": one.name, "text": one.text} for one in found.deviations] for found in v.why],
        "closest": _closest(v.closest),
        "pairs_not_tried": v.left_out if v.tried_pairs else None,
        "names": v.names,
    }


def _closest(found: Agreement | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"deviations": [one.name for one in found.deviations], "equal_losses": found.agrees}


def _number(value: float) -> float | str:
    return value if isfinite(value) else str(value)
