"""The verdict as text, and as what --json writes."""

from __future__ import annotations

from math import comb, isfinite
from typing import Any

from .deviations import DEVIATIONS, Found
from .search import FEWEST, Agreement
from .training import SAMPLES
from .verdict import Verdict

MOST_DECIMALS = 12  # that are shown
MOST_SHOWN = 8  # deviations that the losses do not tell apart


def text(verdict: Verdict) -> str:
    """What the command prints."""
    v, losses = verdict, verdict.losses
    steps = sorted(losses.values)
    counted = f"steps {_step(v, steps[0])} to {_step(v, steps[-1])}"
    lines = [f"read: {_losses(len(steps))}, {counted}, with {losses.decimals} decimals"]
    lines += [f"but: {problem}" for problem in v.problems]
    if v.reference.is_whole:
        how = "as near as float32 comes" if v.reference.deviations else "to the last printed digit"
        lines.append(f"equal: every loss that was read is microgpt's, {how}")
        if v.names is not None:
            lines.append(f"names: {v.names} of the {SAMPLES} are microgpt's")
        return "\n".join(lines)
    lines += [f"not equal: {first_difference(v)}", *_why(v)]
    return "\n".join(lines)


def first_difference(verdict: Verdict) -> str:
    """The first loss that is not the reference's."""
    v, at = verdict, verdict.reference
    loss, places = v.losses.values[at.step], min(v.losses.decimals, MOST_DECIMALS)
    off = f", {loss - at.expected:+.{max(places, 1)}f}" if isfinite(loss) else ""
    before = f"; the {_losses(at.agrees)} before it are equal" if at.agrees > 1 else ""
    return f"step {_step(v, at.step)} is {loss:.{places}f}; microgpt has {at.expected:.{places}f}{off}{before}"


def names(deviations: Found) -> str:
    """As "mask-shows-next and beta2-0.95"."""
    return " and ".join(one.name for one in deviations)


def _why(v: Verdict) -> list[str]:
    if len(v.why) == 1:
        (found,) = v.why
        lines = [f"why: {names(found.deviations)}", *(f"     {one.text}" for one in found.deviations)]
        what = "both" if len(found.deviations) == 2 else "this"
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
