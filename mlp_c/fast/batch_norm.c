// batch_norm.c: give each channel mean 0 and variance 1 over the batch, then a scale and a shift of its own.
#include "../ops/ops.h"
#include "dispatch.h"
#include "threads.h"

enum { CHANNELS = 64 };  // channels at a time, so that their sums need no memory of their own

// In two passes, since the mean of squares less the square of the mean would cancel. Row by row, as x lies in memory.
static inline void mean_and_var(real *restrict mean, real *restrict var, const real *restrict x, size_t B, size_t C) {
    for (size_t first = 0; first < C; first += CHANNELS) {
        const size_t n = min_size(CHANNELS, C - first);
        real sum[CHANNELS] = {0}, squares[CHANNELS] = {0};
        for (size_t i = 0; i < B; i++) {
            for (size_t c = 0; c < n; c++) { sum[c] += x[i * C + first + c]; }
        }
        for (size_t c = 0; c < n; c++) { mean[first + c] = sum[c] / (real)B; }
        for (size_t i = 0; i < B; i++) {
            for (size_t c = 0; c < n; c++) {
                const real centred = x[i * C + first + c] - mean[first + c];
                squares[c] += centred * centred;
            }
        }
        for (size_t c = 0; c < n; c++) { var[first + c] = squares[c] / (real)B; }
    }
}

// y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps)
// x (B,C)  weight (C,)  bias (C,)  running_mean (C,)  running_var (C,)
// ->  y (B,C)  mean (C,)  rstd (C,)  new_running_mean (C,)  new_running_var (C,)
DISPATCH
void batch_norm_forward(real *restrict y, real *restrict mean, real *restrict rstd, real *restrict new_running_mean,
                        real *restrict new_running_var, const real *restrict x, const real *restrict weight,
                        const real *restrict bias, const real *restrict running_mean, const real *restrict running_var,
                        size_t B, size_t C, bool training, double momentum, double eps) {
    const real keep = (real)(1 - momentum), take = (real)momentum, tiny = (real)eps;
    const real unbiased =
        training ? (real)((double)B / (double)(B - 1)) : 1;  // the running variance estimates the population's
    if (training) {
        mean_and_var(mean, rstd, x, B, C);  // rstd holds the variance until the next loop
    }
    for (size_t c = 0; c < C; c++) {
        new_running_mean[c] = training ? keep * running_mean[c] + take * mean[c] : running_mean[c];
        new_running_var[c] = training ? keep * running_var[c] + take * (unbiased * rstd[c]) : running_var[c];
        mean[c] = training ? mean[c] : running_mean[c];
        rstd[c] = 1 / sqrt((training ? rstd[c] : running_var[c]) + tiny);
    }
    for (size_t i = 0; i < B; i++) {
        for (size_t c = 0; c < C; c++) { y[i * C + c] = (x[i * C + c] - mean[c]) * rstd[c] * weight[c] + bias[c]; }
    }
}

// dx = weight rstd (dy - dbias / B - xhat dweight / B), dweight = sum of dy xhat over B, dbias = sum of dy over B,
// xhat = (x - mean) rstd
// dy (B,C)  x (B,C)  mean (C,)  rstd (C,)  weight (C,)  ->  dx (B,C)  dweight (C,)  dbias (C,)
DISPATCH
void batch_norm_backward(real *restrict dx, real *restrict dweight, real *restrict dbias, const real *restrict dy,
                         const real *restrict x, const real *restrict mean, const real *restrict rstd,
                         const real *restrict weight, size_t B, size_t C) {
    for (size_t first = 0; first < C; first += CHANNELS) {
        const size_t end = first + min_size(CHANNELS, C - first);
        real sum_dy[CHANNELS] = {0}, sum_dy_xhat[CHANNELS] = {0};  // apart from what dweight and dbias held before
        for (size_t i = 0; i < B; i++) {
            for (size_t c = first; c < end; c++) {
                sum_dy[c - first] += dy[i * C + c];
                sum_dy_xhat[c - first] += dy[i * C + c] * ((x[i * C + c] - mean[c]) * rstd[c]);
            }
        }
        for (size_t c = first; c < end; c++) { dbias[c] += sum_dy[c - first]; }
        for (size_t c = first; c < end; c++) { dweight[c] += sum_dy_xhat[c - first]; }
        for (size_t i = 0; i < B; i++) {
            for (size_t c = first; c < end; c++) {
                real xhat = (x[i * C + c] - mean[c]) * rstd[c];
                real centred = dy[i * C + c] - sum_dy[c - first] / (real)B - xhat * (sum_dy_xhat[c - first] / (real)B);
                dx[i * C + c] += weight[c] * rstd[c] * centred;
            }
        }
    }
}
