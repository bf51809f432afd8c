// layer_norm.c: give each row mean 0 and variance 1, then each of its places a scale and a shift of its own.
#include "../ops/ops.h"
#include "norms.h"

typedef struct {
    real *y, *mean, *rstd;
    const real *x, *weight, *bias;
    size_t E;
    real eps;
} LayerNorm;

DISPATCH
static void layer_norm_part(const void *of, size_t i) {
    const LayerNorm f = *(const LayerNorm *)of;
    const size_t E = f.E;
    const real *restrict x = f.x + i * E, *restrict weight = f.weight, *restrict bias = f.bias;
    real *restrict y = f.y + i * E;
    const real mean = nearest_dot(x, NULL, E) / (real)E;
    for (size_t e = 0; e < E; e++) { y[e] = x[e] - mean; }
    const real rstd = 1 / sqrt(nearest_dot(y, y, E) / (real)E + f.eps);
    for (size_t e = 0; e < E; e++) { y[e] = y[e] * rstd * weight[e] + bias[e]; }
    f.mean[i] = mean, f.rstd[i] = rstd;
}

// y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps), mean and biased var over E
// x (B,E)  weight (E,)  bias (E,)  ->  y (B,E)  mean (B,)  rstd (B,)
void layer_norm_forward(real *y, real *mean, real *rstd, const real *x, const real *weight, const real *bias, size_t B,
                        size_t E, double eps) {
    in_parallel(layer_norm_part, &(LayerNorm){y, mean, rstd, x, weight, bias, E, (real)eps}, B, 8 * B * E);
}

// dx = rstd (dxhat - mean of dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = (x - mean) rstd, dweight = sum
// of dy xhat over B, dbias = sum of dy over B
// dy (B,E)  x (B,E)  mean (B,)  rstd (B,)  weight (E,)  ->  dx (B,E)  dweight (E,)  dbias (E,)
void layer_norm_backward(real *dx, real *dweight, real *dbias, const real *dy, const real *x, const real *mean,
                         const real *rstd, const real *weight, size_t B, size_t E) {
    norm_parts_backward(&(Norm){dx, dweight, dbias, dy, x, mean, rstd, weight, B, E});
}
