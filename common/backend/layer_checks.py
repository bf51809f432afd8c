"""What a layer of any backend refuses, and in which words; like checks, before any kernel runs."""

from __future__ import annotations

from math import prod

from . import checks


def more_than_one_row(shape: tuple[int, ...]) -> None:
    """Raises ValueError, in torch's words, if an x (..., C) has one row alone: its variance would be 0 / 0."""
    if prod(shape[:-1]) < 2:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {tuple(shape)}")


def array(name: str, x: object, axes: tuple[int, ...] = (), last: int | None = None, dtype: str | None = None) -> None:
    """Hold an array against the number of axes that it may have, the length of its last axis, and its dtype.

    Raises TypeError unless it is an array of float32 or float64, ValueError if it is empty or does not fit.
    """
    if not (hasattr(x, "dtype") and hasattr(x, "shape")):
        raise TypeError(f"{name} must be an array, not {type(x).__name__}")
    found, shape = str(x.dtype).removeprefix("torch."), tuple(x.shape)
    if found not in checks.DTYPES:
        raise TypeError(f"{name} must be float32 or float64, not {found}")
    if dtype is not None and found != dtype:
        raise ValueError(f"{name} must be {dtype}, as the layer is, not {found}")
    if (axes and len(shape) not in axes) or (last is not None and shape[-1:] != (last,)):
        end = "C" if last is None else last
        wanted = " or ".join(f"(B, {'T, ' if n == 3 else ''}{end})" for n in axes or (2, 3))
        raise ValueError(f"{name} must have shape {wanted}; got {shape}")
    if 0 in shape:
        raise ValueError(f"{name} is empty, shape {shape}; every size must be at least 1")


def layer(value: object, kind: type) -> object:
    """Return `value`. Raises TypeError unless it is a layer."""
    if not isinstance(value, kind):
        raise TypeError(f"a layer was expected, such as nn.Tanh(); got {type(value).__name__}")
    return value


def each_once(layers: tuple) -> None:
    """Raises ValueError if there is no layer, or one stands in two places: it can remember one input alone."""
    if not layers:
        raise ValueError("Sequential needs at least one layer")
    found, rest = [], list(layers)
    while rest:
        found.append(rest.pop())
        rest += found[-1].children()
    if len({id(layer) for layer in found}) < len(found):
        raise ValueError("a layer stands in two places; make one for each")


def same_shape(x: tuple[int, ...], y: tuple[int, ...]) -> None:
    """Raises ValueError unless what a residual layer adds has the shape of what it is added to."""
    if tuple(x) != tuple(y):
        raise ValueError(f"Residual needs a layer that keeps the shape; it turned {tuple(x)} into {tuple(y)}")


def output_gradient(dy: object, y: object) -> None:
    """Raises RuntimeError if there is no y yet, and what `array` raises unless dy has the shape and the dtype of y."""
    if y is None:
        raise RuntimeError("backward needs a forward first: call layer(x)")
    array("dy", dy, dtype=str(y.dtype).removeprefix("torch."))
    if tuple(dy.shape) != tuple(y.shape):
        raise ValueError(f"dy must have the shape {tuple(y.shape)} of what the forward gave; got {tuple(dy.shape)}")
