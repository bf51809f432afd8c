"""Mutants of the cross-entropy."""

from functools import partial

from .mutant import op_mutant

cross_entropy = partial(op_mutant, "cross_entropy")

LOSS_C, MEAN_C = "f->losses[i] = log(all) - (l[f->targets[i]] - largest);", "losses / (real)B;"
ADD_C = "losses += row[i];"
TERMS_NUMPY = "np.log(sums) - shifted[np.arange(len(targets)), targets]"
LOSS_NUMPY = f"({TERMS_NUMPY}).sum() / len(targets)"
LOSS_TORCH, LOG_SOFTMAX = "F.nll_loss(logprobs, targets.long())", "F.log_softmax(logits, dim=1)"

MUTANTS = (
    cross_entropy(
        "softmax_without_the_maximum",
        "the row's maximum is not taken off, so that a large logit overflows",
        "cross_entropy",
        c=("largest = l[j] > largest ? l[j] : largest;", "largest = 0;"),
        numpy=("logits - logits.max(axis=1, keepdims=True)", "logits - 0"),
        torch=(LOG_SOFTMAX, "logits - logits.exp().sum(1, keepdim=True).log()"),
    ),
    cross_entropy(
        "softmax_over_the_wrong_axis",
        "the probabilities of a class over the batch add up to 1",
        "cross_entropy",
        numpy=(
            "sums = probs.sum(axis=1)\n    probs /= sums[:, None]",
            "sums = probs.sum(axis=0)\n    probs /= sums; sums = sums[:1]",
        ),
        torch=(LOG_SOFTMAX, "F.log_softmax(logits, dim=0)"),
    ),
    cross_entropy(
        "loss_summed",
        "the loss is the sum over the batch, not the mean",
        "cross_entropy",
        c=(MEAN_C, MEAN_C.replace(" / (real)B", "")),
        numpy=(LOSS_NUMPY, LOSS_NUMPY.replace(" / len(targets)", "")),
        torch=(LOSS_TORCH, 'F.nll_loss(logprobs, targets.long(), reduction="sum")'),
    ),
    cross_entropy(
        "loss_divided_by_B_minus_1",
        "the sum of the losses is divided by B - 1",
        "cross_entropy",
        c=(MEAN_C, MEAN_C.replace("B", "(B - 1)")),
        numpy=(LOSS_NUMPY, LOSS_NUMPY.replace("/ len(targets)", "/ max(1, len(targets) - 1)")),
        torch=(LOSS_TORCH, 'F.nll_loss(logprobs, targets.long(), reduction="sum") / max(1, len(targets) - 1)'),
    ),
    cross_entropy(
        "loss_last_row_ignored",
        "the last row of the batch does not count in the loss",
        "cross_entropy",
        c=(ADD_C, "if (first + i + 1 < B) { " + ADD_C + " }"),
        numpy=(LOSS_NUMPY, LOSS_NUMPY.replace(").sum()", ")[:-1].sum()")),
        torch=(LOSS_TORCH, 'F.nll_loss(logprobs[:-1], targets[:-1].long(), reduction="sum") / len(targets)'),
    ),
    cross_entropy(
        "loss_of_the_next_token",
        "the loss looks at target + 1",
        "cross_entropy",
        c=(LOSS_C, LOSS_C.replace("f->targets[i]", "((size_t)f->targets[i] + 1) % V")),
        numpy=(LOSS_NUMPY, LOSS_NUMPY.replace(", targets]", ", (targets + 1) % logits.shape[1]]")),
        torch=(LOSS_TORCH, "F.nll_loss(logprobs, (targets.long() + 1) % logits.shape[1])"),
    ),
    cross_entropy(
        "loss_with_1e-8_in_the_logarithm",
        "1e-8 is added before the logarithm, for safety",
        "cross_entropy",
        c=(LOSS_C, LOSS_C.replace("log(all)", "log(all + (real)1e-8)")),
        numpy=(LOSS_NUMPY, LOSS_NUMPY.replace("log(sums)", "log(sums + 1e-8)")),
        torch=(LOG_SOFTMAX, "(F.softmax(logits, dim=1) + 1e-8).log()"),
    ),
    cross_entropy(
        "loss_of_a_rounded_probability",
        "log(softmax) stands for log-softmax: a small probability has become 0",
        "mlp",
        c=(LOSS_C, "f->losses[i] = -log(p[f->targets[i]]);"),
        numpy=(TERMS_NUMPY, "-np.log(probs[np.arange(len(targets)), targets])"),
        torch=(LOG_SOFTMAX, "F.softmax(logits, dim=1).log()"),
    ),
)
