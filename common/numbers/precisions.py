"""The two precisions of float32: at full speed, and strict."""

from __future__ import annotations

NATIVE, STRICT = "native", "strict"
PRECISIONS = (NATIVE, STRICT)


def dtype_of(precision: str) -> str | None:
    """The one dtype of what computes in a precision; None where it may be any."""
    return "float32" if precision == STRICT else None


def checked(precision: object, dtype: str = "float32", device: str = "cpu") -> str:
    """Return `precision`. Raises ValueError unless it is native, or strict in float32 and on a CPU, and for float64 on
    "mps", which has none."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be {' or '.join(PRECISIONS)}; got {precision!r}")
    if precision == STRICT and dtype != "float32":
        raise ValueError(f"precision 'strict' rounds to float32; got dtype {dtype}")
    if precision == STRICT and device != "cpu":
        raise ValueError(f"precision 'strict' computes on the CPU; got device {device!r}")
    if dtype == "float64" and device.startswith("mps"):
        raise ValueError(f"device {device!r} has no float64; take float32, or another device")
    return precision
