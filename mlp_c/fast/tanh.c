// tanh.c: squash each number into (-1, 1).
#include "../ops/ops.h"
#include "dispatch.h"
#include "elementary.h"
#include "threads.h"

enum { TANH_BLOCK = 8192 };  // numbers that one thread takes at a time

DISPATCH
static void tanh_block(real *restrict y, const real *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = fast_tanh(x[i]); }
}

typedef struct {
    real *y;
    const real *x;
    size_t n;
} TanhForward;

static void tanh_forward_part(const void *of, size_t block) {
    const TanhForward *f = of;
    const size_t i = block * TANH_BLOCK;
    tanh_block(f->y + i, f->x + i, min_size(TANH_BLOCK, f->n - i));
}

// y = tanh(x)        x (...)  ->  y (...)
void tanh_forward(real *y, const real *x, size_t n) {
    in_parallel(tanh_forward_part, &(TanhForward){y, x, n}, (n + TANH_BLOCK - 1) / TANH_BLOCK, 8 * n);
}

typedef struct {
    real *dx;
    const real *dy, *y;
    size_t n;
} TanhBackward;

DISPATCH
static void tanh_backward_part(const void *of, size_t block) {
    const TanhBackward *b = of;
    real *dx = b->dx;
    const real *dy = b->dy, *y = b->y;
    const size_t first = block * TANH_BLOCK, last = first + min_size(TANH_BLOCK, b->n - first);
    for (size_t i = first; i < last; i++) { dx[i] += dy[i] * (1 - y[i] * y[i]); }
}

// dx = dy (1 - y^2)        dy (...)  y (...)  ->  dx (...)
void tanh_backward(real *dx, const real *dy, const real *y, size_t n) {
    in_parallel(tanh_backward_part, &(TanhBackward){dx, dy, y, n}, (n + TANH_BLOCK - 1) / TANH_BLOCK, 8 * n);
}
