"""cross_entropy: how surprised the model is at what came."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from ..arithmetic import Native, Strict


def cross_entropy_forward(logits: Tensor, targets: Tensor, by: type = Native) -> tuple[Tensor, Tensor]:
    """probs = softmax(logits), loss = mean over B of -log probs[b,targets[b]]
    logits (B,V)  targets (B,)  ->  loss  probs (B,V)

    In logarithms, log softmax = logits - max - log(sum(exp(logits - max))), so that no small probability is lost.
    """
    if by is Strict:
        return _StrictCrossEntropy.apply(logits, targets)
    logprobs = F.log_softmax(logits, dim=1)
    loss = F.nll_loss(logprobs, targets.long())  # the mean of -logprobs[b, targets[b]]
    return loss, logprobs.detach().exp()


def cross_entropy_backward(probs: Tensor, targets: Tensor, by: type = Native) -> Tensor:
    """dlogits = (probs - onehot(targets)) / B        probs (B,V)  targets (B,)  ->  dlogits (B,V)"""
    onehot = F.one_hot(targets.long(), probs.shape[1])  # written out: autograd would need the logits again
    return (probs - onehot) / len(targets)


class _StrictCrossEntropy(Function):
    @staticmethod
    def forward(ctx, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        shifted = logits - logits.amax(dim=1, keepdim=True)
        exps = Strict.exp(shifted)
        sums = Strict.total(exps, 1)
        probs = exps / sums[:, None]
        loss = Strict.total(Strict.log(sums) - shifted[torch.arange(len(targets)), targets], 0) / len(targets)
        ctx.save_for_backward(probs, targets)
        ctx.mark_non_differentiable(probs)
        return loss, probs

    @staticmethod
    @once_differentiable
    def backward(ctx, dloss: Tensor, _: Tensor) -> tuple[Tensor, None]:
        return dloss * cross_entropy_backward(*ctx.saved_tensors, Strict), None
