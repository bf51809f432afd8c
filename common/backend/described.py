"""How a model, a layer or an optimizer describes itself in one line, as its constructor is called."""

from __future__ import annotations

import inspect

USUAL = (None, "cpu", "native")  # defaults that a reader need not be told


def described(thing: object, **values: object) -> str:
    """Return "Linear(in_features=3, out_features=5, bias=True, dtype='float32')": the arguments and their values.

    A value is read from `values`, else from the attribute of that name; an argument without one is left out.
    """
    names = inspect.signature(type(thing)).parameters
    found = {name: values.get(name, getattr(thing, name, None)) for name in names}
    shown = (f"{name}={value!r}" for name, value in found.items() if value not in USUAL)
    return f"{type(thing).__name__}({', '.join(shown)})"
