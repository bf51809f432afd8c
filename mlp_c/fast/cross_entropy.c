// cross_entropy.c: how surprised the model is at what came.
#include "../ops/ops.h"
#include "dispatch.h"
#include "elementary.h"
#include "threads.h"

enum { LONG_ROW = 1024 };  // so many logits take longer than handing the sum over to the next thread

static inline real sum(const real *x, size_t n) {
    real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < n; i++) { sum += x[i]; }
    return sum;
}

// probs = softmax(logits), loss = mean over B of -log probs[b,targets[b]]        logits (B,V)  targets (B,)  ->  loss
// probs (B,V)
DISPATCH
void cross_entropy_forward(real *loss, real *probs, const real *logits, const int32_t *targets, size_t B, size_t V) {
    real losses = 0;
#pragma omp parallel for ordered schedule(static, 1) num_threads(threads_for(V < LONG_ROW ? 0 : 16 * B * V))
    for (size_t i = 0; i < B; i++) {
        const real *l = logits + i * V;
        real *p = probs + i * V, largest = l[0];
        for (size_t j = 1; j < V; j++) { largest = l[j] > largest ? l[j] : largest; }
        for (size_t j = 0; j < V; j++) { p[j] = fast_exp(l[j] - largest); }  // taken off, so that exp cannot overflow
        const real all = sum(p, V);
        for (size_t j = 0; j < V; j++) { p[j] /= all; }
#pragma omp ordered  // one after the other, so that their sum is the same for any number of threads
        losses += log(all) - (l[targets[i]] - largest);
    }
    *loss = losses / (real)B;
}

// dlogits = (probs - onehot(targets)) / B        probs (B,V)  targets (B,)  ->  dlogits (B,V)
DISPATCH
void cross_entropy_backward(real *dlogits, const real *probs, const int32_t *targets, size_t B, size_t V) {
#pragma omp parallel for schedule(static) num_threads(threads_for(4 * B * V))
    for (size_t i = 0; i < B; i++) {
        for (size_t j = 0; j < V; j++) {
            real onehot = (size_t)targets[i] == j;
            dlogits[i * V + j] += (probs[i * V + j] - onehot) / (real)B;
        }
    }
}
