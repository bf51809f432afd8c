"""The baseline of nnz bench: this model as many first write it in numpy, one window and one parameter at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Named = dict[str, np.ndarray]


def baseline_step(
    parameters: Mapping[str, np.ndarray],
    tokens: np.ndarray,
    context_length: int,
    batch_size: int,
    lr: float,
    decay: float,
) -> Callable[[], float]:
    """Return a function that takes one training step, batch and optimizer included, and returns the loss."""
    p = {name: np.array(array) for name, array in parameters.items()}
    m, v = ({name: np.zeros_like(array) for name, array in p.items()} for _ in range(2))
    tape, position, t = tokens.tolist(), 0, 0

    def batch() -> tuple[np.ndarray, np.ndarray]:
        nonlocal position
        inputs, targets = [], []
        for _ in range(batch_size):
            window = tape[position : position + context_length + 1]
            inputs.append(window[:-1])
            targets.append(window[-1])
            position = (position + 1) % (len(tape) - context_length)
        return np.array(inputs), np.array(targets)

    def step() -> float:
        nonlocal t
        inputs, targets = batch()
        loss, grads = _loss_and_gradients(p, inputs, targets)
        t += 1
        for name, grad in grads.items():
            m[name] = 0.9 * m[name] + 0.1 * grad
            v[name] = 0.999 * v[name] + 0.001 * grad**2
            m_hat, v_hat = m[name] / (1 - 0.9**t), v[name] / (1 - 0.999**t)
            p[name] = p[name] - lr * decay * p[name]
            p[name] = p[name] - lr * m_hat / (np.sqrt(v_hat) + 1e-8)
        return float(loss)

    return step


def _loss_and_gradients(p: Named, inputs: np.ndarray, targets: np.ndarray) -> tuple[float, Named]:
    B, rows = len(inputs), np.arange(len(inputs))
    emb = p["wte"][inputs]
    x = emb.reshape(B, -1)
    h = np.tanh(x @ p["fc1.weight"].T + p["fc1.bias"])
    logits = h @ p["fc2.weight"].T + p["fc2.bias"]
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs = e / e.sum(axis=1, keepdims=True)
    dlogits = probs.copy()
    dlogits[rows, targets] -= 1
    dlogits /= B
    dh_pre = (dlogits @ p["fc2.weight"]) * (1 - h**2)
    demb = (dh_pre @ p["fc1.weight"]).reshape(emb.shape)
    dwte = np.zeros_like(p["wte"])
    for b in range(B):
        for position in range(inputs.shape[1]):
            dwte[inputs[b, position]] += demb[b, position]
    grads = {"wte": dwte, "fc1.weight": dh_pre.T @ x, "fc1.bias": dh_pre.sum(axis=0)}
    grads |= {"fc2.weight": dlogits.T @ h, "fc2.bias": dlogits.sum(axis=0)}
    return -np.log(probs[rows, targets]).mean(), grads
