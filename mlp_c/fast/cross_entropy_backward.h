// cross_entropy_backward.h: the gradient of the loss, fast and strict: a difference and a quotient, each rounded.
#include "../ops/ops.h"
#include "dispatch.h"
#include "threads.h"

typedef struct {
    real *dlogits;
    const real *probs;
    const int32_t *targets;
    size_t B, V;
} LossBackward;

DISPATCH
static void loss_backward_part(const void *of, size_t i) {
    const LossBackward b = *(const LossBackward *)of;
    real *dlogits = b.dlogits;
    const real *probs = b.probs;
    const size_t B = b.B, V = b.V;
    for (size_t j = 0; j < V; j++) {
        real onehot = (size_t)b.targets[i] == j;
        dlogits[i * V + j] += (probs[i * V + j] - onehot) / (real)B;
    }
}

// dlogits = (probs - onehot(targets)) / B        probs (B,V)  targets (B,)  ->  dlogits (B,V)
void cross_entropy_backward(real *dlogits, const real *probs, const int32_t *targets, size_t B, size_t V) {
    in_parallel(loss_backward_part, &(LossBackward){dlogits, probs, targets, B, V}, B, 4 * B * V);
}
