// relu.c: let a number pass where it is above 0.
#include "../ops/ops.h"
#include "../../mlp_c/fast/dispatch.h"
#include "../../mlp_c/fast/elementary.h"
#include "../../mlp_c/fast/threads.h"

enum { RELU_BLOCK = 8192 };  // numbers that one thread takes at a time

typedef struct {
    real *to;
    const real *from, *y;
    size_t n;
} Relu;

DISPATCH
static void relu_forward_part(const void *of, size_t block) {
    const Relu f = *(const Relu *)of;
    const size_t first = block * RELU_BLOCK, n = min_size(RELU_BLOCK, f.n - first);
    real *restrict y = f.to + first;
    const real *restrict x = f.from + first;
    for (size_t i = 0; i < n; i++) { y[i] = x[i] < 0 ? 0 : x[i]; }  // a NaN stays one
}

// y = max(x, 0)        x (...)  ->  y (...)
void relu_forward(real *y, const real *x, size_t n) {
    in_parallel(relu_forward_part, &(Relu){y, x, NULL, n}, (n + RELU_BLOCK - 1) / RELU_BLOCK, n);
}

DISPATCH
static void relu_backward_part(const void *of, size_t block) {
    const Relu b = *(const Relu *)of;
    const size_t first = block * RELU_BLOCK, n = min_size(RELU_BLOCK, b.n - first);
    real *restrict dx = b.to + first;
    const real *restrict dy = b.from + first, *restrict y = b.y + first;
    for (size_t i = 0; i < n; i++) { dx[i] += (real)pick(y[i] > 0, dy[i], 0); }
}

// dx = dy where y > 0, else 0        dy (...)  y (...)  ->  dx (...)
void relu_backward(real *dx, const real *dy, const real *y, size_t n) {
    in_parallel(relu_backward_part, &(Relu){dx, dy, y, n}, (n + RELU_BLOCK - 1) / RELU_BLOCK, n);
}
