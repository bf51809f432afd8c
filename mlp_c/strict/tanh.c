// tanh.c: squash each number into (-1, 1).
#include "../fast/dispatch.h"
#include "../fast/threads.h"
#include "../ops/ops.h"
#include "functions.h"

enum { TANH_BLOCK = 8192 };  // numbers that one thread takes at a time

DISPATCH
static void tanh_block(real *restrict y, const real *restrict x, size_t n) { nearest_tanh(y, x, n); }

// y = tanh(x)        x (...)  ->  y (...)
void tanh_forward(real *y, const real *x, size_t n) {
#pragma omp parallel for schedule(static) num_threads(threads_for(8 * n))
    for (size_t i = 0; i < n; i += TANH_BLOCK) { tanh_block(y + i, x + i, min_size(TANH_BLOCK, n - i)); }
}

// dx = dy (1 - y^2)        dy (...)  y (...)  ->  dx (...)
DISPATCH
void tanh_backward(real *dx, const real *dy, const real *y, size_t n) {
#pragma omp parallel for schedule(static) num_threads(threads_for(8 * n))
    for (size_t i = 0; i < n; i++) { dx[i] += dy[i] * (1 - y[i] * y[i]); }
}
