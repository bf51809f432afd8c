// layer_norm.c: give each row mean 0 and variance 1, then each of its places a scale and a shift of its own.
#include "../ops/ops.h"
#include "../../mlp_c/fast/dispatch.h"
#include "../../mlp_c/fast/threads.h"

enum { NORM_ROWS = 16, NORM_COLUMNS = 64 };  // that one thread takes at a time

typedef struct {
    real *y, *mean, *rstd;
    const real *x, *weight, *bias;
    size_t B, E;
    real eps;
} LayerNorm;

DISPATCH
static void layer_norm_rows(const void *of, size_t block) {
    const LayerNorm f = *(const LayerNorm *)of;
    const size_t E = f.E, first = block * NORM_ROWS, last = first + min_size(NORM_ROWS, f.B - first);
    const real *restrict weight = f.weight, *restrict bias = f.bias;
    for (size_t i = first; i < last; i++) {
        const real *restrict x = f.x + i * E;
        real *restrict y = f.y + i * E, sum = 0, squares = 0;  // in two passes, since one would cancel
#pragma omp simd reduction(+ : sum)
        for (size_t e = 0; e < E; e++) { sum += x[e]; }
        const real mean = sum / (real)E;
#pragma omp simd reduction(+ : squares)
        for (size_t e = 0; e < E; e++) { squares += (x[e] - mean) * (x[e] - mean); }
        const real rstd = 1 / sqrt(squares / (real)E + f.eps);
        for (size_t e = 0; e < E; e++) { y[e] = (x[e] - mean) * rstd * weight[e] + bias[e]; }
        f.mean[i] = mean, f.rstd[i] = rstd;
    }
}

// y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps), mean and biased var over E
// x (B,E)  weight (E,)  bias (E,)  ->  y (B,E)  mean (B,)  rstd (B,)
void layer_norm_forward(real *y, real *mean, real *rstd, const real *x, const real *weight, const real *bias, size_t B,
                        size_t E, double eps) {
    const LayerNorm f = {y, mean, rstd, x, weight, bias, B, E, (real)eps};
    in_parallel(layer_norm_rows, &f, (B + NORM_ROWS - 1) / NORM_ROWS, 4 * B * E);
}

typedef struct {
    real *dx, *dweight, *dbias;
    const real *dy, *x, *mean, *rstd, *weight;
    size_t B, E;
} LayerNormBackward;

DISPATCH
static void layer_norm_drows(const void *of, size_t block) {
    const LayerNormBackward b = *(const LayerNormBackward *)of;
    const size_t E = b.E, first = block * NORM_ROWS, last = first + min_size(NORM_ROWS, b.B - first);
    const real *restrict weight = b.weight;
    for (size_t i = first; i < last; i++) {
        const real *restrict dy = b.dy + i * E, *restrict x = b.x + i * E, mean = b.mean[i], rstd = b.rstd[i];
        real *restrict dx = b.dx + i * E, sum = 0, sum_xhat = 0;
#pragma omp simd reduction(+ : sum, sum_xhat)
        for (size_t e = 0; e < E; e++) {
            const real dxhat = dy[e] * weight[e];
            sum += dxhat;
            sum_xhat += dxhat * ((x[e] - mean) * rstd);
        }
        sum /= (real)E, sum_xhat /= (real)E;
        for (size_t e = 0; e < E; e++) { dx[e] += rstd * (dy[e] * weight[e] - sum - (x[e] - mean) * rstd * sum_xhat); }
    }
}

// By columns, so that each sum is one thread's and runs in one order
DISPATCH
static void layer_norm_dcolumns(const void *of, size_t block) {
    const LayerNormBackward b = *(const LayerNormBackward *)of;
    const size_t E = b.E, first = block * NORM_COLUMNS, n = min_size(NORM_COLUMNS, E - first);
    real sum[NORM_COLUMNS] = {0}, sum_xhat[NORM_COLUMNS] = {0};
    for (size_t i = 0; i < b.B; i++) {
        const real *restrict dy = b.dy + i * E + first, *restrict x = b.x + i * E + first;
        const real mean = b.mean[i], rstd = b.rstd[i];
        for (size_t e = 0; e < n; e++) {
            sum[e] += dy[e];
            sum_xhat[e] += dy[e] * ((x[e] - mean) * rstd);
        }
    }
    for (size_t e = 0; e < n; e++) { b.dbias[first + e] += sum[e], b.dweight[first + e] += sum_xhat[e]; }
}

// dx = rstd (dxhat - mean of dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = (x - mean) rstd, dweight = sum
// of dy xhat over B, dbias = sum of dy over B
// dy (B,E)  x (B,E)  mean (B,)  rstd (B,)  weight (E,)  ->  dx (B,E)  dweight (E,)  dbias (E,)
void layer_norm_backward(real *dx, real *dweight, real *dbias, const real *dy, const real *x, const real *mean,
                         const real *rstd, const real *weight, size_t B, size_t E) {
    const LayerNormBackward b = {dx, dweight, dbias, dy, x, mean, rstd, weight, B, E};
    in_parallel(layer_norm_drows, &b, (B + NORM_ROWS - 1) / NORM_ROWS, 4 * B * E);
    in_parallel(layer_norm_dcolumns, &b, (E + NORM_COLUMNS - 1) / NORM_COLUMNS, 4 * B * E);
}
