// cross_entropy.c: how surprised the model is at what came.
#include "ops.h"

// probs = softmax(logits), loss = mean over B of -log probs[b,targets[b]]        logits (B,V)  targets (B,)  ->  loss
// probs (B,V)
void cross_entropy_forward(real *loss, real *probs, const real *logits, const int32_t *targets, size_t B, size_t V) {
    real losses = 0;
    for (size_t i = 0; i < B; i++) {
        const real *l = logits + i * V;
        real *p = probs + i * V, largest = l[0], sum = 0;
        for (size_t j = 1; j < V; j++) { largest = l[j] > largest ? l[j] : largest; }
        for (size_t j = 0; j < V; j++) { p[j] = exp(l[j] - largest); }  // taken off, so that exp cannot overflow
        for (size_t j = 0; j < V; j++) { sum += p[j]; }
        for (size_t j = 0; j < V; j++) { p[j] /= sum; }
        losses += log(sum) - (l[targets[i]] - largest);
    }
    *loss = losses / (real)B;
}

// dlogits = (probs - onehot(targets)) / B        probs (B,V)  targets (B,)  ->  dlogits (B,V)
void cross_entropy_backward(real *dlogits, const real *probs, const int32_t *targets, size_t B, size_t V) {
    for (size_t i = 0; i < B; i++) {
        for (size_t j = 0; j < V; j++) {
            real onehot = (size_t)targets[i] == j;
            dlogits[i * V + j] += (probs[i * V + j] - onehot) / (real)B;
        }
    }
}
