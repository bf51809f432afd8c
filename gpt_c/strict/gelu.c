// gelu.c: let a number pass by the share of normal ones that are below it, in the form with tanh.
#include "../ops/ops.h"
#include "../../mlp_c/fast/dispatch.h"
#include "../../mlp_c/fast/threads.h"
#include "../../mlp_c/strict/functions.h"

enum { GELU_BLOCK = 512 };                                   // numbers that one thread takes at a time
static const real SQRT_2_PI = (real)0.79788456080286535588;  // sqrt(2 / pi)
static const real CUBIC = (real)0.044715, CUBIC_3 = (real)(3 * 0.044715);

typedef struct {
    real *to;
    const real *dy, *x;
    size_t n;
} Gelu;

// t = tanh(sqrt(2/pi) (x + 0.044715 x^3))        x (n,)  ->  t (n,)
static inline void gelu_tanh(real *restrict t, const real *restrict x, size_t n) {
    real u[GELU_BLOCK];
    for (size_t i = 0; i < n; i++) { u[i] = SQRT_2_PI * (x[i] + CUBIC * (x[i] * x[i] * x[i])); }
    nearest_tanh(t, u, n);
}

DISPATCH
static void gelu_forward_part(const void *of, size_t block) {
    const Gelu f = *(const Gelu *)of;
    const size_t first = block * GELU_BLOCK, n = min_size(GELU_BLOCK, f.n - first);
    const real *x = f.x + first;
    real t[GELU_BLOCK];
    gelu_tanh(t, x, n);
    for (size_t i = 0; i < n; i++) { f.to[first + i] = x[i] / 2 * (1 + t[i]); }
}

// y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))        x (...)  ->  y (...)
void gelu_forward(real *y, const real *x, size_t n) {
    in_parallel(gelu_forward_part, &(Gelu){y, NULL, x, n}, (n + GELU_BLOCK - 1) / GELU_BLOCK, 32 * n);
}

DISPATCH
static void gelu_backward_part(const void *of, size_t block) {
    const Gelu b = *(const Gelu *)of;
    const size_t first = block * GELU_BLOCK, n = min_size(GELU_BLOCK, b.n - first);
    real *restrict dx = b.to + first, t[GELU_BLOCK];
    const real *restrict dy = b.dy + first, *restrict x = b.x + first;
    gelu_tanh(t, x, n);
    for (size_t i = 0; i < n; i++) {
        const real du = SQRT_2_PI * (1 + CUBIC_3 * (x[i] * x[i]));
        dx[i] += dy[i] * ((1 + t[i]) / 2 + x[i] / 2 * (1 - t[i] * t[i]) * du);
    }
}

// dx = dy ((1 + t)/2 + x/2 (1 - t^2) sqrt(2/pi) (1 + 3 0.044715 x^2)), t the tanh of the forward
// dy (...)  x (...)  ->  dx (...)
void gelu_backward(real *dx, const real *dy, const real *x, size_t n) {
    in_parallel(gelu_backward_part, &(Gelu){dx, dy, x, n}, (n + GELU_BLOCK - 1) / GELU_BLOCK, 32 * n);
}
