"""The figures of nnz bench in Markdown: a table for each dtype and number of threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .contenders import PARTS
from .measure import Timing
from .samples import Sampled

Memory = Mapping[tuple[str, str], float | None]  # (name, dtype) -> MB
YARDSTICK = "usual torch"


def tables(timings: Sequence[Timing], memory: Memory, what: str = "") -> str:
    """A step's time, its parts and what that comes to, each contender beside the usual torch."""
    kinds = dict.fromkeys((t.dtype, t.threads) for t in timings)
    return "\n\n".join(_table([t for t in timings if (t.dtype, t.threads) == kind], memory, what) for kind in kinds)


def samples_table(samples: Sequence[Sampled], threads: int) -> str:
    """Names a second, and how many times that of the usual torch, names side by side and one by one."""
    usual = [s for s in samples if s.name.startswith(YARDSTICK)]
    heads = ["", "names/s", *(f"to {u.name}" for u in usual)]
    lines = [
        f"**{samples[0].count:,} names drawn from a trained model, {_threads(threads)}**",
        "",
        f"| {' | '.join(heads)} |",
        "|---" * len(heads) + "|",
    ]
    for s in samples:
        ratios = [f"{s.names_per_second / u.names_per_second:.2f} x" for u in usual]
        lines.append("| " + " | ".join([s.name, f"{s.names_per_second:,.0f}", *ratios]) + " |")
    return "\n".join(lines)


def _table(timings: Sequence[Timing], memory: Memory, what: str) -> str:
    dtype, threads, peak = timings[0].dtype, timings[0].threads, timings[0].peak_gflops
    usual = next((t.step for t in timings if t.name == YARDSTICK), None)
    heads = ["", "ms a step", "quartiles", *PARTS, "tokens/s", "GFLOP/s", "products alone"]
    heads += ["MB"] * bool(memory) + [f"to {YARDSTICK}"] * bool(usual)
    lines = [
        f"**{what}{dtype}, {_threads(threads)}**; the machine's peak is {peak:.0f} GFLOP/s",
        "",
        f"| {' | '.join(heads)} |",
        "|---" * len(heads) + "|",
    ]
    for t in timings:
        low, high = (f"{1e3 * seconds:.3f}" for seconds in t.quartiles)
        cells = [t.name, f"{1e3 * t.step:.3f}", f"{low} – {high}"]
        cells += [f"{1e3 * t.parts[part]:.3f}" if part in t.parts else "" for part in PARTS]
        cells += [f"{t.tokens_per_second:,.0f}", f"{t.gflops:.1f} ({t.share_of_peak:.0%})"]
        cells += ["" if t.products_share is None else f"{t.products_share:.0%}"]
        if memory:
            found = memory.get((t.name, dtype))
            cells += ["" if found is None else f"{found:,.1f}" if found < 10 else f"{found:,.0f}"]
        cells += [] if usual is None else [f"{usual / t.step:.2f} x"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _threads(n: int) -> str:
    return f"{n} thread{'s' * (n != 1)}"
