// clip.c: the length of all gradients together, and its cut.
#include "ops.h"

// total = sum of g^2, added up in float64        g (...)  ->  total
void square_sum(double *total, const real *g, size_t n) {
    double sum = 0;  // in double whatever g is, and in parts, since there are many terms
    for (size_t first = 0; first < n; first += 1024) {
        double part = 0;
        for (size_t i = first; i < n && i < first + 1024; i++) { part += (double)g[i] * (double)g[i]; }
        sum += part;
    }
    *total = sum;
}

// g = scale g        g (...)  ->  g (...)
void clip_step(real *g, size_t n, double scale) {
    for (size_t i = 0; i < n; i++) { g[i] *= (real)scale; }
}
