// rms_norm.c: give each row the length sqrt(E), then each of its places a scale of its own; without a weight, none.
#include "../ops/ops.h"
#include "norms.h"

typedef struct {
    real *y, *rstd;
    const real *x, *weight;
    size_t E;
    real eps;
} RMSNorm;

DISPATCH
static void rms_norm_part(const void *of, size_t i) {
    const RMSNorm f = *(const RMSNorm *)of;
    const size_t E = f.E;
    const real *restrict x = f.x + i * E;
    real *restrict y = f.y + i * E;
    const real rstd = 1 / sqrt(nearest_dot(x, x, E) / (real)E + f.eps);
    for (size_t e = 0; e < E; e++) { y[e] = x[e] * rstd; }
    for (size_t e = 0; f.weight && e < E; e++) { y[e] *= f.weight[e]; }
    f.rstd[i] = rstd;
}

// y = x rstd weight, rstd = 1 / sqrt(mean of x^2 over E + eps)        x (B,E)  weight (E,)  ->  y (B,E)  rstd (B,)
void rms_norm_forward(real *y, real *rstd, const real *x, const real *weight, size_t B, size_t E, double eps) {
    in_parallel(rms_norm_part, &(RMSNorm){y, rstd, x, weight, E, (real)eps}, B, 8 * B * E);
}

// dx = rstd (dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = x rstd, dweight = sum of dy xhat over B
// dy (B,E)  x (B,E)  rstd (B,)  weight (E,)  ->  dx (B,E)  dweight (E,)
void rms_norm_backward(real *dx, real *dweight, const real *dy, const real *x, const real *rstd, const real *weight,
                       size_t B, size_t E) {
    norm_parts_backward(&(Norm){dx, dweight, NULL, dy, x, NULL, rstd, weight, B, E});
}
