// softmax.h: the softmax of one row of scores.
#ifndef NNZ_SOFTMAX_H
#define NNZ_SOFTMAX_H

#include "../../mlp_c/strict/functions.h"
#include "../../mlp_c/strict/sums.h"

// p = softmax of the scores p / root, in place        p (n,)
DISPATCH
static void softmax(real *p, size_t n, real root) {
    real largest = -INFINITY;
    for (size_t u = 0; u < n; u++) {
        p[u] /= root;
        largest = p[u] > largest ? p[u] : largest;
    }
    for (size_t u = 0; u < n; u++) { p[u] -= largest; }
    nearest_exps(p, n);
    const real sum = nearest_dot(p, NULL, n);
    for (size_t u = 0; u < n; u++) { p[u] /= sum; }
}

#endif
