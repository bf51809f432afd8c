// clip.c: the length of all gradients together, and its cut.
#include "ops.h"

// total = sum of g^2, added up in float64        g (...)  ->  total
void square_sum(double *total, const real *g, size_t n) {
    double sum = 0;  // in double whatever g is: there are many terms
    for (size_t i = 0; i < n; i++) { sum += (double)g[i] * (double)g[i]; }
    *total = sum;
}

// g = scale g        g (...)  ->  g (...)
void clip_step(real *g, size_t n, double scale) {
    for (size_t i = 0; i < n; i++) { g[i] *= (real)scale; }
}
