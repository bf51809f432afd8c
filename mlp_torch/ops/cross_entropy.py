"""cross_entropy: how surprised the model is at what came."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def cross_entropy_forward(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """probs = softmax(logits), loss = mean over B of -log probs[b,targets[b]]
    logits (B,V)  targets (B,)  ->  loss  probs (B,V)

    In logarithms, log softmax = logits - max - log(sum(exp(logits - max))), so that no small probability is lost.
    """
    logprobs = F.log_softmax(logits, dim=1)
    loss = F.nll_loss(logprobs, targets.long())  # the mean of -logprobs[b, targets[b]]
    return loss, logprobs.detach().exp()


def cross_entropy_backward(probs: Tensor, targets: Tensor) -> Tensor:
    """dlogits = (probs - onehot(targets)) / B        probs (B,V)  targets (B,)  ->  dlogits (B,V)"""
    onehot = F.one_hot(targets.long(), probs.shape[1])  # written out: autograd would need the logits again
    return (probs - onehot) / len(targets)
