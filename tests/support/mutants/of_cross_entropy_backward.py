"""Mutants of the cross-entropy's backward."""

from functools import partial

from .mutant import op_mutant

cross_entropy = partial(op_mutant, "cross_entropy")

C, TORCH = "dlogits[i * V + j] += (probs[i * V + j] - onehot) / (real)B;", "return (probs - onehot) / len(targets)"
SCALED, PICKED = "dlogits /= len(targets)", "dlogits[np.arange(len(targets)), targets] -= 1"

MUTANTS = (
    cross_entropy(
        "logit_gradient_summed",
        "the gradient is that of the summed loss: not divided by B",
        "cross_entropy_backward",
        c=(C, C.replace(" / (real)B", "")),
        numpy=(SCALED, "dlogits /= 1"),
        torch=(TORCH, "return probs - onehot"),
    ),
    cross_entropy(
        "logit_gradient_divided_by_B_minus_1",
        "the gradient is divided by B - 1",
        "cross_entropy_backward",
        c=(C, C.replace("(real)B", "(real)(B - 1)")),
        numpy=(SCALED, "dlogits /= max(1, len(targets) - 1)"),
        torch=(TORCH, "return (probs - onehot) / max(1, len(targets) - 1)"),
    ),
    cross_entropy(
        "logit_gradient_of_the_wrong_target",
        "1 is taken off at target + 1",
        "cross_entropy_backward",
        c=("(size_t)b.targets[i] == j", "((size_t)b.targets[i] + 1) % V == j"),
        numpy=(PICKED, "dlogits[np.arange(len(targets)), (targets + 1) % probs.shape[1]] -= 1"),
        torch=("F.one_hot(targets.long(),", "F.one_hot((targets.long() + 1) % probs.shape[1],"),
    ),
    cross_entropy(
        "logit_gradient_without_the_target",
        "1 is nowhere taken off: the gradient is softmax / B",
        "cross_entropy_backward",
        c=(C, C.replace(" - onehot", " - 0 * onehot")),
        numpy=(PICKED, PICKED.replace("-= 1", "-= 0")),
        torch=(TORCH, "return (probs - 0 * onehot) / len(targets)"),
    ),
    cross_entropy(
        "logit_gradient_last_row_ignored",
        "the last row of the batch gets no gradient",
        "cross_entropy_backward",
        c=(C, "if (i + 1 < B) { " + C + " }"),
        numpy=(SCALED, "dlogits /= len(targets); dlogits[-1] = 0"),
        torch=(TORCH, "return F.pad((probs - onehot)[:-1], (0, 0, 0, 1)) / len(targets)"),
    ),
    cross_entropy(
        "logit_gradient_written_over_the_probabilities",
        "backward changes its own cache, so that a second call gives another answer",
        "cross_entropy_backward",
        c=(C, "real *p = (real *)probs + i * V + j; *p -= onehot; dlogits[i * V + j] += *p / (real)B;"),
        numpy=("dlogits = probs.copy()", "dlogits = probs"),
        torch=(TORCH, "return probs.sub_(onehot) / len(targets)"),
    ),
)
