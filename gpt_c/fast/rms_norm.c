// rms_norm.c: give each row the length sqrt(E), then each of its places a scale of its own; without a weight, none.
#include "../ops/ops.h"
#include "../../mlp_c/fast/dispatch.h"
#include "../../mlp_c/fast/threads.h"

enum { RMS_ROWS = 16, RMS_COLUMNS = 64 };  // that one thread takes at a time

typedef struct {
    real *y, *rstd;
    const real *x, *weight;
    size_t B, E;
    real eps;
} RMSNorm;

DISPATCH
static void rms_norm_rows(const void *of, size_t block) {
    const RMSNorm f = *(const RMSNorm *)of;
    const size_t E = f.E, first = block * RMS_ROWS, last = first + min_size(RMS_ROWS, f.B - first);
    for (size_t i = first; i < last; i++) {
        const real *restrict x = f.x + i * E, *restrict weight = f.weight;
        real *restrict y = f.y + i * E, squares = 0;
#pragma omp simd reduction(+ : squares)
        for (size_t e = 0; e < E; e++) { squares += x[e] * x[e]; }
        const real rstd = f.rstd[i] = 1 / sqrt(squares / (real)E + f.eps);
        for (size_t e = 0; e < E; e++) { y[e] = x[e] * rstd; }
        for (size_t e = 0; e < E && weight; e++) { y[e] *= weight[e]; }
    }
}

// y = x rstd weight, rstd = 1 / sqrt(mean of x^2 over E + eps)        x (B,E)  weight (E,)  ->  y (B,E)  rstd (B,)
void rms_norm_forward(real *y, real *rstd, const real *x, const real *weight, size_t B, size_t E, double eps) {
    const RMSNorm f = {y, rstd, x, weight, B, E, (real)eps};
    in_parallel(rms_norm_rows, &f, (B + RMS_ROWS - 1) / RMS_ROWS, 4 * B * E);
}

typedef struct {
    real *dx, *dweight;
    const real *dy, *x, *rstd, *weight;
    size_t B, E;
} RMSNormBackward;

static inline void rms_norm_drow(real *restrict dx, const real *restrict dy, const real *restrict x, real rstd,
                                 const real *restrict weight, size_t E) {
    real sum_xhat = 0;
#pragma omp simd reduction(+ : sum_xhat)
    for (size_t e = 0; e < E; e++) { sum_xhat += (weight ? dy[e] * weight[e] : dy[e]) * (x[e] * rstd); }
    sum_xhat /= (real)E;
    for (size_t e = 0; e < E; e++) { dx[e] += rstd * ((weight ? dy[e] * weight[e] : dy[e]) - x[e] * rstd * sum_xhat); }
}

DISPATCH
static void rms_norm_drows(const void *of, size_t block) {
    const RMSNormBackward b = *(const RMSNormBackward *)of;
    const size_t E = b.E, first = block * RMS_ROWS, last = first + min_size(RMS_ROWS, b.B - first);
    for (size_t i = first; i < last; i++) {
        if (b.weight) {  // said outside the loops, of which the compiler then makes two
            rms_norm_drow(b.dx + i * E, b.dy + i * E, b.x + i * E, b.rstd[i], b.weight, E);
        } else {
            rms_norm_drow(b.dx + i * E, b.dy + i * E, b.x + i * E, b.rstd[i], NULL, E);
        }
    }
}

// By columns, so that each sum is one thread's and runs in one order
DISPATCH
static void rms_norm_dcolumns(const void *of, size_t block) {
    const RMSNormBackward b = *(const RMSNormBackward *)of;
    const size_t E = b.E, first = block * RMS_COLUMNS, n = min_size(RMS_COLUMNS, E - first);
    real sum_xhat[RMS_COLUMNS] = {0};
    for (size_t i = 0; i < b.B; i++) {
        const real *restrict dy = b.dy + i * E + first, *restrict x = b.x + i * E + first, rstd = b.rstd[i];
        for (size_t e = 0; e < n; e++) { sum_xhat[e] += dy[e] * (x[e] * rstd); }
    }
    for (size_t e = 0; e < n; e++) { b.dweight[first + e] += sum_xhat[e]; }
}

// dx = rstd (dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = x rstd, dweight = sum of dy xhat over B
// dy (B,E)  x (B,E)  rstd (B,)  weight (E,)  ->  dx (B,E)  dweight (E,)
void rms_norm_backward(real *dx, real *dweight, const real *dy, const real *x, const real *rstd, const real *weight,
                       size_t B, size_t E) {
    const RMSNormBackward b = {dx, dweight, dy, x, rstd, weight, B, E};
    in_parallel(rms_norm_drows, &b, (B + RMS_ROWS - 1) / RMS_ROWS, 4 * B * E);
    if (weight) {
        in_parallel(rms_norm_dcolumns, &b, (E + RMS_COLUMNS - 1) / RMS_COLUMNS, 4 * B * E);
    }
}
