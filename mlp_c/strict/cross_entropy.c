// cross_entropy.c: how surprised the model is at what came.
#include "../fast/dispatch.h"
#include "../fast/threads.h"
#include "../ops/ops.h"
#include "exact.h"
#include "functions.h"
#include "sums.h"

enum { ROWS_AT_ONCE = 256 };  // so many losses are kept, to be added in order

typedef struct {
    real *losses, *probs;
    const real *logits;
    const int32_t *targets;
    size_t V;
} LossForward;

DISPATCH
static void loss_forward_part(const void *of, size_t i) {
    const LossForward *f = of;
    const size_t V = f->V;
    const real *l = f->logits + i * V;
    real *p = f->probs + i * V, largest = l[0];
    for (size_t j = 1; j < V; j++) { largest = l[j] > largest ? l[j] : largest; }
    for (size_t j = 0; j < V; j++) { p[j] = l[j] - largest; }  // taken off, so that exp cannot overflow
    nearest_exps(p, V);
    const real all = nearest_dot(p, NULL, V);
    for (size_t j = 0; j < V; j++) { p[j] /= all; }
    f->losses[i] = nearest_log(all) - (l[f->targets[i]] - largest);
}

// probs = softmax(logits), loss = mean over B of -log probs[b,targets[b]]        logits (B,V)  targets (B,)  ->  loss
// probs (B,V)
void cross_entropy_forward(real *loss, real *probs, const real *logits, const int32_t *targets, size_t B, size_t V) {
    Exact losses = {0};
    real row[ROWS_AT_ONCE];
    for (size_t first = 0; first < B; first += ROWS_AT_ONCE) {
        const size_t n = min_size(ROWS_AT_ONCE, B - first);
        const LossForward rows = {row, probs + first * V, logits + first * V, targets + first, V};
        in_parallel(loss_forward_part, &rows, n, 16 * n * V);
        for (size_t i = 0; i < n; i++) { exact_add(&losses, row[i]); }
    }
    *loss = exact_nearest(&losses) / (real)B;
}

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
