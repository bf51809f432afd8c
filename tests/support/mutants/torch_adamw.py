"""Where a bug of torch's AdamW is planted that native arithmetic shall show: there the whole step is one fused call."""

FUSED = "torch._fused_adamw_([p], [g.contiguous()], [m], [v], [], [steps], **settings)\n        return\n"
LINES = (
    "    m.mul_(beta1).add_((1 - beta1) * g)\n"
    "    v.mul_(beta2).add_((1 - beta2) * (g * g))\n"
    "    p.mul_(1 - lr * weight_decay)\n"
    "    denominator = by.sqrt(v).div_(sqrt(1 - beta2**t)).add_(eps)\n"
    "    p.sub_(lr / (1 - beta1**t) * (m / denominator))\n"
)


def spelled_out(old: str, new: str) -> tuple[str, str]:
    """(old, new) for what no argument of the fused call can say: natively too the step is that of the lines after it.

    Raises ValueError if the lines do not hold the change's own `old` exactly once.
    """
    if LINES.count(old) != 1:
        raise ValueError(f"{old!r} stands there {LINES.count(old)} times, not once")
    return FUSED + LINES, "pass\n" + LINES.replace(old, new)
