"""Reverse-mode differentiation of arrays: each operation is recorded with its backward, and these run in reverse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Backward = Callable[[np.ndarray], tuple[np.ndarray, ...]]  # gradient of the output -> one for each input


class Node:
    """An array, and the gradient that reached it; None until one did."""

    __slots__ = ("backward", "gradient", "inputs", "value")

    def __init__(self, value: np.ndarray, inputs: tuple[Node, ...] = (), backward: Backward | None = None) -> None:
        self.value, self.inputs, self.backward, self.gradient = value, inputs, backward, None


class Tape:
    """The operations of one forward, in order."""

    def __init__(self) -> None:
        self._nodes: list[Node] = []

    def __call__(
        self, operation: Callable[..., tuple[np.ndarray, Backward]], *inputs: Node, **settings: object
    ) -> Node:
        """Do an operation on the values of the inputs, and record it."""
        value, backward = operation(*(node.value for node in inputs), **settings)
        node = Node(value, inputs, backward)
        self._nodes.append(node)
        return node

    def backward(self) -> None:
        """Give every node that the last one depends on its gradient: d(last) / d(node), where the last is a scalar."""
        self._nodes[-1].gradient = np.ones_like(self._nodes[-1].value)
        for node in reversed(self._nodes):
            if node.gradient is None:
                continue
            for source, gradient in zip(node.inputs, node.backward(node.gradient), strict=True):
                source.gradient = gradient if source.gradient is None else source.gradient + gradient
