// sgd.c: one step down the gradient.
#include "ops.h"

// p = p - lr (g + weight_decay p)        p (...)  g (...)  ->  p (...)
void sgd_step(real *p, const real *g, size_t n, double lr, double weight_decay) {
    const real rate = (real)lr, decay = (real)weight_decay;
    for (size_t i = 0; i < n; i++) { p[i] -= rate * (g[i] + decay * p[i]); }
}
